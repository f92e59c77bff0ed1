"""Blocks of new data, with the rows whose category the champion has never seen, and the sums over them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from unseen.core.block import Block, Frame
from unseen.core.encoding import Encoding
from unseen.core.lazy import Lazy
from unseen.core.source import Source
from unseen.core.stats import Array, Stats
from unseen.ops.drift.tally import Count
from unseen.result import Result


@dataclass(frozen=True, slots=True)
class FreshBlock:
    """A block, and for each category column the rows whose category the model has never seen."""

    block: Block
    unseen: dict[str, Array]


@dataclass(frozen=True, slots=True)
class CountFresh:
    """The sums of a block of new data."""

    count: Count

    def __call__(self, fresh: FreshBlock) -> Stats:
        return self.count.with_unseen(fresh.block, fresh.unseen)


class Fresh(Lazy[FreshBlock]):
    """The blocks of new data, read when they are asked for; ``progress`` hears how many rows each has."""

    def __init__(self, source: Source, encoding: Encoding, progress: Callable[[int], object]) -> None:
        self.source, self.encoding, self.progress = source, encoding, progress
        self.parts = source.manifest()

    def __len__(self) -> int:
        return len(self.parts)

    def at(self, index: int) -> FreshBlock:
        frame = self.source.read(self.parts[index], self.encoding.columns())
        block = self.encoding.encode(frame)
        self.progress(block.rows)
        return FreshBlock(block, _unseen(self.encoding, frame, block))


def fresh_blocks(
    result: Result, source: Source, progress: Callable[[int], object] = lambda _: None
) -> Sequence[FreshBlock]:
    """Blocks of a source as a fitted model reads them, its labels unknown.

    Raises
    ------
    SchemaError
        The columns differ from those that the model was fitted to.
    """
    encoding = replace(result.encoding, labels=None, grouped=False, unknown="missing")
    encoding.check(source.schema())
    return Fresh(source, encoding, progress)


def _unseen(encoding: Encoding, frame: Frame, block: Block) -> dict[str, Array]:
    """For each column of categories or of an open vocabulary the rows (n,) whose category the model has never seen."""
    unseen = {}
    for slot, cells in zip(encoding.slots, block.cells, strict=True):
        if not slot.coded or cells.observed is None:
            continue
        for name, known in zip(slot.columns, cells.observed, strict=True):
            there = frame.columns[name].observed
            fresh = ~known if there is None else there & ~known
            if fresh.any():
                unseen[name] = fresh
    return unseen
