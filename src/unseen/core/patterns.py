"""Rows grouped by which of their cells are observed."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from unseen.core.stats import Array


class Patterns:
    """The missing patterns of some rows, rare ones first; the rows of each keep their order.

    order : (n,) rows grouped by pattern    starts : (P + 1,) where each pattern's rows begin in that order
    masks : (P, d) bool, which cells a pattern observes

    >>> found = Patterns(np.array([[True, False, True], [True, True, True]]))
    >>> found.order.tolist(), found.masks.tolist()
    ([1, 0, 2], [[False, True], [True, True]])
    """

    def __init__(self, observed: Array) -> None:
        d, n = observed.shape
        packed = np.packbits(observed, axis=0)
        order = np.lexsort(packed[::-1]) if d else np.arange(n)
        ranked = packed[:, order]
        pattern = np.append(False, (ranked[:, 1:] != ranked[:, :-1]).any(axis=0)).cumsum()[:n]
        sizes = np.bincount(pattern)
        self.order: Array = order[np.argsort(sizes[pattern], kind="stable")]
        self.starts = np.append(0, np.sort(sizes).cumsum())
        self.masks = np.ascontiguousarray(observed[:, self.order[self.starts[:-1]]].T)
        self._batches: dict[tuple[int, int], list[tuple[slice, slice, int]]] = {}
        #: whether the rows were grouped so already
        self.sorted = bool((self.order[1:] > self.order[:-1]).all())

    @cached_property
    def keys(self) -> list[bytes]:
        """A name for each pattern."""
        return [row.tobytes() for row in np.packbits(self.masks, axis=1)]

    def batches(self, first: int, last: int) -> list[tuple[slice, slice, int]]:
        """Of patterns ``first`` to ``last``, those with equally many rows: patterns, their rows, rows of each."""
        found = self._batches.get((first, last))
        if found is None:
            starts = self.starts[first : last + 1]
            sizes = np.diff(starts)
            cuts = np.append(np.flatnonzero(np.diff(sizes, prepend=-1)), len(sizes))
            found = [
                (slice(a, b), slice(int(starts[a]), int(starts[b])), int(sizes[a]))
                for a, b in zip(cuts, cuts[1:], strict=False)
            ]
            self._batches[first, last] = found
        return found
