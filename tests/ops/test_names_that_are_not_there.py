"""Runs, versions and partitions that are not there: the nearest names are told; and where exit codes are told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.ops.loop_case import month, settings_at
from unseen.cli import exits
from unseen.cli.doctor import FOUND
from unseen.cli.drift import DRIFT
from unseen.cli.watch import PUSHED
from unseen.ops import files
from unseen.ops.places import nearest
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def loop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A loop of five months, of which three were learned from."""
    folder = tmp_path_factory.mktemp("loop")
    settings_at(folder, model={"components": 2})
    before = Path.cwd()
    import os

    os.chdir(folder)
    try:
        for number in (1, 2):
            month(folder, number, rows=400)
            call("retrain", "--quiet")
    finally:
        os.chdir(before)
    for number in range(3, 13):
        month(folder, number, rows=10)
    return folder


@pytest.fixture
def here(loop: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(loop)
    return loop


def test_the_nearest_partitions_are_offered(here: Path) -> None:
    done = call("exclude", "visits", "202405", "--reason", "x")
    assert done.exit_code == 3
    first, *others = re.findall(r"2024-\d\d\.parquet", done.stderr)
    assert first == "2024-05.parquet" and len(others) < 5
    assert call("retrain", "--until", "202405").output.count("2024-05.parquet") == 1


def test_the_nearest_runs_are_offered(here: Path) -> None:
    id = next(e.facts["record"] for e in Registry(settings_at(here, model={"components": 2})).log.entries())
    for command in ("gate", "show"):
        done = call(command, id[:-1] + "z")
        assert done.exit_code in (5, 14) and id in done.stderr, done.stderr


def test_the_nearest_versions_are_offered(here: Path) -> None:
    done = call("score", "visits@7", "months")
    assert done.exit_code == 14 and "the nearest are: 1" in done.stderr
    for name in ("visits@2@3", "visits@-1", "visits@latest"):
        done = call("score", name, "months")
        assert done.exit_code == 14 and f"{name} names no version: write visits@3" in done.stderr, done.stderr


def test_the_gates_are_asked_about_the_run_of_a_version(here: Path) -> None:
    run = Registry(settings_at(here, model={"components": 2})).state().version(1).record
    by_name, by_run = call("gate", "visits@1", "--against", "none"), call("gate", run, "--against", "none")
    assert by_name.exit_code == by_run.exit_code and by_name.stdout == by_run.stdout != ""
    assert call("gate", "visits@9").exit_code == 14
    record = here / ".unseen" / "runs" / run / "record.json"
    text = record.read_text()
    try:
        (record.parent / "model").rename(record.parent / "moved")
        done = call("gate", "visits@1")
        assert done.exit_code == 14 and f"run {run} holds no fit" in done.stderr
    finally:
        (record.parent / "moved").rename(record.parent / "model")
        files.write(record, text)


def test_what_is_near() -> None:
    assert nearest("202505", ["2025-05.csv", "2026-01.csv", "notes.csv"], 1) == "the nearest is 2025-05.csv"
    assert nearest("zzz", ["a", "b", "c", "d"]) == "the newest are b, c, d"
    assert nearest("zzz", []) == "there are none yet"


def test_every_exit_code_that_there_is_is_documented() -> None:
    """In the table of all commands; those of a retrain in its help and on the page about production, too."""
    own = {value for name, value in vars(exits).items() if name.isupper() and isinstance(value, int)}
    of_retrain = {o.exit_code for o in Outcome} | {exits.CONFLICT}
    every = own | of_retrain | {FOUND, DRIFT, PUSHED} | set(exits.CODES.values())
    page = (ROOT / "docs" / "command-line.md").read_text().partition("## Exit codes")[2].partition("\n## ")[0]
    assert every == {int(code) for code in re.findall(r"^\| (\d+) \|", page, re.M)}
    told = (ROOT / "docs" / "production.md").read_text()
    assert of_retrain <= {int(code) for code in re.findall(r"^\| [a-z ]+ \| (\d+) \|", told, re.M)}
    help = call("retrain", "--help").stdout
    assert of_retrain <= {int(code) for code in re.findall(r"^ +(\d+) ", help, re.M)}
