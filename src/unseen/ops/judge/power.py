r"""What so many held-out rows can show: how often an equally good model passes, and what would make it pass.

The gain of a candidate that is as good as the champion is about normal around 0 with a standard error s, so that

.. math:: P(\mathrm{pass}) = \Phi\left( \frac{D}{s} - z_{\mathrm{confidence}} \right), \qquad s \propto n^{-1/2}

where D is what may be lost and n the held-out rows. Two fits of p parameters to windows of n' rows, of which a part a
is the same, differ by about :math:`\sqrt{2 p (1 - a) / n'}` nats per row: that is what is expected where no retrain
has measured s yet. Where the first look leaves it open and the whole partition judges, crossed (`crossing`), both looks
count: its error is that of so many more rows.

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
#: points at which the chance of a second look is summed
STEPS = 200


class Power(Fact):
    """What a gate can tell: ``rows`` judge, with the standard error ``error`` of a gain, and ``tolerance`` may be lost.

    ``passes`` is how often an equally good model passes, ``seen`` the smallest loss that is shown to be one as often as
    ``gates.confidence`` says; ``share`` or ``loss`` are what would let `WANTED` of equally good models pass, None where
    they do already, or where no share would. ``measured`` tells an error that a retrain found from one that is
    expected. ``crossed`` rows judge where the held-out ones leave it open, 0 where no others do.
    """

    rows: int
    error: float
    tolerance: float
    passes: float
    seen: float
    share: float | None = None
    loss: float | None = None
    measured: bool = True
    crossed: int = 0


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
    rows: int,
    error: float,
    tolerance: float,
    confidence: float,
    share: float,
    *,
    measured: bool = True,
    crossed: int = 0,
) -> Power:
    """What ``rows`` held-out rows tell, a ``share`` of a partition; ``crossed`` ones judge where those leave it open.

    >>> found = power(100, 0.02, 0.05, 0.95, 0.2)
    >>> round(found.passes, 2), round(found.seen, 3), found.share, found.loss
    (0.8, 0.033, None, 0.074)
    >>> round(power(100, 0.04, 0.05, 0.95, 0.2, crossed=500).passes, 2)
    0.89
    """
    all_rows = max(crossed, rows)

    def passing(judges: float, loss: float) -> float:
        first = error * math.sqrt(rows / judges)
        return _passes(first, error * math.sqrt(rows / all_rows) if crossed else first, loss, confidence)

    z, passes = NormalDist().inv_cdf(confidence), passing(rows, tolerance)
    found = Power(
        rows=rows, error=error, tolerance=tolerance, passes=passes, measured=measured, crossed=crossed,
        seen=z * error * (math.sqrt(rows / all_rows) if crossed else 1.0),
    )  # fmt: skip
    if passes >= WANTED:
        return found
    larger = (s / 100 for s in range(math.ceil(100 * share) + 1, round(100 * MOST_SHARE) + 1))
    enough = next((s for s in larger if passing(rows * s / share, tolerance) >= WANTED), None)
    # less than what one look alone needs
    most = math.ceil(1000 * (z + NormalDist().inv_cdf(WANTED)) * error)
    losses = (d / 1000 for d in range(max(math.floor(1000 * tolerance), 0), most + 1))
    loss = next((d for d in losses if passing(rows, d) >= WANTED), most / 1000)
    return found.model_copy(update={"share": enough, "loss": loss})


def _passes(first: float, second: float, loss: float, confidence: float) -> float:
    """How often an equally good model passes: at the first look, or at the second where the first leaves it open.

    The rows of the first are among those of the second, so that their gains go together.
    """
    normal, z = NormalDist(), NormalDist().inv_cdf(confidence)
    if first <= 0:
        return 1.0
    passes = normal.cdf(loss / first - z)
    if not 0 < second < first:
        return passes
    # given the first gain the second is normal around a part of it
    part, left = (second / first) ** 2, second * math.sqrt(1 - (second / first) ** 2)
    low, high = max(-loss - z * first, -8 * first), min(z * first - loss, 8 * first)
    step = (high - low) / STEPS
    open_ = ((low + (i + 0.5) * step) for i in range(STEPS)) if step > 0 else ()
    density = NormalDist(0, first).pdf
    return passes + sum(density(g) * step * normal.cdf((part * g + loss - z * second) / left) for g in open_)


def words(found: Power) -> str:
    """The facts in a sentence, with what to change.

    >>> words(power(400, 0.01, 0.05, 0.95, 0.2))
    '400 held-out rows judge: an equally good model passes 100 % of the time, and a loss of 0.016 nats per row shows'
    """
    said = (
        f"{found.rows:,} held-out rows judge: an equally good model {'passes' if found.measured else 'should pass'} "
        f"{100 * found.passes:.3g} % of the time, and a loss of {found.seen:.2g} nats per row shows"
    )
    if found.crossed:
        said = said.replace(
            " held-out rows judge:", f" held-out rows judge, and where they leave it open all {found.crossed:,}:"
        )
    ways = []
    if found.share is not None:
        ways.append(f"validate.share {found.share:g}")
    if found.loss is not None:
        ways.append(f"gates.heldout_drop {found.loss:g}")
        ways.append("larger partitions")
    return said + (f"; for {100 * WANTED:g} %: {' or '.join(ways)}" if ways else "")
