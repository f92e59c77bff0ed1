r"""Posterior of factors given some of many noisy linear views of them, for many users at once.

User u has seen items i with values :math:`r = \mu_i + v_i^\top u + \epsilon`, :math:`u \sim N(0, I)`:

.. math:: P = I + \sum_i v_i v_i^\top / \sigma^2, \quad m = P^{-1} \sum_i v_i (r_i - \mu_i) / \sigma^2

Sums over the items of users, and over the users of items, go entry by entry: a gather and a segment sum for each, so
that memory is that of one entry of all ratings, whatever the number of factors, and however many ratings a user has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.stats import Array
from unseen.numerics.packed import outer, packing, unpacked
from unseen.numerics.segments import segment_sums, units_of


@dataclass(frozen=True, slots=True)
class Ratings:
    """The ratings that are there: item and value (m,) by user, where users begin (U + 1,), and the way by item.

    ``order`` (m,) sorts the ratings by item; ``items`` are those there, and ``begins`` says where each begins.
    """

    item: Array
    value: Array
    offsets: Array
    user: Array
    order: Array
    items: Array
    begins: Array

    @classmethod
    def of(cls, item: Array, value: Array, told: Array, offsets: Array) -> Ratings:
        """Ratings of rows (n,), those untold left out."""
        if not told.all():
            offsets = np.append(0, np.cumsum(told))[offsets]
            item, value = item[told], value[told]
        order = np.argsort(item, kind="stable")
        items, begins = np.unique(item[order], return_index=True)
        begins = np.append(begins, len(item))
        return cls(item, value.astype(float), offsets, units_of(offsets), order, items, begins)

    @property
    def counts(self) -> Array:
        """How many ratings each user has, (U,)."""
        return np.diff(self.offsets)

    def by_item(self, rows: Array) -> Array:
        """Sums over the ratings of each item there, (len(items),), of something per rating (m,)."""
        return segment_sums(rows.take(self.order), self.begins)


@dataclass(frozen=True, slots=True)
class Posterior:
    """Mean (q, U) and covariance (U, q, q) of each user's factors, and the log-density of the ratings, (U,)."""

    mean: Array
    covariance: Array
    density: Array


def posterior(ratings: Ratings, mean: Array, loadings: Array, noise: float) -> Posterior:
    """The posterior of every user; item means (I,), loadings (I, q), and the variance of the noise."""
    item, offsets = ratings.item, ratings.offsets
    views = np.ascontiguousarray(loadings.T)
    error = ratings.value - mean.take(item)
    pulled = np.stack([segment_sums(error * v.take(item), offsets) for v in views]) / noise
    precision = np.stack([segment_sums(p.take(item), offsets) for p in outer(views)]) / noise
    full = unpacked(precision, len(views)) + np.eye(len(views))
    scale = np.diagonal(np.linalg.cholesky(full), axis1=1, axis2=2)
    covariance = np.linalg.inv(full)
    centre = np.einsum("uab,bu->au", covariance, pulled)
    squares = segment_sums(error * error, offsets) / noise - (pulled * centre).sum(axis=0)
    density = -0.5 * (ratings.counts * np.log(2 * np.pi * noise) + 2 * np.log(scale).sum(axis=1) + squares)
    return Posterior(centre, covariance, density)


def moments(ratings: Ratings, found: Posterior, weights: Array | None, items: int) -> tuple[Array, Array]:
    """Sums over the ratings of each item of E[(1, u)(1, u)'], packed (T, I), and of r E[(1, u)], (q + 1, I)."""
    q, users = found.mean.shape
    both = np.vstack([np.ones(users), found.mean])
    second = outer(both)
    inner = np.zeros((users, q + 1, q + 1))
    inner[:, 1:, 1:] = found.covariance
    second += packing(inner)
    if weights is not None:
        second, both = second * weights, both * weights
    squares, cross = np.zeros((len(second), items)), np.zeros((q + 1, items))
    for out, one in zip(squares, second, strict=True):
        out[ratings.items] = ratings.by_item(one.take(ratings.user))
    for out, one in zip(cross, both, strict=True):
        out[ratings.items] = ratings.by_item(one.take(ratings.user) * ratings.value)
    return squares, cross


def variances(loadings: Array, covariance: Array, user: Array, tile: int = 8_192) -> Array:
    """v' S v of rows with loadings (n, q), S being the covariance (U, q, q) of their user (n,)."""
    out = np.empty(len(user))
    for start in range(0, len(user), tile):
        v = loadings[start : start + tile]
        out[start : start + tile] = np.einsum("na,nab,nb->n", v, covariance[user[start : start + tile]], v)
    return out
