"""Negative binomial counts: log-probabilities by table, statistics of fixed size, and the equation for the size r."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array
from unseen.numerics.special import digamma, gammaln, log_factorial, no_count, stirling_series, trigamma

# counts below this have a place of their own in the histogram, larger ones are summed up at the old size
LONGEST = 1024
# the last step, relative to the size, that is Newton's and leaves an error of about its square
SOLVED = 1e-6
# a step of log r on which the slope is nearly a straight line
SHORT = 0.5


# behind a table stand what a missing cell looks up, a count past the table (added afterwards), and what is no count
MISSING, LATE, WRONG = range(3)
REST = (0.0, 0.0, -np.inf)


class CountTables:
    """K negative binomials in each of d columns, with ``lengths[j]`` counts from 0 on looked up in column j."""

    def __init__(self, means: Array, sizes: Array, lengths: Sequence[int]) -> None:
        self.means, self.sizes, self.lengths = means, sizes, tuple(lengths)
        self.tables = [
            np.hstack([log_table(means[:, j], sizes[:, j], length), np.tile(REST, (len(means), 1))])
            for j, length in enumerate(lengths)
        ]

    def evaluate(self, cells: Cells) -> tuple[Array, Callable[[Array], tuple[Array, Array]]]:
        """Log-probability of the observed cells (K, n); a collector R (K, n) -> histograms (K, C), tails (K, d, 3)."""
        (d, n), k = cells.values.shape, len(self.means)
        density = np.zeros((k, n))
        places, beyond = [], []
        for j, length in enumerate(self.lengths):
            x, seen = cells.values[j], None if cells.observed is None else cells.observed[j]
            place = places_of(x, seen, length)
            density += np.take(self.tables[j], place, axis=1)
            late = np.flatnonzero(place == length + LATE)
            if len(late):
                density[:, late] += log_probability(x[late].astype(float), self.means[:, j], self.sizes[:, j])
            places.append(place)
            beyond.append(late)

        def collect(r: Array) -> tuple[Array, Array]:
            parts, tails = [], np.zeros((k, d, 3))
            for j, (place, late, length) in enumerate(zip(places, beyond, self.lengths, strict=True)):
                parts.append(np.array([np.bincount(place, w, length + len(REST))[:length] for w in r]))
                if len(late):
                    x, w = cells.values[j, late].astype(float), r[:, late]
                    slopes = digamma(x + self.sizes[:, j, None])
                    tails[:, j] = np.stack([w.sum(axis=1), w @ x, (w * slopes).sum(axis=1)], axis=1)
            return np.concatenate(parts, axis=1), tails

        return density, collect


def places_of(x: Array, seen: Array | None, length: int) -> Array:
    """Where in a table of ``length`` counts and what stands behind it each cell (n,) is looked up."""
    place = np.clip(x, 0, length).astype(np.intp)
    odd = np.flatnonzero(place != x)  # past the table by more than one, or no count
    place[place == length] = length + LATE
    if len(odd):
        place[odd[no_count(x[odd])]] = length + WRONG
    if seen is not None:
        place[~seen] = length + MISSING
    return place


def log_table(mean: Array, size: Array, length: int) -> Array:
    """Log-probabilities (K, length) of the counts 0, 1, ...: products of r + j, so that a large r loses no digits."""
    x = np.arange(float(length))
    out = _powers(x, mean, size, log_factorial(x))
    out[:, 1:] += np.log1p(x[:-1] / size[:, None]).cumsum(axis=1)
    return out


def log_probability(x: Array, mean: Array, size: Array) -> Array:
    """Log-probabilities (K, n) of large counts (n,), or what lies between those of whole numbers."""
    r = size[:, None]
    y = x + r
    with np.errstate(over="ignore"):  # of the series where it is not taken
        far = (y - 0.5) * np.log1p(x / r) - x + stirling_series(y) - stirling_series(r)
    near = gammaln(y) - gammaln(r) - x * np.log(r)
    return np.where(r >= 10, far, near) + _powers(x, mean, size, gammaln(x + 1))


def _powers(x: Array, mean: Array, size: Array, log_factorials: Array) -> Array:
    """The rest of the log-probability (K, n): r^x Gamma(r) / Gamma(x + r) times the probability."""
    odds = np.log1p(mean / size)
    return x * (np.log(mean) - odds)[:, None] - (size * odds)[:, None] - log_factorials


@dataclass(frozen=True, slots=True)
class SizeEquation:
    r"""The slopes of the columns' expected log-likelihoods in their sizes r, at given means.

    .. math:: \sum_x h_x \log \frac{\Gamma(x + r)}{\Gamma(r)} + N r \log r - (X + N r) \log(\mu + r)

    Counts past the histogram enter by a tangent. :math:`\log\Gamma(x+r) - (x+r-\frac12)\log(\mu+r)` is convex in r but
    for :math:`|x - \mu| < 1`, and there flatter than :math:`(\mu + r)^{-3}`; so the tangent at the old size bounds it
    from below, and to raise the bound raises the likelihood. The curvature given away is about :math:`2 r / \mu`
    times what there is: large counts, for which this is meant, have small r.

    All columns are solved together; ``exceed`` holds theirs side by side, ``widths[j]`` entries each, one or more.

    exceed : (K, V) weight of the counts above 0, 1, ...    below : (K, d, 2) weight and total of those in the histogram
    tail : (K, d, 3) weight, total, and sum of :math:`\psi(x + r)` at the old size of those past it
    pseudo : (K, d) rows of a prior at ``points`` (d, m), of which each has a share (``shares``, (d, m))
    """

    widths: Sequence[int]
    exceed: Array
    below: Array
    tail: Array
    pseudo: Array
    points: Array
    shares: Array
    mean: Array
    old: Array

    def slope(self, size: Array) -> tuple[Array, Array]:
        """The slope (K, d) at sizes (K, d), and its own derivative."""
        r, m = size, self.mean + size
        past = np.repeat(r, self.widths, axis=1)
        past += np.concatenate([np.arange(w) for w in self.widths])
        parts = self.exceed / past
        starts = np.concatenate([[0], np.cumsum(self.widths)[:-1]])
        first = np.add.reduceat(parts, starts, axis=1)
        second = -np.add.reduceat(np.divide(parts, past, out=parts), starts, axis=1)
        weight, total = self.below[..., 0], self.below[..., 1]
        if self.pseudo.any():
            at, here = self.points + r[..., None], r[..., None]
            first += self.pseudo * ((digamma(at) - digamma(here)) * self.shares).sum(axis=-1)
            second += self.pseudo * ((trigamma(at) - trigamma(here)) * self.shares).sum(axis=-1)
            weight = weight + self.pseudo
            total = total + self.pseudo * (self.points * self.shares).sum(axis=-1)
        # log r + 1 - log m - (total / weight + r) / m, without the cancellation at large r
        first += weight * (self.mean / m - np.log1p(self.mean / r)) - total / m
        second += weight * (self.mean / (r * m) - self.mean / m**2) + total / m**2
        late, late_total, slopes = np.moveaxis(self.tail, -1, 0)
        if late.any():
            old = self.mean + self.old
            tangent = slopes - late * (np.log(old) + (self.old - 0.5) / old) - late_total / old
            first += late * (np.log(r) + 1 - digamma(r) - 0.5 / m) + tangent
            second += late * (1 / r - trigamma(r) + 0.5 / m**2)
        return first, second

    def climb(self, low: float, high: Array, chosen: Array, rounds: int = 80) -> Array:
        r"""Sizes (K, d) nearer to the first zero of the slope uphill than the old ones, or the bound met on the way.

        A step of Newton's method for :math:`r^2` times the slope in log r, which is nearly linear where r is large;
        what leaves the bracket is replaced by its middle. It is enough that the likelihood rises, as it does up to any
        point before the zero. A step past the zero stands if it is short and the slope behind it half as steep; others
        follow otherwise until the last is a tenth of that and of the whole way. Sizes not ``chosen`` (K, d) stay.
        """
        origin = s = np.log(np.clip(self.old, low, high))
        value, derivative = self._scaled(s)
        uphill, start = value > 0, np.abs(value) * np.exp(-s)
        bottom, top = np.full_like(s, np.log(low)), np.broadcast_to(np.log(high), s.shape)
        left, right = np.where(uphill, s, bottom), np.where(uphill, top, s)
        end, done = np.where(uphill, top, bottom), ~chosen | (value == 0)
        bound: Array | None = None
        for _ in range(rounds):
            with np.errstate(divide="ignore", invalid="ignore"):
                step = s - value / derivative
            inside = (step > left) & (step < right)
            if bound is None and not (inside | done).all():
                bound = ~done & (np.sign(self._scaled(end)[0]) == np.where(uphill, 1, -1))
                done = done | bound
            new = np.where(done, s, np.where(inside, step, (left + right) / 2))
            moved, way, s = np.abs(new - s), np.abs(new - origin), new
            done = done | (moved <= SOLVED)
            if done.all():
                break
            value, derivative = self._scaled(s)
            near = (way <= SHORT) & (np.abs(value) * np.exp(-s) <= start / 2) | (moved <= np.minimum(way, SHORT) / 10)
            done = done | ((value > 0) == uphill) | inside & near
            if done.all():
                break
            left, right = np.where(value > 0, s, left), np.where(value > 0, right, s)
        risen = np.clip(np.exp(s), low, high)
        if bound is not None:
            risen = np.where(bound, np.where(uphill, high, low), risen)
        return np.where(chosen, risen, self.old)

    def _scaled(self, s: Array) -> tuple[Array, Array]:
        r = np.exp(s)
        first, second = self.slope(r)
        return r * r * first, r * r * (2 * first + r * second)
