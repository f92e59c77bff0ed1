"""Components that coincide: they look the same in every column, so one of them would do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.result import Result

#: differences below this share of a deviation, or this probability, tell nothing apart
SAME = 0.01


def coinciding(result: Result) -> list[tuple[int, ...]]:
    """Groups of components that look the same, each in order of their numbers."""
    told = result.description
    entries, k = told.views, told.count
    if k < 2 or not entries:
        return []
    same = np.ones((k, k), bool)
    for entry in entries:
        same &= _same(entry)
    for array in result.params.values():
        if np.ndim(array) == 3 and len(array) == k:  # columns that go together in other ways
            same &= _same_matrices(array)
    if (moves := told.table("transitions")) is not None:  # states that look the same may lead elsewhere
        same &= _near(moves.values, SAME)
    groups: list[tuple[int, ...]] = []
    for i in range(k):
        if not any(i in g for g in groups) and same[i].sum() > 1:
            groups.append(tuple(np.flatnonzero(same[i]).tolist()))
    return groups


def _same(entry: Mapping[str, Any]) -> Array:
    """Which pairs of components do not differ in a column, (K, K)."""
    if "probabilities" in entry:
        return _near(np.array(entry["probabilities"], float), SAME)
    means = np.array(entry["mean"], float)
    sds = np.array(entry.get("sd", np.sqrt(np.abs(means))), float)
    size = np.where(np.isfinite(sds), sds, 0.0)
    size = SAME * np.minimum(size[:, None], size)
    out: Array = (np.abs(means[:, None] - means) <= size) & ~(np.abs(sds[:, None] - sds) > size)
    if "atom_shares" in entry:
        out &= _near(np.array(entry["atom_shares"], float), SAME)
    return out


def _near(rows: Array, within: float) -> Array:
    rows = rows.reshape(len(rows), -1)
    return np.array([(np.abs(rows - row) <= within).all(axis=1) for row in rows])


def _same_matrices(matrices: Array) -> Array:
    if matrices.shape[1] != matrices.shape[2]:
        return _near(matrices / max(float(np.abs(matrices).max()), 1e-300), SAME)
    size = np.sqrt(np.abs(np.diagonal(matrices, axis1=1, axis2=2)).max(axis=0))
    scale = np.maximum(np.outer(size, size), 1e-300)
    return _near(matrices / scale, 2 * SAME)
