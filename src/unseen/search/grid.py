"""The numbers of components and forms of covariance that are tried, and what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unseen.core.model import Model
from unseen.core.observe import Event, Observer
from unseen.core.stats import Params
from unseen.core.stop import CONVERGED, FAILED, INTERRUPTED, TIME, Outcome
from unseen.errors import DataError, ModelError, NumericalError
from unseen.problem import Problem, Survey, bind
from unseen.result import Result
from unseen.search.holdout import Split, score_held_out
from unseen.search.neighbours import Neighbour
from unseen.search.race import CANNOT_WIN, Start
from unseen.search.restarts import Proposals
from unseen.search.tries import is_singular, is_spurious, unsound

NOT_TRIED = "not tried"
Place = tuple[int, str]
Rank = tuple[bool, bool, float]
WORST: Rank = (True, True, float("inf"))


@dataclass(frozen=True, slots=True)
class Fit:
    """What is kept of a fit: its result, its row of the table, and how it compares."""

    result: Result
    row: dict[str, Any]
    rank: Rank


@dataclass
class Grid:
    """The table so far, the fits behind it, and the blocks that they share.

    ``fit_one(problem, proposals, beat, restarts)`` fits one model; ``bounded`` says that fits which cannot win any
    more may be left unfinished.
    """

    model_for: Callable[..., Any]
    known: Survey
    criterion: str
    fit_one: Callable[..., Result]
    split: Split | None = None
    forms: tuple[str, ...] = ()
    bounded: bool = False
    deadline: float | None = None
    observers: Sequence[Observer] = ()
    rows: list[dict[str, Any]] = field(default_factory=list)
    fits: dict[Place, Fit] = field(default_factory=dict)
    tried: dict[Place, Rank] = field(default_factory=dict)
    likes: list[Problem] = field(default_factory=list)
    error: Exception | None = None
    interrupted: bool = False

    # ---- one fit

    def attempt(self, k: int, form: str = "") -> Rank:
        """Fit k components in this form unless that was done: one more row of the table."""
        place = (k, form)
        if place in self.tried:
            return self.tried[place]
        if self.interrupted:
            return WORST
        if self.fits and self.late:
            self.leave(k, form, "max_seconds was used up before", TIME)
            return WORST
        began = time.perf_counter()
        self._tell("started", place)
        row: dict[str, Any] = {"components": k, **({"form": form} if form else {}), "outcome": FAILED}
        self.rows.append(row)
        self.tried[place] = WORST
        try:
            problem = self._bound(k, form)
            if reason := self._too_large(problem.model):
                row.update(outcome=NOT_TRIED, reason=reason)
            else:
                self._judge(problem, self.fit_one(problem, self._proposals(place), self._needed(place, problem)), row)
        except (DataError, NumericalError) as error:
            row["reason"], self.error = str(error), self.error or error
        except ModelError as error:
            if not form:
                raise
            row["reason"], self.error = str(error), self.error or error
        except KeyboardInterrupt:
            if not self.fits:
                raise
            row["outcome"], self.interrupted = INTERRUPTED, True
        row["seconds"] = time.perf_counter() - began
        self._tell("finished", place)
        return self.tried[place]

    def improve(self, k: int, form: str = "") -> None:
        """Start once more from what was fitted since: where that is better it takes the row's place."""
        place = (k, form)
        proposals = self._combined([(self.fits.get((k + 1, form)), Neighbour.one_less)])
        if place not in self.fits or proposals is None or self.interrupted or self.late or self.split is not None:
            return
        before = self.fits[place]
        began, row = time.perf_counter(), dict(before.row)
        try:
            problem = self._bound(k, form)
            again = self.fit_one(problem, proposals, _last_objective(before.result), 0)
        except (NumericalError, KeyboardInterrupt):
            return
        row["seconds"] = before.row.get("seconds", 0.0) + time.perf_counter() - began
        if again.outcome.name == CONVERGED:
            rank = self._judge(problem, again, row, before.rank)
            if rank < before.rank:
                before.row.clear()
                before.row.update(row)
                self.fits[place] = replace(self.fits[place], row=before.row)

    def leave(self, k: int, form: str, reason: str, outcome: str = NOT_TRIED) -> None:
        """A row for what is not tried, with the reason."""
        self.tried.setdefault((k, form), WORST)
        self.rows.append({"components": k, **({"form": form} if form else {}), "outcome": outcome, "reason": reason})

    def _bound(self, k: int, form: str) -> Problem:
        model = self.model_for(k, form) if form else self.model_for(k)
        problem = bind(model, self.known, self.likes, None if self.split is None else self.split.training)
        if not any(problem.encoding == like.encoding for like in self.likes):
            self.likes.append(problem)
        return problem

    def _too_large(self, model: Any) -> str:
        """Why a form asks more of the rows than they can tell; forms that the caller insists on are tried."""
        if not self.forms or not hasattr(model, "vague"):
            return ""
        size, rows = model.size(model.vague()), self.known.profile.rows
        return "" if size < rows else f"{size:,} parameters are more than {rows:,} rows can tell"

    def _judge(self, problem: Problem, result: Result, row: dict[str, Any], than: Rank | None = None) -> Rank:
        row.update(outcome=result.outcome.name, loglik=result.loglik, size=result.size, bic=result.bic, icl=result.icl)
        row.pop("reason", None)
        interrupted = result.outcome.name == INTERRUPTED
        self.interrupted |= interrupted
        if result.outcome.name not in (CONVERGED, INTERRUPTED):
            row["reason"] = result.outcome.message
        if self.split is not None and not interrupted:
            held = score_held_out(problem, result.params, self.known, self.split)
            row.update(heldout=held.mean, heldout_se=held.standard_error)
        value = -row.get("heldout", 0.0) if self.criterion == "heldout" else row[self.criterion]
        row["spurious"] = is_spurious(result.model, result.params, result.weight)
        if doubt := doubtful(result):
            row["reason"] = doubt
        rank = (result.outcome.name == FAILED, bool(unsound(result.params)), float(value))
        place = (row["components"], row.get("form", ""))
        if interrupted and self.fits or than is not None and not rank < than:
            return rank
        self.tried[place], self.fits[place] = rank, Fit(result, row, rank)
        return rank

    # ---- what is known already

    def _proposals(self, place: Place) -> Proposals | None:
        """Starts from the fits beside this one."""
        k, form = place
        others = [self.fits[p] for p in self.fits if p[0] == k and p[1] != form]
        return self._combined(
            [
                (self.fits.get((k - 1, form)), Neighbour.one_more),
                (self.fits.get((k + 1, form)), Neighbour.one_less),
                (min(others, key=lambda f: f.rank) if others and form else None, Neighbour.as_it_is),
            ]
        )

    def _combined(self, pairs: Sequence[tuple[Fit | None, Callable[..., Sequence[Start]]]]) -> Proposals | None:
        known = [(Neighbour(f.result.model, f.result.params), how) for f, how in pairs if f is not None]
        if not known:
            return None

        def proposals(model: Any, engine: Any) -> Sequence[Start]:
            return [start for near, how in known if near.fits(model) for start in how(near, model, engine)]

        return proposals

    def _needed(self, place: Place, problem: Problem) -> float:
        """The objective at which the criterion would be as good as the best so far; ICL is never below BIC."""
        best = self.best
        sound = best is not None and not best.rank[0] and not best.rank[1]
        if not self.bounded or best is None or not sound or self.split is not None or best.result.log_prior:
            return -np.inf
        result, model = best.result, problem.model
        if place[1] != best.row.get("form", "") and model.slots != result.model.slots:
            return -np.inf
        log_rows = (result.bic + 2 * result.loglik) / result.size
        return float((model.size(model.vague()) * log_rows - best.rank[2]) / (2 * result.weight))

    @property
    def best(self) -> Fit | None:
        """The fit to return: sound if there is a sound one, then by the criterion."""
        return min(self.fits.values(), key=lambda f: f.rank) if self.fits else None

    @property
    def late(self) -> bool:
        return self.deadline is not None and time.perf_counter() > self.deadline

    def left(self) -> float | None:
        """Seconds that are left."""
        return None if self.deadline is None else max(self.deadline - time.perf_counter(), 0.0)

    # ---- the end

    def result(self) -> Result:
        """The best fit; with held-out rows, the chosen model is fitted once more to all rows."""
        best = self.best
        if best is None:
            raise self.error or DataError("; ".join(sorted({r["reason"] for r in self.rows if "reason" in r})))
        chosen = best.result
        if self.split is not None and not self.interrupted:
            again = bind(self._model(best), self.known)
            chosen = self.fit_one(again, self._combined([(best, Neighbour.as_it_is)]), -np.inf)
        options = {**chosen.options, "criterion": self.criterion}
        if form := best.row.get("form"):
            options["form"] = form
        if passed := self._not_returned(best):
            options["not_returned"] = passed
        order = {form: i for i, form in enumerate(self.forms)}
        rows = sorted(self.rows, key=lambda r: (r["components"], order.get(r.get("form", ""), 0)))
        return replace(chosen, search=tuple(rows), options=options, outcome=self._outcome(best, chosen))

    def best_problem(self) -> Problem:
        """All rows, bound to the model of the best fit."""
        assert self.best is not None
        return bind(self._model(self.best), self.known, self.likes if self.split is None else [])

    def _model(self, fit: Fit) -> Model:
        k, form = fit.row["components"], fit.row.get("form", "")
        model: Model = self.model_for(k, form) if form else self.model_for(k)
        return model

    def _not_returned(self, best: Fit) -> dict[str, Any] | None:
        """The fit that the criterion puts first, where that is another than the one returned, and why."""
        first = min(self.fits.values(), key=lambda f: (f.rank[0], f.rank[2]))
        if first is best or not first.rank[2] < best.rank[2]:
            return None
        row = first.row
        value = row["heldout"] if self.criterion == "heldout" else first.rank[2]
        return {
            "components": row["components"],
            "form": row.get("form", ""),
            "value": value,
            "reason": row.get("reason", row["outcome"]),
        }

    def _outcome(self, best: Fit, chosen: Result) -> Outcome:
        k, last = best.row["components"], self.rows[-1]["components"]
        if self.interrupted and len(self.rows) > 1:
            return Outcome(
                INTERRUPTED,
                f"interrupted while fitting {last} components; {k} is the best of those tried before",
            )
        late = sorted({r["components"] for r in self.rows if r["outcome"] == TIME and "loglik" not in r})
        if late and chosen.outcome.converged:
            return Outcome(
                TIME,
                f"max_seconds was used up before {', '.join(map(str, late))} components were tried; {k} is the best of "
                "the others: raise max_seconds or try fewer",
            )
        return chosen.outcome

    def _tell(self, stage: str, place: Place) -> None:
        for observe in self.observers:
            observe(Event("components", {"components": place[0], "form": place[1], "stage": stage}))


def doubtful(result: Result) -> str:
    """Why an optimum loses whatever its criterion says, or ``""``."""
    params: Params = result.params
    if is_singular(params):
        family: Any = getattr(result.model, "family", None)
        found = [f for f in family.floors(params) if f.kind == "variance"] if hasattr(family, "floors") else []
        held = ", ".join(f"component {f.component} up in column {f.column}" for f in found[:3])
        more = f" and {len(found) - 3} more" if len(found) > 3 else ""
        return f"singular: a variance floor holds {held or 'a component up'}{more}"
    return "a component is empty: fewer would say the same" if unsound(params) else ""


def _last_objective(result: Result) -> float:
    return result.trace[-1].objective if result.trace else -np.inf


__all__ = ["CANNOT_WIN", "Fit", "Grid", "NOT_TRIED"]
