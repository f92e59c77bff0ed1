"""Starts for sequences, where what comes after what says more than where a row lies: windows, and steps.

Rows keep their order here, which is part of the data; draws depend on the seed and the block alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.engine import Engine
from unseen.core.stats import Array, Params
from unseen.starts.responsibilities import begun

#: mean lengths of windows, one of which is drawn for each start
LENGTHS = (2, 4, 8, 16)
WINDOWS_STEP, STEPS_STEP = 2**31 - 4, 2**31 - 5  # of the generator: nothing else draws there


def windows(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters when sequences are cut into windows of random length, each in a state drawn at random."""

    def assign(about: Any, block: Block) -> Any:
        draw = rng(seed, WINDOWS_STEP, block.id)
        cuts = draw.random(block.rows) < 1 / LENGTHS[seed % len(LENGTHS)]
        states = draw.integers(0, model.cardinality, block.rows + 1)
        return about.collect(_one_hot(states[np.cumsum(cuts)], model.cardinality), block)

    return begun(model, engine, assign, prior)


def steps(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters when a row goes with the nearest of K random rows, told by its cells and those of two rows before.

    Coordinates have random scales, so that starts differ in what they look at. The K rows come from the first block.
    """
    centres: Array = engine.sum(lambda block: Centres.of(model, block, seed), [0]).stats.points

    def assign(about: Any, block: Block) -> Any:
        points = _steps(model, block, seed)
        gaps = np.array([((points - c[:, None]) ** 2).sum(axis=0) for c in centres.T])
        return about.collect(_one_hot(gaps.argmin(axis=0), model.cardinality), block)

    return begun(model, engine, assign, prior)


@dataclass(frozen=True, slots=True)
class Centres:
    """Some rows with those before them, (m, K), out of one block."""

    points: Array

    @classmethod
    def of(cls, model: Any, block: Block, seed: int) -> Centres:
        points = _steps(model, block, seed)
        if not block.rows:
            return cls(np.zeros((len(points), model.cardinality)))
        return cls(points[:, rng(seed, STEPS_STEP, block.id).integers(0, block.rows, model.cardinality)])

    def __add__(self, other: Centres) -> Centres:
        return self


def _steps(model: Any, block: Block, seed: int) -> Array:
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
