"""How each model of a search is fitted: coarsely while models are compared, and the best one on to its end."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from unseen.algorithms.batch import Batch
from unseen.algorithms.squarem import SQUAREM
from unseen.checkpoint.folder import Checkpoint
from unseen.core.algorithm import Algorithm
from unseen.core.observe import Observer
from unseen.core.option import check_numbers
from unseen.core.stats import Params
from unseen.core.stop import FAILED, FELL, Rule
from unseen.errors import NumericalError
from unseen.fit import default_rule, solve
from unseen.problem import Problem
from unseen.result import Result
from unseen.search.tries import Hopeless

#: log-likelihood that may be left to gain while models are compared: half a unit of BIC tells none apart
TOLD_APART = 0.25
#: passes over the rows after which a fit among them is compared with the others; the best one is finished then
EXPLORE = 60
#: what may be left to gain per row, and where so many models are compared that criteria differ by far more
TOLERANCE, SEARCH_TOLERANCE = 1e-7, 1e-5


@dataclass
class Fitting:
    """The options of `unseen.fit` for every fit of a search; called with a problem, it fits that.

    ``weight`` is that of all rows together; ``bounded`` says that no numbers of components were asked for, so that
    many are tried and what cannot win any more may stay unfinished. ``max_seconds`` is for all fits together.
    """

    weight: float
    bounded: bool
    seed: int = 0
    tol: float | None = None
    max_iterations: int = 1000
    max_seconds: float | None = None
    stop: Rule | None = None
    start: str | Params = "auto"
    restarts: int | None = None
    prior: float = 0.0
    algorithm: Algorithm | None = None
    short: int = 15
    finish: int | None = None
    observers: Sequence[Observer] = ()
    checkpoint: Checkpoint | None = None

    def __post_init__(self) -> None:
        self.least = (SEARCH_TOLERANCE if self.bounded else TOLERANCE) if self.tol is None else self.tol
        check_numbers(
            restarts=self.restarts, seed=self.seed, prior=self.prior, tol=self.least,
            max_iterations=self.max_iterations, max_seconds=self.max_seconds, short=self.short, finish=self.finish,
        )  # fmt: skip
        self.deadline = None if self.max_seconds is None else time.perf_counter() + self.max_seconds
        # EM is slow near its end where components overlap; extrapolation takes a quarter of the passes there
        self.faster = SQUAREM() if self.algorithm is None and self.bounded else None

    @property
    def coarse(self) -> float:
        """The tolerance while models are compared."""
        asked = self.bounded or self.stop is not None or self.algorithm is not None
        return self.least if asked or not self.weight else max(self.least, TOLD_APART / self.weight)

    def asked(self) -> dict[str, Any]:
        """What a fit of the search depends on: by it a checkpoint knows that it belongs to the same call."""
        names = ("seed", "max_iterations", "stop", "start", "restarts", "prior", "algorithm", "short", "finish")
        return {"tol": self.least, **{name: getattr(self, name) for name in names}}

    def left(self) -> float | None:
        """Seconds that are left."""
        return None if self.deadline is None else max(self.deadline - time.perf_counter(), 0.0)

    def __call__(
        self,
        problem: Problem,
        begin: Params | None = None,
        plain: bool = False,
        needed: float = float("-inf"),
        **how: Any,
    ) -> Result:
        """Fit one model, from drawn starts or from where ``begin`` is; it ends where it cannot reach ``needed``.

        ``plain`` takes no long strides; ``how`` are proposals and bounds of `unseen.fit.solve`.
        """
        if begin is not None:
            how = {"algorithm": self.algorithm if plain else self.faster or self.algorithm}
        elif isinstance(self.start, Params) or self.finish is not None:
            how = {"algorithm": self.algorithm}
        else:
            explore = EXPLORE if self.bounded else None
            how = {"algorithm": self.algorithm, "faster": self.faster, "explore": explore, **how}
        if self.checkpoint is not None and self.left() == 0:
            self.checkpoint.freeze()
        return solve(
            problem,
            stop=(self.stop or default_rule(self.coarse, self.max_iterations, self.left(), self.max_seconds))
            | Hopeless(needed),
            start=self.start if begin is None else begin,
            restarts=self.restarts if how.get("drawn") != 0 else None,
            seed=self.seed,
            prior=self.prior,
            short=self.short,
            finish=self.finish,
            observers=self.observers,
            options={"tol": self.least, "max_iterations": self.max_iterations, "max_seconds": self.max_seconds},
            checkpoint=self.checkpoint,
            **how,
        )

    def done(self, result: Result) -> bool:
        """Whether a fit of the search is as exact as was asked for, or nothing would make it so."""
        return self.coarse == self.least or not result.converged

    def finished(self, result: Result, problem: Problem) -> Result:
        """Go on from a fit to the end, in the long strides of SQUAREM, or in plain steps where those fail."""
        rule = default_rule(self.least, self.max_iterations, self.left(), self.max_seconds)
        for algorithm in (SQUAREM(), Batch()):
            try:
                end = solve(
                    problem, stop=rule, start=result.params, prior=self.prior, algorithm=algorithm,
                    observers=self.observers, checkpoint=self.checkpoint,
                )  # fmt: skip
            except NumericalError:
                continue
            before = result.loglik + result.log_prior
            better = end.loglik + end.log_prior >= before - 1e-9 * (1 + abs(before))
            if end.outcome.name not in (FELL, FAILED) and better:
                return _joined(result, end)
        return result


def _joined(first: Result, end: Result) -> Result:
    """The end of a fit with all that is known of its beginning."""
    before = len(first.trace)
    trace = (*first.trace, *(replace(t, iteration=before + t.iteration) for t in end.trace))
    chosen = {"components": first.model.number, "form": first.options.get("form")}
    row = {"loglik": end.loglik, "bic": end.bic, "icl": end.icl, "outcome": end.outcome.name}
    # of held-out rows the table tells what fits to the other rows came to, and the end is a fit to all
    other = first.options.get("criterion") == "heldout"
    search = (
        first.search
        if other
        else tuple(
            {**r, **row} if (r["components"], r.get("form")) == tuple(chosen.values()) and "loglik" in r else r
            for r in first.search
        )
    )
    return replace(
        end,
        outcome=end.outcome.after(len(end.trace), before),
        trace=trace,
        restarts=first.restarts,
        search=search,
        seed=first.seed,
        iterations=len(trace),
        evaluations=first.evaluations + end.evaluations,
        seconds=first.seconds + end.seconds,
        options=first.options,
    )
