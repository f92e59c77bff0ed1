"""scikit-learn's regularisation, told to our loop: a constant on the diagonal instead of a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from unseen.algorithms.batch import Batch
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums
from unseen.core.stop import Converged, Record
from unseen.errors import NumericalError
from unseen.families.gaussian import Gaussian
from unseen.numerics.gaussian import Form

# a variance this small, in units of the data's own, is rounding
FLAT = 1e-14


@dataclass(frozen=True)
class RidgedGaussian(Gaussian):
    r"""Gaussian components whose M-step adds a constant to every variance.

    .. math:: \Sigma_k \leftarrow \hat\Sigma_k + \varepsilon I

    ``ridge`` is :math:`\varepsilon`, in the square of the data's units. A constant column is accepted: its
    variance becomes :math:`\varepsilon`.

    >>> RidgedGaussian("full", floor=0.0, ridge=1e-6).ridge
    1e-06

    Source: the parameter ``reg_covar`` of scikit-learn's GaussianMixture.
    """

    ridge: float = 0.0

    def bind(self, profile: Profile) -> Self:
        variance = np.array([c.variance for c in profile.columns])
        return replace(
            self,
            columns=profile.names,
            anchor=np.array([c.mean for c in profile.columns]),
            scale=np.sqrt(np.where(variance > 0, variance, 1.0)),
        )

    def prepare(self, params: Params) -> Form:
        if self.covariance != "full" and not (params["covariances"] > 0).all():
            raise NumericalError("a component has a variance of zero: raise reg_covar, or use fewer components")
        return super().prepare(params)

    def moments(self, sums: Sums, params: Params | None) -> Params:
        # the ridge is taken off first: a component that lost its rows keeps its covariance, not one that grows
        before = None if params is None else self._lifted(params, -self.ridge)
        return self._lifted(self._counted(super().moments(sums, before)), self.ridge)

    def _counted(self, params: Params) -> Params:
        """With the variances that only the ridge holds up counted as events, as `Gaussian` does for matrices."""
        if self.covariance == "full":
            return params
        unit = self.scale**2 if self.covariance == "diagonal" else (self.scale**2).mean()
        flat = int((params["covariances"] <= FLAT * unit).sum())
        return Params(params, events={**params.events, "variance floor": flat} if flat else params.events)

    def _lifted(self, params: Params, by: float) -> Params:
        covariances = params["covariances"]
        step = by * np.eye(len(self.columns)) if self.covariance == "full" else by
        return Params({**params, "covariances": covariances + step}, events=params.events)

    def plain(self) -> Gaussian:
        """The same components without the regularisation, for scoring."""
        names = ("covariance", "tied", "floor", "columns", "anchor", "scale")
        return Gaussian(**{name: getattr(self, name) for name in names})


@dataclass(frozen=True)
class RidgedBatch(Batch):
    """Batch EM with a ridge: no longer exactly a maximisation, so the log-likelihood may sink a little.

    >>> RidgedBatch().monotone
    False
    """

    monotone: ClassVar[bool] = False


@dataclass(frozen=True)
class Settled(Converged):
    """`Converged`, for objectives that may approach their limit from above as well as from below.

    >>> Settled(1e-3)
    Settled(tol=0.001)
    """

    @staticmethod
    def _remaining(trace: Sequence[Record]) -> float:
        now, before = abs(trace[-1].change), abs(trace[-2].change)
        if now <= 4e-15 * (1 + abs(trace[-1].objective)):
            return 0.0
        ratio = now / before if before > 0 else 1.0
        return now / (1 - ratio) if ratio < 1 else float("inf")


def cholesky_of_precisions(covariances: Array, full: bool) -> tuple[Array, Array]:
    """Upper triangular U with U U' = precision, and the precision; for variances their roots and inverses."""
    if not full:
        return 1 / np.sqrt(covariances), 1 / covariances
    lower = np.linalg.cholesky(covariances)
    upper = np.triu(np.swapaxes(np.linalg.inv(lower), -1, -2))
    return upper, upper @ np.swapaxes(upper, -1, -2)


__all__ = ["RidgedBatch", "RidgedGaussian", "Settled", "cholesky_of_precisions"]
