"""A share of the rows in memory: enough to tell good starts from bad ones when there are many rows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.block import Block, Cells, rng
from unseen.core.engine import Engine
from unseen.core.stats import Array
from unseen.engines.threads import Threads
from unseen.starts.centres import Rows

#: starts and short runs use this many rows, or ten for each parameter if that is more
SAMPLE_ROWS = 8_000
SAMPLE_STEP = 2**31 - 2  # a step of the generator that neither starts nor iterations use
PIECES = 4


def subsample(model: Any, engine: Engine, rows: int, seed: int) -> Engine:
    """An engine over a random sample of the rows, or the engine itself where a sample would save little.

    The sample is drawn block by block, so it is the same on every engine. Bags and sequences are never sampled.
    """
    if model.unit.many or not hasattr(model, "vague"):
        return engine
    wanted = max(SAMPLE_ROWS, 10 * model.size(model.vague()))
    if rows < 2.5 * wanted:
        return engine
    rows = engine.sum(lambda block: Rows(block.rows)).stats.n  # without those that say nothing
    if rows < 2.5 * wanted:
        return engine
    drawn = engine.sum(lambda block: Drawn.of(block, wanted / rows, seed)).stats.block
    return Threads([_grouped(replace(part, id=i)) for i, part in enumerate(drawn.tiles(-(-drawn.rows // PIECES)))])


def _grouped(block: Block) -> Block:
    """The rows by the missing pattern of the widest slot that has one: models need not sort them in every pass."""
    incomplete = [c for c in block.cells if c.observed is not None]
    if not incomplete:
        return block
    widest = max(incomplete, key=lambda c: len(c.values))
    return replace(block.take(widest.patterns().order), order=None)


@dataclass(frozen=True, slots=True)
class Drawn:
    """Rows drawn from one block or several; two of them add by standing side by side."""

    block: Block

    @classmethod
    def of(cls, block: Block, share: float, seed: int) -> Drawn:
        draw = rng(seed, SAMPLE_STEP, block.id)
        chosen = np.sort(draw.choice(block.rows, min(block.rows, int(np.ceil(share * block.rows))), replace=False))
        return cls(replace(block.take(chosen), order=None))

    def __add__(self, other: Drawn) -> Drawn:
        a, b = self.block, other.block
        return Drawn(
            replace(
                a,
                cells=tuple(_beside(x, y) for x, y in zip(a.cells, b.cells, strict=True)),
                rows=a.rows + b.rows,
                weights=_join(a.weights, b.weights),
                labels=_join(a.labels, b.labels),
            )
        )


def _beside(a: Cells, b: Cells) -> Cells:
    observed = None
    if a.observed is not None or b.observed is not None:
        observed = np.concatenate([_mask(a), _mask(b)], axis=1)
    return Cells(np.concatenate([a.values, b.values], axis=1), observed)


def _mask(cells: Cells) -> Array:
    return np.ones(cells.values.shape, bool) if cells.observed is None else cells.observed


def _join(a: Array | None, b: Array | None) -> Array | None:
    return None if a is None or b is None else np.concatenate([a, b])
