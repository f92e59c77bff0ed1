"""Coordinates for geometric starts: every column counts about as much as one standardised number."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array

# starts tell this many categories of a column apart, the most frequent ones; the others share a coordinate
DISTINCT = 32


def indicator_coordinates(cells: Cells, shares: Sequence[Array]) -> Cells:
    r"""Centred indicators of the categories, scaled to a total variance of 1 per column.

    ``shares``: for each column (1, c) the shares :math:`p` of its categories in the data; the indicators of one
    column have total variance :math:`1 - \sum_c p_c^2`.
    """
    pieces, masks = [], []
    for j, share in enumerate(shares):
        p = share[0]
        place = np.minimum(np.argsort(np.argsort(-p, kind="stable"), kind="stable"), DISTINCT - 1)
        merged = np.bincount(place, weights=p)
        where = place[cells.values[j]]
        indicators = np.equal(where, np.arange(len(merged))[:, None]) - merged[:, None]
        pieces.append(indicators / np.sqrt(max(1 - float(merged @ merged), 1e-12)))
        if cells.observed is not None:
            masks.append(np.broadcast_to(cells.observed[j], indicators.shape))
    return Cells(np.concatenate(pieces), np.concatenate(masks) if masks else None)


def stacked(parts: Sequence[Cells]) -> Cells:
    """The coordinates of several families, one upon the other; a mask only where one of them has one."""
    values = np.concatenate([p.values for p in parts])
    if all(p.observed is None for p in parts):
        return Cells(values)
    masks = [np.ones(p.values.shape, bool) if p.observed is None else p.observed for p in parts]
    return Cells(values, np.concatenate(masks))
