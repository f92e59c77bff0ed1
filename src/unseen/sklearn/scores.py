"""What fitted models say of rows in scikit-learn's words: densities, criteria and components."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any

import numpy as np
from sklearn.base import DensityMixin

from unseen.core.stats import Array


class Densities(DensityMixin):
    """Mean log-density and criteria, from log-densities and size."""

    @abstractmethod
    def score_samples(self, X: Any) -> Array:
        """Log-density of the observed cells of each row, (n,)."""

    @abstractmethod
    def _told(self, X: Any) -> int:
        """The number of rows with an observed cell."""

    @abstractmethod
    def _n_parameters(self) -> int:
        """The number of free parameters."""

    def score(self, X: Any, y: Any = None) -> float:
        """Mean log-density per row, as in scikit-learn; y is ignored."""
        return float(self.score_samples(X).mean(dtype=float))

    def bic(self, X: Any) -> float:
        r"""Bayesian information criterion on X, :math:`-2 \log L + p \log n`; lower is better.

        n is the number of rows that have an observed cell.
        """
        density = self.score_samples(X)
        return float(-2 * density.sum(dtype=float) + self._n_parameters() * np.log(self._told(X)))

    def aic(self, X: Any) -> float:
        r"""Akaike's information criterion on X, :math:`-2 \log L + 2 p`; lower is better."""
        return float(-2 * self.score_samples(X).sum(dtype=float) + 2 * self._n_parameters())


class Assignments(Densities):
    """The most probable component, from responsibilities."""

    @abstractmethod
    def predict_proba(self, X: Any) -> Array:
        """Posterior probability of each component for each row, (n, K)."""

    def predict(self, X: Any) -> Array:
        """The most probable component of each row, (n,)."""
        return np.asarray(self.predict_proba(X).argmax(axis=1))


class Scores(Assignments):
    """Predictions and criteria of a mixture, from its responsibilities, log-densities and size."""

    def fit_predict(self, X: Any, y: Any = None, sample_weight: Any = None, labels: Any = None) -> Array:
        """`fit`, then `predict` for the same rows; known labels do not enter the prediction."""
        return self.fit(X, y, sample_weight, labels).predict(X)
