"""Stopping rules that compose with ``|``, and the named outcomes of a run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.core.kinds import kind

CONVERGED, STALLED, CAP, TIME, FELL, INTERRUPTED, FAILED, PAUSED = (
    "converged",
    "stalled",
    "hit the cap",
    "out of time",
    "fell",
    "interrupted",
    "failed",
    "paused",
)


# what sinks by less than this share of the objective, or this many times the rounding error, is no fall
FALL, FALL_SLACK = 1e-9, 10.0
# an objective that moves by less than this share of itself has arrived as far as double precision can tell
RESOLUTION = 1e-14


@kind("outcome")
@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: its name, a sentence that says what, why and which knob to turn."""

    name: str
    message: str

    @property
    def converged(self) -> bool:
        return self.name == CONVERGED

    def after(self, iterations: int, before: int) -> Outcome:
        """Return the same of a run that went on from another: ``before`` iterations count, too."""
        return replace(self, message=self.message.replace(f"after {iterations} ", f"after {iterations + before} ", 1))


@kind("record")
@dataclass(frozen=True, slots=True)
class Record:
    """One line of the trace; the objective belongs to the parameters before this iteration's M-step.

    ``rounding`` is what arithmetic alone may add to the objective or take from it, in the precision of this E-step.
    ``change`` is not a number in the first iteration, and where the precision changed.
    """

    iteration: int
    objective: float
    change: float
    seconds_e: float
    seconds_m: float
    evaluations: int
    rounding: float = 0.0
    smallest_weight: float | None = None
    smallest_eigenvalue: float | None = None
    events: dict[str, int] = field(default_factory=dict)


class Rule:
    """Looks at the trace and says how the run ended, or None to go on."""

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        raise NotImplementedError

    def __or__(self, other: Rule) -> Rule:
        return Either(self, other)


@dataclass(frozen=True)
class Either(Rule):
    """The first of two rules that fires."""

    first: Rule
    second: Rule

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        return self.first(trace, seconds) or self.second(trace, seconds)


@dataclass(frozen=True)
class Converged(Rule):
    r"""Stop when the gain that is still to come is below ``tol`` per unit of weight.

    EM converges linearly, so the increments :math:`d_t` form a geometric series and what remains is about
    :math:`d_t a / (1 - a)` with :math:`a = d_t / d_{t-1}` (Aitken). A small step alone is not convergence: slow
    EM takes many of them. The rule must hold in two iterations running. When increments sink into rounding
    before ``tol`` is met, the outcome is ``stalled`` if rounding is larger than double precision alone makes it.

    Source: Boehning et al. (1994), Ann. Inst. Statist. Math. 46.

    >>> Converged(1e-6) | MaxIterations(500)
    Either(first=Converged(tol=1e-06), second=MaxIterations(iterations=500))
    """

    tol: float = 1e-7

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        if len(trace) < 3:
            return None
        left = [self._remaining(trace[:-1]) if len(trace) > 3 else 0.0, self._remaining(trace)]
        rounding = trace[-1].rounding
        if max(left) <= self.tol:
            return Outcome(
                CONVERGED,
                f"after {trace[-1].iteration} iterations no more than {self.tol:g} per row is left to gain",
            )
        if all(abs(r.change) <= rounding for r in trace[-3:]):
            if rounding <= max(self.tol, RESOLUTION * (1 + abs(trace[-1].objective))):
                return Outcome(CONVERGED, f"after {trace[-1].iteration} iterations the objective no longer moves")
            return Outcome(
                STALLED,
                f"changes are below rounding before the tolerance {self.tol:g} is met: use a larger tol",
            )
        return None

    def _remaining(self, trace: Sequence[Record]) -> float:
        now, before = trace[-1].change, trace[-2].change
        if now != now or before != before:
            return float("inf")
        if abs(now) <= min(trace[-1].rounding, self.tol):
            return 0.0
        # increments of one sign shrink geometrically or not at all; those that alternate bracket the limit. Where
        # a fall is an error (monotone algorithms), the loop has ended before it could look like convergence here
        ratio = min(max(now / before, 0.0), 1.0) if before else 1.0
        return float("inf") if ratio >= 1 else abs(now) / (1 - ratio)


@dataclass(frozen=True)
class MaxIterations(Rule):
    """Stop after so many iterations; reaching the cap is not convergence."""

    iterations: int = 1000

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        if len(trace) < self.iterations:
            return None
        return Outcome(
            CAP,
            f"the cap of {self.iterations} iterations was reached before convergence: raise max_iterations, "
            "try fewer components, or take longer steps (algorithm=SQUAREM(); --algorithm squarem)",
        )


@dataclass(frozen=True)
class MaxSeconds(Rule):
    """Stop after so many seconds of wall-clock time, the last of ``asked`` where others went before."""

    seconds: float
    asked: float | None = None

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        if seconds < self.seconds:
            return None
        many = "s" * (len(trace) != 1)
        return Outcome(
            TIME,
            f"{self.asked or self.seconds:g} s were used up after {len(trace)} iteration{many} before convergence: "
            "raise max_seconds, or take longer steps (algorithm=SQUAREM(); --algorithm squarem)",
        )


def seconds_allowed(rule: Rule) -> float:
    """The least of the limits of time that a rule is made of; infinite where there is none.

    >>> seconds_allowed(Converged() | MaxSeconds(60) | MaxIterations(9))
    60
    """
    if isinstance(rule, Either):
        return min(seconds_allowed(rule.first), seconds_allowed(rule.second))
    return rule.seconds if isinstance(rule, MaxSeconds) else float("inf")


def fall(trace: Sequence[Record]) -> Outcome | None:
    """The outcome ``fell`` when the objective of a monotone algorithm went down by more than rounding."""
    if len(trace) < 2:
        return None
    before, now = trace[-2].objective, trace[-1].objective
    if now != now:
        return Outcome(
            FAILED,
            f"the objective is not a number from iteration {trace[-1].iteration} on; the last sound parameters were "
            "kept: add a prior (prior=1; --prior 1), or in Python raise the floor of the family",
        )
    if now >= before - max(FALL * (1 + abs(before)), FALL_SLACK * trace[-1].rounding):
        return None
    return Outcome(
        FELL,
        f"the objective per row fell from {before:.12g} to {now:.12g} in iteration {trace[-1].iteration}, which EM "
        "must not do: the parameters before the fall were kept; suspect a binding floor, or in Python a custom M-step",
    )


def facts(record: Record) -> dict[str, Any]:
    """A trace record as a plain dictionary."""
    return {name: getattr(record, name) for name in Record.__dataclass_fields__}
