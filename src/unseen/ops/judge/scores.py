"""Sums over held-out rows: log-densities of both models, and their differences on the same rows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import Block
from unseen.core.stats import Array
from unseen.search.holdout import HeldOut


@dataclass(frozen=True, slots=True)
class PerRow:
    r"""Mean per row of something that is summed over independent units, and its standard error.

    .. math:: m = \frac{\sum_u w_u t_u}{N}, \qquad s = \frac{U}{N} \sqrt{\frac{1}{U (U - 1)}
              \sum_u w_u (t_u - \bar t)^2}, \qquad U = \sum_u w_u

    where :math:`t_u` is the total of unit u (a row, or the rows of a sequence), :math:`w_u` the number of copies it
    stands for, N the number of rows in all copies.
    """

    sums: HeldOut
    rows: float

    @classmethod
    def of(cls, totals: Array, copies: Array, rows: Array) -> PerRow:
        weighted = copies * totals
        return cls(HeldOut(float(copies.sum()), float(weighted.sum()), float(weighted @ totals)), float(rows.sum()))

    def __add__(self, other: PerRow) -> PerRow:
        return PerRow(self.sums + other.sums, self.rows + other.rows)

    @property
    def mean(self) -> float | None:
        return self.sums.total / self.rows if self.rows else None

    @property
    def standard_error(self) -> float | None:
        """None where it cannot be told: from a single unit."""
        error = self.sums.standard_error * self.sums.weight / self.rows if self.rows else np.nan
        return error if np.isfinite(error) else None


@dataclass(frozen=True, slots=True)
class Scores:
    """What the held-out rows say of the candidate alone, and beside the champion.

    Units that a model gives density zero have no finite log-density: they are counted, and left out of its mean.
    ``gain`` is the mean of candidate minus champion over the units that both give a positive density.

    rows, units : that count (weight above zero), as they are and not as copies
    compared : units in ``gain``
    impossible, champion_impossible, lost : units of density zero under the candidate, the champion, the candidate alone
    """

    rows: int
    units: int
    candidate: PerRow
    champion: PerRow | None
    gain: PerRow | None
    compared: int
    impossible: int
    champion_impossible: int
    lost: int

    @classmethod
    def of(cls, block: Block, candidate: Array, champion: Array | None) -> Scores:
        """The scores of one block from the log-densities (n,) of its rows."""
        ours, copies, lengths = units(candidate, block)
        weighed = copies > 0
        alive = weighed & np.isfinite(ours)
        seen = block.seen()
        counted = np.ones(block.rows, bool) if seen is None else seen | ~np.isfinite(candidate)
        rows = int((counted if block.weights is None else counted & (block.weights > 0)).sum())
        ours_dead = weighed & ~alive
        mean = PerRow.of(ours[alive], copies[alive], lengths[alive])
        if champion is None:
            return cls(rows, int(weighed.sum()), mean, None, None, 0, int(ours_dead.sum()), 0, 0)
        theirs = units(champion, block)[0]
        theirs_dead = weighed & ~np.isfinite(theirs)
        standing = weighed & ~theirs_dead
        both = alive & standing
        return cls(
            rows,
            int(weighed.sum()),
            mean,
            PerRow.of(theirs[standing], copies[standing], lengths[standing]),
            PerRow.of(ours[both] - theirs[both], copies[both], lengths[both]),
            int(both.sum()),
            int(ours_dead.sum()),
            int(theirs_dead.sum()),
            int((ours_dead & ~theirs_dead).sum()),
        )

    def __add__(self, other: Scores) -> Scores:
        return Scores(
            self.rows + other.rows,
            self.units + other.units,
            self.candidate + other.candidate,
            None if self.champion is None or other.champion is None else self.champion + other.champion,
            None if self.gain is None or other.gain is None else self.gain + other.gain,
            self.compared + other.compared,
            self.impossible + other.impossible,
            self.champion_impossible + other.champion_impossible,
            self.lost + other.lost,
        )


def units(density: Array, block: Block) -> tuple[Array, Array, Array]:
    """Per unit: its total log-density, how many copies it stands for, and how many rows they have.

    Rows that say nothing are no rows, unless an unknown category is what was hidden: that has density zero.
    """
    weights = np.ones(block.rows) if block.weights is None else block.weights
    if (seen := block.seen()) is not None:
        # the density of no cell at all is one, but for rounding
        weights = np.where(seen | ~np.isfinite(density), weights, 0.0)
    if block.offsets is None:
        return density, weights, weights
    begins = block.offsets[:-1]
    rows = np.add.reduceat(weights, begins)
    totals = np.add.reduceat(np.where(weights > 0, density, 0.0) * weights, begins)
    return totals, (rows > 0).astype(float), rows
