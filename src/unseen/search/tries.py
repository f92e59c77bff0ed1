"""One start on its way: where it stands, where it is likely to end, and where it could end at best."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from unseen.core.events import EventKind, count_of
from unseen.core.model import Model
from unseen.core.stats import Array, Params
from unseen.core.stop import FAILED, PAUSED, Outcome, Record, Rule
from unseen.loop import Run

UNFINISHED = "not finished"
CANNOT_WIN, BEHIND = "stopped: cannot win", "stopped: others were ahead"
#: iterations between two looks at whether a run can still win
LOOK = 16
NARROW, ROWS_PER_PARAMETER = 0.1, 10
#: the gain of a run's last half, so many times, is what it may still gain: EM that slows down gains less in every
#: doubling of its iterations
DOUBLINGS = 3.0
#: shorter traces say nothing about where they lead
LEAST_ITERATIONS = 8
#: two runs are at one optimum if their parameters agree to this share of what components differ by
SAME = 0.01
#: objectives that differ by less than this share are one optimum reached twice
ONE_OPTIMUM = 1e-6


@dataclass(frozen=True, slots=True)
class Attempt:
    """One line of the restart table. ``objective`` is per unit of weight, where the start stood at its end.

    ``finished`` starts were run until a stopping rule ended them, or met one that was; the others were stopped since
    they could not win or others were ahead. ``hits`` is how many of the finished ended in the same optimum.
    """

    start: int
    seed: int
    objective: float
    iterations: int
    outcome: str
    finished: bool = False
    hits: int = 1
    spurious: bool = False

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(slots=True)
class Try:
    """A start: the model anchored for it, where it stands, its run so far, and why it was stopped if it was.

    ``before`` counts iterations on a sample of the rows; ``joined`` is the start whose optimum it shares.
    """

    start: int
    seed: int
    model: Model
    params: Params | None
    begun: Params | None = None
    run: Run | None = None
    before: int = 0
    stopped: str = ""
    joined: Try | None = None
    error: Exception | None = None

    @property
    def outcome(self) -> str:
        if self.error is not None:
            return FAILED
        if self.stopped or self.run is None:
            return self.stopped or "not run"
        return UNFINISHED if self.run.outcome.name == PAUSED else self.run.outcome.name

    @property
    def ended(self) -> bool:
        """Whether a stopping rule ended it."""
        return self.error is not None or (self.run is not None and self.run.outcome.name != PAUSED)

    @property
    def alive(self) -> bool:
        return not self.stopped and not self.ended

    @property
    def trace(self) -> Sequence[Record]:
        return () if self.run is None else self.run.trace

    @property
    def objective(self) -> float:
        return objective(None if self.error is not None else self.run)

    @property
    def rank(self) -> tuple[int, float]:
        """Sound ones first, then the larger limit that is to be expected."""
        return (0 if self.params is None else unsound(self.params), -expected(self.trace) if self.usable else np.inf)

    @property
    def usable(self) -> bool:
        return self.params is not None and np.isfinite(self.objective)

    def attempt(self, weight: float) -> Attempt:
        """Its line of the table, hits not counted yet."""
        last = self
        while last.joined is not None:
            last = last.joined
        finished = last.ended and last.usable and (not self.stopped or self.joined is not None)
        flagged = finished and last.params is not None and is_spurious(last.model, last.params, weight)
        where = last.objective if finished else self.objective
        iterations = self.before + len(self.trace)
        return Attempt(self.start, self.seed, where, iterations, self.outcome, finished, spurious=flagged)


@dataclass(frozen=True)
class Pause(Rule):
    """Stop after so many passes over the rows, to go on later."""

    passes: int

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        return Outcome(PAUSED, "") if trace[-1].evaluations >= self.passes else None


def table(tries: Sequence[Try], weight: float) -> tuple[Attempt, ...]:
    """All starts in their order, with how many reached the same optimum."""
    lines = [t.attempt(weight) for t in sorted(tries, key=lambda t: t.start)]
    scale = ONE_OPTIMUM * (1 + max((abs(a.objective) for a in lines if np.isfinite(a.objective)), default=0.0))
    ends = [a.objective for a in lines if a.finished]
    return tuple(replace(a, hits=sum(abs(o - a.objective) <= scale for o in ends)) if a.finished else a for a in lines)


def objective(done: Run | None) -> float:
    """The last objective of a run, -inf where there is none."""
    if done is None or not done.trace or done.outcome.name == FAILED:
        return -np.inf
    return done.trace[-1].objective


def expected(trace: Sequence[Record]) -> float:
    """Where a run is likely to end, by Aitken's extrapolation from its last ten increments."""
    if not trace:
        return -np.inf
    now = trace[-1].objective
    if len(trace) < LEAST_ITERATIONS:
        return now
    span = min(5, (len(trace) - 1) // 2)
    late = now - trace[-1 - span].objective
    early = trace[-1 - span].objective - trace[-1 - 2 * span].objective
    ratio = min(max(late / early, 0.0), 0.9) if early > 0 else 0.0
    return now + max(late, 0.0) * ratio / (1 - ratio)


def optimistic(trace: Sequence[Record]) -> float:
    """What a run may reach at best: the gain of its last half again in each of the next doublings.

    Infinite while increments still grow, as they do when a run leaves a saddle.
    """
    if len(trace) < LEAST_ITERATIONS:
        return np.inf
    passes, now = trace[-1].evaluations, trace[-1].objective
    middle, late = (_after(trace, passes * share) for share in (0.5, 0.75))
    return np.inf if now - late > late - middle + 1e-12 * (1 + abs(now)) else now + outstanding(trace)


@dataclass(frozen=True)
class Hopeless(Rule):
    """Stop when even what may still be gained stays below an objective that is needed."""

    beat: float

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        if len(trace) % LOOK or optimistic(trace) >= self.beat:
            return None
        return Outcome(CANNOT_WIN, "it would not have overtaken a fit that is known already")


def outstanding(trace: Sequence[Record]) -> float:
    """What a run may still gain, were it to slow down as EM does."""
    if not trace:
        return np.inf
    return DOUBLINGS * max(trace[-1].objective - _after(trace, trace[-1].evaluations / 2), 0.0)


def _after(trace: Sequence[Record], passes: float) -> float:
    """The objective after so many passes over the rows."""
    at = bisect_right(trace, passes, key=lambda r: r.evaluations)
    return trace[max(at - 1, 0)].objective


def coincide(a: Params, b: Params) -> bool:
    """Whether two sets of parameters are the same up to the order of components, told by their weights."""
    if "weights" not in a or "weights" not in b:
        return False
    k = len(a["weights"])
    i, j = np.argsort(-a["weights"], kind="stable"), np.argsort(-b["weights"], kind="stable")
    for name, x in a.items():
        y = b[name]
        if x.ndim and len(x) == k:
            x, y = x[i], y[j]
            apart = np.ptp(x, axis=0) + 0.1 * np.abs(x).max(axis=0)
        else:
            apart = np.abs(x)
        if not (np.abs(x - y) <= SAME * apart + 1e-12).all():
            return False
    return True


# ---- what makes an optimum doubtful


def is_singular(params: Params) -> bool:
    """Whether a variance floor holds a component up at these parameters: without it the likelihood has no bound.

    A floor that the grid of the data sets is none of that kind: it bounds the likelihood.
    """
    return count_of(params.events, EventKind.VARIANCE_FLOOR) > 0


def has_empty(params: Params) -> bool:
    """Whether a component lost all its rows and stays as it was."""
    return count_of(params.events, EventKind.EMPTY_COMPONENT) > 0


def unsound(params: Params) -> int:
    """0 for an optimum that means what it says, 1 for a singular one, 2 and more with empty components."""
    return is_singular(params) + 2 * has_empty(params)


def is_spurious(model: Model, params: Params, weight: float) -> bool:
    """Whether some component looks `spurious`."""
    return bool(spurious(model, params, weight).any())


def spurious(model: Model, params: Params, weight: float) -> Array:
    """Which components are so narrow and so light that they may describe a few rows, not the data, (K,) bool.

    Narrow is a smallest variance below a tenth of the median component's; light is fewer than ten rows for each
    parameter of a component. ``weight`` is the total weight of the rows. A small real group can look the same, so
    such an optimum is flagged, not dropped.

    Source: McLachlan & Peel (2000), section 3.10, on spurious local maximisers.
    """
    spread = model.spread(params)
    if spread is None or "weights" not in params or len(spread) < 2:
        return np.zeros(1, bool)
    rows = params["weights"] * weight
    light = rows < ROWS_PER_PARAMETER * model.size(params) / len(spread)
    middle = np.sort(spread)[(len(spread) - 1) // 2 : len(spread) // 2 + 1].mean()  # np.median would load numpy.ma
    flagged: Array = light & (spread < NARROW * middle)
    return flagged
