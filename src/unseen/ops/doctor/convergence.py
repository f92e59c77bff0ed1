"""F1 non-convergence and F2 slow convergence: read from the trace, by the fraction of missing information."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from unseen.core.stop import CAP, CONVERGED, INTERRUPTED, TIME
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.record import FitFacts, Outcome

#: from 0.01 nats per row, where a start leaves off, to the default tolerance of 1e-7
FROM_START_TO_TOLERANCE = 1e5
#: iterations for that way which are worth a word; at this length the fraction of missing information is 0.94
PATIENT = 100
#: share of the cap on iterations at which the next batch may well hit it
NEAR_CAP = 0.5
#: gains of the objective that the estimate is made of, and the fewest that it can be made of
WINDOW, FEWEST = 10, 6
#: a gain below this share of the objective is rounding
RESOLUTION = 1e-12
#: how far the shrinking may change inside the window, on the logarithmic scale, and still be called steady
UNSTEADY = 0.5
#: algorithms whose iterations are EM's own, and converge at EM's rate
PLAIN = ("Batch",)


def non_convergence(case: Case) -> Found | None:
    """F1: the fit was stopped before it arrived. That no start led to a fit at all is F3's to tell."""
    fit = case.fit
    if fit is None or fit.outcome not in (CAP, TIME, INTERRUPTED):
        return None
    how = {CAP: "hit the cap", TIME: "ran out of time"}.get(fit.outcome, "was interrupted")
    evidence = [f"the fit {how} after {fit.iterations:,} iterations with seed {fit.seed}"]
    if len(fit.trace) > 1:
        evidence.append(f"its last iteration still gained {fit.trace[-1] - fit.trace[-2]:.2g} per row")
    cause = "the cap on iterations or time is reached before the likelihood is flat"
    if (rate := _rate(fit)) is not None:
        evidence.append(_of_information(rate))
        if _is_slow(rate):
            cause = "components overlap, or many cells are missing, so that each iteration learns little"
    command = case.change(*_faster(fit), f"fit.max_iterations: {2 * max(fit.iterations, 500)}")
    severe = case.ended(Outcome.UNFIT, Outcome.LIMIT)
    return Found("page" if severe else "ticket", [*evidence, *case.tries], cause, command)


def slow_convergence(case: Case) -> Found | None:
    """F2: it arrives, but each iteration closes a small part of the way; or cap or limits come close or came first."""
    fit = case.fit
    if fit is None:
        cause = "starts times components times iterations take longer than the limit allows"
        command = case.change("fit.algorithm: squarem", "fit.restarts: 3", "limits.seconds: higher")
        return Found("page", case.over(memory=False), cause, command)
    if fit.outcome != CONVERGED or fit.iterations < PATIENT:
        return None
    cap = case.result.options.get("max_iterations") if case.result else None
    if case.result is None and case.settings is not None:
        cap = case.settings.fit.max_iterations
    rate, cap = _rate(fit), int(cap or 0)
    near = bool(cap) and fit.iterations >= NEAR_CAP * cap
    if not near and not _is_slow(rate):
        return None
    evidence = [f"{fit.iterations:,} iterations in {fit.seconds:.1f} s"]
    if near:
        evidence.append(f"that is {100 * fit.iterations / cap:.0f} % of fit.max_iterations")
    if rate is not None:
        each = math.log(0.5) / math.log(rate)
        evidence.append(f"{_of_information(rate)}: {each:.0f} iterations to halve the distance")
    elif fit.algorithm not in PLAIN:
        evidence.append(f"the trace of {fit.algorithm} does not tell how much information is missing")
    cause = "EM converges at the rate of the missing information: overlapping components, or many missing cells"
    return Found("ticket" if near else "note", evidence, cause, case.change(*_faster(fit), "fit.tol: 1e-06"))


def _rate(fit: FitFacts) -> float | None:
    return missing_information(fit.trace) if fit.algorithm in PLAIN else None


def _is_slow(rate: float | None) -> bool:
    return rate is not None and iterations_for(rate, FROM_START_TO_TOLERANCE) > PATIENT


def _of_information(rate: float) -> str:
    return f"about {100 * rate:.1f} % of the information is missing"


def _faster(fit: FitFacts) -> tuple[str, ...]:
    """Extrapolation, where it is not in use already."""
    return ("fit.algorithm: squarem",) if fit.algorithm in PLAIN else ()


def missing_information(trace: Sequence[float]) -> float | None:
    r"""Estimated largest fraction of missing information, from how the gains of the objective shrink.

    .. math:: \frac{\ell_{t+1} - \ell_t}{\ell_t - \ell_{t-1}} \to \lambda^2

    where :math:`\lambda`, the rate at which the parameters of plain EM converge, is the largest fraction of missing
    information. None where the trace is too short, or its gains do not shrink steadily yet: early iterations tell of
    the start, not of the rate. The trace of an accelerated algorithm says nothing about it.

    >>> round(missing_information([-0.9 ** (2 * t) for t in range(40)]), 3)
    0.9
    >>> missing_information([-3.0, -2.0, -1.5]) is None
    True

    Source: Dempster, Laird & Rubin (1977), section 3; McLachlan & Krishnan (2008), sections 3.9 and 4.2.
    """
    gains = np.diff(np.asarray(trace, float))
    if len(gains):
        sound = gains > RESOLUTION * (1 + abs(trace[-1]))
        while len(gains) and not sound[-1]:  # the end of a long fit sinks into rounding
            gains, sound = gains[:-1], sound[:-1]
    gains = gains[-WINDOW - 1 :]
    if len(gains) < FEWEST or not (gains > 0).all():
        return None
    shrinking = -np.diff(np.log(gains))  # -2 log of the rate, once it is steady
    early, late = (float(half.mean()) for half in np.array_split(shrinking, 2))
    if early <= 0 or late <= 0 or abs(math.log(late / early)) > UNSTEADY:
        return None
    return math.exp(-0.5 * float(shrinking.mean()))


def iterations_for(rate: float, factor: float) -> float:
    r"""Iterations that shrink what is left to gain by a factor, :math:`\log f / (-2 \log \lambda)`.

    >>> round(iterations_for(0.95, 1e5))
    112
    """
    return math.log(factor) / (-2 * math.log(rate))
