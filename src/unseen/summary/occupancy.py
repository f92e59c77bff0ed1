"""How many rows each part of a model stands for."""

from __future__ import annotations

import numpy as np

from unseen.core.stats import Array
from unseen.result import Result


def rows_by_part(result: Result) -> Array | None:
    """Return how many rows each component, state or expert stands for, (K,); None where nothing says so.

    The stationary distribution of a chain does not: a state that it reaches at the end of its only sequence may have
    all of it. Runs of earlier versions hold no more than that.
    """
    told = result.description
    if told.shares is not None and not told.long_run:
        return told.shares * result.weight
    return np.array(result.occupancy) if len(result.occupancy) == told.count > 0 else None
