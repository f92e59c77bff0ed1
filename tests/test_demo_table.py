"""The demo on an ordinary table, on a part of it and with fewer things to try."""

from __future__ import annotations

import pytest
from pyarrow import csv

import unseen
from unseen.demo import table as demo


@pytest.fixture
def few(tmp_path, monkeypatch):
    from importlib.resources import files

    whole = csv.read_csv(
        str(files("unseen") / "data" / "credit.csv"), convert_options=csv.ConvertOptions(strings_can_be_null=True)
    )
    csv.write_csv(whole.take(list(range(0, whole.num_rows, 6))), tmp_path / "credit.csv")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(demo, "OPTIONS", {**demo.OPTIONS, "components": (3,), "covariance": "full", "restarts": 3})
    return tmp_path / "credit.csv"


def test_it_tells_what_was_found_and_how_credits_end(few, capsys) -> None:
    result = demo.fit(str(few))
    told = capsys.readouterr().out
    assert "hurdle_log_normal" in told and "0 in 8" in told  # of ten applicants eight have no debt
    assert demo.kinds(result).count("% bad") == 3
    assert unseen.load(demo.keep(result)).loglik == result.loglik
    assert {c["column"] for c in result.columns if c["family"]} == set(result.profile.names)


def test_what_it_fills_in_is_better_than_averages(few) -> None:
    options = csv.ConvertOptions(strings_can_be_null=True)
    whole = csv.read_csv(few, convert_options=options)
    shown, hidden = demo.hide(whole)
    filled = demo.fit(shown, told=False).impute(shown)
    ours, simple = demo.errors(whole, filled, hidden), demo.errors(whole, demo.averaged(shown), hidden)
    assert ours[1] < simple[1]
    assert demo.judged(few).startswith("A tenth of the known cells was hidden")
