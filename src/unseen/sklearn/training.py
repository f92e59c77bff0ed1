"""From a checked matrix and an estimator's settings to a Result, through the loop that every fit takes."""

from __future__ import annotations

import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unseen.algorithms.batch import Batch
from unseen.closing import close
from unseen.core.encoding import Encoded
from unseen.core.interrupt import interruptible
from unseen.core.observe import Event, Observer
from unseen.core.stats import Array, Params
from unseen.core.stop import CAP, MaxIterations, Outcome
from unseen.engines.local import Threads
from unseen.loop import Run
from unseen.models.mixture import Mixture
from unseen.problem import Problem, pose
from unseen.result import Result
from unseen.search.restarts import Restarts, restart
from unseen.sklearn.begin import FORMS, Begin
from unseen.sklearn.ridge import RidgedBatch, RidgedGaussian, Settled
from unseen.sources import open_source


@dataclass(frozen=True)
class Training:
    """One call of ``fit``: settings (the estimator's), data, and where to begin."""

    settings: Any
    X: Array
    weights: Array | None
    labels: Array | None
    names: Sequence[str]
    begin: Begin

    @interruptible()
    def fit(self) -> Result:
        """Run every start to its end and close the best one."""
        problem = self._problem()
        found = self._found(problem)
        # the ridge belongs to the M-step only: what is kept scores with ordinary Gaussians
        ridged: Any = found.model
        found = replace(found, model=replace(ridged, family=ridged.family.plain()))
        s = self.settings
        seed = int(s.random_state) if isinstance(s.random_state, (int, np.integer)) else 0
        options = {"prior": 0.0, "algorithm": "Batch", "tol": s.tol, "reg_covar": s.reg_covar}
        return close(problem, found, None, seed, options)

    def _problem(self) -> Problem:
        s = self.settings
        tied = s.covariance_type == "tied"
        family = RidgedGaussian(FORMS[s.covariance_type], tied, floor=0.0, ridge=float(s.reg_covar))
        columns = {name: self.X[:, j] for j, name in enumerate(self.names)}
        source, weights, labels = open_source(columns, self.weights, self.labels)
        # component k is class k even if some class has no labelled row
        classes = tuple(str(k) for k in range(s.n_components)) if labels else ()

        def engine(blocks: Encoded) -> Threads:
            return Threads(Encoded(blocks.source, replace(blocks.encoding, classes=classes)))

        model = Mixture(family, int(s.n_components))
        problem = pose(model, source, weights=weights, labels=labels, engine=engine)
        return replace(problem, encoding=replace(problem.encoding, classes=classes))

    def _found(self, problem: Problem) -> Restarts:
        s, model = self.settings, problem.model
        begin = self.begin
        if s.max_iter == 0:
            params = begin(model, problem.engine, 0)
            outcome = Outcome(CAP, "max_iter=0: these are the parameters of the start")
            return Restarts(Run(params, outcome, (), 0, 0.0), model.anchored(params), ())
        return restart(
            model,
            problem.engine,
            begin,
            1 if len(begin.given) == 3 else s.n_init,
            RidgedBatch() if s.reg_covar else Batch(),
            Settled(s.tol) | MaxIterations(s.max_iter),
            rows=problem.profile.units,
            weight=problem.profile.weight,
            finish=s.n_init,
            observers=_observers(s.verbose, s.verbose_interval),
        )


def _observers(verbose: int, interval: int) -> tuple[Observer, ...]:
    return (Talk(int(verbose), interval),) if verbose else ()


@dataclass
class Talk:
    """Prints what scikit-learn prints: each start, every so many iterations, and how the start ended."""

    verbose: int
    interval: int
    starts: int = 0
    began: float = field(default_factory=time.perf_counter)
    last: float = field(default_factory=time.perf_counter)
    objective: float = float("nan")

    def __call__(self, event: Event) -> None:
        if event.name == "iteration":
            self._iteration(event.facts)
        elif event.facts["stage"] == "finished":
            self._finished(event.facts["outcome"])

    def _iteration(self, record: Any) -> None:
        if record["iteration"] == 1:
            print(f"Initialization {self.starts}")
            self.starts += 1
            self.began = self.last = time.perf_counter()
        self.objective = record["objective"]
        if record["iteration"] % self.interval:
            return
        line = f"  Iteration {record['iteration']}"
        if self.verbose > 1:
            now = time.perf_counter()
            line += f"\t time lapse {now - self.last:.5f}s\t ll change {record['change']:.5f}"
            self.last = now
        print(line)

    def _finished(self, outcome: str) -> None:
        line = "Initialization converged." if outcome == "converged" else f"Initialization did not converge: {outcome}."
        if self.verbose > 1:
            line += f" time lapse {time.perf_counter() - self.began:.5f}s\t lower bound {self.objective:.5f}."
        print(line)


def draw_rows(params: Params, kind: str, n: int, rng: np.random.RandomState) -> tuple[Array, Array]:
    """n rows and the component of each, in the order of components."""
    counts = rng.multinomial(n, params["weights"])
    means, covariances = params["means"], params["covariances"]
    rows = []
    for k, count in enumerate(counts):
        covariance = covariances if kind == "tied" else covariances[k]
        if kind in ("full", "tied"):
            rows.append(rng.multivariate_normal(means[k], covariance, int(count)))
        else:
            rows.append(means[k] + rng.standard_normal((count, means.shape[1])) * np.sqrt(covariance))
    return np.concatenate(rows), np.repeat(np.arange(len(counts)), counts)


def singular(why: Any) -> str:
    """What is said when a component has lost its spread."""
    return (
        "Fitting the mixture model failed because some components have ill-defined empirical covariance (for "
        "instance caused by singleton or collapsed samples). Decrease n_components, increase reg_covar, or scale "
        f"the input data. ({str(why).partition(': ')[0]})"
    )


def without_knobs(message: str) -> str:
    """A message without the arguments it names, which scikit-learn's interface does not have."""
    return re.sub(r" \((?:[^()]|\([^()]*\))*?; --[^()]*\)|,? or in Python [^,;.:]*", "", message)


def unconverged(outcome: Outcome, starts: int) -> str:
    """What is said when the best start did not converge."""
    return (
        f"Best performing initialization did not converge: {outcome.name} (the best of {starts} started). "
        "Increase max_iter or tol, try different init_params, or check for degenerate data."
    )
