"""The doctor on runs that are well, on records with one fault each, and on its command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

import unseen
from tests.cli.calling import call
from tests.ops.drift_case import mixture, rows
from tests.ops.registry_case import fitted, flip, saved, table
from tests.ops.registry_case import registry as opened
from tests.ops.watch_case import log, record, settings
from unseen.core.stop import CAP, FAILED, FELL, STALLED, TIME
from unseen.ops import files
from unseen.ops.doctor import Case, Diagnosis, case_of, diagnose, failing, modes_of
from unseen.ops.places import Places
from unseen.ops.record import Batch, FitFacts, Outcome, Record, Validation

FLIGHTS = Path(unseen.__file__).parent / "data" / "flights.parquet"


def found(case: Case) -> dict[str, Diagnosis]:
    return {d.mode: d for d in diagnose(case)}


def about(record: Record, **more: Any) -> dict[str, Diagnosis]:
    return found(Case(record.id, record, around=False, **more))


# ---- runs that are well


def flights() -> Any:
    whole = pq.read_table(FLIGHTS)
    return whole.take(list(range(0, whole.num_rows, 90)))


def draw(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def holes(n: int = 2000) -> np.ndarray:
    x = draw().normal(size=(n, 5)) @ draw(1).normal(size=(5, 5))
    x[draw(2).random(x.shape) < 0.1] = np.nan
    return x


MIXED = {("dep_delay", "arr_delay", "distance", "air_time"): unseen.Gaussian(), "carrier": unseen.Categorical()}
WELL: dict[str, Callable[[], tuple[Any, Any]]] = {
    "eruptions": lambda: (unseen.Mixture(unseen.Gaussian(), 2), unseen.models.mixture.example().data),
    "four kinds of columns": lambda: (mixture(), rows(3000, 1)),
    "one component with holes": lambda: (unseen.Mixture(unseen.Gaussian("full"), 1), holes()),
    "heavy tails": lambda: (unseen.Mixture(unseen.StudentT(), 2), draw().standard_t(3, (2000, 2)) + 5 * two(2000)),
    "heavy tails as gaussians": lambda: (
        unseen.Mixture(unseen.Gaussian(), 4), draw().standard_t(3, (2000, 2)) + 5 * two(2000)
    ),
    "five hundred deviations apart": lambda: (
        unseen.Mixture(unseen.Gaussian(), 2), draw().normal(size=(1000, 2)) + 500 * two(1000)
    ),
    "whole numbers": lambda: (
        unseen.Mixture(unseen.Gaussian(), 2), draw().integers(0, 10, (2000, 2)) + 9.0 * two(2000)
    ),
    "few rows": lambda: (unseen.Mixture(unseen.Gaussian("diagonal"), 2), draw().normal(size=(120, 3)) + 4 * two(120)),
    "flights": lambda: (unseen.Mixture(unseen.Product(MIXED), 4), flights()),
}  # fmt: skip


def two(n: int) -> np.ndarray:
    return (np.arange(n) % 2)[:, None]


@pytest.mark.parametrize("name", WELL)
def test_nothing_is_found_in_a_run_that_is_well(name: str) -> None:
    model, data = WELL[name]()
    result = unseen.fit(model, data, restarts=2)
    seen = diagnose(Case("run", result=result))
    assert failing(seen) == []
    assert [d.mode for d in seen] == (["F2"] if name == "heavy tails as gaussians" else []), "four for what two are"


def test_nothing_is_found_in_a_record_that_is_well() -> None:
    assert about(record(attempts=())) == {}


# ---- one fault each


def fit(outcome: str = "converged", **facts: Any) -> FitFacts:
    known = {
        "components": 3, "iterations": 40, "loglik": -41_000.0, "bic": 82_500.0, "seed": 0, "seconds": 49.0,
        "floors": 0, "smallest_share": 0.2, "trace": tuple(-5 - 0.9 ** (2 * i) for i in range(40)),
    }  # fmt: skip
    return FitFacts(outcome=outcome, **{**known, **facts})


def validation(**facts: Any) -> Validation:
    known = {"rows": 1000, "heldout": -4.15, "heldout_se": 0.02, "training": -4.1}
    return Validation(**{**known, **facts})


SLOW = tuple(-5 - 0.98 ** (2 * i) for i in range(400))
FAULTS: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "the cap, and no model": ({"fit": fit(CAP), "outcome": Outcome.UNFIT}, {"F1": "page"}),
    "the cap, which the gates allow": ({"fit": fit(CAP), "outcome": Outcome.HELD}, {"F1": "ticket"}),
    "out of time": ({"fit": fit(TIME), "outcome": Outcome.LIMIT}, {"F1": "page"}),
    "slow": ({"fit": fit(iterations=400, trace=SLOW)}, {"F2": "note"}),
    "slow by squarem": ({"fit": fit(iterations=400, trace=SLOW, algorithm="SQUAREM")}, {}),
    "a limit of time before any fit": (
        {"fit": None, "outcome": Outcome.LIMIT, "reason": "limits.seconds is 2 s and 3 were used"}, {"F2": "page"}
    ),
    "the likelihood fell": ({"fit": fit(FELL), "outcome": Outcome.UNFIT}, {"F3": "page"}),
    "not a number": (
        {"fit": fit(FAILED, loglik=float("nan"), trace=(float("nan"),)), "outcome": Outcome.UNFIT}, {"F3": "page"}
    ),
    "lost in rounding": ({"fit": fit(STALLED), "outcome": Outcome.UNFIT}, {"F3": "page"}),
    "no start led anywhere": (
        {"fit": None, "outcome": Outcome.UNFIT, "reason": "no start led to a fit"}, {"F3": "page"}
    ),
    "a gap to the held-out rows": ({"validation": validation(training=-3.9)}, {"F4": "ticket"}),
    "a gap within its error": ({"validation": validation(training=-3.9, heldout_se=0.1)}, {}),
    "a gap too small to matter": ({"validation": validation(training=-4.14, heldout_se=1e-4)}, {}),
    "floors": ({"fit": fit(floors=2)}, {"F5": "ticket"}),
    "over the limit of memory": (
        {"fit": None, "outcome": Outcome.LIMIT, "reason": "limits.memory_gb is 2 GB and 3 were used"}, {"F6": "page"}
    ),
    "out of memory": (
        {"fit": None, "outcome": Outcome.LIMIT, "reason": "out of memory: fewer components"}, {"F6": "page"}
    ),
    "gone without a word": ({"fit": None, "outcome": None}, {"F6": "page"}),
    "off by a fifth": ({"validation": validation(calibration=0.2)}, {"F8": "ticket"}),
    "off by little": ({"validation": validation(calibration=0.05)}, {}),
    "files that were not committed": ({"git": "c0ffee123456+"}, {"F10": "ticket"}),
    "no repository": ({"git": None}, {}),
}  # fmt: skip


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_is_found_and_nothing_else(name: str) -> None:
    facts, expected = FAULTS[name]
    seen = about(replaced(**facts))
    assert {mode: d.severity for mode, d in seen.items()} == expected
    for d in seen.values():
        assert d.evidence and d.cause and "unseen " in d.command and d.runbook.endswith(".md")


def replaced(outcome: Outcome | None = Outcome.PROMOTED, **facts: Any) -> Record:
    return record(attempts=()).model_copy(update={"outcome": outcome, **facts})


def test_a_candidate_near_the_cap_is_a_ticket(tmp_path: Path) -> None:
    slow = replaced(fit=fit(iterations=600, trace=SLOW))
    assert about(slow, settings=settings(tmp_path))["F2"].severity == "ticket"
    loose = settings(tmp_path, fit={"max_iterations": 5000})
    assert about(slow, settings=loose)["F2"].severity == "note"
    assert failing(diagnose(Case("r", slow, settings=loose, around=False))) == []


def test_the_gates_threshold_of_calibration_is_the_doctors(tmp_path: Path) -> None:
    off = replaced(validation=validation(calibration=0.07))
    assert about(off) == {}
    assert "F8" in about(off, settings=settings(tmp_path, gates={"max_calibration": 0.05}))


def test_a_record_of_a_fit_that_broke_down_can_be_read_again(tmp_path: Path) -> None:
    broken = replaced(fit=fit(FAILED, loglik=float("nan"), trace=(float("nan"), float("-inf"))))
    files.write(tmp_path / "record.json", broken.model_dump_json())
    again = Record.model_validate_json((tmp_path / "record.json").read_text())
    assert again.fit is not None and np.isnan(again.fit.loglik) and again.fit.trace[1] == -np.inf


def test_components_that_overlap_are_hard_to_tell_apart() -> None:
    x = draw().normal(size=(3000, 1)) + 0.6 * two(3000)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(tied=True), 2), x, restarts=1, max_iterations=3000)
    said = found(Case("run", result=result))["F8"].evidence[0]
    assert "of the way from chance to certainty" in said


def test_columns_on_the_way_to_overflow_are_named() -> None:
    x = {"late": draw().normal(size=500), "since_1970": 1.3e18 + draw().normal(size=500) * 1e6}
    result = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), x)
    assert "'since_1970' varies by less than 1e-11 of its mean" in found(Case("run", result=result))["F3"].evidence[0]


def test_a_sentinel_that_flattens_every_component_is_named() -> None:
    x = {"late": draw().normal(size=900), "far": draw(1).normal(size=900)}
    x["late"][:2] = 999_999_999.0
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=3)
    assert any("column 'late' has a cell" in e for e in found(Case("run", result=result))["F3"].evidence)


def test_a_column_that_was_asked_for_and_left_out_is_noted(tmp_path: Path) -> None:
    s = settings(tmp_path, model={"columns": ["age", "height"]})
    seen = found(Case("run", replaced(), fitted(), s, around=False))
    assert seen["F3"].severity == "note" and "'height' was left out" in seen["F3"].evidence[0]


def test_parameters_for_few_rows_are_noted() -> None:
    x = draw().normal(size=(60, 4)) + 4 * two(60)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=2)
    assert found(Case("run", result=result))["F4"].severity == "note"


def test_a_month_of_another_kind_is_not_what_a_frugal_model_was_overfitted_to() -> None:
    known = {"validation": validation(training=-3.9), "fit": fit()}
    assert found(Case("run", replaced(**known)))["F4"].severity == "ticket", "nothing says how frugal it is"
    x = draw().normal(size=(2000, 2)) + 4 * two(2000)[:, :2]
    frugal = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=1)
    assert "F4" not in found(Case("run", replaced(**known), frugal))
    lavish = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x[:150], restarts=1)
    assert found(Case("run", replaced(**known), lavish))["F4"].severity == "ticket"


# ---- what surrounds a run


def test_memory_that_the_next_fit_would_not_find(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.ops.ingest_case import settings as at
    from tests.ops.ingest_case import write

    write(tmp_path / "data" / "a.parquet", table())
    s = at(tmp_path)
    case = Case("r", record(attempts=()), fitted(), s)
    assert "F6" not in found(case)
    monkeypatch.setattr("unseen.core.memory.free_memory", lambda: 10**8)
    seen = found(case)["F6"]
    assert seen.severity == "ticket" and "0.1 GB are free" in seen.evidence[0]
    assert "fit.engine: outofcore" in seen.command
    limited = replace(case, settings=at(tmp_path, limits={"memory_gb": 0.25}))
    assert "limits.memory_gb is 0.25" in found(limited)["F6"].evidence[0]
    assert "F6" not in found(replace(limited, around=False)), "no look beyond the run"


def test_a_container_has_the_memory_of_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from unseen.core import memory

    monkeypatch.setattr(memory, "CONTAINER", tmp_path)
    machine = memory.free_memory()
    assert machine > 10**7
    (tmp_path / "memory.current").write_text("30\n")
    (tmp_path / "memory.max").write_text("50\n")
    assert memory.free_memory() == 20
    (tmp_path / "memory.max").write_text("max\n")
    assert memory.free_memory() > 10**7
    (tmp_path / "memory.events").write_text("low 0\noom 2\noom_kill 2\n")
    assert "killed 2 processes" in found(Case("r", replaced(outcome=None), around=False))["F6"].evidence[1]


def test_drift_that_was_seen_and_drift_that_nobody_looked_for(tmp_path: Path) -> None:
    from tests.ops.watch_case import champion

    s = settings(tmp_path)
    log(s, "began", hours_ago=300)
    champion(s)
    assert found(Case("flights", settings=s)) == {}
    log(s, "drift", version=1, drifted=True)
    assert found(Case("flights", settings=s))["F7"].severity == "ticket"
    champion(s, 2)
    assert found(Case("flights", settings=s)) == {}, "it was the drift of another champion"


def test_nobody_has_looked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from tests.ops.watch_case import champion

    s = settings(tmp_path)
    champion(s)
    assert found(Case("flights", settings=s)) == {}
    monkeypatch.setattr("unseen.ops.doctor.around.LOOK_EVERY", timedelta(hours=-1))
    seen = found(Case("flights", settings=s))["F7"]
    assert seen.severity == "note" and seen.evidence[0].startswith("nobody has looked for drift since")
    monkeypatch.setattr("unseen.ops.doctor.around.LOOK_EVERY", timedelta(hours=1))
    log(s, "drift", hours_ago=2, version=1, drifted=False)
    assert "F7" in found(Case("flights", settings=s))
    log(s, "drift", version=1, drifted=False)
    assert found(Case("flights", settings=s)) == {}


def test_versions_that_have_changed_are_noted(tmp_path: Path) -> None:
    old = record(attempts=(), versions={"numpy": "1.0", "unseen": unseen.__version__, "gone": "1"})
    seen = found(Case("r", old, settings=settings(tmp_path)))["F10"]
    assert "numpy was 1.0 and is" in " ".join(seen.evidence) and "gone" not in " ".join(seen.evidence)


def test_an_altered_log_does_not_keep_the_doctor_from_answering(tmp_path: Path) -> None:
    from tests.ops.watch_case import champion

    s = settings(tmp_path)
    flip(champion(s))
    assert found(Case("flights", settings=s))["F10"].severity == "page"
    path = Places.of(s).log
    path.write_text(path.read_text().replace("registered", "promoted__", 1))
    seen = found(Case("flights", settings=s))
    assert list(seen) == ["F10"] and "was altered" in seen["F10"].evidence[0]


def test_the_modes_of_a_retrain_that_has_just_ended(tmp_path: Path) -> None:
    s = settings(tmp_path)
    assert modes_of(record(attempts=()), s) == []
    assert modes_of(replaced(fit=fit(CAP), outcome=Outcome.UNFIT, git="abc+"), s) == ["F1", "F10"]


# ---- the command


@pytest.fixture
def at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unseen.yaml").write_text("name: people\ndata: {path: data}\nlimits: {memory_gb: 100}\n")
    made = opened(tmp_path)
    saved(made, "good")
    for id, facts in (("good", {}), ("bad", {"fit": fit(CAP), "outcome": Outcome.UNFIT})):
        body = record(id, attempts=(), settings="").model_copy(update=facts)
        files.write(made.places.run(id) / "record.json", body.model_dump_json())
    return tmp_path


def test_the_command_names_evidence_cause_and_next_step(at_home: Path) -> None:
    done = call("doctor", "bad")
    assert done.exit_code == 30
    for word in ("F1  non convergence  (page)", "shows in", "because", "next", "docs/runbooks/F1-non-convergence.md"):
        assert word in done.output
    told = json.loads(call("doctor", "people", "--json").output)
    assert told["exit"] == 30 and [d["mode"] for d in told["found"] if d["severity"] != "note"] == ["F1"]


def test_a_run_that_is_well_ends_in_zero(at_home: Path) -> None:
    fitted().save(at_home / "runs" / "alone")
    (at_home / "unseen.yaml").unlink()
    done = call("doctor", "runs")
    assert (done.exit_code, done.output) == (0, "Nothing found: none of F1 to F10 shows.\n")


@pytest.mark.parametrize("words", [("nothing",), ("bad", "--replay"), ("good", "--replay")])
def test_what_cannot_be_examined_is_one_sentence(at_home: Path, words: tuple[str, ...]) -> None:
    done = call("doctor", *words)
    assert done.exit_code not in (0, 1, 30) and len(done.stderr.splitlines()) == 1, done.output


def test_a_name_without_any_retrain(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "unseen.yaml").write_text("name: people\ndata: {path: data}\n")
    assert call("doctor", "people").exit_code == 0


def test_a_case_is_found_by_name_id_and_folder(at_home: Path) -> None:
    s = opened(at_home).settings
    assert case_of("people", s).record.id == "bad" and case_of("good", s).result is not None
    fitted().save(at_home / "runs" / "alone")
    assert case_of("runs", None).result is not None
    assert case_of("runs/alone", s).record is None


def test_batches_of_other_rows(at_home: Path) -> None:
    from tests.ops.ingest_case import settings as at
    from tests.ops.ingest_case import write
    from unseen.ops.config import settings_hash
    from unseen.ops.ingest import take_in

    write(at_home / "data" / "a.parquet", table())
    s = at(at_home)
    batch = take_in(s).batch
    same = record(attempts=(), settings=settings_hash(s), batch=batch, versions={})
    assert found(Case("r", same, settings=s)) == {}
    other = same.model_copy(update={"batch": Batch(id="other", partitions=batch.partitions, rows=1)})
    assert found(Case("r", other, settings=s))["F10"].severity == "ticket"
    gone = same.model_copy(update={"batch": Batch(id="other", partitions=("b.parquet",), rows=1)})
    assert "its partitions can no longer be read" in found(Case("r", gone, settings=s))["F10"].evidence
