"""Factors of several covariances improved at once: never worse, and in the end as good as one by one."""

import numpy as np
import pytest

from unseen.numerics.factors import Concentrated, fit_diagonal, improve_diagonal


def covariances(d: int, q: int, n: int, count: int = 3) -> np.ndarray:
    rng = np.random.default_rng(0)
    return np.array(
        [
            np.cov(
                rng.normal(size=(d, q)) @ rng.normal(size=(q, n))
                + rng.uniform(0.1, 1, (d, 1)) * rng.normal(size=(d, n))
            )
            for _ in range(count)
        ]
    )


def discrepancy(s: np.ndarray, loadings: np.ndarray, noise: np.ndarray) -> np.ndarray:
    sigma = loadings @ np.swapaxes(loadings, 1, 2) + noise[:, :, None] * np.eye(s.shape[1])
    return np.linalg.slogdet(sigma)[1] + np.trace(np.linalg.solve(sigma, s), axis1=1, axis2=2)


@pytest.mark.parametrize(("d", "q", "n"), [(10, 3, 60), (30, 2, 50), (6, 1, 500), (12, 4, 14)])
def test_every_step_is_better_and_the_limit_is_the_maximum(d, q, n):
    s = covariances(d, q, n)
    least = np.full(d, 1e-4)
    noise = np.diagonal(s, axis1=1, axis2=2) / 2
    best = np.array(
        [Concentrated(x, q, np.log(fit_diagonal(x, q, b, least)[1])).value for x, b in zip(s, noise, strict=True)]
    )
    before = np.full(len(s), np.inf)
    for _ in range(300):
        loadings, noise = improve_diagonal(s, q, noise, least)
        now = discrepancy(s, loadings, noise)
        assert (now <= before + 1e-9 * np.abs(now)).all() and (noise >= least * (1 - 1e-12)).all()
        before = now
    if n > d + 20:  # with hardly more rows than columns there are several maxima
        assert before == pytest.approx(best, abs=1e-8)


def test_nothing_to_explain_leaves_no_loadings():
    s = np.repeat(np.diag([1.0, 2.0, 3.0, 4.0])[None], 2, axis=0)
    loadings, noise = improve_diagonal(s, 1, np.diagonal(s, axis1=1, axis2=2).copy(), np.full(4, 1e-6))
    assert np.abs(loadings).max() < 1e-6
    assert noise == pytest.approx(np.diagonal(s, axis1=1, axis2=2))


def test_covariances_that_leave_nothing_to_the_noise_make_no_step_and_no_error() -> None:
    least = np.full(3, 1e-6)
    spread = np.array([np.zeros((3, 3)), np.full((3, 3), 4.0), np.eye(3)])
    loadings, noise = improve_diagonal(spread, 1, np.tile(least, (3, 1)), least)
    assert np.isfinite(loadings).all() and (noise >= least * (1 - 1e-12)).all()
