"""Game days of what surrounds the fit: F6, F7, F9 and F10 injected into a real loop."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from typing import Any

import numpy as np
import pytest

from tests.cli.calling import UNSEEN, call
from tests.ops.gamedays.day import NAME, Day, table
from tests.ops.registry_case import flip
from unseen.errors import RegistryError
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import Log, Registry
from unseen.ops.retrain.meter import peak_memory
from unseen.ops.watch.modes import MODES

CARD, MAIL = "4532015112830366", "ada.lovelace@example.org"


def process(day: Day, *command: str) -> subprocess.Popen[str]:
    """Another process in the folder of the loop."""
    return subprocess.Popen(command, cwd=day.folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


# ---- F6


def test_f6_is_predicted_before_the_run(day: Day) -> None:
    day.arrives(table(seed=3))
    day.configure(limits={"memory_gb": peak_memory() / 1e9 + 0.1}, model={"components": "2,2000"})
    record = day.retrain()
    found = day.found()["F6"]
    assert found.severity == "page" and "is predicted to need" in found.evidence[0]
    assert "fit.engine: outofcore" in found.command
    day.firing(("UnseenRetrainFailed", "limit"), ("UnseenDiagnosis", MODES["F6"].page))
    assert record.outcome == Outcome.LIMIT and record.fit is None and "outofcore" in record.reason
    day.serves()


STARVED = """
import re, resource
from unseen.ops.config import load
from unseen.ops.retrain import retrain

def starve(event):
    if event.name == "components" and event.facts["stage"] == "started":
        taken = int(re.search(r"VmData:\\s+(\\d+)", open("/proc/self/status").read())[1]) * 1024
        resource.setrlimit(resource.RLIMIT_DATA, (taken + 8_000_000, -1))

record = retrain(load("unseen.yaml", {}), observers=(starve,))
print(record.outcome, record.reason)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="limits of address space are Linux's")
def test_f6_memory_that_runs_out_in_the_fit(day: Day) -> None:
    day.arrives(table(120_000, seed=3))
    fit = {"restarts": 1, "engine": "memory", "max_iterations": 2}
    day.configure(data={"window": 1}, model={"components": 100}, fit=fit, retries={"fits": 1})
    done = process(day, sys.executable, "-c", STARVED)
    said, errors = done.communicate(timeout=300)
    assert said.startswith("limit out of memory"), said + errors[-2000:]
    found = day.found()["F6"]
    assert found.severity == "page" and "out of memory" in found.evidence[0]
    assert 'outcome="limit"} 1.0' in Places.of(day.settings).metrics().read_text(), "the run itself has told of it"
    day.monitor()
    day.firing(("UnseenRetrainFailed", "limit"), ("UnseenDiagnosis", MODES["F6"].page))
    day.serves()


def test_f6_a_killed_run_is_seen_and_goes_on(day: Day) -> None:
    day.arrives(table(seed=3))
    day.configure(limits={"seconds": 100}, fit={"restarts": 10**6})
    running = process(day, *UNSEEN, "retrain", "--search", "--quiet")
    _until(lambda: _stage(day) == "fit")
    assert "F6" not in day.found(), "a run that is at work has not died"
    running.send_signal(signal.SIGKILL)
    running.wait()
    found = day.found()["F6"]
    assert found.severity == "page" and "in stage 'fit' without an outcome" in found.evidence[0]
    day.monitor()
    day.firing("UnseenRetrainLost", ("UnseenDiagnosis", MODES["F6"].page))
    day.serves()
    # the same command goes on: the run has its name from rows and settings
    killed = day.last()
    day.configure(limits={"seconds": 1}, fit={"restarts": 10**6})
    record = day.retrain(search=True)
    assert record.id == killed and record.outcome == Outcome.LIMIT
    day.serves()


def _stage(day: Day) -> str:
    """The stage that the last line of the events is about."""
    lines = Places.of(day.settings).events.read_text().splitlines()
    return str(json.loads(lines[-1]).get("stage", "")) if lines else ""


