"""Starts from moments of clusters alone, for rows that may not leave the place where they are.

What k-means++ draws a row for is drawn here from the cluster itself, taken for a Gaussian: a direction. Lloyd's steps
need sums only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.engine import Engine
from unseen.core.model import Latent
from unseen.core.stats import Array, Params
from unseen.starts.centres import around, distances
from unseen.starts.responsibilities import CountClasses

#: coordinates up to which clusters have covariances, and variances beyond
MOST = 64
#: half of a Gaussian lies this far from its middle on average, in standard deviations
HALF = float(np.sqrt(2 / np.pi))


@dataclass(frozen=True, slots=True)
class Moments:
    """Of clusters: weights (K,), observed weights and sums (K, m), second moments about zero (K, m, m) or (K, m)."""

    weights: Array
    seen: Array
    sums: Array
    squares: Array

    def __add__(self, other: Moments) -> Moments:
        return Moments(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    def means(self, otherwise: Array) -> Array:
        """Means of the observed coordinates (K, m); ``otherwise`` where there are none."""
        return np.divide(self.sums, self.seen, out=otherwise.copy(), where=self.seen > 0)

    def covariance(self, k: int) -> Array:
        """Of one cluster, with the mean of all data where a coordinate is missing: (m, m), or (m,) of many."""
        w = max(float(self.weights[k]), 1e-300)
        mean = self.sums[k] / w
        if self.squares.ndim == 2:
            return np.maximum(self.squares[k] / w - mean * mean, 0.0)
        return np.asarray(self.squares[k] / w - np.outer(mean, mean))

    def scatter(self) -> Array:
        """Sums of squared distances from the means, (K,)."""
        return np.array([w * _trace(self.covariance(k)) for k, w in enumerate(self.weights)])


@dataclass(frozen=True, slots=True)
class Clusters:
    """Moments of the clusters around centres (a, m), which are those of the components ``places`` (a,).

    A labelled row belongs to the component of its class; without a centre the others belong to none.
    """

    model: Latent
    centres: Array
    places: Array

    def __call__(self, block: Block) -> Moments:
        cells = self.model.embed(block)
        mask = np.ones(cells.values.shape, bool) if cells.observed is None else cells.observed
        z = np.where(mask, cells.values, 0.0).astype(float)
        home = np.full(block.rows, -1)
        if len(self.centres) and block.rows:
            home = self.places[distances(z.T, mask.T, self.centres).argmin(axis=0)]
        if block.labels is not None:
            home = np.where(block.labels >= 0, block.labels, home)
        w = np.ones(block.rows) if block.weights is None else block.weights
        r = (np.arange(self.model.cardinality)[:, None] == home) * w
        wide = len(z) > MOST
        squares = r @ (z * z).T if wide else np.array([(z * row) @ z.T for row in r])
        return Moments(r.sum(axis=1), r @ mask.T.astype(float), r @ z.T, squares)


def divided(model: Latent, engine: Engine, seed: int, prior: Any = None, steps: int = 10) -> Params:
    """Parameters from hard clusters, made by dividing them in two until there are K, after Lloyd steps.

    The cluster to divide is drawn by its scatter, and a direction by its covariance: a first start takes the largest
    and its longest axis. Labelled rows stay in the cluster of their class.

    Source: Su & Dy (2007), Intell. Data Anal. 11, 319-338 (PCA-Part); Lloyd (1982), IEEE Trans. Inf. Theory 28.
    """
    k = model.cardinality
    draw = np.random.default_rng([seed, 3])
    first = not seed % 3
    centres, active = np.zeros((k, _coordinates(model, engine))), np.zeros(k, bool)
    if k > 1 and engine.total(CountClasses()).count:
        known = engine.total(Clusters(model, centres[:0], np.flatnonzero(active)))
        centres, active = known.means(centres), known.weights > 0
    if not active.any():
        active[0] = True
    for free in np.flatnonzero(~active):
        moments = _moments(model, engine, centres, active)
        centres = moments.means(centres)
        scatter = np.where(active, moments.scatter(), 0.0)
        if not scatter.sum() > 0:  # fewer different rows than components
            break
        largest = int(scatter.argmax())
        chosen = largest if first else int(draw.choice(k, p=scatter / scatter.sum()))
        step = _step(moments.covariance(chosen), draw, first)
        centres[free], centres[chosen] = centres[chosen] + step, centres[chosen] - step
        active[free] = True
    if k > 1 and active.all():
        centres = _improved(model, engine, centres, steps, draw)
    return around(model, engine, centres, prior)


def _improved(model: Latent, engine: Engine, centres: Array, steps: int, draw: np.random.Generator) -> Array:
    """Centres after Lloyd steps; as long as it pays, two clusters are made one, and another is divided instead."""
    everywhere = np.ones(len(centres), bool)
    best, least = centres, np.inf
    for _ in range(1 + len(centres)):
        for _ in range(steps):
            moved = _moments(model, engine, centres, everywhere).means(centres)
            if np.array_equal(moved, centres):
                break
            centres = moved
        moments = _moments(model, engine, centres, everywhere)
        scatter = float(moments.scatter().sum())
        if not scatter < least * (1 - 1e-9):
            break
        best, least, centres = centres, scatter, centres.copy()
        gains = np.array([2 / np.pi * w * _longest(moments.covariance(k)) for k, w in enumerate(moments.weights)])
        losses = _losses(moments.weights, centres)
        a, b = np.unravel_index(losses.argmin(), losses.shape)
        gains[[a, b]] = 0.0
        if not gains.max() > losses[a, b]:
            break
        w, k = moments.weights, int(gains.argmax())
        centres[a] = (w[a] * centres[a] + w[b] * centres[b]) / max(w[a] + w[b], 1e-300)
        step = _step(moments.covariance(k), draw, True)
        centres[b], centres[k] = centres[k] + step, centres[k] - step
    return best


def _losses(weights: Array, centres: Array) -> Array:
    """What squared distances gain when two clusters become one, (K, K): Ward (1963)."""
    gaps = ((centres[:, None] - centres[None]) ** 2).sum(axis=2)
    both = weights[:, None] + weights[None]
    out = np.divide(np.outer(weights, weights), both, out=np.zeros_like(both), where=both > 0) * gaps
    np.fill_diagonal(out, np.inf)
    return out


def scattered(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
    """Parameters from hard clusters around K points of a Gaussian with the data's moments: rougher than `divided`."""
    k, m = model.cardinality, _coordinates(model, engine)
    active = np.zeros(k, bool)
    active[0] = True
    moments = _moments(model, engine, np.zeros((k, m)), active)
    root = _root(moments.covariance(0))
    drawn = np.random.default_rng([seed, 4]).standard_normal((k, m))
    points = drawn * root if root.ndim == 1 else drawn @ root.T
    return around(model, engine, moments.sums[0] / max(float(moments.weights[0]), 1e-300) + points, prior)


