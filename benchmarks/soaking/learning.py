"""Faults of the fit and of the gates."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any, NoReturn
from unittest.mock import patch

from benchmarks.soaking.world import World


def cannot_converge(world: World, month: int, rng: Random) -> str:
    return str(world.retrain(month, fit__max_iterations=1, fit__tol=1e-12).outcome)


def no_start_works(world: World, month: int, rng: Random) -> str:
    """Every fit raises; the settings are those of every night, so the outcome is kept until it is run anew."""
    from unseen.errors import NumericalError

    with _every_fit(NumericalError("component 2 is singular")):
        outcome = world.retrain(month, fit__seed=rng.randrange(1, 10**6)).outcome
    return str(outcome)


def worse_candidate(world: World, month: int, rng: Random) -> str:
    """One component describes three groups badly: the gates hold it."""
    return str(world.retrain(month, model__components=1).outcome)


def out_of_time(world: World, month: int, rng: Random) -> str:
    return str(world.retrain(month, limits__seconds=1e-3).outcome)


def out_of_memory(world: World, month: int, rng: Random) -> str:
    with _every_fit(MemoryError()):
        return str(world.retrain(month).outcome)


def metric_raises(world: World, month: int, rng: Random) -> str:
    """The team's own measure raises, with a card number in its text."""
    record = world.retrain(month, validate__metric="judges:value", gates__min_metric=0.0)
    return "leak" if "4111 1111" in record.model_dump_json() else str(record.outcome)


def gate_raises(world: World, month: int, rng: Random) -> str:
    """A bug in a gate: the same command judges again."""
    with patch("unseen.ops.judge.gates.measures.heldout_drop", _raising(RuntimeError("ada@example.org"))):
        gates = _gates_with_that()
        with patch("unseen.ops.judge.gates.GATES", gates):
            record = world.retrain(month)
    return "leak" if "ada@" in record.model_dump_json() else str(record.outcome)


def validation_raises(world: World, month: int, rng: Random) -> str:
    with patch("unseen.ops.retrain.judging.validate", _raising(OSError(5, "ada@example.org"))):
        record = world.retrain(month)
    return "leak" if "ada@" in record.model_dump_json() else str(record.outcome)


def asking_a_gain_of_a_hundred(world: World, month: int, rng: Random) -> str:
    return str(world.retrain(month, gates__heldout_drop="-100").outcome)


def _gates_with_that() -> Any:
    """The gates as they would be had the module been imported with its measures as they are now."""
    from dataclasses import replace

    from unseen.ops.judge import gates

    return tuple(replace(g, measure=getattr(gates.measures, g.name)) for g in gates.GATES)


@contextmanager
def _every_fit(error: BaseException) -> Iterator[None]:
    """Whether it goes on from the champion or begins anew."""
    with (
        patch("unseen.ops.retrain.learning.fitted", _raising(error)),
        patch("unseen.ops.retrain.learning.solve", _raising(error)),
    ):
        yield


def _raising(error: BaseException) -> Any:
    def raises(*_: Any, **__: Any) -> NoReturn:
        raise error

    return raises
