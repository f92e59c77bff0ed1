"""Sequences cut into pieces that are walked side by side (`chain_walks`)."""

from __future__ import annotations

from dataclasses import dataclass
from math import isqrt

import numpy as np

from unseen.core.stats import Array

SHORTEST = 64  # rows of a piece: a step in Python should be shared by many, but what is forgotten takes rows, too


@dataclass(frozen=True, slots=True)
class Pieces:
    """Pieces of sequences, longest first: first rows, lengths, and which piece comes before and after (-1: none).

    Rows are visited in the order first rows of all pieces, second rows, and so on; ``bounds`` (longest + 1,) says where
    the rows of each time begin in that order.
    """

    starts: Array
    lengths: Array
    before: Array
    after: Array
    bounds: Array

    @classmethod
    def of(cls, offsets: Array) -> Pieces:
        """All sequences that have a row, cut into pieces of about equal lengths."""
        spans = np.diff(offsets)
        count = np.maximum(spans // max(SHORTEST, isqrt(int(offsets[-1])) // 2), 1)
        count[spans == 0] = 0
        sequence = np.repeat(np.arange(len(spans)), count)
        part = np.arange(len(sequence)) - np.repeat(np.cumsum(count) - count, count)
        starts = offsets[sequence] + part * spans[sequence] // count[sequence]
        lengths = np.diff(np.append(starts, offsets[-1]))
        order = np.argsort(-lengths, kind="stable")
        place = np.append(np.argsort(order), -1)  # of each piece among those sorted; of none, -1
        here = np.arange(len(order))
        before = place[np.where(part > 0, here - 1, -1)]
        after = place[np.where(part < count[sequence] - 1, here + 1, -1)]
        return cls(starts[order], lengths[order], before[order], after[order], _bounds(lengths[order]))

    def rows(self) -> Array:
        """The rows in the order of visits."""
        running = np.diff(self.bounds)
        parts = [self.starts[:r] + t for t, r in enumerate(running)]
        return np.concatenate(parts) if parts else np.empty(0, np.int64)

    def times(self) -> list[slice]:
        """The rows of each time, in the order of visits."""
        bounds = self.bounds.tolist()
        return [slice(a, z) for a, z in zip(bounds[:-1], bounds[1:], strict=True)]

    def at(self, time: Array) -> Array:
        """Places in the order of visits of a row of each piece."""
        places: Array = self.bounds[time] + np.arange(len(self.starts))
        return places


def _bounds(lengths: Array) -> Array:
    longest = int(lengths.max(initial=0))
    return np.append(0, np.cumsum(np.searchsorted(-lengths, -np.arange(longest), side="left")))
