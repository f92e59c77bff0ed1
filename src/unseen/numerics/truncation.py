"""Counts truncated at some values: a family that is given that none of them occurs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import Cells
from unseen.core.family import Collect, Family
from unseen.core.stats import Array, Sums

# a family that almost surely lies on the values has no truncated distribution to speak of
MOST = 1 - 1e-9


@dataclass(frozen=True, slots=True)
class Truncation:
    r"""Truncation of K distributions at the values a (m,), on which they have the probabilities ``mass`` (K, m).

    .. math:: f_k(x) = \frac{g_k(x)}{1 - \sum_a g_k(a)} \; (x \ne a)
    """

    values: Array
    mass: Array
    collect: Collect  # R (K, m) -> statistics of rows at the values

    @classmethod
    def of(cls, family: Family, prepared: Any, values: Sequence[float]) -> Truncation:
        """A family of counts in one column, truncated at some of them."""
        density, collect = family.evaluate(prepared, [Cells(np.array([values], float))])
        return cls(np.array(values), np.exp(density), collect)

    @property
    def lost(self) -> Array:
        """The probability of all values together (K,), short of 1."""
        return np.asarray(np.minimum(self.mass.sum(axis=1), MOST))

    def unseen(self, rows: Array) -> Sums:
        """Expected statistics of the rows that ``rows`` (K,) others would have had beside them, at the values.

        Source: Dempster, Laird & Rubin (1977), section 4.2.
        """
        return self.collect(self.mass * (rows / (1 - self.lost))[:, None])

    def mean(self, mean: Array) -> Array:
        """The means (K,) of the distributions whose means are ``mean`` before they are truncated."""
        return np.asarray((mean - self.mass @ self.values) / (1 - self.lost))

    def moments(self, mean: Array, sd: Array) -> tuple[Array, Array]:
        """Their means and standard deviations (K,), from those before.

        >>> zeros = Truncation(np.zeros(1), np.array([[np.exp(-1.0)]]), lambda r: {})
        >>> [round(float(m[0]), 4) for m in zeros.moments(np.ones(1), np.ones(1))]  # of a Poisson variable
        [1.582, 0.8132]
        """
        rest = self.mean(mean)
        squares = sd**2 + (mean - rest) ** 2 - (self.mass * (self.values - rest[:, None]) ** 2).sum(axis=1)
        return rest, np.sqrt(np.maximum(squares / (1 - self.lost), 0))
