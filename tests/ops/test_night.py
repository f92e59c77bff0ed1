"""Three in the morning: what is told of a refused run, what can be left out, what is kept, and how a run ends."""

from __future__ import annotations

import json
import os
import resource
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import UNSEEN, call
from tests.ops.loop_case import month, settings_at
from tests.ops.registry_case import flip
from tests.ops.watch_case import aliased, at, champion, ended, log, measured, record, settings
from unseen.ops.config import Settings
from unseen.ops.ingest import take_in
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.registry import Log, Registry
from unseen.ops.registry.excluding import excluded
from unseen.ops.registry.pruning import prune, surplus
from unseen.ops.retrain import retrain
from unseen.ops.retrain.room import LEAST

NAME = "visits"


@pytest.fixture
def loop(grown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(grown, tmp_path / "loop")
    monkeypatch.chdir(tmp_path / "loop")
    return tmp_path / "loop"


def entries(s: Settings) -> list[Any]:
    return list(Log(Places.of(s)).entries())


def said(*words: object, code: int = 0) -> str:
    done = call(*words)
    assert done.exit_code == code, done.output
    return done.output


# ---- a refused batch


def broken(path: Path) -> None:
    """Two columns that are wrong, in different ways."""
    table = pq.read_table(path)
    odd = pa.array(np.where(np.arange(table.num_rows) % 2, "x", "y"))
    names = table.column_names
    table = table.set_column(names.index("age"), "age", odd).rename_columns(
        [n.replace("spend", "spent") for n in names]
    )
    pq.write_table(table, path)


def test_every_finding_is_told_wherever_one_looks(loop: Path) -> None:
    broken(month(loop, 3))
    refused = retrain(settings_at(loop))
    found = [f.message for f in refused.findings]
    assert refused.outcome == Outcome.REFUSED and len(found) >= 2
    looks = ("show", refused.id), ("show", f".unseen/runs/{refused.id}"), ("status",), ("history",)
    for words in looks:
        told = said(*words)
        assert all(message in told for message in found) and "more)" not in told, words
    told = said("doctor", NAME, code=30)
    assert all(message in told for message in found) and "unseen exclude visits 2024-03.parquet" in told
    shown = json.loads(said("show", refused.id, "--json"))
    assert [f["message"] for f in shown["record"]["findings"]] == found


def test_a_refused_file_that_was_mended_is_to_be_retrained(loop: Path) -> None:
    broken(month(loop, 3))
    refused = retrain(settings_at(loop))
    month(loop, 3)
    found = {d["mode"]: d for d in json.loads(said("doctor", refused.id, "--json", code=30))["found"]}
    assert set(found) - {"F10"} == {"F7"} and found["F7"]["command"] == "unseen retrain"
    assert not any("hold other rows" in e for d in found.values() if d["mode"] == "F10" for e in d["evidence"])
    assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED


def test_a_held_run_shows_every_gate_that_refused(loop: Path) -> None:
    month(loop, 3)
    s = settings_at(loop, gates={"heldout_drop": -50.0, "min_heldout": 100.0})
    held = retrain(s)
    refused = [v.reason for v in held.gates if not v.passed]
    assert held.outcome == Outcome.HELD and len(refused) == 3
    for words in (("show", held.id), ("status",), ("history",), ("doctor", held.id)):
        told = call(*words).output
        assert all(reason in told for reason in refused), words


# ---- nothing new


def test_nothing_new_is_heard_and_changes_nothing(loop: Path) -> None:
    s = settings_at(loop)
    before = measured(s)
    lines = len(entries(s))
    assert "nothing new" in said("retrain") and "nothing new" in said("retrain")
    told = json.loads(said("retrain", "--json"))
    assert (told["outcome"], told["exit"]) == ("nothing new", 0)
    assert [e.facts["outcome"] for e in entries(s)[lines:]] == ["nothing new"] * 3
    after = measured(s)
    assert after["unseen_retrains_total", "outcome=nothing new"] == 3
    for same in ("outcome=promoted", "outcome=nothing new"):
        name = "unseen_retrain_last_outcome"
        assert after[name, same] == before[name, same] == (same == "outcome=promoted")
    heard = "unseen_retrain_last_run_timestamp_seconds"
    assert after[heard] >= before[heard] and abs(after[heard] - time.time()) < 600
    learned = "unseen_data_learned_timestamp_seconds"
    assert after[learned] == pytest.approx(before[learned])
    assert said("history").count("nothing new") == 1, "one after the other they are one line"


def test_a_refused_batch_stays_refused_when_it_is_tried_again(loop: Path) -> None:
    broken(month(loop, 3))
    s = settings_at(loop)
    assert retrain(s).outcome == retrain(s).outcome == Outcome.REFUSED
    assert measured(s)["unseen_retrain_last_outcome", "outcome=refused"] == 1


def test_nothing_new_on_a_log_that_was_altered_is_no_success(loop: Path) -> None:
    flip(Places.of(settings_at(loop)).log)
    assert call("retrain").exit_code == 14


# ---- a partition that is left out


def test_a_partition_is_left_out_and_taken_in_again(loop: Path) -> None:
    month(loop, 3)
    s = settings_at(loop)
    assert said("exclude", NAME, "2024-02", "--reason", "a wrong export").startswith(
        "visits: 2024-02.parquet is left out\n"
    )
    assert excluded(s) == {"2024-02.parquet": "a wrong export"}
    assert take_in(s).batch.partitions == ("2024-01.parquet", "2024-03.parquet"), "the window is filled up"
    told = said("retrain")
    assert "2024-02.parquet: a wrong export" in told and "2024-01.parquet..2024-03.parquet" in told
    assert "left out    2024-02.parquet: a wrong export" in said("status")
    assert "excluded 2024-02.parquet" in said("history")
    assert json.loads(said("status", "--json"))["excluded"] == {"2024-02.parquet": "a wrong export"}
    asked = call("retrain", "--until", "2024-02")
    assert asked.exit_code == 11 and "is left out (a wrong export)" in asked.output
    said("exclude", NAME, "2024-02", "--undo")
    assert excluded(s) == {} and take_in(s).batch.partitions == ("2024-02.parquet", "2024-03.parquet")
    for words in (("2024-09", "--reason", "x"), ("2024-02", "--undo")):
        done = call("exclude", NAME, *words)
        assert done.exit_code == 3 and len(done.stderr.splitlines()) == 1
    assert (
        call("exclude", NAME, "2024-01").exit_code == 2
        and call("exclude", NAME, "2024-01", "--reason", " ").exit_code == 2
    )


def test_a_partition_that_was_held_for_what_is_in_it_is_taken_in_again(loop: Path) -> None:
    broken(month(loop, 3))
    assert retrain(settings_at(loop)).outcome == Outcome.REFUSED
    month(loop, 4)
    s = settings_at(loop, data={"window": 3})
    assert "2024-03.parquet" not in take_in(s).batch.partitions and "2024-03.parquet" in take_in(s).batch.left_out
    assert "is taken in again" in said("exclude", NAME, "2024-03", "--undo")
    assert take_in(s).batch.partitions == ("2024-02.parquet", "2024-03.parquet", "2024-04.parquet")


@pytest.mark.parametrize("kind", ["a link to nothing", "a pipe"])
def test_what_only_has_a_partitions_name_is_told(loop: Path, kind: str) -> None:
    newest = loop / "months" / "2024-03.parquet"
    newest.symlink_to(loop / "gone.parquet") if kind == "a link to nothing" else os.mkfifo(newest)
    done = call("retrain")
    assert done.exit_code == 11 and f"'2024-03.parquet' is {kind}" in done.output
    assert "nothing new" in (said("exclude", NAME, "2024-03", "--reason", "it never came"), said("retrain"))[1]


# ---- what the registry and the clock say


def test_the_artefact_of_a_rollback_is_looked_at_before_it_is_needed(tmp_path: Path) -> None:
    s, kind = settings(tmp_path), ("unseen_registry_trouble", "kind=rollback")
    first = champion(s, 1)
    champion(s, 2)
    assert measured(s)[kind] == 0
    first.unlink()
    found = measured(s)
    assert found[kind] == 1 and found["unseen_registry_trouble", "kind=artefact"] == 0


def test_an_alias_that_somebody_moved_is_seen(tmp_path: Path) -> None:
    s, kind = settings(tmp_path), ("unseen_registry_trouble", "kind=aliases")
    champion(s, 1), champion(s, 2)
    assert measured(s)[kind] == 0
    aliased(s, champion=1)
    assert measured(s)[kind] == 1
    aliased(s)
    assert measured(s)[kind] == 1


def test_a_clock_that_ran_ahead_makes_nothing_fresh(tmp_path: Path) -> None:
    s = settings(tmp_path)
    ended(s, record("good"), hours_ago=-24 * 900)
    ended(s, record("later"), hours_ago=30)
    found, now = measured(s), time.time()
    assert found["unseen_registry_trouble", "kind=clock"] == 1
    for name in ("retrain_last_success", "data_learned", "retrain_last_run"):
        assert now - found[f"unseen_{name}_timestamp_seconds"] == pytest.approx(30 * 3600, abs=600), name
    with at(-1):
        assert all(measured(s)[n] <= time.time() + 1 for n in found if n.endswith("timestamp_seconds"))


def test_attempts_are_counted(tmp_path: Path) -> None:
    s = settings(tmp_path)
    for i, attempts in enumerate((2, 0, 1)):
        log(s, "began", record=f"r{i}")
        log(s, "retrain", record=f"r{i}", outcome="promoted", attempts=attempts)
    log(s, "began", record="killed")
    found = measured(s)
    assert (found["unseen_failed_attempts_total"], found["unseen_retrains_begun_total"]) == (3, 4)


def test_the_last_fit_stays_after_a_refusal(tmp_path: Path) -> None:
    s = settings(tmp_path)
    ended(s, record("fitted", started="2026-01-02T03:00:00+00:00"))
    ended(s, record("bad", Outcome.REFUSED, fit=None, validation=None, gates=()))
    found = measured(s)
    assert found["unseen_fit_iterations"] == 40 and found["unseen_gate_passed", "gate=calibration"] == 0
    assert found["unseen_validation_gain_nats"] == 0.05
    assert found["unseen_fit_timestamp_seconds"] == datetime(2026, 1, 2, 3, tzinfo=UTC).timestamp()


def partitions(folder: Path, names: list[str], days_apart: float) -> None:
    (folder / "data").mkdir()
    for i, name in enumerate(reversed(names)):
        path = folder / "data" / name
        path.write_text("a\n1\n")
        then = time.time() - (i * days_apart + 1) * 86400
        os.utime(path, (then, then))


@pytest.mark.parametrize(
    ("names", "apart", "days"),
    [
        (["a.csv", "b.csv", "c.csv", "d.csv"], 7.0, 7.0),
        (["v-2024-01.csv", "v-2024-02.csv", "v-2024-03.csv"], 0.0, 31.0),
        (["a.csv", "b.csv", "c.csv"], 0.0, None),
        (["a.csv"], 7.0, None),
    ],
)
def test_the_spacing_of_partitions(tmp_path: Path, names: list[str], apart: float, days: float | None) -> None:
    """By when they came, or by their names where all were copied at once; one file tells of no spacing."""
    s = settings(tmp_path)
    partitions(tmp_path, names, apart)
    found = measured(s)
    name = "unseen_data_spacing_seconds"
    assert (found[name] / 86400 if name in found else None) == (pytest.approx(days) if days else None)
    assert time.time() - found["unseen_data_newest_timestamp_seconds"] == pytest.approx(86400, abs=600)


def test_data_is_as_old_as_the_newest_partition_that_was_learned_from(tmp_path: Path) -> None:
    s = settings(tmp_path)
    partitions(tmp_path, ["2024-01.csv", "2024-02.csv"], 20.0)
    batch = record().batch
    assert batch is not None
    ended(s, record("first", batch=batch.model_copy(update={"partitions": ("2024-01.csv",)})))
    learned = "unseen_data_learned_timestamp_seconds"
    assert time.time() - measured(s)[learned] == pytest.approx(21 * 86400, abs=600)
    ended(s, record("second", Outcome.REFUSED, batch=batch.model_copy(update={"partitions": ("2024-02.csv",)})))
    assert time.time() - measured(s)[learned] == pytest.approx(21 * 86400, abs=600)
    ended(s, record("third", Outcome.HELD, batch=batch.model_copy(update={"partitions": ("2024-02.csv",)})))
    assert time.time() - measured(s)[learned] == pytest.approx(86400, abs=600)


# ---- what is kept


def versions(s: Settings, *numbers: int) -> dict[int, Path]:
    """Versions that were champion one after the other, each with its run and artefact."""
    files = {}
    for number in numbers:
        files[number] = champion(s, number)
        ended(s, record(f"r{number}"))
    return files


def test_pruning_leaves_what_may_be_needed(tmp_path: Path) -> None:
    s = settings(tmp_path, retain={"versions": 2, "runs": 3, "events_days": 30})
    files = versions(s, 1, 2, 3, 4, 5, 6)
    log(s, "pinned", version=1, partitions=[])
    events = Places.of(s).events
    old, new = (datetime.now(UTC) - timedelta(days=d) for d in (40, 1))
    events.write_text("".join(json.dumps({"event": "x", "timestamp": t.isoformat()}) + "\n" for t in (old, old, new)))
    found = surplus(s)
    assert found.versions == (2, 3) and found.events == 2 and found.bytes > 0
    assert all(path.exists() for path in files.values()), "only looked at"
    shutil.rmtree(files[2].parent)
    assert prune(s).versions == (2, 3), "one that somebody else removed keeps nothing from going"
    assert [n for n, path in files.items() if path.exists()] == [1, 4, 5, 6], "champion, two before it, and the pinned"
    assert len(events.read_text().splitlines()) == 1
    assert not surplus(s), "done once is done"
    assert entries(s)[-1].kind == "pruned" and entries(s)[-1].facts["versions"] == [2, 3]
    assert measured(s)["unseen_registry_trouble", "kind=rollback"] == 0


def test_pruning_a_real_loop(loop: Path) -> None:
    for number in (3, 4, 5):
        month(loop, number)
        assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED
    s = settings_at(loop, retain={"versions": 1, "runs": 1})
    assert "--yes does it" in said("prune", NAME) and surplus(s).versions == (2,)
    told = json.loads(said("prune", NAME, "--yes", "--json"))
    assert told["versions"] == [2] and len(told["runs"]) == 1 and told["done"], "the first version is pinned"
    registry = Registry(s)
    assert registry.load(4).converged and registry.load(3).converged and registry.load(1).converged
    assert "1 artefacts, 1 runs" in said("history")
    assert call("drift", "months/2024-05.parquet", "--peek").exit_code in (0, 20), "what drift is held against is there"
    said("rollback", NAME, "--reason", "back")
    refused = call("rollback", NAME, "--to", "2", "--reason", "far back")
    assert refused.exit_code == 14 and "version 2 of" in refused.stderr
    assert "was cleared away by `unseen prune`: retain.versions" in refused.stderr and "broken" not in refused.stderr


# ---- the end of a run


def wait_for(ready: Callable[[], bool], patience: float = 120.0) -> None:
    end = time.monotonic() + patience
    while not ready():
        assert time.monotonic() < end
        time.sleep(0.05)


@pytest.mark.parametrize("stage", ["begin", "fit"])
def test_a_retrain_that_is_told_to_end_says_so(loop: Path, stage: str) -> None:
    month(loop, 3, rows=30_000)
    s = settings_at(loop, fit={"restarts": 10**6})
    events = Places.of(s).events
    before = events.read_text().count(f'"stage": "{stage}"')
    process = subprocess.Popen([*UNSEEN, "retrain", "--search"], stdout=subprocess.PIPE, text=True)
    wait_for(lambda: events.read_text().count(f'"stage": "{stage}"') > before)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=60)
    assert process.returncode == 130
    assert entries(s)[-1].facts["outcome"] == "interrupted"
    assert json.loads(said("show", entries(s)[-1].facts["record"], "--json"))["record"]["outcome"] == "interrupted"


@pytest.mark.parametrize("kind", LEAST)
def test_a_limit_of_the_shell_is_an_outcome(loop: Path, kind: int) -> None:
    month(loop, 3)
    name, _, least = LEAST[kind]

    def little() -> None:
        resource.setrlimit(kind, (least // 2, least // 2))

    done = subprocess.run([*UNSEEN, "retrain"], preexec_fn=little, capture_output=True, text=True, check=False)
    assert done.returncode == 13, done.stdout + done.stderr
    assert name in done.stdout and "Traceback" not in done.stderr
    assert entries(settings_at(loop))[-1].facts["outcome"] == "limit"
