"""A share of the rows in memory: enough to tell good starts from bad ones when there are many rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from unseen.core.block import Block, Cells, rng
from unseen.core.engine import Engine
from unseen.core.model import Latent, Model
from unseen.core.stats import Array
from unseen.core.tasks import CountRows
from unseen.engines.local import Threads

#: starts and short runs use this many rows, or ten for each parameter if that is more
SAMPLE_ROWS = 8_000
SAMPLE_STEP = 2**31 - 2  # a step of the generator that neither starts nor iterations use
PIECES = 4


def subsample(model: Model, engine: Engine, rows: int, seed: int) -> Engine:
    """An engine over a random sample of the rows, or the engine itself where a sample would save little.

    The sample is drawn block by block, so it is the same on every engine. Bags and sequences are never sampled.
    """
    if model.unit.many or not isinstance(model, Latent) or not engine.traits.rows_may_leave:
        return engine
    wanted = max(SAMPLE_ROWS, 10 * model.size(model.vague()))
    if rows < 2.5 * wanted:
        return engine
    rows = engine.total(CountRows())  # without those that say nothing
    if rows < 2.5 * wanted:
        return engine
    drawn = _joined(engine.rows(DrawRows(wanted / rows, seed), wanted))
    return Threads([_grouped(replace(part, id=i)) for i, part in enumerate(drawn.tiles(-(-drawn.rows // PIECES)))])


def _grouped(block: Block) -> Block:
    """The rows by the missing pattern of the widest slot that has one: models need not sort them in every pass."""
    incomplete = [c for c in block.cells if c.observed is not None]
    if not incomplete:
        return block
    widest = max(incomplete, key=lambda c: len(c.values))
    return replace(block.take(widest.patterns().order), order=None)


@dataclass(frozen=True, slots=True)
class DrawRows:
    """A share of a block's rows, drawn by the seed and the block alone."""

    share: float
    seed: int

    def __call__(self, block: Block) -> Block:
        draw = rng(self.seed, SAMPLE_STEP, block.id)
        wanted = min(block.rows, int(np.ceil(self.share * block.rows)))
        return replace(block.take(np.sort(draw.choice(block.rows, wanted, replace=False))), order=None)


def _joined(blocks: Sequence[Block]) -> Block:
    """Rows of several blocks in one."""
    first = blocks[0]
    return replace(
        first,
        cells=tuple(_beside(*cells) for cells in zip(*(b.cells for b in blocks), strict=True)),
        rows=sum(b.rows for b in blocks),
        weights=_join([b.weights for b in blocks]),
        labels=_join([b.labels for b in blocks]),
    )


def _beside(*cells: Cells) -> Cells:
    observed = None
    if any(c.observed is not None for c in cells):
        observed = np.concatenate([_mask(c) for c in cells], axis=1)
    return Cells(np.concatenate([c.values for c in cells], axis=1), observed, cells[0].given)


def _mask(cells: Cells) -> Array:
    return np.ones(cells.values.shape, bool) if cells.observed is None else cells.observed


def _join(arrays: Sequence[Array | None]) -> Array | None:
    known = [a for a in arrays if a is not None]
    return np.concatenate(known) if len(known) == len(arrays) else None
