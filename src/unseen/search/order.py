"""How many components: fit each number on the same blocks, and keep the best by a criterion."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.core.algorithm import Algorithm
from unseen.core.observe import Event, Observer
from unseen.core.stats import Params
from unseen.core.stop import CONVERGED, FAILED, INTERRUPTED, TIME, Outcome, Rule
from unseen.errors import DataError, ModelError, NumericalError
from unseen.fit import default_rule, solve
from unseen.problem import Problem, Survey, bind, survey
from unseen.result import Result
from unseen.search.holdout import Split, score_held_out
from unseen.search.restarts import is_singular, is_spurious

CRITERIA = ("bic", "icl", "heldout")


def select(
    model: Any,
    data: Any,
    components: Iterable[int] = range(1, 9),
    criterion: str = "bic",
    *,
    weights: Any = None,
    labels: Any = None,
    unit: str | None = None,
    ignore: Sequence[str] = (),
    engine: str | Any = "auto",
    workers: int | None = None,
    block_rows: int | None = None,
    **options: Any,
) -> Result:
    r"""Fit a model with each number of components and return the best fit, with the table of all in ``search``.

    .. math:: \hat K = \arg\min_K \left( -2 \log L_K + p_K \log n \right)

    for ``criterion="bic"``; ``"icl"`` adds twice the entropy of the responsibilities; ``"heldout"`` takes the
    largest mean log-density of rows that were left out of the fit, then fits the chosen number to all rows.

    Parameters
    ----------
    model : a model with components, such as ``Mixture(Gaussian(), 1)``, or a function from K to a model
    components : the numbers to try
    criterion : ``"bic"``, ``"icl"`` or ``"heldout"``
    options : those of `unseen.fit`; ``max_seconds`` is for all fits together; ``share`` (0.2) is what
        ``"heldout"`` leaves out

    The data is read and profiled once. A number of components that cannot be fitted is a row of the table with
    its reason.

    Raises
    ------
    DataError, NumericalError
        No number of components could be fitted.
    ModelError
        An unknown criterion, no number of components, or one below 1.

    >>> import numpy as np, unseen
    >>> x = np.random.default_rng(0).normal([[0.0], [9.0]], 1, (2, 100)).reshape(-1, 1)
    >>> best = unseen.select(unseen.Mixture(unseen.Gaussian(), 1), x, range(1, 4), seed=0)
    >>> best.model.components, [row["components"] for row in best.search]
    (2, [1, 2, 3])

    Source: Schwarz (1978), Ann. Statist. 6; Biernacki, Celeux & Govaert (2000), IEEE Trans. PAMI 22;
    Smyth (2000), Stat. Comput. 10, for held-out rows.
    """
    from unseen.sources import open_source

    tried = numbers(components)
    model_for = model if callable(model) else (lambda k: replace(model, components=k))
    first = model_for(tried[0])
    whole = first.sequential and unit is None
    source, weights, labels = open_source(data, weights, labels, unit=unit, whole=whole, block_rows=block_rows)
    known = survey(first, source, weights=weights, labels=labels, ignore=ignore, engine=engine, workers=workers)
    return search(model_for, known, tried, criterion, **options)


def numbers(components: Iterable[int]) -> tuple[int, ...]:
    """The numbers of components to try, sorted, each once."""
    tried = tuple(sorted(set(components)))
    if not tried or tried[0] < 1:
        raise ModelError("components are whole numbers of 1 or more, and at least one has to be tried")
    return tried


def search(
    model_for: Callable[[int], Any],
    known: Survey,
    components: Iterable[int],
    criterion: str = "bic",
    *,
    share: float = 0.2,
    seed: int = 0,
    tol: float = 1e-7,
    max_iterations: int = 1000,
    max_seconds: float | None = None,
    stop: Rule | None = None,
    start: str | Params = "auto",
    restarts: int | None = None,
    prior: float = 0.0,
    algorithm: Algorithm | None = None,
    short: int = 15,
    finish: int | None = None,
    observers: Sequence[Observer] = (),
) -> Result:
    """`select` on data that is surveyed already."""
    tried = numbers(components)
    if criterion not in CRITERIA:
        raise ModelError(f"criterion={criterion!r} is none of {', '.join(CRITERIA)}")
    split = None
    if criterion == "heldout":
        if model_for(tried[0]).sequential:
            raise ModelError("rows of a sequence cannot be held out one by one: choose criterion='bic' or 'icl'")
        split = Split(share, seed)
    began = time.perf_counter()

    def fit_one(problem: Problem) -> Result:
        left = None if max_seconds is None else max(max_seconds - (time.perf_counter() - began), 0.0)
        return solve(
            problem,
            stop=stop or default_rule(tol, max_iterations, left),
            start=start,
            restarts=restarts,
            seed=seed,
            prior=prior,
            algorithm=algorithm,
            short=short,
            finish=finish,
            observers=observers,
            options={"tol": tol, "max_iterations": max_iterations, "max_seconds": max_seconds},
        )

    trial = Search(model_for, known, criterion, fit_one, split, observers)
    for k in tried:
        if max_seconds is not None and time.perf_counter() - began > max_seconds and trial.rows:
            trial.skip(k)
        elif not trial.interrupted:
            trial.attempt(k)
    return trial.result()


@dataclass
class Search:
    """The table so far, the best fit so far, and the blocks that all fits share."""

    model_for: Callable[[int], Any]
    known: Survey
    criterion: str
    fit_one: Callable[[Problem], Result]
    split: Split | None = None
    observers: Sequence[Observer] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    best: Result | None = None
    rank: tuple[bool, bool, float] = (True, True, float("inf"))
    like: Problem | None = None
    error: Exception | None = None
    interrupted: bool = False

    def attempt(self, k: int) -> None:
        """Fit k components: one more row, and a new best if it is better."""
        began = time.perf_counter()
        self._tell("started", k)
        model = self.model_for(k)
        row: dict[str, Any] = {"components": k, "outcome": FAILED}
        self.rows.append(row)
        try:
            part = None if self.split is None else self.split.training
            self.like = bind(model, self.known, self.like, part)
            self._judge(self.fit_one(self.like), row)
        except (DataError, NumericalError) as error:
            row["reason"] = str(error)
            self.error = self.error or error
        except KeyboardInterrupt:
            if self.best is None:
                raise
            row["outcome"], self.interrupted = INTERRUPTED, True
        row["seconds"] = time.perf_counter() - began
        self._tell("finished", k)

    def _judge(self, result: Result, row: dict[str, Any]) -> None:
        row.update(
            outcome=result.outcome.name,
            loglik=result.loglik,
            size=result.size,
            bic=result.bic,
            icl=result.icl,
        )
        self.interrupted = result.outcome.name == INTERRUPTED
        if result.outcome.name not in (CONVERGED, INTERRUPTED):
            row["reason"] = result.outcome.message
        if self.interrupted and self.best is not None:
            return
        if self.split is not None and self.like is not None and not self.interrupted:
            held = score_held_out(self.like, result.params, self.known, self.split)
            row.update(heldout=held.mean, heldout_se=held.standard_error)
        value = -row.get("heldout", 0.0) if self.criterion == "heldout" else row[self.criterion]
        row["spurious"] = is_spurious(result.model, result.params, result.weight)
        rank = (result.outcome.name == FAILED, is_singular(result.params), value)
        if self.best is None or rank < self.rank:
            self.best, self.rank = result, rank

    def skip(self, k: int) -> None:
        """No time left for k components."""
        self.rows.append({"components": k, "outcome": TIME, "reason": "max_seconds was used up before"})

    def result(self) -> Result:
        """The best fit; with held-out rows, the chosen number is fitted once more to all rows."""
        if self.best is None:
            assert self.error is not None
            raise self.error
        best = self.best
        if self.split is not None and not self.interrupted:
            self.like = None
            best = self.fit_one(bind(self.model_for(best.model.components), self.known))
        options = {**best.options, "criterion": self.criterion}
        return replace(best, search=tuple(self.rows), options=options, outcome=self._outcome(best))

    def _outcome(self, best: Result) -> Outcome:
        chosen, last = best.model.components, self.rows[-1]["components"]
        if self.interrupted and len(self.rows) > 1:
            return Outcome(
                INTERRUPTED,
                f"interrupted while fitting {last} components; {chosen} is the best of those tried before",
            )
        late = [str(r["components"]) for r in self.rows if r["outcome"] == TIME and "loglik" not in r]
        if late and best.outcome.converged:
            return Outcome(
                TIME,
                f"max_seconds was used up before {', '.join(late)} components were tried; {chosen} is the best of "
                "the others: raise max_seconds or try fewer",
            )
        return best.outcome

    def _tell(self, stage: str, k: int) -> None:
        for observe in self.observers:
            observe(Event("components", {"components": k, "stage": stage}))


__all__ = ["CRITERIA", "search", "select"]
