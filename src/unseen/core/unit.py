"""What a model takes for one draw: the thing whose latent variables are independent of the rest."""

from __future__ import annotations

from enum import Enum


class Unit(Enum):
    """Whether rows stand alone, form a bag (an item with its votes, a user with ratings), or form a sequence.

    >>> Unit.BAG.many, Unit.BAG.ordered
    (True, False)
    """

    ROW = "row"
    BAG = "bag"
    SEQUENCE = "sequence"

    @property
    def many(self) -> bool:
        """Whether several rows belong together, so that the data has to say which: blocks are cut between units."""
        return self is not Unit.ROW

    @property
    def ordered(self) -> bool:
        """Whether the order of a unit's rows means something; rows without a unit column may then be one unit."""
        return self is Unit.SEQUENCE
