"""Common principal components: axes recovered, likelihood never falls, and mclust's VVE as the oracle."""

from __future__ import annotations

import numpy as np
import pytest

from unseen import Gaussian, Mixture, ModelError, fit
from unseen.numerics.axes import along, common_axes


def turned(d: int, seed: int) -> np.ndarray:
    return np.linalg.qr(np.random.default_rng(seed).normal(size=(d, d)))[0]


def discrepancy(spread: np.ndarray, mass: np.ndarray, axes: np.ndarray, lengths: np.ndarray) -> float:
    inside = np.einsum("ij,kil,lj->kj", axes, spread, axes)
    return float((mass[:, None] * (np.log(lengths) + inside / lengths)).sum())


@pytest.mark.parametrize("seed", range(5))
def test_axes_that_covariances_have_in_common_are_found(seed: int) -> None:
    rng = np.random.default_rng(seed)
    d = turned(5, seed)
    lengths = rng.uniform(0.2, 3, (3, 5))
    spread = np.einsum("ij,kj,lj->kil", d, lengths, d)
    axes, found = common_axes(spread, np.ones(3), 1e-9)
    for _ in range(200):
        axes, found = common_axes(spread, np.ones(3), 1e-9, axes)
    rebuilt = np.einsum("ij,kj,lj->kil", axes, found, axes)
    assert rebuilt == pytest.approx(spread, abs=1e-6)


@pytest.mark.parametrize("seed", range(8))
def test_no_step_lowers_the_likelihood(seed: int) -> None:
    rng = np.random.default_rng(seed)
    roots = rng.normal(size=(4, 6, 6))
    spread, mass = roots @ np.swapaxes(roots, 1, 2) / 6, rng.uniform(1, 9, 4)
    axes = turned(6, seed)
    lengths = along(spread, axes, 0.05)
    before = discrepancy(spread, mass, axes, lengths)
    for _ in range(30):
        axes, lengths = common_axes(spread, mass, 0.05, axes)
        now = discrepancy(spread, mass, axes, lengths)
        assert now <= before + 1e-12 * abs(before)
        assert axes.T @ axes == pytest.approx(np.eye(6), abs=1e-12)
        before = now


def test_two_components_with_common_axes_are_recovered() -> None:
    rng = np.random.default_rng(0)
    d = turned(4, 1)
    x = np.concatenate(
        [rng.normal(0, np.sqrt(a), (600, 4)) @ d.T + m for a, m in (([1, 4, 0.2, 2], 0), ([3, 0.5, 1, 0.3], 4))]
    )
    result = fit(Mixture(Gaussian("common"), 2), x, restarts=3, tol=1e-9)
    assert result.converged and result.size == 1 + 2 * 4 + 2 * 4 + 6
    full = fit(Mixture(Gaussian("full"), 2), x, restarts=3)
    assert full.loglik - result.loglik < 20  # six parameters more, of no use
    assert result.bic < full.bic
    objective = np.array([t.objective for t in result.trace])
    assert (np.diff(objective) >= -1e-12 * abs(objective[0])).all()


def test_tied_common_axes_are_refused() -> None:
    with pytest.raises(ModelError, match="common axes of tied lengths"):
        Gaussian("common", tied=True)
