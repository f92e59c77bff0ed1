"""Starts around centres: k-means++ that keeps known labels, random rows, and centres that are given.

Rows are put into an order of their own before anything is drawn, so that neither the order of the rows nor
writing a row twice instead of giving it weight 2 changes the start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.blas import one_blas_thread
from unseen.core.block import Block, Cells, rng
from unseen.core.engine import Engine
from unseen.core.model import Latent
from unseen.core.stats import Array, Params, Stats
from unseen.core.tasks import CountRows
from unseen.starts.responsibilities import begun

#: rows of a long sequence whose distances are in memory at once
TILE = 65_536
SAMPLE_ROWS = 8_192


@dataclass(frozen=True, slots=True)
class Sample:
    """Some rows: coordinates (n, m), observed mask, weights, labels (-1 unknown), and bytes to sort them by."""

    points: Array
    observed: Array
    weights: Array
    labels: Array
    keys: Array

    @property
    def rows(self) -> int:
        return len(self.weights)

    @classmethod
    def joined(cls, samples: Sequence[Sample]) -> Sample:
        """The rows of several in one."""
        return cls(*(np.concatenate([getattr(s, n) for s in samples]) for n in cls.__slots__))

    def ordered(self) -> Sample:
        """The rows in an order that depends on their cells alone."""
        order = np.argsort(self.keys.view(f"V{self.keys.shape[1]}").ravel(), kind="stable")
        return Sample(*(getattr(self, n)[order] for n in self.__slots__))

    @property
    def filled(self) -> Array:
        """Coordinates with the data's mean, which is 0, where a cell is missing."""
        return np.where(self.observed, self.points, 0.0)


def kmeans_plus_plus(
    model: Latent, engine: Engine, seed: int, prior: Any = None, steps: int = 10, tries: int = 1
) -> Params:
    """Parameters from hard clusters around the best of ``tries`` k-means++ centres, after Lloyd steps on a sample.

    Labelled rows stay in the cluster of their class, whose first centre is their mean; ``steps=0`` leaves the
    centres where k-means++ put them.

    Source: Arthur & Vassilvitskii (2007), SODA; labels: Basu, Banerjee & Mooney (2002), ICML; distances over the
    observed coordinates: Dixon (1979), IEEE Trans. SMC 9.
    """
    if model.cardinality == 1:  # which everything is nearest to, wherever it lies
        return around(model, engine, np.zeros((1, 1)), prior)
    sample = draw_sample(model, engine, seed)
    with one_blas_thread():
        centres = _best_centres(sample, model.cardinality, np.random.default_rng([seed, 1]), steps, tries)
    return around(model, engine, centres, prior)


def _best_centres(sample: Sample, components: int, draw: np.random.Generator, steps: int, tries: int) -> Array:
    best, least = np.empty(0), np.inf
    for _ in range(tries):
        centres = _lloyd(sample, _seed(sample, components, draw), steps)
        spread = distances(sample.points, sample.observed, centres).min(axis=0) @ sample.weights
        if not best.size or spread < least * (1 - 1e-9):  # equal clusters in another order are no better
            best, least = centres, spread
    return best


