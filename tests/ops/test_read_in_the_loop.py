"""What ``data.read`` says of tables with types goes for the loop, as it goes for `unseen fit`."""

from __future__ import annotations

import subprocess
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import UNSEEN, call, ok
from unseen.ops.config import load, settings_hash
from unseen.ops.registry import Registry
from unseen.store import load as run_of

ROWS = 400


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Months of a code for a department, -1 for an unknown price, numbers as text, and a year that is no number."""
    for number in (1, 2, 3):
        rng = np.random.default_rng(number)
        group = rng.random(ROWS) < 0.5
        columns = {
            "department": np.where(group, 7, rng.integers(1, 5, ROWS)),
            "price": np.where(rng.random(ROWS) < 0.1, -1.0, rng.normal(np.where(group, 20, 60), 3).round(2)),
            "weight": [f"{x:.2f}" for x in rng.normal(np.where(group, 1, 4), 0.3)],
            "built": rng.integers(1990, 2020, ROWS),
        }
        (tmp_path / "months").mkdir(exist_ok=True)
        pq.write_table(pa.table(columns), tmp_path / "months" / f"2024-{number:02}.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


SAID = ("--text", "department", "--date", "built", "--missing", "price=-1")


def test_what_is_said_of_columns_with_types_is_learned_and_fitted(here: Path) -> None:
    ok("init", "months", *SAID)
    settings = load("unseen.yaml", {})
    rules = {name: rule.type for name, rule in settings.schema_.columns.items()}
    assert rules == {"department": "category", "price": "number", "weight": "number", "built": "other"}
    assert settings.data.read.number == ("weight",)  # text that holds nothing but many numbers, as `fit` reads it
    assert settings.schema_.columns["price"].min == 0
    assert set(settings.schema_.columns["department"].values) == {"1", "2", "3", "4", "7"}
    Path("unseen.yaml").write_text(Path("unseen.yaml").read_text().replace("model:\n", "model:\n  components: 2\n"))
    done = call("retrain")
    assert done.exit_code in (0, 10), done.output
    registry = Registry(load("unseen.yaml", {}))
    fitted = run_of(registry.run(registry.state().version(1)))
    kinds = {field.name: field.kind for field in fitted.encoding.fields}
    assert kinds == {"department": "category", "price": "number", "weight": "number"}
    assert fitted.profile["price"].missing > 0.05 * fitted.profile.rows


def test_files_that_are_read_otherwise_are_other_data(here: Path) -> None:
    ok("init", "months")
    before = load("unseen.yaml", {})
    ok("init", "months", "--force", "--text", "department")
    assert settings_hash(load("unseen.yaml", {})) != settings_hash(before)


@pytest.mark.parametrize("kind", ["parquet", "csv"])
def test_a_column_that_is_named_and_gone_is_a_missing_column(here: Path, kind: str) -> None:
    if kind == "csv":
        for path in Path("months").iterdir():
            pq.read_table(path).to_pandas().to_csv(path.with_suffix(".csv"), index=False)
            path.unlink()
    ok("init", "months", *SAID)
    newest = max(Path("months").iterdir())
    kept = pq.read_table(newest) if kind == "parquet" else None
    if kept is not None:
        pq.write_table(kept.drop_columns(["department"]), newest)
    else:
        import pandas as pd

        pd.read_csv(newest).drop(columns="department").to_csv(newest, index=False)
    done = call("retrain")
    assert done.exit_code == 11, done.output
    assert "column 'department' is missing in '2024-03" in done.output, done.output


def test_refusals_name_keys_of_the_file_and_not_options_of_fit(here: Path) -> None:
    for path in Path("months").iterdir():
        pq.read_table(path).to_pandas().to_csv(path.with_suffix(".csv"), index=False)
        path.unlink()
    ok("init", "months")
    newest = max(Path("months").iterdir())
    newest.write_text(newest.read_text() + "1,2\n")
    for command in (["retrain"], ["retrain", "--json"], ["status"], ["history", "--json"], ["check"]):
        said = call(*command).output
        assert "--" not in said, said
        assert "(data.read.skip_bad: true)" in said, said
    assert "(--skip-bad)" in call("init", "months", "--force").output  # which has the option


def test_a_month_in_another_currency_is_told_with_its_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("months").mkdir()

    def deliver(number: int, sign: str) -> None:
        rng = np.random.default_rng(number)
        prices = (f"{x:_.2f} {sign}".replace(".", ",").replace("_", ".") for x in rng.normal(2000, 300, ROWS))
        lines = [f"{price};{age:.1f}" for price, age in zip(prices, rng.normal(40, 9, ROWS), strict=True)]
        Path(f"months/2024-{number:02}.csv").write_text("\n".join(["price;age", *lines]) + "\n")

    deliver(1, "€")
    deliver(2, "€")
    ok("init", "months")
    deliver(3, "$")
    done = call("retrain")
    assert done.exit_code == 11, done.output
    said = (
        "column 'price' of '2024-03.csv' is written with decimal comma with $, and in others with decimal comma with €"
    )
    assert f"{said}: another currency or unit?" in done.output
    assert "do not agree" not in done.output and "decimal;" not in done.output


def test_nothing_of_other_libraries_reaches_the_terminal(here: Path) -> None:
    """PySpark says something about pandas whenever Pandera looks for it, which would be in the mail of every night."""
    pytest.importorskip("pyspark")
    ok("init", "months")
    Path("unseen.yaml").write_text(Path("unseen.yaml").read_text().replace("model:\n", "model:\n  components: 1\n"))
    done = subprocess.run([*UNSEEN, "retrain", "--quiet"], capture_output=True, text=True, timeout=300)
    assert done.returncode in (0, 10), done.stderr
    assert done.stderr == ""


def test_a_retrain_tells_how_files_were_read_and_that_the_largest_number_was_best(here: Path) -> None:
    """As `unseen fit` tells it: an encoding that was found, a header that is repeated inside."""
    for path in Path("months").iterdir():
        text = pq.read_table(path, columns=["price", "weight"]).to_pandas().astype(float).to_csv(index=False)
        header, _, rows = text.partition("\n")
        path.with_suffix(".csv").write_text(
            f"{header}\n{rows[:400].rpartition(chr(10))[0]}\n{header}\n{rows}", "utf-16"
        )
        path.unlink()
    ok("init", "months", "--components", "1:2")
    told = [line for line in ok("retrain").output.splitlines() if line.startswith(("read ", "number "))]
    assert any("the header is repeated, and left out, in 3 rows" in line for line in told), told
    said = "2 is the largest number of components that was tried, so more may be better: model.components"
    assert told[-1] == f"number    {said}"
