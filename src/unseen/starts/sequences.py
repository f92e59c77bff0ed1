"""Starts for sequences, where what comes after what says more than where a row lies: windows, and steps.

Rows keep their order here, which is part of the data; draws depend on the seed and the block alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.engine import Engine
from unseen.core.model import Latent
from unseen.core.stats import Array, Params, Stats
from unseen.starts.responsibilities import begun

#: mean lengths of windows, one of which is drawn for each start
LENGTHS = (2, 4, 8, 16)
WINDOWS_STEP, STEPS_STEP = 2**31 - 4, 2**31 - 5  # of the generator: nothing else draws there


def windows(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters when sequences are cut into windows of random length, each in a state drawn at random."""
    return begun(model, engine, Windows(seed), prior)


def steps(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters when a row goes with the nearest of K random rows, told by its cells and those of two rows before.

    Coordinates have random scales, so that starts differ in what they look at. The K rows come from the first block.
    """
    (centres,) = engine.rows(DrawSteps(model, seed), model.cardinality, [0])
    return begun(model, engine, NearestStep(model, seed, centres.points), prior)


@dataclass(frozen=True, slots=True)
class Windows:
    """Rows between random cuts in a random state."""

    seed: int

    def __call__(self, about: Any, block: Block) -> Stats:
        draw = rng(self.seed, WINDOWS_STEP, block.id)
        cuts = draw.random(block.rows) < 1 / LENGTHS[self.seed % len(LENGTHS)]
        states = draw.integers(0, about.cardinality, block.rows + 1)
        stats: Stats = about.collect(_one_hot(states[np.cumsum(cuts)], about.cardinality), block)
        return stats


@dataclass(frozen=True, slots=True)
class NearestStep:
    """Every row with the nearest of the centres (m, K), in the coordinates of ``model``."""

    model: Latent
    seed: int
    centres: Array

    def __call__(self, about: Any, block: Block) -> Stats:
        points = _steps(self.model, block, self.seed)
        gaps = np.array([((points - c[:, None]) ** 2).sum(axis=0) for c in self.centres.T])
        stats: Stats = about.collect(_one_hot(gaps.argmin(axis=0), about.cardinality), block)
        return stats


@dataclass(frozen=True, slots=True)
class Steps:
    """Some rows with those before them, (m, K), out of one block."""

    points: Array

    @property
    def rows(self) -> int:
        return int(self.points.shape[1])


@dataclass(frozen=True, slots=True)
class DrawSteps:
    """K random rows of a block, each with the two before it."""

    model: Latent
    seed: int

    def __call__(self, block: Block) -> Steps:
        points = _steps(self.model, block, self.seed)
        if not block.rows:
            return Steps(np.zeros((len(points), self.model.cardinality)))
        return Steps(points[:, rng(self.seed, STEPS_STEP, block.id).integers(0, block.rows, self.model.cardinality)])


def _steps(model: Latent, block: Block, seed: int) -> Array:
    """Coordinates of each row and of the two before it, (m, n), on scales that the seed draws."""
    cells = model.embed(block)
    z = np.asarray(cells.values if cells.observed is None else np.where(cells.observed, cells.values, 0.0), float)
    scales = np.random.default_rng([seed, STEPS_STEP]).standard_exponential((3 * len(z), 1))
    return scales * np.concatenate([z, _later(z, 1), _later(z, 2)])


def _later(z: Array, rows: int) -> Array:
    out = np.zeros_like(z)
    out[:, rows:] = z[:, :-rows]
    return out


def _one_hot(states: Array, components: int) -> Array:
    return (np.arange(components)[:, None] == states).astype(float)