def random_rows(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from hard clusters around K rows drawn at random: rougher, so it finds what k-means never does."""
    sample = draw_sample(model, engine, seed)
    several = min(model.cardinality, int((sample.weights > 0).sum()))
    chosen = np.random.default_rng([seed, 2]).choice(
        len(sample.weights), several, replace=False, p=_share(sample.weights)
    )
    return around(model, engine, sample.filled[chosen], prior)


def around(model: Latent, engine: Engine, centres: Array, prior: Any = None) -> Params:
    """Parameters when every row belongs to the nearest centre (K, m), or to the class of its label."""
    return begun(model, engine, Nearest(model, centres), prior)


@dataclass(frozen=True, slots=True)
class Nearest:
    """Every row with the nearest of the centres (K, m), in the coordinates of ``model``."""

    model: Latent
    centres: Array

    def __call__(self, about: Any, block: Block) -> Stats:
        components = self.model.cardinality
        r = np.ones((1, block.rows))
        if components > 1:
            cells = self.model.embed(block)
            tiles = (cells.rows(a, min(a + TILE, block.rows)) for a in range(0, max(block.rows, 1), TILE))
            parts = [distances(tile.values.T, _mask(tile), self.centres).argmin(axis=0) for tile in tiles]
            nearest = np.concatenate(parts)
            r = (np.arange(components)[:, None] == nearest).astype(float)
        stats: Stats = about.collect(r, block)
        return stats


def draw_sample(model: Latent, engine: Engine, seed: int) -> Sample:
    """About `SAMPLE_ROWS` rows in the families' coordinates, drawn block by block: the same on every engine."""
    rows = engine.total(CountRows())
    return Sample.joined(engine.rows(DrawSample(model, seed, rows), SAMPLE_ROWS)).ordered()


def _mask(cells: Cells) -> Array:
    return np.ones(cells.values.T.shape, bool) if cells.observed is None else cells.observed.T


@dataclass(frozen=True, slots=True)
class DrawSample:
    """A block's part of `SAMPLE_ROWS` out of so many rows in all, drawn by the seed and the block alone."""

    model: Latent
    seed: int
    rows: int

    def __call__(self, block: Block) -> Sample:
        wanted = min(block.rows, -(-block.rows * SAMPLE_ROWS // max(self.rows, 1)))
        chosen = np.sort(rng(self.seed, 0, block.id).choice(block.rows, wanted, replace=False))
        part = block.take(chosen)
        cells = self.model.embed(part)
        mask = _mask(cells)
        parts = [c.values.T.astype(float) + 0.0 for c in part.cells] + [mask.astype(float)]  # + 0.0 turns -0 into 0
        keys = np.ascontiguousarray(np.concatenate(parts, axis=1)).view(np.uint8)
        weights = np.ones(wanted) if part.weights is None else part.weights
        labels = np.full(wanted, -1) if part.labels is None else part.labels
        return Sample(cells.values.T.astype(float), mask, weights, labels, keys)


def distances(points: Array, observed: Array, centres: Array) -> Array:
    """Squared distances (K, n) over the observed coordinates, scaled to all of them; 0 where none is."""
    mask = observed.astype(float)
    z = np.where(observed, points, 0.0)
    squares = (z * z).sum(1) - 2 * centres @ z.T + (centres**2) @ mask.T
    seen = mask.sum(1)
    scale = np.divide(points.shape[1], seen, out=np.zeros_like(seen), where=seen > 0)
    return np.maximum(squares, 0) * scale


def _seed(sample: Sample, components: int, draw: np.random.Generator) -> Array:
    """Class means where labels are known; the rest by D^2 sampling, the best of a few candidates at each step."""
    filled, n = sample.filled, len(sample.weights)
    centres = np.zeros((components, filled.shape[1]))
    known = np.flatnonzero(np.bincount(sample.labels[(sample.labels >= 0) & (sample.weights > 0)]))
    centres = _means(sample, sample.labels, centres)
    nearest = np.full(n, np.inf)
    if len(known):
        nearest = distances(sample.points, sample.observed, centres[known]).min(axis=0)
    for k in np.delete(np.arange(components), known):
        if np.isinf(nearest).any():
            candidates = draw.choice(n, size=1, p=_share(sample.weights))
        else:
            share = _share(nearest * sample.weights, sample.weights)
            candidates = draw.choice(n, size=2 + int(np.log(components)), p=share)
        gaps = np.minimum(nearest, distances(sample.points, sample.observed, filled[candidates]))
        best = int((gaps @ sample.weights).argmin())
        centres[k], nearest = filled[candidates[best]], gaps[best]
    return centres


def _lloyd(sample: Sample, centres: Array, steps: int) -> Array:
    for _ in range(steps):
        nearest = distances(sample.points, sample.observed, centres).argmin(axis=0)
        moved = _means(sample, np.where(sample.labels >= 0, sample.labels, nearest), centres)
        if np.array_equal(moved, centres):
            break
        centres = moved
    return centres


def _means(sample: Sample, clusters: Array, otherwise: Array) -> Array:
    """Weighted means of the observed coordinates of each cluster; ``otherwise`` where there are none."""
    one_hot = (np.arange(len(otherwise))[:, None] == clusters) * sample.weights
    mass = one_hot @ sample.observed.astype(float)
    return np.divide(one_hot @ sample.filled, mass, out=otherwise.copy(), where=mass > 0)


def _share(*choices: Array) -> Array:
    """The first of some non-negative vectors that is not all zero, as probabilities."""
    for weights in choices:
        if weights.sum() > 0:
            return weights / weights.sum()
    return np.full(len(choices[-1]), 1 / len(choices[-1]))
