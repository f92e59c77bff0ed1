"""The scanner for personal data, and the paths of the loop where planted values could come out besides a retrain's.

See `test_no_value_leaves` for retrains; what is planted is the same here.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.cli.calling import UNSEEN
from tests.ops.loop_case import month, settings_at
from tests.ops.registry_case import flip
from tests.ops.test_no_value_leaves import CARD, MAIL, NAME, PLANTED, RULES, call, clean, grown, here, plant
from unseen.core.profile import ColumnProfile, Profile
from unseen.errors import UnseenError
from unseen.ops.config import Settings
from unseen.ops.doctor import case_of, identifying
from unseen.ops.doctor.leaks import kinds_in, last_lines, read_by_people, scan
from unseen.ops.places import Places
from unseen.ops.registry import Registry
from unseen.ops.retrain import regate, replay, retrain

__all__ = ["grown", "here"]  # fixtures

CARDS, MAILS, SSN, IBANS = "card numbers", "e-mail addresses", "US social security numbers", "IBANs"

# ---- the scanner


@pytest.mark.parametrize(
    ("text", "kinds"),
    [
        ("4111111111111111", {CARDS}),
        ("4111 1111 1111 1111", {CARDS}),
        ("4111-1111-1111-1111", {CARDS}),
        ("4,111,111,111,111,111", {CARDS}),
        ('{"high": 4111111111111111, "low": 1}', {CARDS}),
        ("[4111111111111111.0]", {CARDS}),
        ("x 4.111111111111111e+15", {CARDS}),
        ("378282246310005", {CARDS}),  # American Express
        ("5555555555554444 6011111111111117", {CARDS}),
        ("4111111111111112", set()),  # wrong check digit
        ("1111111111111117", set()),  # no issuer
        ("1795376161042000000", set()),  # nanoseconds since 1970
        ("0.4111111111111111", set()),
        ("60b9f943261344068d52d0c2e59e4724 a4111111111111111 4111111111111111f", set()),
        ("41111111111111110000", set()),
        ("mail ada@example.org.", {MAILS}),
        ("<grace.hopper+navy@mail.example.co.uk>", {MAILS}),
        ("root@localhost user@host-1 a@b", set()),
        ("SSN 123-45-6789", {SSN}),
        ("2013-04-05 000-12-3456 123-45-67890 666-12-1234", set()),
        ("GB82 WEST 1234 5698 7654 32 or DE89370400440532013000", {IBANS}),
        ("GB82 WEST 1234 5698 7654 33", set()),
        ("", set()),
    ],
)
def test_what_personal_data_looks_like(text: str, kinds: set[str]) -> None:
    assert kinds_in(text) == kinds


@given(st.lists(st.floats(allow_nan=False, min_value=-1e9, max_value=1e9)), st.binary(min_size=32, max_size=32))
@settings(max_examples=60, deadline=None)
def test_numbers_and_hashes_of_the_loop_are_no_personal_data(numbers: list[float], digest: bytes) -> None:
    text = json.dumps({"trace": numbers, "id": f"2013-04-{digest.hex()[:12]}", "hash": digest.hex()})
    assert kinds_in(text + " 2026-01-02T03:04:05.678+00:00 0.1.0 3.11.7") == set()


def test_files_are_read_in_pieces_and_the_saved_fit_is_passed_over(tmp_path: Path) -> None:
    big = tmp_path / "events.jsonl"
    big.write_text("x" * (1 << 20) + " ada@example.org " + "y" * 10)
    (tmp_path / "edge.log").write_text("x" * ((1 << 20) - 8) + " ada@example.org")
    (tmp_path / "who.json").write_text('{"actor": "ada@example.org", "by":"ada@example.org"}')
    model = tmp_path / "model"
    model.mkdir()
    for name in ("MANIFEST.json", "run.json"):
        (model / name).write_text("ada@example.org")
    (tmp_path / "reference.json").write_text("ada@example.org")
    (tmp_path / "table.parquet").write_text("ada@example.org")
    found = dict(scan(read_by_people(tmp_path)))
    assert {p.name: kinds for p, kinds in found.items()} == {"events.jsonl": {MAILS}, "edge.log": {MAILS}}
    assert list(scan([tmp_path / "gone"])) == []
    assert last_lines(big, "example")[0].endswith("y" * 10) and last_lines(tmp_path / "gone", "x") == []


# ---- columns that identify people


def column(name: str = "c", kind: str = "category", **facts: Any) -> ColumnProfile:
    return ColumnProfile(name, kind, 100, **facts)


@pytest.mark.parametrize(
    ("profile", "kind"),
    [
        (column(values={"AA": 50, MAIL: 1}), MAILS),
        (column(values={"4111 1111 1111 1111": 1}), CARDS),
        (column(kind="integer", low=4.111111111111111e15, high=5.555555555554444e15), CARDS),
        (column(values={"AA": 50, "B6": 50}), None),
        (column(values=None), None),
        (column(kind="number", low=-3.5, high=1e15), None),
        (column(kind="integer", low=1.3e18, high=1.4e18), None),
        (column(kind="number"), None),
    ],
)
def test_columns_that_would_be_modelled(profile: ColumnProfile, kind: str | None) -> None:
    plain = Settings.model_validate({"name": "m", "data": {"path": "x"}})
    found = identifying(Profile((profile,)), plain)
    assert [f.check for f in found] == (["sensitive"] if kind else [])
    assert not found or (kind and kind in found[0].message and MAIL not in found[0].message)
    allowed = plain.model_copy(update={"privacy": plain.privacy.model_copy(update={"sensitive": ("c",)})})
    assert identifying(Profile((profile,)), allowed) == ()


def changed(**columns: Any) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        table = pq.read_table(path)
        for name, values in columns.items():
            table = table.set_column(table.column_names.index(name), name, pa.array(values))
        pq.write_table(table, path)

    return change


@pytest.mark.parametrize("name", ["plan", "age"])
def test_a_column_of_people_never_trains(here: Path, name: str) -> None:
    path = month(here, 3)
    plant(path)
    rows = pq.read_metadata(path).num_rows
    values = [MAIL] * 3 + ["a"] * (rows - 3) if name == "plan" else [CARD, 5555555555554444] * (rows // 2)
    changed(**{name: values})(path)
    settings_at(here, data={"ignore": ["mail", "card"], "window": 1})
    told = json.loads(call("retrain", "--json", code=11))
    assert told["findings"][0]["check"] == "sensitive" and told["fit"] is None and told["version"] is None
    clean(here, json.dumps(told), call("doctor", "visits", "--json", code=30), call("monitor", "--print"))


# ---- the other commands and their troubles


def test_rules_dashboards_and_reports_to_share(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")  # promtool would take its time
    run = next((here / ".unseen" / "runs").glob("2024-02*"))
    printed = [call("alerts", "-o", "monitoring"), call("dashboards", "-o", "monitoring"), call("status", "--json")]
    page = here / "page.html"
    printed += [call("report", run / "model", "--shareable", "--hide", "spend", "-o", page, code=0)]
    shared = page.read_text()
    body = shared[: shared.index("plotly.js")] + shared[shared.rindex("</script>", 0, len(shared) - 100) :]
    assert PLANTED.search(shared) is None and "category 1" in shared
    assert ">spend<" not in body and "age" in shared
    written = "".join(p.read_text() for p in (here / "monitoring").iterdir())
    clean(here, *printed, written)


def test_a_report_that_is_not_to_be_shared_says_so(here: Path) -> None:
    run = next((here / ".unseen" / "runs").glob("2024-02*"))
    call("report", run / "model", "-o", here / "page.html", code=0)
    text = (here / "page.html").read_text()
    assert NAME in text and "it does hold the names of columns and categories" in text


def test_decisions_and_what_follows_from_them(here: Path) -> None:
    plant(month(here, 3))
    settings_at(here, data={"ignore": ["mail", "card"]}, schema=RULES, gates={"heldout_drop": -100.0})
    printed = [call("retrain", "--json", code=10), call("gate", newest(here), "--against", "none", "--json")]
    printed += [call("promote", "visits", "--reason", "a try"), call("doctor", newest(here), "--replay")]
    printed += [call("promote", "visits", "--override", "--reason", "a try", code=0)]
    printed += [call("rollback", "visits", "--reason", "back", "--json", code=0), call("history", "--json")]
    clean(here, *printed)


def newest(folder: Path) -> str:
    return next((folder / ".unseen" / "runs").glob("2024-03*")).name


@pytest.mark.parametrize("trouble", ["no database", "altered artefact", "altered log", "altered reference"])
def test_troubles_of_the_registry(here: Path, trouble: str) -> None:
    plant(month(here, 3))
    settings_here = settings_at(here, data={"ignore": ["mail", "card"]}, schema=RULES)
    champion = Registry(settings_here).champion()
    assert champion is not None
    home = settings_here.home
    if trouble == "no database":
        (home / "mlflow.db").write_bytes(b"nothing that SQLite knows" * 100)
    elif trouble == "altered artefact":
        flip(home / champion.artifact / "data" / "fit" / "run.json")
    elif trouble == "altered log":
        flip(Places.of(settings_here).log)
    else:
        flip(Places.of(settings_here).run(champion.record) / "reference.json")
    printed = [call("retrain", "--json"), call("status"), call("status", "--json"), call("history")]
    printed += [call("doctor", "visits"), call("drift", "months/2024-03.parquet"), call("monitor", "--print")]
    printed += [call("rollback", "visits", "--reason", "back"), call("promote", "visits", "--reason", "on")]
    told = "".join(p.read_text(errors="replace") for p in home.glob("*.jsonl"))
    for text in (*printed, told):
        assert PLANTED.search(text) is None, text


def test_exceptions_of_the_functions_below_the_commands(here: Path) -> None:
    path = month(here, 3)
    plant(path)
    s = settings_at(here, data={"ignore": ["mail", "card"]}, schema=RULES)
    record = retrain(s)
    changed(plan=["grace@example.org"] * pq.read_metadata(path).num_rows)(path)
    said = []
    for action in (
        lambda: regate(s, "nothing"),
        lambda: regate(s, record.id),
        lambda: replay(case_of(record.id, s)),
        lambda: case_of("nothing", s),
        lambda: Registry(s).load(99),
        lambda: Registry(s).load(1).log_prob(str(path)),
        lambda: Registry(s).promote(1, 99, "why"),
    ):
        try:
            said.append(repr(action()))
        except UnseenError as error:
            said.append(str(error))
    assert len(said) == 7 and not any(map(PLANTED.search, said)), said


def test_what_a_process_prints_with_every_warning_on(here: Path) -> None:
    path = month(here, 3)
    plant(path)
    huge = np.where(np.arange(pq.read_metadata(path).num_rows) < 3, float(CARD) * 1e145, 1.0)
    changed(spend=huge)(path)
    settings_at(here, data={"ignore": ["mail", "card"], "window": 1}, schema=RULES)
    done = subprocess.run(
        [*UNSEEN, "retrain"],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONWARNINGS": "always"},
    )
    assert done.returncode == 12, done.stdout + done.stderr
    clean(here, done.stdout, done.stderr)
