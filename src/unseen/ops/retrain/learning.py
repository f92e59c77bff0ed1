"""The fit of a retrain: on the rows that are not held out, from several starts, the best one by validation."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np

from unseen.algorithms import algorithm
from unseen.algorithms.squarem import SQUAREM
from unseen.core.description import plural
from unseen.core.encoding import Encoded
from unseen.core.model import Penalised
from unseen.core.observe import Event, Observer
from unseen.core.stop import CONVERGED, FAILED, FELL, INTERRUPTED, TIME, Outcome, Record, Rule
from unseen.errors import LimitError, NumericalError
from unseen.fit import default_rule, solve
from unseen.ops.config import Settings
from unseen.ops.fitting import WENT_ON
from unseen.ops.judge import HoldOut
from unseen.ops.judge.crossing import Fold
from unseen.ops.record import FitFacts
from unseen.ops.retrain.continuing import carried
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
        told = f"used up after {len(trace)} iterations of the last start"
        return Outcome(TIME, f"{told}: raise it, or take longer steps (fit.algorithm: squarem)")


@dataclass
class Learning:
    """Fits to the training rows until one is usable; ``failed`` is told of each that was not."""

    settings: Settings
    plan: Plan
    holdout: HoldOut | Fold
    champion: Result | None
    seconds_left: Callable[[], float | None]
    failed: Callable[[int, str], Any]
    observers: Sequence[Observer] = ()
    #: all numbers of components, whatever the champion has
    search: bool = False

    def best(self) -> Result:
        """The champion's optimum on the new rows unless a drawn start fits clearly better; else the best of a search.

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
                return self._told(result)
            if not usable(result):
                self.failed(number, result.outcome.message)
            elif is_singular(result.params):
                self.failed(number, "a variance floor holds a component up")
            else:
                break
        if not found:
            raise NumericalError("no start led to a fit: look at the columns, raise the variance floor, or fit fewer")
        return self._told(max(found, key=lambda r: (usable(r), not is_singular(r.params), self.heldout(r))))

    def without(self, fold: Fold) -> Result:
        """On from the champion as before, without some of the newest rows."""
        return replace(self, holdout=fold)._go_on()

    def _told(self, result: Result) -> Result:
        return replace(result, columns=self.plan.after(result).columns)

    def _attempts(self) -> Iterator[Callable[[], Result]]:
        """One fit from the champion, then searches with other seeds."""
        if self.goes_on:
            yield self._go_on
        for i in range(self.settings.retries.fits):
            yield partial(self._fit, self.settings.fit.seed + 1000 * i, i > 0)

    @property
    def goes_on(self) -> bool:
        """Whether the champion's number of components stands, so that nothing has to be searched."""
        return self.champion is not None and not self.searched

    @property
    def searched(self) -> str:
        """Why the champion's number of components does not stand; empty where it does, or where there is none."""
        if self.champion is None:
            return ""
        every, went_on = self.settings.fit.search_every, int(self.champion.options.get(WENT_ON, 0)) + 1
        if self.search:
            return "every number of components is tried: asked for, or by what drift found"
        if (self.champion.model.number or 1) not in self._numbers:
            return "every number of components is tried: the champion's is none of those that unseen.yaml names"
        if every and went_on >= every:
            return f"every number of components is tried: {went_on} versions went on from the last time (search_every)"
        return ""

    @property
    def _numbers(self) -> tuple[int, ...]:
        numbers = self.settings.model.numbers
        return numbers if numbers is not None and self.plan.model_for(1).order else (self._number,)

    @property
    def _number(self) -> int:
        return (self.champion.model.number if self.champion else None) or 1

    def _train(self) -> Any:
        known = self.plan.known
        return replace(known, make=lambda blocks: known.make(self.holdout.training(blocks)))

    def _options(self, seed: int) -> dict[str, Any]:
        fit = self.settings.fit
        return {
            "seed": seed,
            "prior": self.prior,
            "algorithm": algorithm(fit.algorithm) if self._asked else None,
            "stop": default_rule(fit.tol, fit.max_iterations, None) | InTime(self.seconds_left),
            "observers": (*self.observers, self._in_time),
        }

    @property
    def _asked(self) -> bool:
        """Whether the settings name the algorithm; else it is EM, and long strides at its end as `unseen fit` takes."""
        return "algorithm" in self.settings.fit.model_fields_set

    @property
    def prior(self) -> float:
        """Strength of the prior: one row where the settings leave it out and the kind has one."""
        given = self.settings.fit.prior
        return given if given is not None else float(isinstance(self.plan.model_for(1), Penalised))

    def _in_time(self, event: Event) -> None:
        """Starts are tried out by short runs, which no rule stops."""
        left = self.seconds_left()
        if event.name == "restart" and left is not None and left < 0 and event.facts.get("stage") == "started":
            raise LimitError("limits.seconds or limits.cost was used up before all starts were tried: raise it")

    def _fit(self, seed: int, strides: bool = False) -> Result:
        """A search; with ``strides`` all of it, where the first one did not converge."""
        fit, model = self.settings.fit, self.settings.model
        options = self._options(seed)
        if strides and not self._asked:
            options["algorithm"] = SQUAREM()
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
            **options,
        )

    def _go_on(self) -> Result:
        """From the champion, and from starts that are drawn, to see whether that is still the optimum."""
        champion, fit = self.champion, self.settings.fit
        assert champion is not None
        form = str(champion.options.get("form", "")).partition(", ")[0]
        forms = (form,) if form in self.plan.forms else ()
        problem = bind(self.plan.model_for(self._number, *forms), self._train())
        params = carried(champion, problem, self.holdout, self.prior)
        start = "auto" if fit.start == "champion" else fit.start
        options = {**self._options(fit.seed), "options": {"form": form} if forms else {}}
        options |= {} if self._asked else {"faster": SQUAREM()}
        tries: list[Callable[[], Result]] = []
        if params is not None:
            tries.append(partial(solve, problem, start=params, **options))
        if fit.fresh or params is None:
            tries.append(partial(solve, problem, start=start, restarts=max(fit.fresh, 1), **options))
        found = []
        for attempt in tries:
            with suppress(NumericalError):
                found.append(attempt())
                if found[-1].outcome.name in STOPPED:
                    break
        if not found:
            raise NumericalError("neither the champion's parameters nor a drawn start led to a fit")
        best = max(found, key=lambda r: (usable(r), not is_singular(r.params), r.loglik / r.weight))
        first = found[0]
        if usable(first) and not is_singular(first.params) and self._alike(best, first):
            best = first
        return replace(best, options={**best.options, WENT_ON: int(champion.options.get(WENT_ON, 0)) + 1})

    def _alike(self, best: Result, first: Result) -> bool:
        """Whether a better optimum is not better by more than may be lost: then the components stay what they are."""
        margin = max(self.settings.gates.loss(self.holdout.newest_rows), 0.0)
        return best.loglik / best.weight <= first.loglik / first.weight + margin

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
