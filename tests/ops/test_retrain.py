"""The stages of a retrain: each outcome, said once, with the champion untouched unless it is promoted."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.ops.loop_case import month, settings_at
from unseen.errors import ConflictError, RegistryError, UnseenError
from unseen.ops.ingest import take_in
from unseen.ops.record import Outcome
from unseen.ops.registry import Log, Registry
from unseen.ops.retrain import regate, replay, retrain
from unseen.ops.runs import read


@pytest.fixture
def loop(grown: Path, tmp_path: Path) -> Path:
    """A copy with a third month waiting."""
    shutil.copytree(grown, tmp_path / "loop")
    month(tmp_path / "loop", 3)
    return tmp_path / "loop"


def champion(folder: Path) -> int:
    current = Registry(settings_at(folder)).champion()
    assert current is not None
    return current.number


def test_a_good_month_is_promoted_and_scores(loop: Path) -> None:
    record = retrain(settings_at(loop))
    assert (record.outcome, record.version, record.champion) == (Outcome.PROMOTED, 2, 1)
    assert champion(loop) == 2 and all(v.passed for v in record.gates)
    assert record.validation is not None and record.validation.moved_share is not None
    assert record.resources is not None and record.resources.peak_memory > 1e7
    assert list(record.stages) == ["begin", "schema", "drift", "fit", "validate", "register", "promote"]
    data = str(loop / "months" / "2024-03.parquet")
    assert Registry(settings_at(loop)).load(2).responsibilities(data).shape == (1500, 3)


def test_the_same_batch_submitted_twice_is_trained_once(loop: Path) -> None:
    first = retrain(settings_at(loop))
    lines = len(Log_of(loop))
    second = retrain(settings_at(loop))
    assert second == first.having(outcome=Outcome.NOTHING_NEW, reason=f"run {first.id} ended before: {first.reason}")
    assert [e.kind for e in Log_of(loop)[lines:]] == ["retrain"], "the loop was heard from, and nothing was done"
    anew = retrain(settings_at(loop), again=True)
    assert anew.outcome == Outcome.PROMOTED and anew.id == f"{first.id}-2"
    assert first.version is not None and anew.version == first.version + 1, "what made a version stays as it is"


def Log_of(folder: Path) -> list[Any]:
    from unseen.ops.places import Places

    return list(Log(Places.of(settings_at(folder))).entries())


def test_a_batch_that_breaks_the_schema_never_trains(loop: Path) -> None:
    path = loop / "months" / "2024-03.parquet"
    table = pq.read_table(path)
    pq.write_table(table.rename_columns(["age", "spending", "visits", "plan"]), path)
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.REFUSED and record.fit is None and record.version is None
    assert "spend" in record.reason and champion(loop) == 1


def test_an_unreadable_batch_is_refused(loop: Path) -> None:
    (loop / "months" / "2024-03.parquet").write_bytes(b"no parquet at all")
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.REFUSED and "2024-03" in record.reason and champion(loop) == 1


def test_a_threshold_that_is_left_out_goes_by_rows(loop: Path) -> None:
    record = retrain(settings_at(loop, gates={"heldout_drop": None}))
    (verdict,) = (v for v in record.gates if v.gate == "heldout_drop")
    assert verdict.threshold is not None and -0.05 <= verdict.threshold <= -0.01


def test_a_worse_candidate_is_held_as_challenger(loop: Path) -> None:
    record = retrain(settings_at(loop, model={"components": 1}))
    assert record.outcome == Outcome.HELD and champion(loop) == 1
    challenger = Registry(settings_at(loop)).challenger()
    assert challenger is not None and challenger.number == record.version
    with pytest.raises(ConflictError):
        Registry(settings_at(loop)).promote(challenger.number, expected=1, reason="by hand")


def test_a_metric_that_raises_is_a_refusal_without_its_text(loop: Path) -> None:
    (loop / "judges.py").write_text("def value(result, table):\n    raise ValueError('4111 1111 1111 1111')\n")
    changes = {"validate": {"metric": "judges:value"}, "gates": {"min_metric": 0.0}}
    record = retrain(settings_at(loop, **changes))
    assert record.outcome == Outcome.HELD and champion(loop) == 1
    assert "4111" not in record.model_dump_json()


def test_a_gate_that_raises_is_a_refusal(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("ada@example.org")

    monkeypatch.setattr("unseen.ops.retrain.judging.judge", broken)
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.HELD and champion(loop) == 1
    assert "RuntimeError" in record.reason and "ada" not in record.model_dump_json()


def test_a_fit_that_does_not_converge_is_never_registered(loop: Path) -> None:
    record = retrain(settings_at(loop, fit={"max_iterations": 1, "tol": 1e-12}))
    assert record.outcome == Outcome.UNFIT and record.version is None and champion(loop) == 1
    assert [a.stage for a in record.attempts] == ["fit"] * 3, "the champion's place and two other starts were tried"
    assert len(Registry(settings_at(loop)).versions()) == 1


@pytest.mark.parametrize("limits", [{"seconds": 1e-3}, {"memory_gb": 0.01}, {"cost": 1e-9, "price_per_core_hour": 1.0}])
def test_a_run_over_its_limits_ends_and_the_champion_stays(loop: Path, limits: dict[str, float]) -> None:
    record = retrain(settings_at(loop, limits=limits))
    assert record.outcome == Outcome.LIMIT and record.version is None and champion(loop) == 1
    assert "limits." in record.reason
    after = retrain(settings_at(loop))
    assert after.outcome == Outcome.PROMOTED, after.reason


def test_an_unreachable_registry_keeps_the_fit_for_the_next_try(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object, **__: object) -> int:
        raise RegistryError("the registry cannot be reached")

    with monkeypatch.context() as patched:
        patched.setattr(Registry, "register", unreachable)
        record = retrain(settings_at(loop))
    assert record.outcome == Outcome.REGISTRY and champion(loop) == 1 and record.fit is not None

    def never(*_: object) -> None:
        raise AssertionError("fitted again")

    monkeypatch.setattr("unseen.ops.retrain.learning.Learning.best", never)
    assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED


@pytest.mark.parametrize("stage", ["schema", "fit", "validate", "register", "promote"])
def test_an_interrupt_in_any_stage_leaves_a_run_that_goes_on(
    loop: Path, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unseen.ops.retrain.pipeline import Retrain

    def interrupt(self: object) -> None:
        raise KeyboardInterrupt

    interrupt.__name__ = stage
    with monkeypatch.context() as patched:
        patched.setattr(Retrain, stage, interrupt)
        record = retrain(settings_at(loop))
    assert record.outcome == Outcome.INTERRUPTED and champion(loop) == 1
    assert retrain(settings_at(loop)).outcome == Outcome.PROMOTED and champion(loop) == 2


def test_a_champion_that_was_altered_is_no_measure(loop: Path) -> None:
    """The candidate is held: who cannot be compared is not better."""
    for path in (loop / ".unseen").rglob("arrays.npz"):
        body = bytearray(path.read_bytes())
        body[len(body) // 2] ^= 0xFF
        path.write_bytes(bytes(body))
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.HELD
    assert champion(loop) == 1


def test_who_was_overtaken_is_told(loop: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def late(self: Registry, *_: object, **__: object) -> None:
        raise ConflictError("the champion is version 7 by now")

    monkeypatch.setattr(Registry, "promote", late)
    record = retrain(settings_at(loop))
    assert record.outcome == Outcome.HELD and "version 7" in record.reason


def test_the_gates_can_be_asked_again(loop: Path) -> None:
    held = retrain(settings_at(loop, gates={"heldout_drop": -100.0}))
    validation, verdicts, passes = regate(settings_at(loop), held.id)
    assert passes and validation is not None and all(v.passed for v in verdicts)
    assert not regate(settings_at(loop, gates={"heldout_drop": -100.0}), held.id)[2]
    with pytest.raises(UnseenError, match="there is no run"):
        regate(settings_at(loop), "nothing")


@pytest.mark.parametrize("start", ["auto", "champion"])
def test_a_run_can_be_replayed_to_the_bit(loop: Path, start: str) -> None:
    from unseen.ops.doctor import case_of

    settings = settings_at(loop, fit={"start": start})
    record = retrain(settings)
    assert replay(case_of(record.id, settings))


def test_two_processes_never_work_on_the_same_run(loop: Path) -> None:
    from filelock import FileLock

    from unseen.ops.places import Places
    from unseen.ops.retrain.identity import run_id

    settings = settings_at(loop)
    folder = Places.of(settings).run(run_id(take_in(settings), settings))
    folder.mkdir(parents=True)
    with FileLock(folder / ".lock"), pytest.raises(ConflictError, match="another process"):
        retrain(settings)
    assert read(folder) is None
