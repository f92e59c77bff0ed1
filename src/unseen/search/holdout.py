"""Rows kept out of a fit, to judge it by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.encoding import Encoded
from unseen.core.lazy import Lazy
from unseen.core.model import Model
from unseen.core.source import Part, Source
from unseen.core.stats import Array, Params
from unseen.errors import DataError, ModelError
from unseen.problem import Problem, Survey

# the starts draw at step 0, iterations at their own number: the split must not repeat any of those draws
SPLIT_STEP = 2**31 - 1


class Choice(Protocol):
    """Which rows are held out."""

    def mask(self, part: Part) -> Array:
        """The held-out rows of one block, (rows,) bool, in the order of the source."""
        ...


@dataclass(frozen=True)
class Split:
    """A share of every block's rows, drawn by the seed alone: the same rows on every engine.

    >>> Split(0.25, seed=0).rows(0, 8).sum()
    np.int64(2)
    """

    share: float
    seed: int
    step: int = SPLIT_STEP

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ModelError("the share of held-out rows is a number between 0 and 1, for example 0.2")

    def rows(self, block: int, rows: int) -> Array:
        """Which of a block's rows are held out, (rows,) bool."""
        held = np.zeros(rows, bool)
        held[rng(self.seed, self.step, block).permutation(rows)[: self.count(rows)]] = True
        return held

    def count(self, rows: int) -> int:
        """How many of so many rows are held out: at least one, never all; of a single row, none."""
        return max(min(max(round(self.share * rows), 1), rows - 1), 0)

    def mask(self, part: Part) -> Array:
        """The held-out rows of one block, in the order of the source."""
        return self.rows(part.id, part.rows)

    def training(self, blocks: Encoded | Share) -> Share:
        """The blocks without their held-out rows."""
        return Share(blocks, self, held=False)

    def held(self, blocks: Encoded | Share) -> Share:
        """The held-out rows of the blocks."""
        return Share(blocks, self, held=True)


class Share(Lazy[Block]):
    """One side of a choice, block by block as it is asked for; blocks without a row on this side are left out.

    The choice is made among the rows as the source has them, so that encodings that order rows in different ways
    keep the same ones; a share of a share holds what is on both sides.
    """

    def __init__(self, blocks: Encoded | Share, choice: Choice, held: bool) -> None:
        self.blocks, self.choice, self.side = blocks, choice, held
        self.chosen = [i for i, part in enumerate(blocks.parts) if (choice.mask(part) == held).any()]
        self.parts: tuple[Part, ...] = tuple(blocks.parts[i] for i in self.chosen)

    def __len__(self) -> int:
        return len(self.chosen)

    def over(self, source: Source) -> Share:
        """The same side of the same choice among the blocks of another source."""
        return Share(self.blocks.over(source), self.choice, self.side)

    @property
    def others(self) -> int:
        """Rows that the choice leaves out."""
        return sum(int((self.choice.mask(part) != self.side).sum()) for part in self.blocks.parts)

    def at(self, index: int) -> Block:
        block = self.blocks[self.chosen[index]]
        kept = self.choice.mask(self.parts[index]) == self.side
        return block.keep(kept if block.order is None else kept[block.order])


@dataclass(frozen=True, slots=True)
class HeldOut:
    """Weighted sum of log-densities and of their squares; two of them add."""

    weight: float
    total: float
    squares: float

    def __add__(self, other: HeldOut) -> HeldOut:
        return HeldOut(self.weight + other.weight, self.total + other.total, self.squares + other.squares)

    @property
    def mean(self) -> float:
        """Mean log-density per row."""
        return self.total / self.weight

    @property
    def standard_error(self) -> float:
        """Standard error of the mean; NaN for a single row."""
        if self.weight <= 1 or not np.isfinite(self.total):
            return float("nan")
        variance = max(self.squares / self.weight - self.mean**2, 0.0) * self.weight / (self.weight - 1)
        return float(np.sqrt(variance / self.weight))


def log_density(model: Model, params: Params, block: Block) -> HeldOut:
    """Sums of one block's log-densities at some parameters."""
    density = model.log_density(params, block)
    if (telling := block.telling()) is not None:
        return log_density(model, params, block.keep(telling))
    if block.weights is None:
        return HeldOut(float(block.rows), float(density.sum()), float(density @ density))
    density = np.where(block.weights > 0, density, 0.0)
    return HeldOut(block.weight, float(block.weights @ density), float(block.weights @ density**2))


@dataclass(frozen=True, slots=True)
class LogDensity:
    """Sums of the log-densities of a block's rows at some parameters."""

    model: Model
    params: Params

    def __call__(self, block: Block) -> HeldOut:
        return log_density(self.model, self.params, block)


def score_held_out(problem: Problem, params: Params, known: Survey, split: Split) -> HeldOut:
    """Mean log-density of the held-out rows under parameters that were fitted to the others."""
    engine = known.make(split.held(Encoded(problem.source, problem.encoding)))
    if not len(engine):
        raise DataError("there are too few rows to hold some of them out: choose criterion='bic'")
    held = engine.total(LogDensity(problem.model, params))
    if not held.weight:
        raise DataError(
            "every held-out row has weight zero or no observed cell: choose another seed, or criterion='bic'"
        )
    return held
