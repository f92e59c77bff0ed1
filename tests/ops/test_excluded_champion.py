"""A partition that is left out after the champion learned from it, and a loop all of whose partitions are."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.cli.calling import call
from tests.ops.loop_case import month, settings_at
from unseen.ops.record import Outcome
from unseen.ops.registry import Registry
from unseen.ops.registry.excluding import exclude
from unseen.ops.retrain import retrain


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("loop")
    month(folder, 1)
    for number in (2, 3, 4):
        month(folder, number)
        assert retrain(settings_at(folder)).outcome == Outcome.PROMOTED
    return folder


@pytest.fixture
def loop(grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(grown, tmp_path / "loop")
    monkeypatch.chdir(tmp_path / "loop")
    return tmp_path / "loop"


def out(partition: str, *words: str) -> str:
    done = call("exclude", "visits", partition, *(words or ("--reason", "wrong")))
    assert done.exit_code == 0, done.output
    return done.stdout


def test_who_still_learned_from_it_is_told_everywhere(loop: Path) -> None:
    told = "version 3, the champion, learned from 2024-04.parquet, which is left out: `unseen rollback visits --reason"
    assert told in out("2024-04")
    assert told in call("status").stdout and told in json.loads(call("status", "--json").stdout)["learned"]
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.NOTHING_NEW and told in record.reason
    assert "version 2 is the champion; by now version 3 is" in record.reason
    assert call("rollback", "visits", "--reason", "its newest month was wrong").exit_code == 0
    assert json.loads(call("status", "--json").stdout)["learned"] is None
    assert "learned from" not in retrain(settings_at(loop)).reason


def test_the_way_back_leads_past_all_that_learned_from_it(loop: Path) -> None:
    """The window is of two months: the third is in versions 2 and 3."""
    told = out("2024-03")
    assert "learned from 2024-03.parquet" in told and "unseen rollback visits --to 1 --reason" in told
    assert "goes back to version 1" in told
    assert call("rollback", "visits", "--to", "1", "--reason", "as told").exit_code == 0
    assert json.loads(call("status", "--json").stdout)["learned"] is None


def test_without_a_champion_that_was_without_it_a_retrain_is_named(loop: Path) -> None:
    out("2024-01"), out("2024-03")
    told = out("2024-02")
    assert "no champion before it was without: `unseen retrain` learns anew" in told
    lines: list[str] = []
    month(loop, 5)
    record = retrain(settings_at(loop), tell=lambda stage, said: lines.append(f"{stage} {said}"))
    assert any(line.startswith("champion version 3, the champion, learned from 2024-03.parquet") for line in lines)
    assert record.outcome in (Outcome.PROMOTED, Outcome.HELD)


def test_check_and_retrain_know_what_is_left_out(loop: Path) -> None:
    assert "4 partitions" in call("check").stdout
    out("2024-01")
    assert "3 partitions" in call("check").stdout
    for number in (2, 3, 4):
        out(f"2024-0{number}")
    done, record = call("check"), retrain(settings_at(loop))
    for said in (done.output, record.reason):
        assert "all 4 are left out; `unseen exclude visits 2024-04.parquet --undo` takes it in again" in said
    assert done.exit_code == 3 and record.outcome == Outcome.REFUSED
    out("2024-04", "--undo"), out("2024-03", "--undo")
    assert retrain(settings_at(loop)).outcome == Outcome.NOTHING_NEW
    assert Registry(settings_at(loop)).champion().number == 3


def test_a_first_month_that_lies_apart_is_told_and_holds_nothing(tmp_path: Path) -> None:
    for number in (1, 2, 3, 4):
        month(tmp_path, number, shift=4.0 if number == 2 else 0.0)
    told: list[str] = []
    rules = settings_at(tmp_path, data={"window": 4})
    record = retrain(rules, tell=lambda stage, said: told.append(f"{stage} {said}"))
    apart = [line for line in told if line.startswith("apart ")]
    assert record.outcome == Outcome.PROMOTED and len(apart) == 1
    assert apart[0].startswith("apart 2024-02.parquet lies far from the other partitions: ")
    assert "unseen exclude visits 2024-02.parquet" in apart[0]
    exclude(rules, "2024-02.parquet", "its numbers are shifted")
    told.clear()
    after = retrain(rules, tell=lambda stage, said: told.append(f"{stage} {said}"))
    assert after.outcome == Outcome.PROMOTED, after.reason
    assert Registry(rules).champion().number == 2
