"""Rows grouped by which of their cells are observed."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unseen.core.stats import Array

# fewer numbers than this are done at once, however unequal: calls cost more than arithmetic
TOGETHER = 6_000


@dataclass(frozen=True, slots=True)
class Missing:
    """Patterns that miss about equally many cells, at most w, and their rows, by what is missing.

    patterns : (P,) which patterns    columns : (w, P) what they miss, filled up with d, d + 1, ...
    row_pattern : (N,) the pattern of each of their rows, None where each has one
    cells : (w N,) missing cells of the rows as places in (d, n)    here : (w, N) whether there is one
    there : places in ``cells`` where there is one    inside : places in (w, w, P) of pairs of missing cells
    squares : those pairs as places in (d, d)
    """

    patterns: Array
    columns: Array
    row_pattern: Array | None
    cells: Array
    here: Array
    there: Array
    inside: Array
    squares: Array


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

    @cached_property
    def missing_cells(self) -> int:
        """How many cells the rows miss."""
        return int((~self.masks).sum(axis=1) @ np.diff(self.starts))

    @cached_property
    def missing(self) -> list[Missing]:
        """The patterns that miss something, in groups that miss about equally much."""
        width = (~self.masks).sum(axis=1)
        groups: list[list[Array]] = []
        size, widest = 0, 0
        for w in np.unique(width[width > 0])[::-1].tolist():
            mine = np.flatnonzero(width == w)
            size += len(mine) * widest**2
            if not groups or size > TOGETHER and w <= 0.75 * widest:
                groups.append([])
                size, widest = len(mine) * w * w, w
            groups[-1].append(mine)
        return [self._missing(np.sort(np.concatenate(group))) for group in groups]

    def _missing(self, chosen: Array) -> Missing:
        (d, n), sizes = (self.masks.shape[1], int(self.starts[-1])), np.diff(self.starts)[chosen]
        gone = ~self.masks[chosen]
        width = gone.sum(axis=1)
        w = int(width.max())
        columns = np.argsort(~gone, axis=1, kind="stable")[:, :w].T.copy()  # missing ones first, in their order
        empty = np.arange(w)[:, None] >= width
        columns[empty] = (d + np.broadcast_to(np.arange(w)[:, None], columns.shape))[empty]
        owner = np.repeat(np.arange(len(chosen)), sizes)
        within = np.arange(len(owner)) - np.repeat(np.append(0, sizes.cumsum()[:-1]), sizes)
        rows = self.starts[chosen][owner] + within
        here = ~empty[:, owner]
        cells = (np.where(empty, 0, columns)[:, owner] * n + rows).ravel()
        both = (~empty[:, None] & ~empty[None]).ravel()
        squares = (columns[:, None] * d + columns[None]).ravel()[both]
        one_each = len(owner) == len(chosen)
        inside = np.flatnonzero(both)
        there = np.flatnonzero(here.ravel())
        return Missing(chosen, columns, None if one_each else owner, cells, here, there, inside, squares)
