"""Votes on items by workers: which class items are of, and counts of votes by class.

A vote is its place in tables (W + 1, C, C) by worker, class and label, at the first class; where nothing is told it is
of a worker W. So tables of all workers are looked up and summed by one number.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array
from unseen.kernels import votes as kernels
from unseen.numerics.discrete import logarithm
from unseen.numerics.posterior import responsibilities
from unseen.numerics.segments import segment_sums

#: items from which a call for all of them is worth it
FEW = 64


@dataclass(frozen=True)
class Votes:
    """Votes (n,) and which of them are told; items begin at offsets (U + 1,) and have counts (U,) told votes."""

    places: Array
    told: Array
    offsets: Array
    counts: Array
    workers: int
    classes: int

    @classmethod
    def of(cls, who: Cells, what: Cells, offsets: Array, workers: int, classes: int) -> Votes:
        """The votes of two slots of codes, (1, n) each."""
        places = who.values[0].astype(np.int64) * classes**2 + what.values[0]
        for cells in (who, what):
            if cells.observed is not None:
                places[~cells.observed[0]] = workers * classes**2
        told = places < workers * classes**2
        offsets = np.ascontiguousarray(offsets, np.int64)
        counts = segment_sums(told.astype(float), offsets)
        return cls(places, told, offsets, counts, workers, classes)

    @cached_property
    def ranks(self) -> Ranks:
        """The votes rank by rank, as lines of tables (W C + C, C) by worker, label and class."""
        worker, label = self.places // self.classes**2, self.places % self.classes
        return Ranks.of(worker * self.classes + label, self.offsets)

    def posterior(self, logs: Array, shares: Array, compiled: bool = False) -> tuple[Array, Array]:
        """Posterior of the class of each item, (C, U), and the log-density of its votes, (U,).

        logs : (W + 1, C, C), log-probability by worker and class of each label, 0 for what is not told
        shares : (C,), the share of each class
        """
        gather = kernels.gather.compiled() if compiled else None
        if gather is None:
            sums = self.ranks.gathered(logs.transpose(0, 2, 1).reshape(-1, self.classes))
            joint = np.add(sums.T, logarithm(shares)[:, None], order="C")
        else:
            joint = np.repeat(logarithm(shares)[:, None], len(self.counts), axis=1)
            gather(self.places, self.offsets, logs.ravel(), joint)
        density = responsibilities(joint, compiled)
        density[self.counts == 0] = 0.0
        return joint, density

    def tables(self, weights: Array, compiled: bool = False) -> Array:
        """Votes of each worker by class of the item and label, (W, C, C), at weights of classes of items (C, U)."""
        shape = self.workers + 1, self.classes, self.classes
        scatter = kernels.scatter.compiled() if compiled else None
        if scatter is None:
            counted = self.ranks.counted(weights, shape[0] * self.classes).reshape(shape)
            return np.ascontiguousarray(counted[:-1].transpose(0, 2, 1))
        counts = np.zeros(shape)
        scatter(self.places, self.offsets, np.ascontiguousarray(weights), counts.reshape(-1))
        return counts[:-1]

    def averaged(self) -> Array:
        """The share of each label among the votes on an item, (C, U)."""
        label = np.where(self.told, self.places % self.classes, -1)
        sums = [segment_sums((label == c).astype(float), self.offsets) for c in range(self.classes)]
        shares: Array = np.stack(sums) / np.maximum(self.counts, 1.0)
        return shares


@dataclass(frozen=True, slots=True)
class Ranks:
    """The first votes of all items, then their second ones, and so on, items with the most votes first.

    A step over a rank is one call for all items that have so many votes. Where fewer than `FEW` do, what they have left
    is ``rest``, item after item.
    """

    order: Array
    ranked: tuple[Array, ...]
    rest: Array
    begins: Array
    left: Array

    @classmethod
    def of(cls, keys: Array, offsets: Array) -> Ranks:
        """Votes (n,) of items that begin at offsets (U + 1,)."""
        lengths = np.diff(offsets)
        order = np.argsort(-lengths, kind="stable")
        lengths, starts = lengths[order], offsets[:-1][order]
        having = np.searchsorted(-lengths, -np.arange(lengths.max(initial=0)), side="left")
        having = having[having >= min(FEW, len(lengths))]
        few = int(np.searchsorted(-lengths, -len(having), side="left"))  # items with votes that are left
        left, begins = lengths[:few] - len(having), starts[:few] + len(having)
        at = np.append(0, np.cumsum(left))
        rest = keys[np.repeat(begins - at[:-1], left) + np.arange(at[-1])]
        return cls(order, tuple(keys[starts[:m] + i] for i, m in enumerate(having.tolist())), rest, at[:-1], left)

    def gathered(self, rows: Array) -> Array:
        """Sums over the votes on each item of what rows (R, C) say of them, (U, C)."""
        sums = np.zeros((len(self.order), rows.shape[1]))
        for keys in self.ranked:
            sums[: len(keys)] += rows.take(keys, axis=0)
        if len(self.rest):
            sums[: len(self.begins)] += np.add.reduceat(rows.take(self.rest, axis=0), self.begins, axis=0)
        out = np.empty_like(sums)
        out[self.order] = sums
        return out

    def counted(self, weights: Array, size: int) -> Array:
        """Weights of items (C, U) summed over their votes by what these are, (size, C)."""
        keys = np.concatenate([*self.ranked, self.rest])
        sums = np.empty((len(weights), size))
        for one, out in zip(weights[:, self.order], sums, strict=True):
            each = [*(one[: len(ranked)] for ranked in self.ranked), np.repeat(one[: len(self.left)], self.left)]
            out[:] = np.bincount(keys, np.concatenate(each), size)
        return sums.T


def confusion(votes: Array, before: Array) -> Array:
    """Probability of each label by worker and class from counts of votes, (W, C, C).

    What a worker says of a class of which it met no item stays as it was ``before``.
    """
    mass = votes.sum(axis=2, keepdims=True)
    out: Array = np.divide(votes, mass, out=before.copy(), where=mass > 0)
    return out


def table(confusion: Array) -> Array:
    """What `Votes.posterior` looks up, (W + 1, C, C), of the probabilities (W, C, C) of labels by worker and class."""
    return np.concatenate([logarithm(confusion), np.zeros((1, *confusion.shape[1:]))])


def drawn(p: Array, rng: np.random.Generator) -> Array:
    """One index for each distribution p (C, n), (n,)."""
    found: Array = (p.cumsum(axis=0) < rng.random(p.shape[1])).sum(axis=0).clip(0, len(p) - 1)
    return found


def labels(who: Cells, confusion: Array, worker_shares: Array, r: Array) -> Array:
    """Probability of each label, (C, n), by workers at items of classes r (C, n); an unknown worker is as all are."""
    p = confusion[who.values[0]]
    if who.observed is not None:
        p[~who.observed[0]] = np.tensordot(worker_shares, confusion, 1)
    out: Array = np.einsum("cn,ncl->ln", r, p)
    return out
