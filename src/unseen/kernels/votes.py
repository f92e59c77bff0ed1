"""Sums over the votes on items, which lie one after the other; ``offsets`` (U + 1,) says where those of an item begin.

A vote (n,) is a place in a table whose lines have C numbers: what is said of it at class c stands c lines further on.
"""

from __future__ import annotations

from unseen.kernels.loops import Integers, Matrix, Vector, loop


@loop
def gather(places: Integers, offsets: Integers, logs: Vector, sums: Matrix) -> None:
    """sums (C, U): of what logs say of the votes on each item at each class, added to what is there."""
    classes = sums.shape[0]
    for c in range(classes):
        line = c * classes
        for u in range(len(offsets) - 1):
            total = sums[c, u]
            for t in range(offsets[u], offsets[u + 1]):
                total += logs[places[t] + line]
            sums[c, u] = total


@loop
def scatter(places: Integers, offsets: Integers, r: Matrix, counts: Vector) -> None:
    """r (C, U) of the item of each vote is added to counts, at each class."""
    classes = r.shape[0]
    for c in range(classes):
        line = c * classes
        for u in range(len(offsets) - 1):
            share = r[c, u]
            for t in range(offsets[u], offsets[u + 1]):
                counts[places[t] + line] += share