def _moments(model: Latent, engine: Engine, centres: Array, active: Array) -> Moments:
    return engine.total(Clusters(model, centres[active], np.flatnonzero(active)))


def _coordinates(model: Latent, engine: Engine) -> int:
    """How many coordinates rows have: the length of any sum of them."""
    return int(engine.total(Clusters(model, np.zeros((0, 0)), np.zeros(0, int))).sums.shape[1])


def _step(covariance: Array, draw: np.random.Generator, first: bool) -> Array:
    """From the mean of a Gaussian to that of its half: along its longest axis, or along one that is drawn."""
    if covariance.ndim == 1:
        u = np.sqrt(covariance) * draw.standard_normal(len(covariance))
        u = np.where(np.arange(len(u)) == covariance.argmax(), 1.0, 0.0) if first else u
        u = u / max(float(np.linalg.norm(u)), 1e-300)
        return np.asarray(HALF * float(np.sqrt(u * u @ covariance)) * u)
    values, axes = np.linalg.eigh(covariance)
    u = axes[:, -1] if first else axes @ (np.sqrt(np.maximum(values, 0)) * draw.standard_normal(len(values)))
    u = u / max(float(np.linalg.norm(u)), 1e-300)
    return np.asarray(HALF * float(np.sqrt(max(float(u @ covariance @ u), 0.0))) * u)


def _root(covariance: Array) -> Array:
    if covariance.ndim == 1:
        return np.sqrt(covariance)
    values, axes = np.linalg.eigh(covariance)
    return np.asarray(axes * np.sqrt(np.maximum(values, 0)))


def _longest(covariance: Array) -> float:
    return float(covariance.max() if covariance.ndim == 1 else np.linalg.eigvalsh(covariance)[-1])


def _trace(covariance: Array) -> float:
    return float(covariance.sum() if covariance.ndim == 1 else np.trace(covariance))
