"""Votes on items by workers: which class items are of, and counts of votes by class.

A vote is the number worker * C + label, and W C where nothing is told, so that tables of all workers are looked up and
summed by one number.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from unseen.core.block import Cells
from unseen.core.stats import Array
from unseen.numerics.discrete import logarithm
from unseen.numerics.posterior import responsibilities
from unseen.numerics.segments import segment_sums


@dataclass(frozen=True, slots=True)
class Votes:
    """Votes (n,) and which of them are told; items begin at offsets (U + 1,) and have counts (U,) told votes."""

    keys: Array
    told: Array
    offsets: Array
    counts: Array
    workers: int
    classes: int

    @classmethod
    def of(cls, who: Cells, what: Cells, offsets: Array, workers: int, classes: int) -> Votes:
        """The votes of two slots of codes, (1, n) each."""
        keys = who.values[0].astype(np.int64) * classes + what.values[0]
        for cells in (who, what):
            if cells.observed is not None:
                keys[~cells.observed[0]] = workers * classes
        told = keys < workers * classes
        return cls(keys, told, offsets, segment_sums(told.astype(float), offsets), workers, classes)

    def posterior(self, logs: Array, shares: Array) -> tuple[Array, Array]:
        """Posterior of the class of each item, (C, U), and the log-density of its votes, (U,).

        logs : (C, W C + 1), log-probability of a vote at an item of each class, 0 for what is not told
        shares : (C,), the share of each class
        """
        joint = np.empty((self.classes, len(self.counts)))
        for c, log in enumerate(logs):
            joint[c] = segment_sums(log.take(self.keys), self.offsets)
        joint += logarithm(shares)[:, None]
        density = responsibilities(joint)
        density[self.counts == 0] = 0.0
        return joint, density

    def tables(self, weights: Array) -> Array:
        """Votes of each worker by class of the item and label, (W, C, C), at weights of classes of items (C, U)."""
        size, lengths = self.workers * self.classes, np.diff(self.offsets)
        counted = [np.bincount(self.keys, np.repeat(one, lengths), size + 1)[:size] for one in weights]
        tables: Array = np.reshape(counted, (self.classes, self.workers, self.classes)).transpose(1, 0, 2).copy()
        return tables

    def averaged(self) -> Array:
        """The share of each label among the votes on an item, (C, U)."""
        label = np.where(self.told, self.keys % self.classes, -1)
        sums = [segment_sums((label == c).astype(float), self.offsets) for c in range(self.classes)]
        shares: Array = np.stack(sums) / np.maximum(self.counts, 1.0)
        return shares


def table(confusion: Array) -> Array:
    """What `Votes.posterior` looks up, (C, W C + 1), of the probabilities (W, C, C) of labels by worker and class."""
    flat = logarithm(confusion).transpose(1, 0, 2).reshape(confusion.shape[1], -1)
    return np.pad(flat, ((0, 0), (0, 1)))


def drawn(p: Array, rng: np.random.Generator) -> Array:
    """One index for each distribution p (C, n), (n,)."""
    found: Array = (p.cumsum(axis=0) < rng.random(p.shape[1])).sum(axis=0).clip(0, len(p) - 1)
    return found
