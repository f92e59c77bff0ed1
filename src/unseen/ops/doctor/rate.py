"""How fast a fit converged, and what that says about missing information."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

#: gains of the objective that the estimate is made of, and the fewest that it can be made of
WINDOW, FEWEST = 10, 6
#: a gain below this share of the objective is rounding
RESOLUTION = 1e-12
#: how far the shrinking may change inside the window, on the logarithmic scale, and still be called steady
UNSTEADY = 0.5
#: algorithms whose iterations are EM's own, and converge at EM's rate
PLAIN = ("Batch",)


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
