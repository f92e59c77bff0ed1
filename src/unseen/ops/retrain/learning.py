"""The fit of a retrain: on the rows that are not held out, from several starts, the best one by validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from unseen.algorithms import algorithm
from unseen.core.description import plural
from unseen.core.encoding import Encoded
from unseen.core.observe import Event, Observer
from unseen.core.stop import CONVERGED, FAILED, FELL, INTERRUPTED, TIME, Outcome, Record, Rule
from unseen.errors import LimitError, NumericalError
from unseen.fit import default_rule, solve
from unseen.ops.config import Settings
from unseen.ops.judge import HoldOut
from unseen.ops.record import FitFacts
from unseen.plan import Plan, fitted
from unseen.problem import bind
from unseen.result import Result
from unseen.search.holdout import HeldOut, LogDensity
from unseen.search.restarts import is_singular

#: what no other start mends: the run was told to stop
STOPPED = (INTERRUPTED, TIME)


@dataclass(frozen=True)
class InTime(Rule):
    """Stop when a limit of time or cost is reached, whichever start is run by then: each run has a clock of its own."""

    left: Callable[[], float | None]

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        left = self.left()
        if left is None or left > 0:
            return None
        return Outcome(TIME, f"used up after {len(trace)} iterations of the last start: raise it, or use squarem")


@dataclass
class Learning:
    """Fits to the training rows until one is usable; ``failed`` is told of each that was not."""

    settings: Settings
    plan: Plan
    holdout: HoldOut
    champion: Result | None
    seconds_left: Callable[[], float | None]
    failed: Callable[[int, str], Any]
    observers: Sequence[Observer] = ()

    def best(self) -> Result:
        """The fit with the largest held-out log-density among those that are usable.

        Raises
        ------
        NumericalError
            No start led anywhere.
        """
        found: list[Result] = []
        for number, attempt in enumerate(self._attempts(), 1):
            try:
                result = attempt()
            except NumericalError as error:
                self.failed(number, str(error))
                continue
            found.append(result)
            if result.outcome.name in STOPPED:
                return replace(result, columns=self.plan.after(result).columns)
            if not usable(result):
                self.failed(number, result.outcome.message)
            elif is_singular(result.params):
                self.failed(number, "a variance floor holds a component up")
            elif not self._more_wanted(number):
                break
        if not found:
            raise NumericalError("no start led to a fit: look at the columns, raise the variance floor, or fit fewer")
        best = max(found, key=lambda r: (usable(r), not is_singular(r.params), self.heldout(r)))
        return replace(best, columns=self.plan.after(best).columns)

    def _attempts(self) -> Iterator[Callable[[], Result]]:
        """One fit with each seed, and one from the champion if that was asked for."""
        if self._from_champion():
            yield self._go_on
        for i in range(self.settings.retries.fits):
            yield partial(self._fit, self.settings.fit.seed + 1000 * i)

    def _more_wanted(self, number: int) -> bool:
        """A start at the champion is compared with a drawn one; otherwise one usable fit is enough."""
        return number == 1 and self._from_champion()

    def _from_champion(self) -> bool:
        """Whether the champion's parameters fit this model: same columns, same categories, a K that may be."""
        if self.settings.fit.start != "champion" or self.champion is None:
            return False
        components = self.champion.model.number or 1
        if components not in self.settings.model.components:
            return False
        return self.plan.model_for(components).bind(self.plan.known.profile).slots == self.champion.model.slots

    def _train(self) -> Any:
        known = self.plan.known
        return replace(known, make=lambda blocks: known.make(self.holdout.training(blocks)))

    def _options(self, seed: int) -> dict[str, Any]:
        fit = self.settings.fit
        return {
            "seed": seed,
            "prior": fit.prior,
            "algorithm": algorithm(fit.algorithm),
            "stop": default_rule(fit.tol, fit.max_iterations, None) | InTime(self.seconds_left),
            "observers": (*self.observers, self._in_time),
        }

    def _in_time(self, event: Event) -> None:
        """Starts are tried out by short runs, which no rule stops."""
        left = self.seconds_left()
        if event.name == "restart" and left is not None and left < 0 and event.facts.get("stage") == "started":
            raise LimitError("limits.seconds or limits.cost was used up before all starts were tried: raise it")

    def _fit(self, seed: int) -> Result:
        fit, model = self.settings.fit, self.settings.model
        return fitted(
            self.plan,
            model.numbers,
            self._train(),
            criterion=model.criterion,
            start="auto" if fit.start == "champion" else fit.start,
            restarts=fit.restarts,
            tol=fit.tol,
            max_iterations=fit.max_iterations,
            max_seconds=self.seconds_left(),
            **self._options(seed),
        )

    def _go_on(self) -> Result:
        """From the champion's parameters."""
        assert self.champion is not None
        return solve(
            bind(self.plan.model_for(self.champion.model.number or 1), self._train()),
            start=self.champion.params,
            **self._options(self.settings.fit.seed),
        )

    def heldout(self, result: Result) -> float:
        """Mean log-density per held-out row; -inf where there is none."""
        unlabelled = replace(result.encoding, labels=None)
        blocks = self.holdout.held(Encoded(self.plan.known.source, unlabelled))
        if not len(blocks):
            return -np.inf
        held: HeldOut = self.plan.known.make(blocks).total(LogDensity(result.model, result.params))
        return held.mean


def usable(result: Result) -> bool:
    """Whether a fit ended by itself; whether its parameters are any good is for the gates to say."""
    return result.outcome.name == CONVERGED


def broken(result: Result) -> bool:
    """Whether a fit may never be registered, whatever the settings allow."""
    return result.outcome.name in (FAILED, FELL) or not np.isfinite(result.loglik)


def ended(result: Result, fit: FitFacts) -> str:
    """How the fit went, in the words of its model."""
    noun = result.description.noun
    parts = f"{fit.components} {noun if fit.components == 1 else plural(noun)}"
    return f"{parts}, {fit.outcome} after {fit.iterations} iterations in {fit.seconds:.1f} s"
