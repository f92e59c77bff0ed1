"""THE loop: every algorithm, on every engine, for every model."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, cast

import numpy as np

from unseen.core.algorithm import Algorithm, Answer, Moves, State
from unseen.core.engine import Engine
from unseen.core.interrupt import check, interruptible
from unseen.core.model import Model, Penalised
from unseen.core.observe import Event, Observer
from unseen.core.stats import Kind, Params, Stats, Sums
from unseen.core.stop import FAILED, INTERRUPTED, Outcome, Record, Rule, facts, fall
from unseen.core.tasks import Expect
from unseen.errors import ModelError, NumericalError

# summing many rows in double precision moves their mean by no more than about this share
SUMMATION = 4e-15


@dataclass(frozen=True, slots=True)
class Run:
    """What the loop leaves: final parameters, how it ended, the trace, and the model as it computed at the end."""

    params: Params
    outcome: Outcome
    trace: tuple[Record, ...]
    evaluations: int
    seconds: float
    model: Any = None
    #: to go on: where the algorithm stood, and whether its precision has just been changed
    kept: tuple[State, bool] | None = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class Clock:
    """Moves with their seconds and calls counted, so that a trace can say where time went."""

    model: Model
    engine: Engine
    prior: Sums
    e: float = 0.0
    m: float = 0.0
    evaluations: int = 0
    lost: tuple[int, ...] = field(default=())

    def ask(self, params: Params, which: Sequence[int] | None = None) -> Answer:
        """E-step over all blocks or some, with the objective per unit of weight at these parameters."""
        began = time.perf_counter()
        with named_failures():
            summed = self.engine.sum(Expect(self.model, params), which)
        stats = summed.whole()
        self.e += time.perf_counter() - began
        self.evaluations += 1
        weight = stats.weight or 1.0
        log_prior = cast(Penalised, self.model).log_prior(params, self.prior) if self.prior else 0.0
        return Answer(params, stats, (stats.loglik + log_prior) / weight, log_prior)

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


def check_pair(model: Model, algorithm: Algorithm) -> None:
    """Refuse a model and an algorithm that cannot go together.

    Raises
    ------
    ModelError
        The algorithm mixes statistics over time and the model's mean something only where they were taken.
    """
    if algorithm.needs is Kind.FREE and model.kind is Kind.BOUND:
        raise ModelError(
            f"{type(algorithm).__name__} averages statistics taken at different parameters, but those of "
            f"{type(model).__name__} mean something only at the parameters they were taken at: use batch "
            "(algorithm=Batch(); --algorithm batch)"
        )


@interruptible()
def run(
    model: Model,
    engine: Engine,
    params: Params,
    algorithm: Algorithm,
    stop: Rule,
    prior: Sums | None = None,
    observers: Sequence[Observer] = (),
    resume: Run | None = None,
) -> Run:
    """Repeat the algorithm's step from ``params``, or from where ``resume`` ended, until a rule names the outcome."""
    check_pair(model, algorithm)
    clock = Clock(model, engine, prior or {})
    began = time.perf_counter()
    trace: list[Record] = []
    state: State | None = None
    refined = False
    if resume is not None and resume.kept is not None:
        (state, refined), trace, clock.model = resume.kept, list(resume.trace), resume.model
        clock.evaluations, began = resume.evaluations, began - resume.seconds
    moves = clock.moves()
    best = params
    outcome: Outcome | None = None
    try:
        state = state or algorithm.init(params, moves)
        while outcome is None:
            before, spent = state, (clock.e, clock.m)
            state = algorithm.step(state, moves)
            trace.append(_record(clock, trace, state, spent, refined))
            for observe in observers:
                observe(Event("iteration", facts(trace[-1])))
            best = state.params
            if algorithm.monotone and (outcome := fall(trace)):
                best = before.at or before.params
                break
            refined = clock.refine(trace[-1])
            outcome = stop(trace, time.perf_counter() - began)
            check()
    except KeyboardInterrupt:
        outcome = Outcome(INTERRUPTED, f"interrupted after {len(trace)} iterations; the last parameters were kept")
    except NumericalError as error:
        outcome = Outcome(FAILED, f"{error} (after {len(trace)} iterations; the last sound parameters were kept)")
        best = (state and state.at) or params
    seconds, kept = time.perf_counter() - began, None if state is None else (state, refined)
    return Run(best, outcome, tuple(trace), clock.evaluations, seconds, clock.model, kept)


def _record(clock: Clock, trace: Sequence[Record], state: State, spent: tuple[float, float], refined: bool) -> Record:
    # between two precisions lies rounding, too: that difference is no gain, from which the next could be judged
    change = state.objective - trace[-1].objective if trace and not refined else float("nan")
    model = clock.model
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
        clock.e - spent[0],
        clock.m - spent[1],
        clock.evaluations,
        events=dict(state.params.events),
        **about,
    )
