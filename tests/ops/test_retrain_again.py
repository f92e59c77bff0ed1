"""A batch that is run again, and a champion's reference that was lost: what production is compared with stays."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.cli import calling
from tests.ops.loop_case import month, settings_at
from unseen.ops.doctor import case_of, diagnose
from unseen.ops.files import sha256
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.retrain import regate, replay, retrain


@pytest.fixture
def loop(grown: Path, tmp_path: Path) -> Path:
    shutil.copytree(grown, tmp_path / "loop")
    return tmp_path / "loop"


def run_of(folder: Path, version: int = 1) -> Path:
    settings = settings_at(folder)
    return Places.of(settings).run(Registry(settings).state().version(version).record)


def bytes_of(folder: Path) -> dict[str, str]:
    return {str(p.relative_to(folder)): sha256(p) for p in sorted(folder.rglob("*")) if p.is_file()}


def call(folder: Path, *words: str) -> Any:
    return calling.call(*words, "--config", str(folder / "unseen.yaml"))


@pytest.mark.parametrize("search", [False, True])
def test_a_run_that_made_a_version_is_never_written_to_again(loop: Path, search: bool) -> None:
    run = run_of(loop)
    before = bytes_of(run)
    # another fit of the same rows, as a library or a processor may bring
    anew = retrain(settings_at(loop, fit={"tol": 1e-3}), again=True, search=search)
    same = retrain(settings_at(loop), again=True, search=search)
    assert bytes_of(run) == before
    assert same.id == f"{run.name}-2" and same.version not in (1, None) and anew.id != same.id
    third = retrain(settings_at(loop), again=True)
    assert third.id == f"{run.name}-3"
    told = retrain(settings_at(loop))
    assert told.outcome == Outcome.NOTHING_NEW and told.id == third.id, "the newest run of these rows is what ended"
    month(loop, 3)
    assert call(loop, "drift", str(loop / "months" / "2024-03.parquet")).exit_code == 0
    assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED


def test_gates_and_replay_find_a_run_that_was_run_again(loop: Path) -> None:
    settings = settings_at(loop)
    again = retrain(settings, again=True)
    validation, _, _ = regate(settings, again.id, "1")
    assert validation is not None and validation.gain == 0, "nothing else was fitted to the same rows"
    assert replay(case_of(again.id, settings))


def test_a_run_without_a_version_is_begun_anew_where_it_was(loop: Path) -> None:
    month(loop, 3)
    first = retrain(settings_at(loop, limits={"seconds": 1e-9}))
    again = retrain(settings_at(loop, limits={"seconds": 1e-9}), again=True)
    assert first.outcome == again.outcome == Outcome.LIMIT and first.id == again.id


def lose(reference: Path, how: str) -> None:
    stored = json.loads(reference.read_text())
    match how:
        case "missing":
            reference.unlink()
        case "damaged":
            reference.write_text(reference.read_text()[:100])
        case "without its counts":
            reference.write_text(json.dumps({**stored, "parts": {"overlap": [1.0]}}))
        case "another model's":
            reference.write_text(json.dumps({**stored, "model": "0123456789abcdef"}))


WAYS = ("missing", "damaged", "without its counts", "another model's")


@pytest.mark.parametrize("how", WAYS)
def test_a_lost_reference_is_made_anew_byte_for_byte(loop: Path, how: str) -> None:
    reference = run_of(loop) / "reference.json"
    was = reference.read_bytes()
    lose(reference, how)
    status = call(loop, "status")
    assert "the next look makes it anew" in status.stdout
    found = {d.mode: d for d in diagnose(case_of("visits", settings_at(loop)))}
    assert "reference.json" in found["F7"].evidence[0] and "unseen drift DATA" in found["F7"].command
    month(loop, 3)
    told: list[str] = []
    record = retrain(settings_at(loop), tell=lambda stage, said: told.append(f"{stage}: {said}"))
    assert record.outcome == Outcome.PROMOTED, record.reason
    assert [line for line in told if line.startswith("reference: ") and "made anew from version 1" in line]
    assert reference.read_bytes() == was


def test_drift_makes_a_lost_reference_anew(loop: Path) -> None:
    reference, data = run_of(loop) / "reference.json", str(month(loop, 3))
    first = call(loop, "drift", data)
    reference.unlink()
    again = call(loop, "drift", data)
    assert again.exit_code == first.exit_code == 0 and "made anew" in again.stderr
    assert "looked at before" in again.stdout, "what was seen before still counts"


def test_what_cannot_be_made_anew_is_held_with_a_remedy_that_works(loop: Path) -> None:
    (run_of(loop) / "reference.json").unlink()
    month(loop, 1, seed=99)  # the rows that the champion learned from are not there any more
    month(loop, 3), month(loop, 4)
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.HELD
    remedy = "unseen promote visits --to VERSION --override"
    assert remedy in record.reason and "2024-01.parquet" in record.reason
    assert remedy in call(loop, "status").stdout
    found = {d.mode: d for d in diagnose(case_of("visits", settings_at(loop)))}
    assert remedy in found["F7"].command
    call(loop, "promote", "visits", "--to", str(record.version), "--override", "--reason", "its rows are right")
    assert not [line for line in call(loop, "status").stdout.splitlines() if line.startswith("drift")]
    month(loop, 5)
    assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED
