"""`unseen drift` against a champion that a retrain made."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call, fails
from tests.ops.drift_case import GROWN, rows
from unseen.ops.config import load
from unseen.ops.drift import latest
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Log, Registry
from unseen.ops.retrain import retrain

FILE = """
name: birds
data: {path: data/*.parquet}
model: {components: 4, family: {visits: poisson}}
fit: {restarts: 1, tol: 1.0e-4}
gates: {heldout_drop: 0.01, first: allow}
drift: {retrain: true}
"""


def write(data: dict, path: Path) -> Path:
    path.parent.mkdir(exist_ok=True)
    pq.write_table(pa.table({k: pa.array(v, from_pandas=True) for k, v in data.items()}), path)
    return path


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with unseen.yaml, its data, and a champion."""
    folder = tmp_path_factory.mktemp("birds")
    (folder / "unseen.yaml").write_text(FILE)
    write(rows(8000, 0), folder / "data" / "2020-01.parquet")
    assert retrain(load(folder / "unseen.yaml")).outcome == Outcome.PROMOTED
    return folder


@pytest.fixture
def here(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def test_drift_is_told_with_its_causes_and_its_exit_code(here: Path) -> None:
    write(rows(2000, 70, GROWN), here / "new.parquet")
    done = call("drift", "new.parquet")
    assert done.exit_code == 20, done.output
    head, cause, *_ = done.stdout.splitlines()
    assert head == "drift (2,000 rows, look 1 at version 1)"
    assert cause.startswith("  component ") and " grew from " in cause
    assert "drift.retrain is set" in done.stdout and "ended before" in done.stdout.splitlines()[-1]
    again = call("drift", "new.parquet")
    assert again.exit_code == 20
    assert "looked at before: nothing was added" in again.stdout
    places = Places.of(load("unseen.yaml"))
    [line] = [e.facts for e in Log(places).entries() if e.kind == "drift"]
    assert (line["version"], line["look"], line["rows"], line["drifted"]) == (1, 1, 2000, True)
    known = latest(places)
    assert known is not None and (known.looks_total, known.alarms_total) == (1, 1)


def test_drift_retrains_where_that_is_asked_for(here: Path) -> None:
    write(rows(2000, 70, GROWN), here / "data" / "new.parquet")
    done = call("drift", "data/new.parquet", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 20 and told["retrained"]["outcome"] in ("promoted", "held"), done.output
    assert told["retrained"]["version"] == 2
    call("drift", "data/new.parquet")
    assert len(Registry(load("unseen.yaml")).versions()) == 2, "the same rows are trained on once"


def test_no_drift(here: Path) -> None:
    write(rows(1000, 71), here / "same.parquet")
    done = call("drift", "same.parquet", "-c", here / "unseen.yaml")
    assert (done.exit_code, done.stdout) == (0, "no drift (1,000 rows, look 1 at version 1)\n")


def test_the_rows_behind_the_champion_are_no_drift(here: Path) -> None:
    assert call("drift", "data", "--peek").exit_code == 0


def test_peeking_is_not_recorded(here: Path) -> None:
    write(rows(2000, 70, GROWN), here / "new.parquet")
    done = call("drift", "new.parquet", "--peek", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == told["exit"] == 20
    assert (told["version"], told["recorded"], told["drifted"], told["retrain"]) == (1, False, True, True)
    assert {"name", "effect", "e_value", "threshold", "verdict", "cause"} <= set(told["tests"][0])
    assert latest(Places.of(load("unseen.yaml"))) is None


def test_what_happened_before_is_told(here: Path) -> None:
    write(rows(3000, 70, GROWN), here / "storm.parquet")
    write(rows(500, 71), here / "calm.parquet")
    call("drift", "storm.parquet")
    done = call("drift", "calm.parquet")
    assert done.exit_code == 20
    assert done.stdout.startswith("drift since look 1 (500 rows, look 2 at version 1)\n")
    assert "the first alarm was at look 1" in done.stdout


def test_an_empty_file_is_no_look(here: Path) -> None:
    write({name: values[:0] for name, values in rows(5, 0).items()}, here / "empty.parquet")
    done = call("drift", "empty.parquet")
    assert done.exit_code == 0
    assert "fewer rows than privacy.min_rows_per_component" in done.stdout


def test_trouble_is_one_sentence_and_a_code(here: Path) -> None:
    fails(3, "there is no file 'gone.parquet'", "drift", "gone.parquet")
    data = rows(50, 0)
    del data["visits"]
    write(data, here / "short.parquet")
    fails(3, "no column 'visits'", "drift", "short.parquet")
    (here / "fresh.yaml").write_text(FILE + "state: elsewhere\n")
    fails(14, "'birds' has no champion yet", "drift", "data", "-c", "fresh.yaml")
    [reference] = here.glob(".unseen/runs/*/reference.json")
    body = reference.read_text()
    reference.write_text(body[:100])
    write(rows(8000, 1), here / "data" / "2020-01.parquet")  # what it was made of is not there any more
    fails(14, "reference.json is damaged", "drift", "data")
    reference.unlink()
    fails(14, "reference.json is missing", "drift", "data")
