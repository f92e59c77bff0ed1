"""F3 instability, F4 overfitting, F5 singular components, F8 unreliable responsibilities: is the fit to be believed."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import pairwise

import numpy as np

from unseen.core.model import latent_classes
from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array
from unseen.core.stop import FAILED, FELL, STALLED
from unseen.ops.doctor.diagnosis import Case, Found, Severity
from unseen.ops.record import FitFacts, Outcome
from unseen.result import Result
from unseen.search.restarts import is_singular, spurious
from unseen.summary.facts import mean_confidence
from unseen.summary.occupancy import rows_by_part

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
#: standard errors between training and held-out log-density that chance makes once in 700 retrains
GAP = 3.0
#: loss per held-out row, in nats, that is worth a word however certain it is
LOSS = 0.02
#: free parameters per row from which on the training rows alone promise at least so many nats too much: the
#: expected log-density of new rows lies p/n below that of the training rows (Akaike 1974)
PARAMETERS_PER_ROW = 0.2
#: calibration error from which on responsibilities are no probabilities: that of networks which were never calibrated
#: (Guo, Pleiss, Sun & Weinberger 2017, table 1, 0.04 to 0.16); the same as the alert's
CALIBRATION = 0.1
#: mean largest responsibility on the scale from chance (0) to certainty (1) at which every third label is wrong
CERTAINTY = 0.35

BROKEN = {FELL: "fell, which EM must not do", FAILED: "left the finite numbers", STALLED: "was lost in rounding"}


def instability(case: Case) -> Found | None:
    """F3: the objective fell or left the finite numbers, or the columns leave arithmetic too few digits."""
    broken, columns, left = _broken(case), _fallen(case.fit), []
    if case.result is not None:
        columns += [*_lost_digits(case.result), *columns_at_fault(case.result)]
        asked = case.settings.model.columns if case.settings else ()
        known = {f.name for f in case.result.encoding.fields}
        left = [f"column {c!r} was left out: it follows from others" for c in asked if c not in known]
    if not broken and not columns and not left:
        return None
    cause = "cells of another order of magnitude (sentinels, other units), or columns that follow from one another"
    command = case.change("data.ignore: [COLUMN]", "model.covariance: diagonal", "fit.prior: 1")
    severity: Severity = "page" if broken else "ticket" if columns else "note"
    return Found(severity, [*broken, *columns, *left, *case.tries], cause, command)


def overfitting(case: Case) -> Found | None:
    """F4: the training rows fit better than rows the model has not seen, by more than chance."""
    judged, result, evidence, sure = case.validation, case.result, [], False
    if judged is not None and math.isfinite(judged.heldout):
        # rows of both kinds vary alike
        rows = case.record.batch.rows if case.record and case.record.batch else 0
        error = judged.heldout_se * math.sqrt(1 + judged.rows / max(rows - judged.rows, judged.rows, 1))
        gap = judged.training - judged.heldout
        # what the parameters alone promise too much; a larger gap of a frugal model is a month of another kind, which
        # is drift's to tell
        promised = 0.0 if result is None else result.size / result.weight
        if gap > max(GAP * error, LOSS) and (result is None or promised > LOSS):
            sure = True
            evidence.append(
                f"training rows have {gap:.3g} more log-density per row than held-out ones (standard error {error:.2g})"
            )
    if result is not None and result.size > PARAMETERS_PER_ROW * result.weight:
        evidence.append(f"{result.size:,} parameters for {result.weight:,.0f} rows")
    cause = "more components or freer covariances than the rows can settle, or the newest partition is another kind"
    command = case.change("model.criterion: heldout", "model.covariance: diagonal", "fit.prior: 1")
    return Found("ticket" if sure else "note", evidence, cause, command)


def singular_component(case: Case) -> Found | None:
    """F5: a component stands on a few rows or on equal ones, held up by the variance floor alone."""
    result, floors = case.result, case.fit.floors if case.fit else 0
    if result is not None and columns_at_fault(result):
        return None  # every component is flat, and the columns say why: F3
    evidence = [f"{floors} variance floors bound in the last iteration"] if floors else []
    if result is not None and (rows := rows_by_part(result)) is not None:
        for k in np.flatnonzero(spurious(result.model, result.params, result.weight)):
            evidence.append(f"component {k} is much narrower than the others and stands for {rows[k]:,.0f} rows")
    if not evidence:
        return None
    cause = "repeated rows or rounded values: a component that shrinks onto them has a likelihood without a maximum"
    command = case.change("fit.prior: 1", "model.covariance: tied-full")
    allowed = case.settings.gates.max_floors if case.settings else 0
    return Found("ticket" if floors > allowed else "note", [*evidence, *case.tries], cause, command)


def unreliable_responsibilities(case: Case) -> Found | None:
    """F8: responsibilities that are no probabilities, or that hardly tell components apart."""
    error, evidence = case.validation.calibration if case.validation else None, []
    gate = case.settings.gates.max_calibration if case.settings else None
    most = CALIBRATION if gate is None else gate
    if error is not None and error > most:
        evidence.append(f"responsibilities are off by {error:.2f} on average on held-out rows; {most:g} is allowed")
    certainty = None if case.result is None else _certainty(case.result)
    if certainty is not None and certainty < CERTAINTY:
        evidence.append(f"the largest responsibility is {100 * certainty:.0f} % of the way from chance to certainty")
    cause = "components overlap, or columns inside a component depend on each other more than the model says"
    fitted = case.fit.components if case.fit else 1
    fewer = [f"model.components: {fitted - 1}"] if fitted > 1 else []
    return Found("ticket", evidence, cause, case.change("model.criterion: icl", "model.covariance: full", *fewer))


def _certainty(result: Result) -> float | None:
    """Mean largest responsibility on the scale from 1/K (chance) to 1."""
    k, mean = latent_classes(result.model), mean_confidence(result)
    return None if k < 2 or mean is None else (mean - 1 / k) / (1 - 1 / k)


def _broken(case: Case) -> list[str]:
    fit = case.fit
    if fit is None:
        return [case.record.reason] if case.record and case.ended(Outcome.UNFIT) else []
    if fit.outcome in BROKEN:
        return [f"the objective {BROKEN[fit.outcome]}, after {fit.iterations:,} iterations"]
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
            named = ", ".join(repr(c) for c, takes_part in zip(columns, part, strict=True) if takes_part)
            found.append(f"columns {named} follow from one another in every component")
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
