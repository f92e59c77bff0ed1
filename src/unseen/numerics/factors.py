r"""Maximum likelihood of covariance structures :math:`\Sigma = \Lambda \Lambda^\top + \Psi`, given a covariance S.

Given the noise, the best loadings are closed: with :math:`\Psi^{-1/2} S \Psi^{-1/2} = U \theta U^\top`,
:math:`\Lambda = \Psi^{1/2} U_q (\theta_q - 1)_+^{1/2}`. What is left is a function of the noise alone.

Source: Lawley & Maxwell (1971), chapter 4; Joreskog (1967), Psychometrika 32; Tipping & Bishop (1999).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from unseen.core.stats import Array


@dataclass(frozen=True)
class Concentrated:
    r"""Discrepancy :math:`\log|\Sigma| + tr(S \Sigma^{-1})` at given log-noise (d,), the loadings being the best."""

    covariance: Array
    factors: int
    log_noise: Array

    @cached_property
    def spectrum(self) -> tuple[Array, Array]:
        """Eigenvalues in descending order and eigenvectors of the covariance in units of the noise."""
        root = np.exp(0.5 * self.log_noise)
        values, vectors = np.linalg.eigh(self.covariance / np.outer(root, root))
        return np.maximum(values[::-1], 0.0), vectors[:, ::-1]

    @property
    def taken(self) -> Array:
        """Which eigenvalues the loadings explain, (d,) bool."""
        taken: Array = (np.arange(len(self.log_noise)) < self.factors) & (self.spectrum[0] > 1)
        return taken

    @property
    def value(self) -> float:
        values = self.spectrum[0]
        with np.errstate(divide="ignore"):
            return float(self.log_noise.sum() + np.where(self.taken, np.log(values) + 1, values).sum())

    @property
    def slope(self) -> tuple[Array, Array]:
        """Gradient (d,) in the log-noise, and an approximation of the Hessian, (d, d), that is never negative."""
        values, vectors = self.spectrum
        rest, theta = vectors[:, ~self.taken], values[~self.taken]
        return (rest**2) @ (1 - theta), (rest @ rest.T) ** 2

    @property
    def loadings(self) -> Array:
        """The best loadings (d, q), columns by falling importance, each with a positive sum."""
        values, vectors = self.spectrum
        q = self.factors
        root = np.exp(0.5 * self.log_noise)[:, None]
        out: Array = root * vectors[:, :q] * np.sqrt(np.maximum(values[:q] - 1, 0))
        return out * np.where(out.sum(axis=0) < 0, -1, 1)


def fit_diagonal(covariance: Array, factors: int, begin: Array, least: Array, steps: int = 500) -> tuple[Array, Array]:
    """Loadings (d, q) and noise (d,), no entry of it below ``least``: at least as likely as the noise ``begin``.

    At most so many Newton steps in the log-noise inside the bounds, each halved until the discrepancy falls.
    """
    low = np.log(least)
    here = Concentrated(covariance, factors, np.maximum(np.log(begin), low))
    for _ in range(steps):
        gradient, curvature = here.slope
        free = (here.log_noise > low) | (gradient < 0)
        if np.abs(gradient[free]).max(initial=0.0) < 1e-12:
            break
        newton = np.zeros_like(gradient)
        newton[free] = np.linalg.lstsq(curvature[np.ix_(free, free)], gradient[free], rcond=1e-12)[0]
        better = _descend(here, newton, low) or _descend(here, np.where(free, gradient, 0.0), low)
        if better is None:
            break
        here = better
    return here.loadings, np.exp(here.log_noise)


def improve_diagonal(covariances: Array, factors: int, begin: Array, least: Array) -> tuple[Array, Array]:
    """Loadings (K, d, q) and noise (K, d) of K covariances at once, each more likely than at the noise ``begin``.

    One Newton step as in `fit_diagonal`; where that does not pay, a step of EM, which does. It is what an M-step
    needs: the covariances move between two of them as much as the noise does.
    """
    low = np.log(np.broadcast_to(least, begin.shape))
    here = np.maximum(np.log(begin), low)
    values, vectors, taken = _spectra(covariances, factors, here)
    left = vectors * ~taken[:, None]
    gradient = np.einsum("kij,kj->ki", left**2, 1 - values)
    free = (here > low) | (gradient < 0)
    curvature = (left @ np.swapaxes(left, 1, 2)) ** 2 * (free[:, :, None] & free[:, None, :])
    most = np.diagonal(curvature, axis1=1, axis2=2).max(axis=1)[:, None]
    # where no noise is free to move, or loadings explain all there is, the step is none
    ridge = np.where(most > 1e-100, 1e-8 * most, 1.0) + ~free
    curvature += ridge[..., None] * np.eye(here.shape[1])
    step = np.linalg.solve(curvature, np.where(free, gradient, 0.0)[..., None])[..., 0]
    there = np.maximum(here - np.clip(step, -3, 3), low)
    after = _spectra(covariances, factors, there)
    worse = ~(_discrepancies(there, *after) <= _discrepancies(here, values, vectors, taken))
    if worse.any():
        noise = _noise_by_em(covariances[worse], factors, here[worse], values[worse], vectors[worse], taken[worse])
        there[worse] = np.maximum(np.log(np.maximum(noise, 1e-300)), low[worse])
        for whole, part in zip(after, _spectra(covariances[worse], factors, there[worse]), strict=True):
            whole[worse] = part
    return _loadings(factors, there, *after), np.exp(there)


def _spectra(covariances: Array, factors: int, log_noise: Array) -> tuple[Array, Array, Array]:
    """Ascending eigenvalues (K, d) and eigenvectors (K, d, d) in units of the noise, and which the loadings take."""
    root = np.exp(0.5 * log_noise)
    values, vectors = np.linalg.eigh(covariances / (root[:, :, None] * root[:, None, :]))
    last = np.arange(values.shape[1]) >= values.shape[1] - factors
    return np.maximum(values, 0.0), vectors, last & (values > 1)


def _discrepancies(log_noise: Array, values: Array, vectors: Array, taken: Array) -> Array:
    return np.asarray(log_noise.sum(axis=1) + np.where(taken, np.log(np.maximum(values, 1)) + 1, values).sum(axis=1))


def _loadings(factors: int, log_noise: Array, values: Array, vectors: Array, taken: Array) -> Array:
    """The best loadings (K, d, q), columns by falling importance, each with a positive sum."""
    part = slice(None, -factors - 1, -1)
    length = np.sqrt(np.maximum(values[:, part] - 1, 0) * taken[:, part])
    out: Array = np.exp(0.5 * log_noise)[:, :, None] * vectors[:, :, part] * length[:, None]
    return out * np.where(out.sum(axis=1) < 0, -1, 1)[:, None]


def _noise_by_em(
    covariances: Array, factors: int, log_noise: Array, values: Array, vectors: Array, taken: Array
) -> Array:
    """The noise (K, d) after one step of EM from the best loadings, after Rubin & Thayer (1982)."""
    loadings = _loadings(factors, log_noise, values, vectors, taken)
    weighted = loadings / np.exp(log_noise)[:, :, None]
    inner = np.eye(factors) + np.swapaxes(loadings, 1, 2) @ weighted
    slopes = weighted @ np.linalg.inv(inner)
    common = covariances @ slopes
    second = np.eye(factors) - np.swapaxes(slopes, 1, 2) @ loadings + np.swapaxes(slopes, 1, 2) @ common
    new = common @ np.linalg.inv(second)
    return np.asarray(np.diagonal(covariances, axis1=1, axis2=2) - (new * common).sum(axis=2))


def _descend(here: Concentrated, step: Array, low: Array, halvings: int = 20) -> Concentrated | None:
    """The first of ever shorter steps that lowers the discrepancy, or None.

    Near the minimum the discrepancy is flat to rounding long before the noise has settled: there a step counts
    if it halves the gradient.
    """
    rounding = 1e-14 * (1 + abs(here.value))
    for power in range(halvings):
        # a step in the log beyond 3 is a factor of 20: the quadratic model says nothing there
        moved = np.maximum(here.log_noise - np.clip(step, -3, 3) * 0.5**power, low)
        there = Concentrated(here.covariance, here.factors, moved)
        if there.value < here.value - rounding:
            return there
        if there.value <= here.value + rounding and steepness(there, low) < 0.5 * steepness(here, low):
            return there
    return None


def steepness(at: Concentrated, low: Array) -> float:
    """The largest entry of the gradient among the noise variances that are free to move."""
    gradient = at.slope[0]
    free = (at.log_noise > low) | (gradient < 0)
    return float(np.abs(gradient[free]).max(initial=0.0))


def fit_isotropic(covariance: Array, factors: int, least: float) -> tuple[Array, Array]:
    """Loadings (d, q) and the one noise variance (1,): the mean of the eigenvalues that are left over."""
    values = np.linalg.eigvalsh(covariance)
    noise = np.array([max(float(values[: len(values) - factors].mean()), least)])
    best = Concentrated(covariance, factors, np.log(np.repeat(noise, len(values))))
    return best.loadings, noise
