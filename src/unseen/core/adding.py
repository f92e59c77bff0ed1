"""Sums whose bits do not depend on who adds: a tree over places, whatever part of it is made where."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unseen.core.interrupt import check

#: children of a node; up to so many values are added from left to right
FAN = 8


@dataclass(frozen=True, slots=True)
class Piece:
    """The sum of the first ``children`` children of a node, or, where that is None, a whole node.

    A node of level 0 is one value; node j of level l + 1 has nodes FAN j to FAN j + FAN - 1 of level l for children.
    """

    level: int
    node: int
    value: Any
    children: int | None = None

    @property
    def first(self) -> int:
        """The first place in it."""
        return int(self.node * FAN**self.level)


class Adder:
    """Adds values by their places, which come in order, with gaps where somebody else has those between.

    What it has can be handed over as pieces: at most 2 FAN log(n) / log(FAN) of n neighbouring places, and one where
    they are those of a whole node. Who takes all pieces in order of places comes to the same bits as who met every
    value.

    >>> left, right = Adder(), Adder()
    >>> for place in range(100):
    ...     (left if place < 37 else right).add(place, 0.1 * place)
    >>> both = Adder()
    >>> for piece in [*left.pieces(), *right.pieces()]:
    ...     both.take(piece)
    >>> both.total() == add_in_tree(0.1 * place for place in range(100))
    True
    """

    def __init__(self) -> None:
        self._open: list[Piece | None] = []  # by level of the children: a node that has not got all of them
        self._alone: list[Piece] = []

    def add(self, place: int, value: Any) -> None:
        """Add the value of a place."""
        self.take(Piece(0, place, value))

    def take(self, piece: Piece) -> None:
        """Add a piece of another adder."""
        if piece.children is not None:
            self._begin(piece)
            return
        parent, place = divmod(piece.node, FAN)
        elder = self._at(piece.level)
        if place == 0:
            sum_ = piece.value
        elif elder is not None and (elder.node, elder.children) == (parent, place):
            sum_ = elder.value + piece.value
            self._open[piece.level] = None
        else:  # whoever has its elder sisters adds it to them
            self._alone.append(piece)
            return
        if place < FAN - 1:
            self._begin(Piece(piece.level + 1, parent, sum_, place + 1))
        else:
            self.take(Piece(piece.level + 1, parent, sum_))

    def _at(self, level: int) -> Piece | None:
        while len(self._open) <= level:
            self._open.append(None)
        return self._open[level]

    def _begin(self, piece: Piece) -> None:
        """Keep a node that wants more children; one that was waiting for others here will not get them."""
        if (other := self._at(piece.level - 1)) is not None:
            self._alone.append(other)
        self._open[piece.level - 1] = piece

    def pieces(self) -> list[Piece]:
        """Return what there is, in the order of the places."""
        return sorted([*self._alone, *(p for p in self._open if p is not None)], key=lambda p: p.first)

    def total(self) -> Any:
        """Return the sum of all values, which have to be those of the places from 0 on; None where there is none.

        Raises
        ------
        ValueError
            Places are missing.
        """
        if self._alone:
            raise ValueError("values of earlier places are missing")
        total = None
        for piece in self._open:
            if piece is not None:
                total = piece.value if total is None else piece.value + total
        return total


def add_in_tree(values: Iterable[Any]) -> Any:
    """Return the sum of values in order, FAN by FAN; Ctrl-C is asked for between them.

    >>> add_in_tree(range(100))
    4950
    """
    adder = Adder()
    for place, value in enumerate(values):
        adder.add(place, value)
        check()
    return adder.total()
