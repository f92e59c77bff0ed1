"""The numbers of components and forms of covariance that are tried, and what became of each."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unseen.checkpoint.folder import Checkpoint
from unseen.core.model import Model
from unseen.core.observe import Event, Observer
from unseen.core.stop import CONVERGED, FAILED, FELL, INTERRUPTED, TIME
from unseen.errors import DataError, ModelError, NumericalError
from unseen.problem import Problem, Survey, bind
from unseen.result import Result
from unseen.search import kept
from unseen.search.holdout import Split, score_held_out
from unseen.search.kept import NOT_TRIED, WORST, Fit, Place, Rank
from unseen.search.neighbours import Neighbour, beside, combined
from unseen.search.tries import CANNOT_WIN, UNFINISHED, is_spurious, outstanding

#: fits that are run to their end at most, the best and those that came near it
MOST_FINISHED = 4


@dataclass
class Grid:
    """The table so far, the fits behind it, and the blocks that they share.

    ``fit_one(problem, **how)`` fits one model; ``bounded`` says that fits which cannot win any more may be left
    unfinished; ``checkpoint`` is where each is kept.
    """

    model_for: Callable[..., Any]
    known: Survey
    criterion: str
    fit_one: Callable[..., Result]
    split: Split | None = None
    forms: tuple[str, ...] = ()
    variants: Mapping[str, Sequence[str]] = field(default_factory=dict)
    bounded: bool = False
    deadline: float | None = None
    observers: Sequence[Observer] = ()
    checkpoint: Checkpoint | None = None
    rows: list[dict[str, Any]] = field(default_factory=list)
    fits: dict[Place, Fit] = field(default_factory=dict)
    tried: dict[Place, Rank] = field(default_factory=dict)
    drawn: dict[Place, int] = field(default_factory=dict)
    likes: list[Problem] = field(default_factory=list)
    error: Exception | None = None
    interrupted: bool = False

    # ---- one fit

    def attempt(self, k: int, form: str = "", insist: bool = False) -> Rank:
        """Fit k components in this form unless that was done, or refused and not insisted on: one row of the table."""
        place = (k, form)
        if insist:
            self.tried.pop(place, None)
            self.rows = [r for r in self.rows if (r["components"], r.get("form", "")) != place]
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
            # numbers that were asked for, and no forms, are tried as they are
            asked = insist or not (self.forms or self.bounded)
            if not asked and (reason := kept.too_large(problem.model, self.known.profile)):
                row.update(outcome=NOT_TRIED, reason=reason)
            else:
                proposals, drawn = beside(self.fits, self.drawn, place)
                self.drawn[place] = drawn
                beat = self._needed(place, problem)
                self._judge(problem, self.fit_one(problem, proposals=proposals, beat=beat, drawn=drawn), row)
        except (DataError, NumericalError) as error:
            row["reason"], self.error = str(error), self.error or error
        except ModelError as error:
            if not form and not self.fits:  # more factors than the columns determine are a row of the table
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
        proposals = combined([(self.fits.get((k + 1, form)), Neighbour.one_less)])
        if place not in self.fits or proposals is None or self.interrupted or self.late or self.split is not None:
            return
        before = self.fits[place]
        began, row = time.perf_counter(), dict(before.row)
        try:
            problem = self._bound(k, form)
            again = self.fit_one(problem, proposals=proposals, beat=kept.last_objective(before.result), drawn=0)
        except (NumericalError, KeyboardInterrupt):
            return
        row["seconds"] = before.row.get("seconds", 0.0) + time.perf_counter() - began
        if (
            again.outcome.name in (CONVERGED, UNFINISHED)
            and self._judge(problem, again, row, before.rank) < before.rank
        ):
            before.row.clear()
            before.row.update(row)
            self.fits[place] = replace(self.fits[place], row=before.row)

    def finish(self) -> None:
        """Run the best to its end, and what could still overtake it; the rest cannot win."""
        for _ in range(MOST_FINISHED):
            best = self.best
            waiting = [f for f in self.fits.values() if f.result.outcome.name == UNFINISHED]
            if best is None or not waiting or self.interrupted or self.late:
                return
            able = [best] if best in waiting else [f for f in waiting if (*f.rank[:2], self._hope(f)) < best.rank]
            if not able:
                break
            self._finish(min(able, key=lambda f: f.rank))
        for f in self.fits.values():
            if f.result.outcome.name == UNFINISHED:
                f.row.update(outcome=CANNOT_WIN, reason=f.row.get("reason") or "it could not have overtaken the best")

    def _hope(self, fit: Fit) -> float:
        """The criterion that an unfinished fit may come to at best."""
        result = fit.result
        left = outstanding(result.trace)
        return fit.rank[2] - (left if self.criterion == "heldout" else 2 * left * result.weight)

    def _finish(self, fit: Fit) -> None:
        k, form = fit.place
        began, before, rank = time.perf_counter(), fit.result, fit.rank
        self._tell("started", (k, form))
        problem = self._bound(k, form)
        # one that is behind ends once it can no longer overtake
        needed = -np.inf if fit is self.best else self._needed((k, form), problem)
        again = self.fit_one(problem, begin=before.params, needed=needed)
        if again.outcome.name in (FAILED, FELL) and not self.late:  # strides may fail where steps do not
            again = self.fit_one(problem, begin=before.params, plain=True)
        self.interrupted |= again.outcome.name == INTERRUPTED
        self._judge(problem, kept.continued(before, again), fit.row, (rank[0], rank[1], np.inf))
        fit.row["seconds"] = fit.row.get("seconds", 0.0) + time.perf_counter() - began
        self._tell("finished", (k, form))

    def leave(self, k: int, form: str, reason: str, outcome: str = NOT_TRIED) -> None:
        """A row for what is not tried, with the reason."""
        self.tried.setdefault((k, form), WORST)
        self.rows.append({"components": k, **({"form": form} if form else {}), "outcome": outcome, "reason": reason})

    def _bound(self, k: int, form: str) -> Problem:
        problem = bind(
            self._model(k, form), self.known, self.likes, None if self.split is None else self.split.training
        )
        if not any(problem.encoding == like.encoding for like in self.likes):
            self.likes.append(problem)
        return problem

    def smallest(self, k: int) -> str:
        """The form of fewest parameters."""

        def size(form: str) -> float:
            try:
                model = self._bound(k, form).model
            except (DataError, ModelError, NumericalError):
                return np.inf
            return float(kept.parameters(model) or np.inf)

        return min(self.forms, key=size)

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
        doubt = kept.doubtful(result)
        if doubt:
            row["reason"] = doubt
        rank = (result.outcome.name == FAILED, bool(doubt), float(value))
        place: Place = (row["components"], row.get("form", ""))
        if interrupted and self.fits and than is None or than is not None and not rank < than:
            return rank
        self.tried[place], self.fits[place] = rank, Fit(result, row, rank)
        return rank

    def _needed(self, place: Place, problem: Problem) -> float:
        """The objective at which the criterion would be as good as the best so far; ICL is never below BIC."""
        best = self.best
        sound = best is not None and not best.rank[0] and not best.rank[1]
        if not self.bounded or best is None or not sound or self.split is not None or best.result.log_prior:
            return -np.inf
        result, model = best.result, problem.model
        size = kept.parameters(model)
        if size is None:
            return -np.inf
        if place[1] != best.row.get("form", "") and model.slots != result.model.slots:
            return -np.inf
        log_rows = (result.bic + 2 * result.loglik) / result.size
        return float((size * log_rows - best.rank[2]) / (2 * result.weight))

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
            again = bind(self._model(*best.place), self.known)
            chosen = self.fit_one(again, proposals=combined([(best, Neighbour.as_it_is)]), explore=None)
        options = {**chosen.options, "criterion": self.criterion}
        if form := best.row.get("form"):
            options["form"] = form
        if passed := kept.not_returned(self.fits.values(), best, self.criterion):
            options["not_returned"] = passed
        order = {form: i for i, form in enumerate(self.forms)}
        rows = sorted(self.rows, key=lambda r: (r["components"], order.get(r.get("form", ""), 0)))
        return replace(
            chosen, search=tuple(rows), options=options, outcome=kept.ending(self.rows, best, chosen, self.interrupted)
        )

    def best_problem(self) -> Problem:
        """All rows, bound to the model of the best fit."""
        assert self.best is not None
        return bind(self._model(*self.best.place), self.known, self.likes if self.split is None else [])

    def _model(self, k: int, form: str = "") -> Model:
        model: Model = self.model_for(k, form) if form else self.model_for(k)
        return model

    def _tell(self, stage: str, place: Place) -> None:
        for observe in self.observers:
            observe(Event("components", {"components": place[0], "form": place[1], "stage": stage}))


__all__ = ["Grid"]
