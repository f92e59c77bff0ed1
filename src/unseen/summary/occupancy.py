"""How many rows each part of a model stands for."""

from __future__ import annotations

from unseen.core.stats import Array
from unseen.numerics.stationary import occupancy
from unseen.result import Result


def rows_by_part(result: Result) -> Array | None:
    """Return how many rows each component or state stands for, (K,); None where the parameters do not say.

    A chain that has not run for long is elsewhere than in its stationary distribution: its states are counted over
    sequences of the average length.
    """
    told = result.description
    moves, begins = told.table("transitions"), told.table("distributions")
    if told.long_run and moves is not None and begins is not None:
        length = max(round(result.profile.rows / max(result.profile.units, 1)), 1)
        return occupancy(begins.values[:, 0], moves.values, length) * result.weight
    return None if told.shares is None else told.shares * result.weight
