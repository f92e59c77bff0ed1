"""Planted names, e-mails and card numbers go down every path, and come out of none.

The saved fit (``model/`` and its copy in the registry) and ``reference.json`` are as private as the data and are not
looked at; everything else is: what commands print, logs, records, metrics, MLflow's database and files.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from tests.ops.loop_case import month, settings_at
from unseen.cli.shell import cli
from unseen.ops.retrain import retrain

NAME, MAIL, CARD = "Ada Lovelace", "ada@example.org", 4111111111111111
PLANTED = re.compile(rf"Lovelace|ada@example|{CARD}|4111[ -]1111|4\.1{{6,}}e\+?15|{CARD:,}|Grace Hopper|grace@", re.I)
GATE = f'def value(result, table):\n    raise ValueError("{NAME} {MAIL} {CARD}")\n'
RULES = {
    "columns": {
        "age": {"type": "number", "min": -50, "max": 50},
        "spend": {"type": "number", "missing": 0.3},
        "visits": {"type": "number"},
        "plan": {"type": "category", "values": ["a", "b", NAME]},
    },
    "duplicates": 0.2,
}


def plant(path: Path) -> None:
    """Who they are beside what they did: two private columns, and a category that is a name."""
    table = pq.read_table(path)
    plan = pa.array([NAME if v == "c" else v for v in table["plan"].to_pylist()])
    rows = table.num_rows
    table = table.set_column(table.column_names.index("plan"), "plan", plan)
    table = table.append_column("mail", pa.array([MAIL] * rows)).append_column("card", pa.array([CARD] * rows))
    pq.write_table(table, path)


def replaced(name: str, values: object) -> Callable[[Path], None]:
    def change(path: Path) -> None:
        table = pq.read_table(path)
        column = pa.array([values] * table.num_rows) if not isinstance(values, list) else pa.array(values)
        pq.write_table(table.set_column(table.column_names.index(name), name, column), path)

    return change


BATCHES: dict[str, tuple[Callable[[Path], object], int]] = {
    "a number column holds mails": (replaced("age", MAIL), 11),
    "a number column holds cards": (replaced("age", CARD), 11),
    "a new category is a mail": (replaced("plan", "grace@example.org"), 11),
    "a category column holds cards": (replaced("plan", CARD), 11),
    "a column is gone": (lambda p: pq.write_table(pq.read_table(p).drop_columns(["spend"]), p), 11),
    "all rows are one": (lambda p: pq.write_table(pa.concat_tables([pq.read_table(p).slice(0, 1)] * 500), p), 11),
    "half a file": (lambda p: p.write_bytes(p.read_bytes()[: p.stat().st_size // 2]), 11),
    "text instead of Parquet": (lambda p: p.write_text(f"{NAME},{MAIL},{CARD}\n" * 50), 11),
}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("planted")
    for number in (1, 2):
        plant(month(folder, number))
    assert retrain(settings_at(folder, data={"ignore": ["mail", "card"]}, schema=RULES)).outcome == "promoted"
    return folder


@pytest.fixture
def here(grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    import shutil

    shutil.copytree(grown, tmp_path / "loop")
    monkeypatch.chdir(tmp_path / "loop")
    return tmp_path / "loop"


def call(*words: object, code: int | None = None) -> str:
    done = CliRunner().invoke(cli, [str(w) for w in words])
    assert code is None or done.exit_code == code, done.output
    assert "Traceback" not in done.output
    return done.output


def everything_told(folder: Path) -> dict[str, str]:
    """Each file that people or other systems read, as text."""
    files = [p for p in (folder / ".unseen").rglob("*") if p.is_file()]
    saved = [p for p in files if (p.parent / "MANIFEST.json").exists() or p.name == "reference.json"]
    kept = [p for p in files if p.parent.name == "memory"]
    assert saved and kept, "there are a saved fit and rows of the memory to pass over"
    assert not [p for p in kept if {"mail", "card"} & set(pq.read_schema(p).names)], "columns that no model takes"
    private = saved + kept
    return {str(p): p.read_bytes().decode("utf-8", "replace") for p in files if p not in private}


def clean(folder: Path, *printed: str) -> None:
    told = everything_told(folder)
    assert any(path.endswith("mlflow.db") for path in told) and any(path.endswith(".prom") for path in told)
    for where, text in [*told.items(), *((f"output {i}", t) for i, t in enumerate(printed))]:
        found = PLANTED.search(text)
        assert found is None, f"{where} holds {found.group() if found else ''}"


def test_the_pattern_finds_what_was_planted() -> None:
    for text in (NAME, MAIL, str(CARD), f"{CARD:,}", "4111-1111-1111-1111", str(float(CARD)), f"{float(CARD):.6e}"):
        assert PLANTED.search(text) or PLANTED.search(text.replace(".0", "")), text


def test_a_promoted_month(here: Path) -> None:
    plant(month(here, 3))
    printed = [call("retrain", "--json", code=0), call("retrain"), call("check", "--json"), call("gate", newest(here))]
    printed += [call("status"), call("status", "--json"), call("history", "--json"), call("monitor", "--print")]
    printed += [call("doctor", "visits"), call("doctor", "visits", "--json")]
    printed += [call("drift", "months/2024-03.parquet"), call("drift", "months/2024-02.parquet", "--json", "--peek")]
    printed += [call("rollback", "visits", "--reason", "a try", code=0), call("history")]
    clean(here, *printed)


def newest(folder: Path) -> str:
    runs = (folder / ".unseen" / "runs").glob("2024-03*")
    return next(runs).name


@pytest.mark.parametrize("fault", BATCHES)
def test_a_batch_that_is_refused(here: Path, fault: str) -> None:
    change, code = BATCHES[fault]
    path = month(here, 3)
    plant(path)
    change(path)
    printed = [call("retrain", "--json", code=code), call("history"), call("doctor", "visits"), call("check")]
    printed += [call("drift", path), call("drift", path, "--json"), call("status", "--json")]
    printed += [call("monitor", "--print")]
    clean(here, *printed)


def test_a_gate_whose_error_names_people(here: Path) -> None:
    plant(month(here, 3))
    (here / "judges.py").write_text(GATE)
    changes = {"validate": {"metric": "judges:value"}, "gates": {"min_metric": 0.0}}
    settings_at(here, data={"ignore": ["mail", "card"]}, schema=RULES, **changes)
    clean(here, call("retrain", "--json", code=10), call("history"), call("doctor", "visits"))


def test_a_fit_that_fails(here: Path) -> None:
    plant(month(here, 3))
    changes = {"fit": {"max_iterations": 1, "tol": 1e-12}}
    settings_at(here, data={"ignore": ["mail", "card"]}, schema=RULES, **changes)
    clean(here, call("retrain", "--json", code=12), call("doctor", "visits", "--json"))


def test_an_unexpected_error_that_names_people(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError(f"{NAME} {MAIL} {CARD}")

    plant(month(here, 3))
    with monkeypatch.context() as patched:
        patched.setattr("unseen.ops.retrain.pipeline.Learning.best", broken)
        printed = call("retrain", "--json", code=15)
    told = json.loads(printed)
    assert "RuntimeError" in told["reason"]
    clean(here, printed, call("status", "--json"), call("doctor", "visits"))


def test_events_are_json_lines_with_the_run(here: Path) -> None:
    plant(month(here, 3))
    call("retrain", code=0)
    lines = [json.loads(line) for line in (here / ".unseen" / "events.jsonl").read_text().splitlines()]
    assert all({"event", "level", "timestamp", "model"} <= set(line) for line in lines)
    assert {line["run"] for line in lines if line["event"] == "stage ended"} >= {newest(here)}
    assert not any(isinstance(v, np.ndarray) for line in lines for v in line.values())
