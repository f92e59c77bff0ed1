"""The moves of the loop, E and M, with their seconds and calls counted."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

import numpy as np

from unseen.core.algorithm import Answer, Moves, State
from unseen.core.block import Block
from unseen.core.engine import Engine
from unseen.core.model import Model, Penalised
from unseen.core.passes import Pass, expected
from unseen.core.stats import Params, Stats, Sums
from unseen.core.stop import Record
from unseen.core.tasks import Expect
from unseen.errors import NumericalError

# summing many rows in double precision moves their mean by no more than about this share
SUMMATION = 4e-15
#: what models leave for each block from one E-step to the next
Local = Mapping[int, dict[str, Any]]


@dataclass(slots=True)
class Counted:
    """Moves with their seconds and calls counted, so that a trace can say where time went."""

    model: Model
    engine: Engine
    prior: Sums
    seed: int = 0
    e: float = 0.0
    m: float = 0.0
    evaluations: int = 0
    local: Local = field(default_factory=dict)

    def ask(self, params: Params, which: Sequence[int] | None = None) -> Answer:
        """E-step over all blocks or some, with the objective per unit of weight at these parameters."""
        began = time.perf_counter()
        fresh: dict[int, dict[str, Any]] = {}
        with named_failures():
            task = partial(self._expect, params, fresh) if self.model.needs_pass else Expect(self.model, params)
            stats: Stats = self.engine.sum(task, which).whole()
        if fresh:
            self.local = {**self.local, **fresh}
        self.e += time.perf_counter() - began
        self.evaluations += 1
        weight = stats.weight or 1.0
        log_prior = cast(Penalised, self.model).log_prior(params, self.prior) if self.prior else 0.0
        return Answer(params, stats, (stats.loglik + log_prior) / weight, log_prior)

    def _expect(self, params: Params, fresh: dict[int, dict[str, Any]], block: Block) -> Stats:
        """The E-step of a model that draws or remembers: what it remembers of a block stays in this process."""
        mine = fresh[block.id] = dict(self.local.get(block.id, {}))
        return expected(self.model, params, block, Pass(self.evaluations, self.seed, mine))

    def update(self, stats: Stats, params: Params) -> Params:
        """M-step with the prior's pseudo-counts added."""
        began = time.perf_counter()
        with named_failures():
            new = self.model.maximize(stats.with_prior(self.prior).in_unit(), params)
        self.m += time.perf_counter() - began
        return new

    def refine(self, last: Record) -> bool:
        """Go over to double precision where single precision no longer tells a gain from rounding."""
        finer = self.model.in_double()
        if finer is self.model or not abs(last.change) <= last.rounding:
            return False
        self.model = finer
        return True

    def moves(self) -> Moves:
        return Moves(self.ask, self.update, self.model.valid, len(self.engine))


@contextmanager
def named_failures() -> Iterator[None]:
    """Linear algebra that fails is an outcome of its own, not a bug."""
    try:
        yield
    except np.linalg.LinAlgError as error:
        raise NumericalError(
            f"a matrix of a component could not be used ({error}): look for cells of another order of magnitude, or "
            "add a prior (prior=1; --prior 1), or in Python raise the floor of the family"
        ) from None


def record(work: Counted, trace: Sequence[Record], state: State, spent: tuple[float, float], refined: bool) -> Record:
    """Return the trace's next line; ``spent`` is the seconds of E and M before it."""
    # between two precisions lies rounding, too: that difference is no gain, from which the next could be judged
    change = state.objective - trace[-1].objective if trace and not refined else float("nan")
    model = work.model
    about: dict[str, Any] = {}
    if state.at is not None and "weights" in state.at:
        about["smallest_weight"] = float(state.at["weights"].min())
    spread = model.spread(state.params)
    if spread is not None:
        about["smallest_eigenvalue"] = float(spread.min())
    at = state.params if state.at is None else state.at
    about["rounding"] = SUMMATION * (1 + abs(state.objective)) + model.rounding(at)
    if refined:
        about["rounding"] = max(about["rounding"], trace[-1].rounding)
    return Record(
        len(trace) + 1,
        state.objective,
        change,
        work.e - spent[0],
        work.m - spent[1],
        work.evaluations,
        events=dict(state.params.events),
        **about,
    )
