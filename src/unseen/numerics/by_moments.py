r"""Rows with missing cells through the moments of their patterns, where many rows share few patterns.

With the regressions of a pattern (see `sweep`), its log-density is a quadratic form in the observed cells alone, and
the expected moments of its completed rows follow from those of the observed cells: with :math:`A` the identity in
observed and :math:`B` in missing rows, :math:`b = \mu - A \mu`, and C the conditional covariance,

.. math:: \sum_n r_n E[x_n x_n^\top] = A S A^\top + A s b^\top + b s^\top A^\top + m (b b^\top + C)

where m, s and S are the sums of :math:`r_n`, :math:`r_n x_n` and :math:`r_n x_n x_n^\top`. So all rows take part in two
matrix products with features that do not depend on the parameters, and no array as large as K completed tables is
made.

Source: Little & Rubin (2019), section 11.2; Schafer (1997), Analysis of Incomplete Multivariate Data, section 5.3.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unseen.core.block import Cells
from unseen.core.patterns import Patterns
from unseen.core.stats import Array
from unseen.numerics import quadratic
from unseen.numerics.quadratic import natural, pack, unpack
from unseen.numerics.sweep import Regressions

LOG_2PI = float(np.log(2 * np.pi))
#: doubles that the features of all rows may take: they are kept from one pass to the next
KEPT = 2_000_000
#: rows to a pattern, for each column, from which matrices made for each pattern cost less than completed rows
ROWS_SHARING = 0.5


def affordable(rows: int, columns: int) -> bool:
    """Whether the features of a whole data set may be kept."""
    return rows * (columns + 1) * (columns + 2) <= 2 * KEPT


def suits(patterns: Patterns) -> bool:
    """Whether enough rows share these patterns."""
    count, d = patterns.masks.shape
    return len(patterns.order) >= ROWS_SHARING * d * count


def evaluate(
    cells: Cells, patterns: Patterns, held: Regressions, where: Array, anchor: Array, shift: Array
) -> tuple[Array, Callable[[Array], Array]]:
    """Log-density (K, n) and the collector of expected moments, of components at ``anchor`` (d,) + ``shift`` (K, d).

    ``held`` has the regressions of the patterns at the places ``where``.
    """
    features = _features(cells, patterns, anchor)
    observed, matrix = patterns.masks[:, None, :, None], held.matrix[where]
    whitener = matrix * observed
    coefficients = natural(np.broadcast_to(shift, (len(where), *shift.shape)), np.swapaxes(whitener, 2, 3) @ whitener)
    seen = patterns.masks.sum(axis=1)[:, None]
    coefficients[..., 0] -= held.half_log_det[where] + 0.5 * LOG_2PI * seen
    sorted_density = np.empty((len(shift), len(patterns.order)))
    for phi, (these, at, size) in features:
        np.matmul(coefficients[these], phi, out=_by_pattern(sorted_density[:, at], size))

    def collect(r: Array) -> Array:
        r = r if patterns.sorted else r[:, patterns.order]
        sums = np.empty(coefficients.shape)
        for phi, (these, at, size) in features:
            np.matmul(_by_pattern(r[:, at], size), np.swapaxes(phi, 1, 2), out=sums[these])
        slopes = (matrix - whitener) * patterns.masks[:, None, None]
        return _completed(sums, patterns.masks, slopes, held.residual[where], shift)

    if patterns.sorted:
        return sorted_density, collect
    density = np.empty_like(sorted_density)
    density[:, patterns.order] = sorted_density
    return density, collect


def _features(cells: Cells, patterns: Patterns, anchor: Array) -> list[tuple[Array, tuple[slice, slice, int]]]:
    """Features (P, F, size) of the observed cells for each of `Patterns.batches`, made once."""

    def make() -> list[tuple[Array, tuple[slice, slice, int]]]:
        rows = cells if patterns.sorted else cells.take(patterns.order)
        phi = quadratic.features(rows.values, anchor, rows.observed).copy()  # what is borrowed is not to be kept
        return [(_by_pattern(phi[:, at], size), (these, at, size)) for these, at, size in all_of_them]

    all_of_them = patterns.batches(0, len(patterns.masks))
    found: list[tuple[Array, tuple[slice, slice, int]]] = cells.derived(("features", anchor.tobytes()), make)
    return found


def _by_pattern(rows: Array, size: int) -> Array:
    """A view (P, m, size) of rows (m, P size)."""
    return rows.reshape(len(rows), -1, size).transpose(1, 0, 2)


def _completed(sums: Array, masks: Array, slopes: Array, residual: Array, shift: Array) -> Array:
    """Expected moments (K, F) of all rows from the sums (P, K, F) over observed cells.

    slopes (P, K, d, d) : regressions in the rows of missing cells, zero elsewhere
    residual (P, K, d(d+1)/2) : conditional covariances
    """
    d = shift.shape[1]
    mass, first, second = unpack(sums, d)
    turn = slopes + masks[:, None, :, None] * np.eye(d)
    rest = shift - (turn @ shift[..., None])[..., 0]
    first = (turn @ first[..., None])[..., 0]
    second = turn @ second @ np.swapaxes(turn, 2, 3)
    cross = rest[..., :, None] * (first + 0.5 * mass[..., None] * rest)[..., None, :]
    second = (second + cross + np.swapaxes(cross, 2, 3)).sum(axis=0)
    first = (first + mass[..., None] * rest).sum(axis=0)
    moments: Array = pack(mass.sum(axis=0), first, second)
    moments[:, 1 + d :] += np.einsum("pk,pkf->kf", mass, residual)
    return moments
