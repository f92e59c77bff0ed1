"""F3 numerical instability and F5 singular components: read from the parameters."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array
from unseen.core.stop import FAILED, FELL, STALLED
from unseen.ops.doctor.diagnosis import Case, Found, Severity
from unseen.ops.record import FitFacts, Outcome
from unseen.result import Result
from unseen.search.restarts import is_singular, spurious

#: of the 16 digits of a double, what a column's offset or a covariance's condition may cost: 5 digits are left
ELEVEN_DIGITS = 1e11
#: standard deviations from the mean at which a cell is a sentinel or has other units: one cell of n lies at most
#: sqrt(n) away, and one that reaches 16 makes up as much of the variance as 256 ordinary ones
FAR = 16.0
#: unexplained share of the variance below which columns of a component follow from one another
DEPENDENT = 1e-3
#: nats per row that the log-likelihood may fall in an iteration: EM lowers it by rounding alone
FALL = 1e-6
#: part of a unit vector from which on a column belongs to a direction
TAKES_PART = 0.1


def instability(case: Case) -> Found | None:
    """F3: the objective fell or left the finite numbers, or the columns leave arithmetic too few digits."""
    broken, left = _broken(case.fit), _left_out(case)
    if case.record is not None and case.record.outcome == Outcome.UNFIT and case.fit is None:
        broken.append(case.record.reason)
    columns = _fallen(case.fit)
    if case.result is not None:
        columns += [*_lost_digits(case.result), *columns_at_fault(case.result)]
    if not broken and not columns and not left:
        return None
    cause = "cells of another order of magnitude (sentinels, other units), or columns that follow from one another"
    command = case.change("data.ignore: [COLUMN]", "model.covariance: diagonal", "fit.prior: 1")
    severity: Severity = "page" if broken else "ticket" if columns else "note"
    return Found(severity, [*broken, *columns, *left, *_tries(case)], cause, command)


def singular_component(case: Case) -> Found | None:
    """F5: a component stands on a few rows or on equal ones, held up by the variance floor alone."""
    fit, result = case.fit, case.result
    if result is not None and columns_at_fault(result):
        return None  # every component is flat, and the columns say why: F3
    floors = 0 if fit is None else fit.floors
    evidence = [f"{floors} variance floors bound in the last iteration"] if floors else []
    if result is not None:
        rows = _rows(result)
        for k in np.flatnonzero(spurious(result.model, result.params, result.weight)):
            evidence.append(f"component {k} is much narrower than the others and stands for {rows[k]:,.0f} rows")
    if not evidence:
        return None
    cause = "repeated rows or rounded values: a component that shrinks onto them has a likelihood without a maximum"
    command = case.change("fit.prior: 1", "model.covariance: tied-full")
    allowed = case.settings.gates.max_floors if case.settings else 0
    return Found("ticket" if floors > allowed else "note", [*evidence, *_tries(case)], cause, command)


def _left_out(case: Case) -> list[str]:
    """Columns that were asked for and are not in the model."""
    if case.settings is None or case.result is None:
        return []
    modelled = {f.name for f in case.result.encoding.fields}
    return [
        f"column {c!r} was left out: it follows from others" for c in case.settings.model.columns if c not in modelled
    ]


def _tries(case: Case) -> list[str]:
    """Starts that did not lead to a usable fit."""
    return [f"try {a.number}: {a.error}" for a in case.record.attempts if a.stage == "fit"] if case.record else []


def _broken(fit: FitFacts | None) -> list[str]:
    if fit is None:
        return []
    said = {FELL: "fell, which EM must not do", FAILED: "left the finite numbers", STALLED: "was lost in rounding"}
    if fit.outcome in said:
        return [f"the objective {said[fit.outcome]}, after {fit.iterations:,} iterations"]
    return [] if np.isfinite(fit.loglik) else ["the log-likelihood is not finite"]


def _fallen(fit: FitFacts | None) -> list[str]:
    steps = pairwise(fit.trace) if fit is not None else ()
    fall = -min((after - before for before, after in steps), default=0.0)
    return [f"the log-likelihood fell by {fall:.1g} per row in an iteration"] if fall > FALL else []


def _lost_digits(result: Result) -> Iterator[str]:
    """Columns whose offset, and covariances whose condition, leave fewer than five digits."""
    for c in _numbers(result):
        if c.variance > 0 and abs(c.mean) > ELEVEN_DIGITS * np.sqrt(c.variance):
            yield f"column {c.name!r} varies by less than {1 / ELEVEN_DIGITS:.0e} of its mean"
    worst = max((float(np.linalg.cond(stack).max()) for _, stack in correlations(result)), default=1.0)
    if worst > ELEVEN_DIGITS:
        yield f"a component's covariance has condition number {worst:.1g}"


def columns_at_fault(result: Result) -> list[str]:
    """Why the variance floor holds up every component: columns that follow from one another, or cells far out.

    Nothing where one component of several collapsed: that is not the columns' doing.
    """
    spread = result.model.spread(result.params)
    if spread is None or not is_singular(result.params) or not (spread <= 1.01 * spread.min()).all():
        return []
    found = []
    for columns, stack in correlations(result):
        values, vectors = np.linalg.eigh(stack)
        if (values[:, 0] < DEPENDENT).all():
            part = np.abs(vectors[:, :, 0]).max(axis=0) > TAKES_PART
            found.append(f"columns {_named(np.array(columns)[part])} follow from one another in every component")
    for c in _numbers(result):
        sd = float(np.sqrt(c.variance))
        if sd > 0 and (far := max(c.high - c.mean, c.mean - c.low) / sd) > FAR:
            found.append(f"column {c.name!r} has a cell {far:.0f} standard deviations from its mean")
    return found


def correlations(result: Result) -> Iterator[tuple[tuple[str, ...], Array]]:
    """Full covariance matrices as correlations (K, d, d), each stack with its columns; d is 2 or more."""
    for name, values in result.params.items():
        term, _, kind = name.rpartition(".")
        if kind not in ("covariances", "scales") or values.ndim < 2 or values.shape[-1] != values.shape[-2]:
            continue
        columns = next((s.columns for s in result.model.slots if term in ("", "+".join(s.columns))), ())
        stack = values.reshape(-1, *values.shape[-2:])
        sd = np.sqrt(np.diagonal(stack, axis1=1, axis2=2))
        if len(columns) == stack.shape[-1] > 1 and np.isfinite(stack).all() and (sd > 0).all():
            yield columns, stack / (sd[:, :, None] * sd[:, None, :])


def _numbers(result: Result) -> list[ColumnProfile]:
    modelled = {c for s in result.model.slots if s.kind != "category" for c in s.columns}
    return [c for c in result.profile.columns if c.name in modelled and c.weight > 0]


def _named(columns: Array) -> str:
    return ", ".join(repr(str(c)) for c in columns)


def _rows(result: Result) -> Array:
    told = result.description
    known = told.shares is not None and not told.long_run
    return np.asarray((told.weights if known else np.ones(1)) * result.weight, float)