def _until(ready: Any, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not ready():
        assert time.monotonic() < end, "it did not get there"
        time.sleep(0.05)


# ---- F7


def test_f7_data_that_has_moved(day: Day) -> None:
    columns = table(3000, seed=3)
    columns["delay"] = columns["delay"] + 30
    new = day.arrives(columns)
    day.configure(drift={"retrain": False})
    assert call("drift", new, "-c", day.folder / "unseen.yaml", "--quiet").exit_code == 20
    found = day.found()["F7"]
    assert found.severity == "ticket" and any("delay moved up" in cause for cause in found.evidence)
    assert found.command == "unseen retrain"
    day.monitor()
    day.firing(("UnseenDiagnosis", MODES["F7"].page))
    day.serves()
    # drift.retrain: looking on is followed by a retrain, and the next champion knows the new data
    # somebody who knows why the column moved lets it pass
    day.configure(drift={"retrain": True}, gates={"heldout_drop": 100.0, "drift": []})
    again = day.arrives({**columns, "delay": columns["delay"] + 1}, "2013-04")
    assert call("drift", again, "-c", day.folder / "unseen.yaml", "--quiet").exit_code == 20
    day.serves(3)
    assert "F7" not in day.found()
    day.firing()


# ---- F9


def test_f9_a_column_of_addresses(day: Day) -> None:
    columns = table(seed=3)
    columns["carrier"] = np.where(np.arange(len(columns["delay"])) == 7, MAIL, columns["carrier"])
    day.arrives(columns)
    record = day.retrain()
    found = day.found()["F9"]
    assert found.severity == "page" and "'carrier' seems to hold e-mail addresses" in found.evidence[0]
    day.firing("UnseenSensitiveData", ("UnseenBatchRefused", "refused"))
    assert record.outcome == Outcome.REFUSED and record.fit is None and record.version is None
    assert MAIL not in "".join(p.read_text() for p in Places.of(day.settings).home.rglob("*.json*"))
    day.serves()


def test_f9_a_card_number_in_a_log(day: Day) -> None:
    day.arrives(table(seed=3))
    with open(Places.of(day.settings).events, "a") as log:
        log.write(json.dumps({"event": "left by somebody's metric function", "row": float(CARD)}) + "\n")
    found = day.found()["F9"]
    assert found.severity == "page" and found.evidence == ("events.jsonl seems to hold card numbers",)
    day.monitor()
    day.firing("UnseenSensitiveData")
    day.serves()


# ---- F10


def git(day: Day, *words: str) -> None:
    who = ["-c", "user.name=t", "-c", "user.email=t@localhost"]
    subprocess.run(["git", *who, *words], cwd=day.folder, check=True, capture_output=True)


def test_f10_files_that_were_not_committed(day: Day) -> None:
    day.arrives(table(seed=3))
    git(day, "init", "-q")
    git(day, "add", "unseen.yaml")
    git(day, "commit", "-qm", "settings")
    with open(day.folder / "unseen.yaml", "a") as file:
        file.write("# just this once\n")
    day.configure_as_it_stands()
    record = day.retrain()
    assert record.git is not None and record.git.endswith("+")
    found = day.found()["F10"]
    assert found.severity == "ticket" and "files of the repository differed" in found.evidence[0]
    day.firing(("UnseenDiagnosis", MODES["F10"].page))
    day.serves(record.version)


def test_f10_an_old_partition_that_was_rewritten(day: Day) -> None:
    before = day.last()
    old = table(seed=1)
    old["delay"][0] += 1.0
    day.arrives(old, "2013-01")
    found = day.found(before)["F10"]
    assert found.severity == "ticket" and "its partitions hold other rows now" in found.evidence
    day.monitor()
    day.firing(("UnseenDiagnosis", MODES["F10"].page))
    replayed = call("doctor", before, "--replay", "-c", day.folder / "unseen.yaml")
    assert replayed.exit_code == 30 and "the same rows and seed gave other parameters" in replayed.output
    # other rows are another run: what was learned from the old ones is not taken for it
    assert day.retrain().id != before
    day.serves(Registry(day.settings).champion().number)


def test_f10_a_healthy_run_replays_to_the_bit(day: Day) -> None:
    replayed = call("doctor", NAME, "--replay", "-c", day.folder / "unseen.yaml")
    assert replayed.exit_code == 0 and "bit by bit" in replayed.output


def test_f10_another_seed_is_told_and_not_replayed(day: Day) -> None:
    day.configure(fit={"seed": 1})
    found = day.found()["F10"]
    assert found.severity == "note" and found.evidence[0] == "unseen.yaml decides the model differently now"
    replayed = call("doctor", NAME, "--replay", "-c", day.folder / "unseen.yaml")
    assert replayed.exit_code not in (0, 30) and "other settings" in replayed.output


def test_f10_an_altered_artefact(day: Day) -> None:
    registry = Registry(day.settings)
    champion = registry.champion()
    assert champion is not None
    flip(day.settings.home / champion.artifact / "data" / "fit" / "arrays.npz")
    found = day.found()["F10"]
    assert found.severity == "page" and "was altered" in found.evidence[0]
    day.monitor()
    day.firing(("UnseenTampered", "artefact"), ("UnseenDiagnosis", MODES["F10"].page))
    with pytest.raises(RegistryError, match="is broken"):
        registry.load(champion.number)
    # a candidate that cannot be compared is not promoted; a rollback leaves the broken version
    day.arrives(table(seed=3))
    assert day.retrain().outcome == Outcome.HELD
    registry.rollback(None, "its artefact was altered")
    day.serves(1)


def test_f10_an_altered_log(day: Day) -> None:
    log = Places.of(day.settings).log
    log.write_text(log.read_text().replace('"version":2', '"version":1', 1))
    found = day.found()["F10"]
    assert found.severity == "page" and "was altered" in found.evidence[0]
    day.monitor()
    day.firing(("UnseenTampered", "log"), ("UnseenDiagnosis", MODES["F10"].page))
    day.arrives(table(seed=3))
    record: Record = day.retrain()
    assert record.outcome == Outcome.REGISTRY and record.version is None
    with pytest.raises(RegistryError):
        Log(Places.of(day.settings)).append("promoted", version=1)
