"""F4 overfitting and F8 unreliable responsibilities: whether the fit's answers can be believed."""

from __future__ import annotations

import math

from unseen.core.model import latent_classes
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.summary.facts import mean_confidence

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


def overfitting(case: Case) -> Found | None:
    """F4: the training rows fit better than rows the model has not seen, by more than chance."""
    judged, result = (case.record.validation if case.record else None), case.result
    evidence, sure = [], False
    if judged is not None and math.isfinite(judged.heldout):
        gap, error = judged.training - judged.heldout, _error_of_gap(case)
        if gap > max(GAP * error, LOSS):
            sure = True
            evidence.append(
                f"training rows have {gap:.3g} more log-density per row than held-out ones (standard error {error:.2g})"
            )
    if result is not None and result.size > PARAMETERS_PER_ROW * result.weight:
        evidence.append(f"{result.size:,} parameters for {result.weight:,.0f} rows")
    if not evidence:
        return None
    cause = "more components or freer covariances than the rows can settle, or the newest partition is another kind"
    command = case.change("model.criterion: heldout", "model.covariance: diagonal", "fit.prior: 1")
    return Found("ticket" if sure else "note", evidence, cause, command)


def _error_of_gap(case: Case) -> float:
    """Standard error of training minus held-out log-density per row; rows of both kinds vary alike."""
    assert case.record is not None and case.record.validation is not None
    judged, batch = case.record.validation, case.record.batch
    training = max((batch.rows if batch else 0) - judged.rows, judged.rows)
    return judged.heldout_se * math.sqrt(1 + judged.rows / max(training, 1))


def unreliable_responsibilities(case: Case) -> Found | None:
    """F8: responsibilities that are no probabilities, or that hardly tell components apart."""
    evidence = []
    judged = case.record.validation if case.record else None
    most = _most_calibration(case)
    if judged is not None and judged.calibration is not None and judged.calibration > most:
        evidence.append(
            f"responsibilities are off by {judged.calibration:.2f} on average on held-out rows; {most:g} is allowed"
        )
    certainty = None if case.result is None else _certainty(case)
    if certainty is not None and certainty < CERTAINTY:
        evidence.append(f"the largest responsibility is {100 * certainty:.0f} % of the way from chance to certainty")
    if not evidence:
        return None
    cause = "components overlap, or columns inside a component depend on each other more than the model says"
    command = case.change("model.criterion: icl", "model.covariance: full", *_fewer(case))
    return Found("ticket", evidence, cause, command)


def _most_calibration(case: Case) -> float:
    """The gate's threshold, or where there is none the alert's."""
    most = case.settings.gates.max_calibration if case.settings else None
    return CALIBRATION if most is None else most


def _certainty(case: Case) -> float | None:
    """Mean largest responsibility on the scale from 1/K (chance) to 1."""
    assert case.result is not None
    k = latent_classes(case.result.model)
    mean = mean_confidence(case.result)
    if k < 2 or mean is None:
        return None
    return (mean - 1 / k) / (1 - 1 / k)


def _fewer(case: Case) -> tuple[str, ...]:
    fitted = case.fit.components if case.fit else 1
    return (f"model.components: {fitted - 1}",) if fitted > 1 else ()
