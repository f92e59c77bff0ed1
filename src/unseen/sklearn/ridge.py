"""scikit-learn's regularisation, told to our loop: a constant on the diagonal instead of a floor."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np

from unseen.algorithms.batch import Batch
from unseen.core.algorithm import Moves, State
from unseen.core.events import EventKind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Sums
from unseen.core.stop import Converged, Record
from unseen.errors import NumericalError
from unseen.families.gaussian import Gaussian
from unseen.numerics.gaussian import Form


@final
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
            single=all(c.single for c in profile.columns),
            incomplete=any(c.missing for c in profile.columns),
            rows=profile.rows,
        )

    def prepare(self, params: Params) -> Form:
        if self.covariance != "full" and not (params["covariances"] > 0).all():
            raise NumericalError("a component has a variance of zero: raise reg_covar, or use fewer components")
        return super().prepare(params)

    def moments(self, sums: Sums, params: Params | None) -> Params:
        # the ridge is taken off first: a component that lost its rows keeps its covariance, not one that grows
        before = None if params is None else self._lifted(params, -self.ridge)
        new = super().moments(sums, before)
        flat = int((self._smallest(new) <= self._rounding_of_variances(new, sums["moments"])).sum())
        events = {**new.events, EventKind.VARIANCE_FLOOR: flat} if flat else new.events
        return self._lifted(Params(new, events=events), self.ridge)

    def _smallest(self, params: Params) -> Array:
        """Every variance, or the smallest eigenvalue of every matrix, of standardised columns."""
        if self.covariance == "full":
            return np.linalg.eigvalsh(params["covariances"] / np.outer(self.scale, self.scale))[..., 0]
        smallest: Array = params["covariances"] / (self._units[0] if self.covariance == "spherical" else self._units)
        return smallest

    @property
    def _units(self) -> Array:
        """The data's own variances, (d,), or their mean where one variance is for all."""
        units = self.scale**2
        return np.full_like(units, units.mean()) if self.covariance == "spherical" else units

    def _rounding_of_variances(self, params: Params, sums: Array) -> Array:
        r"""What rounding leaves where a variance is zero: such a one is held up by the ridge alone.

        A variance is :math:`\sum r z^2 / m - \bar z^2` about the anchor. Sums of n numbers of one sign carry a relative
        error of about :math:`\epsilon \sqrt n`, so the difference one of three times that share of
        :math:`\sum r z^2 / m`; an eigenvalue moves by no more than the trace of the errors (Higham 2002, sections 4.2
        and 1.7; Weyl). Below that, numbers themselves are rounded by :math:`\epsilon |x|`, which about an anchor of the
        component's own is all there is.
        """
        d = len(self.columns)
        mass = sums[:, :1] if self.covariance == "full" else sums[:, :d]
        eps = np.finfo(np.float32 if self.single else float).eps
        second = (np.diagonal(self.full(params), axis1=1, axis2=2) + (params["means"] - self.anchor) ** 2) / self._units
        rows = self.rows * mass / mass.sum(axis=0)
        error = 3 * eps * (1 + np.sqrt(np.maximum(rows, 0))) * second
        error = error + eps**2 * (1 + params["means"] ** 2 / self._units)
        if self.covariance != "diagonal":
            error = error.sum(axis=1) if self.covariance == "full" else error.mean(axis=1)
            mass = mass.mean(axis=1)
        return (error * mass).sum(axis=0) / mass.sum(axis=0) if self.tied else error

    def _lifted(self, params: Params, by: float) -> Params:
        covariances = params["covariances"]
        step = by * np.eye(len(self.columns)) if self.covariance == "full" else by
        return Params({**params, "covariances": covariances + step}, events=params.events)

    def plain(self) -> Gaussian:
        """The same components without the regularisation, for scoring."""
        names = ("covariance", "tied", "floor", "columns", "anchor", "scale", "incomplete", "rows")
        return Gaussian(**{name: getattr(self, name) for name in names})


@final
@dataclass(frozen=True)
class RidgedBatch:
    """Batch EM with a ridge: no longer exactly a maximisation, so the log-likelihood may sink a little.

    >>> RidgedBatch().monotone
    False
    """

    needs: ClassVar[Kind] = Batch.needs
    monotone: ClassVar[bool] = False

    def init(self, params: Params, moves: Moves) -> State:
        return Batch().init(params, moves)

    def step(self, state: State, moves: Moves) -> State:
        return Batch().step(state, moves)


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
