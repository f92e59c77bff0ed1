"""k-means++ on the families' own coordinates, aware of missing cells."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Block, Cells, rng
from unseen.core.engine import Engine
from unseen.core.stats import Array, Params

SAMPLE_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows' coordinates (n, m), their observed mask and their weights; samples of two blocks add."""

    points: Array
    observed: Array
    weights: Array

    def __add__(self, other: Sample) -> Sample:
        return Sample(*(np.concatenate([getattr(self, n), getattr(other, n)]) for n in self.__slots__))


def kmeans_plus_plus(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from hard clusters around k-means++ centres refined by a few Lloyd steps on a sample.

    Distances use the observed coordinates and are scaled up to the full number of coordinates. The sample is
    drawn block by block, so the start is the same on every engine.

    Source: Arthur & Vassilvitskii (2007), SODA; missing cells: Dixon (1979), IEEE Trans. SMC 9.
    """
    rows = engine.sum(lambda block: Rows(block.rows)).stats.n
    sample = engine.sum(lambda block: _sample(model, block, seed, rows)).stats
    centres = _lloyd(sample, _seed_centres(sample, model.components, np.random.default_rng([seed, 1])))

    def assign(block: Block) -> Any:
        cells = model.family.embed(block.cells)
        nearest = distances(cells.values.T, _mask(cells), centres).argmin(axis=0)
        return model.collect((np.arange(model.components)[:, None] == nearest).astype(float), block)

    stats = engine.sum(assign).stats
    return model.maximize(stats.with_prior(prior or {}), model.vague())


@dataclass(frozen=True, slots=True)
class Rows:
    """A count that adds."""

    n: int

    def __add__(self, other: Rows) -> Rows:
        return Rows(self.n + other.n)


def _mask(cells: Cells) -> Array:
    return np.ones(cells.values.T.shape, bool) if cells.observed is None else cells.observed.T


def _sample(model: Any, block: Block, seed: int, rows: int) -> Sample:
    draw = rng(seed, 0, block.id)
    wanted = min(block.rows, -(-block.rows * SAMPLE_ROWS // max(rows, 1)))
    chosen = np.sort(draw.choice(block.rows, wanted, replace=False))
    cells = model.family.embed(tuple(c.take(chosen) for c in block.cells))
    weights = np.ones(wanted) if block.weights is None else block.weights[chosen]
    return Sample(cells.values.T.astype(float), _mask(cells), weights)


def distances(points: Array, observed: Array, centres: Array) -> Array:
    """Squared distances (K, n) over the observed coordinates, scaled to all of them; 0 where none is."""
    mask = observed.astype(float)
    z = np.where(observed, points, 0.0)
    squares = (z * z).sum(1) - 2 * centres @ z.T + (centres**2) @ mask.T
    seen = mask.sum(1)
    scale = np.divide(points.shape[1], seen, out=np.zeros_like(seen), where=seen > 0)
    return np.maximum(squares, 0) * scale


def _seed_centres(sample: Sample, components: int, draw: np.random.Generator) -> Array:
    """D^2 sampling, the best of a few candidates at each step."""
    filled = np.where(sample.observed, sample.points, 0.0)  # coordinates are centred: 0 is the data's mean
    n = len(filled)
    first = draw.choice(n, p=_share(sample.weights))
    centres = [filled[first]]
    nearest = distances(sample.points, sample.observed, filled[[first]])[0]
    for _ in range(1, components):
        candidates = draw.choice(n, size=2 + int(np.log(components)), p=_share(nearest * sample.weights))
        gaps = np.minimum(nearest, distances(sample.points, sample.observed, filled[candidates]))
        best = int((gaps @ sample.weights).argmin())
        centres.append(filled[candidates[best]])
        nearest = gaps[best]
    return np.array(centres)


def _share(weights: Array) -> Array:
    total = weights.sum()
    return weights / total if total > 0 else np.full(len(weights), 1 / len(weights))


def _lloyd(sample: Sample, centres: Array, steps: int = 10) -> Array:
    z, mask = np.where(sample.observed, sample.points, 0.0), sample.observed.astype(float)
    for _ in range(steps):
        nearest = distances(sample.points, sample.observed, centres).argmin(axis=0)
        one_hot = (np.arange(len(centres))[:, None] == nearest) * sample.weights
        mass = one_hot @ mask
        moved = np.divide(one_hot @ z, mass, out=centres.copy(), where=mass > 0)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres
