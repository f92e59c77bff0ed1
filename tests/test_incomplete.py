"""Missing cells by maximum likelihood, against brute force."""

from pathlib import Path

import numpy as np
import pytest
from scipy.stats import multivariate_normal

import unseen
from unseen import Gaussian, MaxIterations, Mixture

DATA = Path(__file__).parent / "data"


def airquality_fit():
    x = np.genfromtxt(DATA / "airquality.csv", delimiter=",", skip_header=1)[:, :4]
    return unseen.fit(Mixture(Gaussian("full"), 1), x, tol=1e-12, max_iterations=60).loglik


def holed(seed=0, n=400, d=4):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, d)) @ rng.normal(size=(d, d)) + 3 * rng.integers(0, 2, (n, 1))
    x[rng.random(x.shape) < 0.25] = np.nan
    return x


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize("tied", [False, True])
def test_density_is_the_marginal_of_what_was_seen(form, tied):
    x = holed()
    fit = unseen.fit(Mixture(Gaussian(form, tied=tied), 2), x, restarts=1, stop=MaxIterations(5))
    w, m, c = fit.params["weights"], fit.params["means"], fit.model.family.full(fit.params)
    expected = []
    for row in x:
        o = ~np.isnan(row)
        if not o.any():
            expected.append(0.0)
            continue
        terms = [
            np.log(w[k]) + multivariate_normal(m[k][o], c[k][np.ix_(o, o)], allow_singular=True).logpdf(row[o])
            for k in range(2)
        ]
        expected.append(np.logaddexp.reduce(terms))
    assert fit.log_prob(x) == pytest.approx(np.array(expected), abs=1e-9)
    assert fit.loglik == pytest.approx(sum(expected), abs=1e-7)


def test_imputation_is_the_conditional_expectation():
    x = holed()
    fit = unseen.fit(Mixture(Gaussian("full"), 2), x, restarts=1, stop=MaxIterations(5))
    r, filled = fit.responsibilities(x), fit.impute(x)
    for i in np.flatnonzero(np.isnan(x).any(axis=1))[:40]:
        o, h = ~np.isnan(x[i]), np.isnan(x[i])
        expected = np.zeros(h.sum())
        for k in range(2):
            m, c = fit.params["means"][k], fit.params["covariances"][k]
            gain = np.linalg.solve(c[np.ix_(o, o)], c[np.ix_(o, h)]).T if o.any() else np.zeros((h.sum(), 0))
            expected += r[i, k] * (m[h] + gain @ (x[i][o] - m[o]))
        assert filled[i][h] == pytest.approx(expected, abs=1e-8)
        assert np.array_equal(filled[i][o], x[i][o])


def test_draws_have_the_conditional_moments():
    """Ten thousand completions of one row: mean and covariance of the hidden cells."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(300, 3)) @ np.array([[1, 0.8, 0.2], [0, 1, 0.5], [0, 0, 1]])
    fit = unseen.fit(Mixture(Gaussian("full"), 1), x)
    row = np.tile([0.7, np.nan, np.nan], (10_000, 1))
    drawn = fit.impute(row, draws=1, seed=3)[0]
    m, c = fit.params["means"][0], fit.params["covariances"][0]
    gain = c[1:, 0] / c[0, 0]
    assert drawn[:, 1:].mean(0) == pytest.approx(m[1:] + gain * (0.7 - m[0]), abs=0.05)
    assert np.cov(drawn[:, 1:].T) == pytest.approx(c[1:, 1:] - np.outer(gain, c[0, 1:]), abs=0.06)


def test_a_row_without_any_cell_is_kept_and_reported():
    x = np.vstack([holed(), np.full((2, 4), np.nan)])
    fit = unseen.fit(Mixture(Gaussian("full"), 2), x, restarts=1)
    assert fit.profile.empty_rows == 2 + np.isnan(holed()).all(axis=1).sum()
    assert fit.responsibilities(x)[-1] == pytest.approx(fit.params["weights"], abs=1e-9)
    assert fit.log_prob(x)[-1] == pytest.approx(0.0, abs=1e-12)
    assert any("no observed" in w or "all missing" in w for w in fit.warnings)
