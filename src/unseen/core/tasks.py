"""What engines are asked to sum for every model: tasks that travel, each the size of what it holds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from unseen.core.block import Block, Field, Frame
from unseen.core.profile import Profile, profile_frame
from unseen.core.stats import Params, Stats


@dataclass(frozen=True, slots=True)
class Expect:
    """The E-step: a block's expected statistics at some parameters."""

    model: Any
    params: Params

    def __call__(self, block: Block) -> Stats:
        stats: Stats = self.model.expect(self.params, block)
        return stats


@dataclass(frozen=True, slots=True)
class ProfileFrame:
    """The profile of a frame's columns."""

    fields: tuple[Field, ...]
    weights: str | None = None
    labels: str | None = None
    #: columns that are open vocabularies
    index: frozenset[str] = frozenset()
    #: columns of which each value has to be known; where rows may not leave, of others only moments do
    coded: frozenset[str] = frozenset()

    def __call__(self, frame: Frame) -> Profile:
        return profile_frame(frame, self.fields, self.weights, self.labels, self.index)


@dataclass(frozen=True, slots=True)
class CountRows:
    """How many rows a block has."""

    def __call__(self, block: Block) -> int:
        return block.rows
