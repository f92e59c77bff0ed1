r"""What so many held-out rows can show: how often an equally good model passes, and what would make it pass.

The gain of a candidate that is as good as the champion is about normal around 0 with a standard error s, so that

.. math:: P(\mathrm{pass}) = \Phi\left( \frac{D}{s} - z_{\mathrm{confidence}} \right), \qquad s \propto n^{-1/2}

where D is what may be lost and n the held-out rows. Two fits of p parameters to windows of n' rows, of which a part a is
the same, differ by about :math:`\sqrt{2 p (1 - a) / n'}` nats per row: that is what is expected where no retrain has
measured s yet.

Source: Wellek (2010), Testing Statistical Hypotheses of Equivalence and Noninferiority, chapter 3, for the power; Wilks
(1938), Ann. Math. Statist. 9, 60-62, for the difference.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from unseen.ops.record import Fact

#: how often an equally good model should pass
WANTED = 0.98
#: no more than this share of a partition is held out
MOST_SHARE = 0.4


class Power(Fact):
    """What a gate can tell: ``rows`` judge, with the standard error ``error`` of a gain, and ``tolerance`` may be lost.

    ``passes`` is how often an equally good model passes, ``seen`` the smallest loss that is shown to be one as often as
    ``gates.confidence`` says; ``share`` or ``loss`` are what would let `WANTED` of equally good models pass, None where
    they do already, or where no share would. ``measured`` tells an error that a retrain found from one that is expected.
    """

    rows: int
    error: float
    tolerance: float
    passes: float
    seen: float
    share: float | None = None
    loss: float | None = None
    measured: bool = True


@dataclass(frozen=True, slots=True)
class Windows:
    """Two fits whose windows overlap: training rows of each, the part of them that is the same, and parameters."""

    rows: float
    same: float
    parameters: float

    @property
    def spread(self) -> float:
        """Standard deviation of the difference of their log-densities at a row."""
        return math.sqrt(2 * self.parameters * (1 - self.same) / max(self.rows, 1.0))


def power(
    rows: int, error: float, tolerance: float, confidence: float, share: float, *, measured: bool = True
) -> Power:
    """What ``rows`` held-out rows tell, of which ``share`` of a partition are.

    >>> found = power(100, 0.02, 0.05, 0.95, 0.2)
    >>> round(found.passes, 2), round(found.seen, 3), found.share, found.loss
    (0.8, 0.033, None, 0.074)
    """
    z, wanted = NormalDist().inv_cdf(confidence), NormalDist().inv_cdf(WANTED)
    passes = NormalDist().cdf(tolerance / error - z) if error > 0 else 1.0
    facts = {"rows": rows, "error": error, "tolerance": tolerance, "passes": passes, "seen": z * error}
    if passes >= WANTED:
        return Power(**facts, measured=measured)
    needed = share * ((z + wanted) * error / tolerance) ** 2 if tolerance > 0 else math.inf
    return Power(
        **facts,
        share=math.ceil(100 * needed) / 100 if needed <= MOST_SHARE else None,
        loss=math.ceil(1000 * (z + wanted) * error) / 1000,
        measured=measured,
    )


def words(found: Power) -> str:
    """The facts in a sentence, with what to change.

    >>> words(power(400, 0.01, 0.05, 0.95, 0.2))
    '400 held-out rows judge: an equally good model passes 100 % of the time, and a loss of 0.016 nats per row shows'
    """
    said = (
        f"{found.rows:,} held-out rows judge: an equally good model {'passes' if found.measured else 'should pass'} "
        f"{100 * found.passes:.3g} % of the time, and a loss of {found.seen:.2g} nats per row shows"
    )
    ways = []
    if found.share is not None:
        ways.append(f"validate.share {found.share:g}")
    if found.loss is not None:
        ways.append(f"gates.heldout_drop {found.loss:g}")
        ways.append("larger partitions")
    return said + (f"; for {100 * WANTED:g} %: {' or '.join(ways)}" if ways else "")
