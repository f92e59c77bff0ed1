r"""Ratings of items by users with a few factors: posteriors of users, least squares of items, what is expected.

User u has seen items i with values :math:`r = \mu_i + v_i^\top u + \epsilon`, :math:`u \sim N(0, I)`:

.. math:: P = I + \sum_i v_i v_i^\top / \sigma^2, \quad m = P^{-1} \sum_i v_i (r_i - \mu_i) / \sigma^2

Sums over the items of users, and over the users of items, go entry by entry: a gather and a segment sum for each, so
that memory is that of one entry of all ratings, whatever the number of factors, and however many ratings a user has.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array, Sums
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

    def drawn(self, rng: np.random.Generator) -> Posterior:
        """Factors drawn for each user, of which nothing is uncertain any more."""
        root = np.linalg.cholesky(self.covariance)
        z = self.mean + np.einsum("uab,bu->au", root, rng.standard_normal(self.mean.shape))
        return Posterior(z, np.zeros_like(self.covariance), self.density)


def posterior(ratings: Ratings, responses: Array, noise: float) -> Posterior:
    """The posterior of every user; means and loadings of items (q + 1, I), and the variance of the noise."""
    item, offsets, views = ratings.item, ratings.offsets, responses[1:]
    error = ratings.value - responses[0].take(item)
    pulled = np.stack([segment_sums(error * v.take(item), offsets) for v in views]) / noise
    precision = np.stack([segment_sums(p.take(item), offsets) for p in outer(views)]) / noise
    full = unpacked(precision, len(views)) + np.eye(len(views))
    scale = np.diagonal(np.linalg.cholesky(full), axis1=1, axis2=2)
    covariance = np.linalg.inv(full)
    centre = np.einsum("uab,bu->au", covariance, pulled)
    squares = segment_sums(error * error, offsets) / noise - (pulled * centre).sum(axis=0)
    density = -0.5 * (ratings.counts * np.log(2 * np.pi * noise) + 2 * np.log(scale).sum(axis=1) + squares)
    return Posterior(centre, covariance, density)


def moments(ratings: Ratings, found: Posterior, weights: Array, items: int) -> Sums:
    """The sums of least squares, users at weights (U,).

    moments : over the ratings of each item, of E[(1, u)(1, u)'], packed (T, I)
    cross : of r E[(1, u)], (q + 1, I)
    squares, ratings : over all ratings, of r^2 and of 1
    """
    q, users = found.mean.shape
    both = np.vstack([np.ones(users), found.mean])
    second = outer(both)
    inner = np.zeros((users, q + 1, q + 1))
    inner[:, 1:, 1:] = found.covariance
    second += packing(inner)
    second, both = second * weights, both * weights
    inside, cross = np.zeros((len(second), items)), np.zeros((q + 1, items))
    for out, one in zip(inside, second, strict=True):
        out[ratings.items] = ratings.by_item(one.take(ratings.user))
    for out, one in zip(cross, both, strict=True):
        out[ratings.items] = ratings.by_item(one.take(ratings.user) * ratings.value)
    squares, count = weights[ratings.user] @ ratings.value**2, (weights * ratings.counts).sum()
    return {"moments": inside, "cross": cross, "squares": np.array(squares), "ratings": np.array(count)}


def solved(sums: Sums, before: Array) -> tuple[Array, float]:
    """Means and loadings (q + 1, I) of least squares, those of an item without ratings as before, and what is left.

    That is the mean square of what they do not explain.
    """
    second, cross, found = sums["moments"], sums["cross"], before.copy()
    some = second[0] > 0
    full = unpacked(second[:, some], len(cross))
    found[:, some] = np.linalg.solve(full, cross[:, some].T[:, :, None])[:, :, 0].T
    return found, float(sums["squares"] - (cross * found).sum()) / float(sums["ratings"])


def pseudo_moments(firm: Array, usual: Array, items: int) -> Sums:
    """`moments` that draw the mean and loadings of each item to ``usual`` as firmly as ``firm`` says, (q + 1,) both."""
    second, cross = packing(np.diag(firm)[None]), (firm * usual)[:, None]
    return {
        "moments": np.repeat(second, items, axis=1),
        "cross": np.repeat(cross, items, axis=1),
        "squares": np.array(items * (firm * usual) @ usual),
    }


def misfit(sums: Sums, responses: Array) -> float:
    """The sum of squares that is left at some means and loadings (q + 1, I)."""
    full = unpacked(sums["moments"], len(responses))
    fitted = np.einsum("ai,iab,bi->", responses, full, responses)
    return float(sums["squares"] - 2 * (sums["cross"] * responses).sum() + fitted)


def noiseless(
    mean: Array, loadings: Array, shares: Array, item: Cells, found: Posterior, user: Array
) -> tuple[Array, Array]:
    """Mean and variance of what users (n,) would rate items (n,) without noise, (n,) each, from posteriors of users.

    An item that is not known is one at random, by ``shares`` (I,).
    """
    base, views = mean[item.values[0]], loadings[item.values[0]]
    unknown = np.zeros(len(base), bool) if item.observed is None else ~item.observed[0]
    both = np.column_stack([mean, loadings])
    usual = shares @ both
    base[unknown], views[unknown] = usual[0], usual[1:]
    centre = found.mean.T[user]
    expected = base + (views * centre).sum(axis=1)
    variance = variances(views, found.covariance, user)
    if unknown.any():
        apart = (both - usual).T * shares @ (both - usual)
        at = np.column_stack([np.ones(int(unknown.sum())), centre[unknown]])
        spread = np.einsum("uab,ab->u", found.covariance, apart[1:, 1:])[user[unknown]]
        variance[unknown] += np.einsum("na,ab,nb->n", at, apart, at) + spread
    return expected, variance


def left_out(value: Array, told: Array, mean: Array, variance: Array, noise: float) -> tuple[Array, Array]:
    r"""Mean and variance of ratings (n,) given the others of their users, from `noiseless` ones given all, (n,) each.

    One that is ``told`` is taken out of its user's posterior: with :math:`h = v^\top S v / \sigma^2` and residual e,
    the mean is :math:`r - e / (1 - h)` and the variance :math:`\sigma^2 / (1 - h)`.
    """
    left = np.maximum(1 - variance / noise, 1e-12)
    return np.where(told, value - (value - mean) / left, mean), np.where(told, noise / left, noise + variance)


def variances(loadings: Array, covariance: Array, user: Array, tile: int = 8_192) -> Array:
    """v' S v of rows with loadings (n, q), S being the covariance (U, q, q) of their user (n,)."""
    out = np.empty(len(user))
    for start in range(0, len(user), tile):
        v = loadings[start : start + tile]
        out[start : start + tile] = np.einsum("na,nab,nb->n", v, covariance[user[start : start + tile]], v)
    return out
