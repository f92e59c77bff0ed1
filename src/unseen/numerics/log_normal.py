"""Gaussian components of logarithms seen from the data's own units: expectations, and statistics about other means."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import numpy as np

from unseen.core.block import CATEGORY, NUMBER, Cells
from unseen.core.family import tile_rows
from unseen.core.patterns import Patterns
from unseen.core.profile import ColumnProfile
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.numerics.counts import rows_where
from unseen.numerics.incomplete import PatternTable, incomplete_rows
from unseen.numerics.quadratic import pack, pairs, unpack

# the exponent of the largest double, less a little
LARGEST = 709.0


def profile_of_logs(column: ColumnProfile) -> ColumnProfile:
    """The profile of the logarithms of a column.

    Raises
    ------
    DataError
        Text, one value only, or numbers that have no logarithm.
    """
    if column.kind == CATEGORY:
        raise DataError(
            f"column {column.name!r} holds text, which has no logarithm: use Categorical for it, or ignore it"
        )
    if column.low == column.high:
        raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")
    values, weights = column.table()
    if column.low <= 0:
        remedy = "Gaussian or StudentT" if column.low < 0 else "Hurdle(LogNormal), with an atom at zero, or Gaussian"
        against = []
        if column.low == 0 or (values == 0).any():
            against.append(f"zero, in {rows_where(column, lambda x: x == 0)}")
        if column.low < 0:
            against.append(f"negative, in {rows_where(column, lambda x: x < 0)}")
        family = "student_t" if column.low < 0 else "hurdle_log_normal"
        option = shlex.quote(f"{column.name}={family}")
        raise DataError(
            f"column {column.name!r} has no logarithm where it is {', and '.join(against)}: describe it otherwise "
            f"({remedy}; --family {option})"
        )
    logs = np.log(values)
    mean = float(np.average(logs, weights=weights))
    return ColumnProfile(
        name=column.name,
        kind=NUMBER,
        rows=column.rows,
        missing=column.missing,
        weight=column.weight,
        mean=mean,
        m2=float(np.average((logs - mean) ** 2, weights=weights)) * column.weight,
        low=float(np.log(column.low)),
        high=float(np.log(column.high)),
        single=column.single,
    )


def units_of_data(mean: list[float], sd: list[float]) -> dict[str, list[float]]:
    """Mean, sd and median of numbers whose logarithms are Gaussian, and the sd of those."""
    m, s, most = np.array(mean), np.array(sd), np.finfo(float).max
    middle = np.exp(np.minimum(m + s**2 / 2, LARGEST))
    with np.errstate(over="ignore"):
        wide = np.minimum(middle * np.sqrt(np.expm1(np.minimum(s**2, LARGEST))), most)
    median = np.exp(np.minimum(m, LARGEST))
    return {"mean": middle.tolist(), "sd": wide.tolist(), "median": median.tolist(), "log_sd": s.tolist()}


@dataclass(frozen=True, slots=True)
class Logged:
    """Cells with logarithms in their places, the sum of those of each row (n,), and which rows cannot be (n,)."""

    cells: Cells
    total: Array
    outside: Array | None


def take_logs(cells: Cells, logged: Array, patterns: bool) -> Logged:
    """The cells of some columns (d,) by their logarithms; ``patterns``: they will be grouped by missing pattern."""
    x, seen = cells.values[logged], None if cells.observed is None else cells.observed[logged]
    usable = x > 0 if seen is None else (x > 0) & seen
    whole = bool(usable.all())
    values = logs = np.log(x if whole else np.where(usable, x, 1), dtype=float)
    outside = None
    if not whole and (beyond := (~usable if seen is None else seen & ~usable)).any():
        outside = np.asarray(beyond.any(axis=0))
    if not logged.all():
        values = cells.values.astype(float)
        values[logged] = logs
    out = Cells(values, cells.observed)
    if patterns and cells.observed is not None:
        out.derived("patterns", cells.patterns)  # found once for both
    return Logged(out, logs.sum(axis=0), outside)


def expected_exponentials(
    means: Array,
    covariances: Array,
    cells: Cells,
    responsibilities: Array,
    largest: Array,
) -> Array:
    r"""Expected :math:`e^y` of the missing cells given the observed ones, :math:`\sum_k r_k e^{m_k + v_k / 2}`, (d, n).

    means (K, d), covariances (K, d, d), cells of y, responsibilities (K, n); m and v are the mean and the variance of a
    cell given the observed cells of its row. ``largest`` (d,) bounds the exponents. Observed cells have no meaning.
    """
    out, table = np.empty(cells.values.shape), PatternTable(covariances)
    size = tile_rows(4 * means.size)
    for first in range(0, cells.values.shape[1], size):
        rows = incomplete_rows(cells.rows(first, first + size), table, means, np.zeros_like(means))
        r = rows.sorted(responsibilities[:, first : first + size])
        variances = _variances(table, rows.patterns)
        total = np.zeros((means.shape[1], r.shape[1]))
        for k, alone in enumerate(np.eye(len(means))):
            exponents = rows.completed.average(np.repeat(alone[:, None], r.shape[1], axis=1))
            exponents += means[k][:, None] + variances[k] / 2
            total += r[k] * np.exp(np.minimum(exponents, largest[:, None]))
        out[:, first : first + size] = rows.restored(total)
    return out


def _variances(table: PatternTable, patterns: Patterns) -> Array:
    """Conditional variances of the cells, 0 where observed, of rows in the order of their patterns: (K, d, n)."""
    i, j = pairs(table.covariance.shape[1])
    # a table may begin anew from one part to the next, so what it holds is copied
    parts = [held.residual[where][..., i == j] for _, _, held, where in table.places(patterns)]
    return np.repeat(np.moveaxis(np.concatenate(parts), 0, 2), np.diff(patterns.starts), axis=2)


def about(sums: Array, shift: Array, dense: bool) -> Array:
    r"""The statistics of rows whose mean were ``shift`` (K, d), with the scatter about it that these have.

    sums : :math:`\sum r (1, z, z z^\top)`, packed (K, F) if ``dense``, else mass, first and second moments (K, 3 d)
    """
    d = shift.shape[1]
    if not dense:
        mass, first, second = sums[:, :d], sums[:, d : 2 * d], sums[:, 2 * d :]
        return np.concatenate([mass, mass * shift, second - 2 * first * shift + 2 * mass * shift**2], axis=1)
    mass, first, second = unpack(sums, d)
    cross = first[:, :, None] * shift[:, None, :]
    square = mass[:, None, None] * shift[:, :, None] * shift[:, None, :]
    return pack(mass, mass[:, None] * shift, second - cross - np.swapaxes(cross, 1, 2) + 2 * square)
