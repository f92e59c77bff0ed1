"""Rows completed through the precision matrix: what dense conditioning gives, whatever is missing."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unseen.core.block import Cells
from unseen.numerics import by_precision, incomplete
from unseen.numerics.incomplete import PatternTable, incomplete_rows
from unseen.numerics.quadratic import pairs


def dense(x: np.ndarray, seen: np.ndarray, mean: np.ndarray, sigma: np.ndarray, r: np.ndarray):
    """Distances, log-determinants and packed moments of one component by np.linalg, row by row."""
    d, n = x.shape
    distance, half, first, second = np.zeros(n), np.zeros(n), np.zeros(d), np.zeros((d, d))
    for t in range(n):
        o, m = np.flatnonzero(seen[:, t]), np.flatnonzero(~seen[:, t])
        y, c = np.zeros(d), np.zeros((d, d))
        y[o] = (x[:, t] - mean)[o]
        c[np.ix_(m, m)] = sigma[np.ix_(m, m)]
        if len(o):
            solved = np.linalg.solve(sigma[np.ix_(o, o)], np.c_[y[o], sigma[np.ix_(o, m)]])
            distance[t], half[t] = y[o] @ solved[:, 0], 0.5 * np.linalg.slogdet(sigma[np.ix_(o, o)])[1]
            y[m] = sigma[np.ix_(m, o)] @ solved[:, 0]
            c[np.ix_(m, m)] -= sigma[np.ix_(m, o)] @ solved[:, 1:]
        full = y + mean
        first += r[t] * full
        second += r[t] * (np.outer(full, full) + c)
    i, j = pairs(d)
    return distance, half, np.concatenate([[r.sum()], first, second[i, j]])


def rows(d: int, n: int, share: float, seed: int) -> Cells:
    rng = np.random.default_rng(seed)
    return Cells(rng.normal(size=(d, n)), rng.random((d, n)) > share)


def agrees(cells: Cells, k: int, seed: int, rtol: float) -> None:
    rng = np.random.default_rng(seed)
    d, n = cells.values.shape
    factor = rng.normal(size=(k, d, d))
    sigma, means = factor @ factor.swapaxes(1, 2) + 0.5 * np.eye(d), rng.normal(size=(k, d))
    r = rng.random((k, n))
    table = PatternTable(sigma)
    found = incomplete_rows(cells, table, np.zeros(d), means)
    moments = found.moments(r)
    for c in range(k):
        distance, half, packed = dense(cells.values, cells.observed, means[c], sigma[c], r[c])
        assert found.distances[c] == pytest.approx(distance, rel=rtol, abs=rtol)
        assert found.half_log_dets[c] == pytest.approx(half, rel=rtol, abs=rtol)
        assert moments[c] == pytest.approx(packed, rel=rtol, abs=rtol * np.abs(packed).max())


@given(st.integers(1, 7), st.integers(1, 30), st.sampled_from([0.0, 0.05, 0.3, 0.5]), st.integers(0, 999))
def test_it_is_dense_conditioning(d: int, n: int, share: float, seed: int) -> None:
    """Also for rows that miss everything or nothing, and patterns that rows share."""
    kept = by_precision.suits
    try:
        by_precision.suits = lambda patterns: True
        agrees(rows(d, n, share, seed), 3, seed, 1e-9)
    finally:
        by_precision.suits = kept


def test_many_widths_go_in_groups() -> None:
    cells = rows(24, 400, 0.25, 0)
    patterns = cells.patterns()
    assert by_precision.suits(patterns) and len(patterns.missing) > 1
    assert sum(len(g.patterns) for g in patterns.missing) == (~patterns.masks).any(axis=1).sum()
    agrees(cells, 2, 1, 1e-9)


def test_rows_that_share_patterns_and_columns_that_nearly_repeat_go_other_ways() -> None:
    shared = Cells(np.zeros((3, 100)), np.repeat([[True, False], [True, True], [False, True]], 50, axis=1))
    assert not by_precision.suits(shared.patterns())
    assert not by_precision.suits(rows(4, 50, 0.8, 0).patterns())
    close = np.array([[[1.0, 1 - 1e-9], [1 - 1e-9, 1.0]]])
    assert not PatternTable(close).precise


@pytest.mark.parametrize("left", [1e-3, 1e-5, 1e-6])
def test_little_left_of_a_column_costs_few_digits(left: float) -> None:
    """The share of variance that others leave is ``left``: the error of a distance is second order in that of the
    expectation, eps / left standard deviations times its inverse root, so 1e-9 holds down to the limit."""
    rng = np.random.default_rng(0)
    sigma = np.array([[[1.0, np.sqrt(1 - left), 0.2], [np.sqrt(1 - left), 1.0, 0.2], [0.2, 0.2, 1.0]]])
    x = np.linalg.cholesky(sigma[0]) @ rng.normal(size=(3, 40))
    seen = np.ones(x.shape, bool)
    seen[rng.integers(0, 3, 40), np.arange(40)] = False
    cells = Cells(x, seen)
    found = incomplete_rows(cells, PatternTable(sigma), np.zeros(3), np.zeros((1, 3)))
    distance = dense(x, seen, np.zeros(3), sigma[0], np.ones(40))[0]
    assert found.distances[0] == pytest.approx(distance, abs=1e-9 * max(1, distance.max()), rel=1e-8)


def test_the_fit_is_that_of_the_other_way(monkeypatch: pytest.MonkeyPatch) -> None:
    import unseen

    rng = np.random.default_rng(2)
    x = rng.normal(size=(120, 6)) + 4 * rng.integers(0, 2, (120, 1))
    x[rng.random(x.shape) < 0.1] = np.nan
    fits = []
    for way in (lambda patterns: True, lambda patterns: False):
        monkeypatch.setattr(incomplete.by_precision, "suits", way)
        fits.append(unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=2, seed=0))
    assert fits[0].loglik == pytest.approx(fits[1].loglik, rel=1e-9)
