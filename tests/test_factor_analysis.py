"""Factor analysis and probabilistic PCA: published fits, stationarity with missing cells, Heywood cases."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal
from sklearn.datasets import load_iris

import unseen
from unseen import DataError, FactorAnalysis, ModelError, Params
from unseen.models.factor_analysis import example

ABILITY = example().data
IRIS = load_iris().data


def chi_square(fit, data):
    """Bartlett's statistic, as R's factanal prints it."""
    n, d = data.shape
    s, sigma = np.cov(data.T, bias=True), fit.model.covariance(fit.params)
    f = np.linalg.slogdet(sigma)[1] - np.linalg.slogdet(s)[1] + np.trace(np.linalg.solve(sigma, s)) - d
    return (n - 1 - (2 * d + 5) / 6 - 2 * fit.model.factors / 3) * f


@pytest.mark.parametrize("factors, expected", [(1, 75.1796), (2, 6.10662)])
def test_ability(factors, expected):
    fit = unseen.fit(FactorAnalysis(factors), ABILITY, tol=1e-12)
    x = np.array(list(ABILITY.values())).T
    assert chi_square(fit, x) == pytest.approx(expected, abs=1e-4)
    assert fit.size == {1: 18, 2: 23}[factors] and fit.converged and len(fit.restarts) == 1
    if factors == 1:
        published = [0.534602, 0.852581, 0.748170, 0.910150, 0.231715, 0.279741]
        assert fit.params["noise"] / x.var(axis=0) == pytest.approx(published, abs=3e-5)


def test_principal_components_of_iris_in_closed_form():
    fit = unseen.fit(FactorAnalysis(2, noise="isotropic"), IRIS, tol=1e-12)
    assert fit.params["noise"] == pytest.approx([0.0506821479], abs=1e-9)
    assert fit.loglik == pytest.approx(-404.962780, abs=1e-5)


def test_a_heywood_case_is_held_and_reported():
    """Without a floor the noise of petal length goes to zero and the likelihood has no end."""
    fits = [unseen.fit(FactorAnalysis(1, floor=f), IRIS, tol=1e-12) for f in (0.005, 1e-4)]
    for fit, floor in zip(fits, (0.005, 1e-4), strict=True):
        assert (fit.params["noise"] / IRIS.var(axis=0)).min() == pytest.approx(floor, rel=1e-9)
        assert fit.trace[-1].events == {"noise floor": 1}
    assert fits[1].loglik > fits[0].loglik + 1


def holed(x=IRIS, seed=0):
    x = np.array(x)
    x[np.random.default_rng(seed).random(x.shape) < 0.2] = np.nan
    return x


def loglik(fit, params, x):
    """Observed-data log-likelihood by SciPy, row by row."""
    sigma = fit.model.covariance(params)
    total = 0.0
    for row in x:
        seen = ~np.isnan(row)
        if seen.any():
            total += multivariate_normal(params["mean"][seen], sigma[np.ix_(seen, seen)]).logpdf(row[seen])
    return total


@pytest.mark.parametrize("noise", ["diagonal", "isotropic"])
def test_missing_cells_are_integrated_out(noise):
    """The fit is a stationary point of the observed likelihood: no parameter leads up."""
    x = holed(np.array(list(ABILITY.values())).T)
    fit = unseen.fit(FactorAnalysis(1, noise), x, tol=1e-13, max_iterations=3000)
    assert not fit.trace[-1].events
    assert fit.loglik == pytest.approx(loglik(fit, fit.params, x), abs=1e-8)
    assert (np.diff([r.objective for r in fit.trace]) > -1e-12).all()
    here = fit.params.vector()
    for i in range(len(here)):
        step = np.zeros_like(here)
        step[i] = 1e-4
        up, down = (loglik(fit, fit.params.from_vector(here + s * step), x) for s in (1, -1))
        assert abs(up - down) / 2e-4 < 2e-3, f"the likelihood still rises along parameter {i}"


def test_weights_are_copies():
    x = holed()[:60]
    w = 1 + np.arange(60) % 3
    rule = unseen.MaxIterations(8)
    a = unseen.fit(FactorAnalysis(1), x, weights=w, stop=rule)
    b = unseen.fit(FactorAnalysis(1), np.repeat(x, w, axis=0), stop=rule)
    assert a.loglik == pytest.approx(b.loglik, rel=1e-10) and a.weight == b.weight == w.sum()
    for name in a.params:
        assert a.params[name] == pytest.approx(b.params[name], rel=1e-6)


def test_units_of_the_columns_do_not_matter():
    scale = np.array([1, 1e3, 1e-3, 1e6])
    a = unseen.fit(FactorAnalysis(1), IRIS, tol=1e-12)
    b = unseen.fit(FactorAnalysis(1), IRIS * scale + 1e3 * scale, tol=1e-12)
    assert b.params["loadings"][:, 0] == pytest.approx(a.params["loadings"][:, 0] * scale, rel=1e-5)
    assert b.loglik + 150 * np.log(scale).sum() == pytest.approx(a.loglik, abs=1e-5)


def test_canonical_loadings():
    fit = unseen.fit(FactorAnalysis(2), ABILITY)
    gram = fit.params["loadings"].T @ (fit.params["loadings"] / fit.params["noise"][:, None])
    assert gram == pytest.approx(np.diag(np.diag(gram)), abs=1e-8)
    assert gram[0, 0] > gram[1, 1] and (fit.params["loadings"].sum(axis=0) > 0).all()


def test_scores_and_imputation():
    x = holed()
    fit = unseen.fit(FactorAnalysis(1), x)
    row = int(np.flatnonzero(np.isnan(x).sum(axis=1) == 2)[0])
    seen = ~np.isnan(x[row])
    mu, load, sigma = fit.params["mean"], fit.params["loadings"], fit.model.covariance(fit.params)
    pull = np.linalg.solve(sigma[np.ix_(seen, seen)], x[row, seen] - mu[seen])
    assert fit.scores(x)[row] == pytest.approx(load[seen].T @ pull)
    assert fit.impute(x)[row, ~seen] == pytest.approx(mu[~seen] + sigma[np.ix_(~seen, seen)] @ pull)
    assert fit.log_prob(x).sum() == pytest.approx(fit.loglik)
    (draws,) = fit.impute(np.repeat(x[[row]], 4000, axis=0), draws=1)
    hidden = sigma[np.ix_(~seen, ~seen)] - sigma[np.ix_(~seen, seen)] @ np.linalg.solve(
        sigma[np.ix_(seen, seen)], sigma[np.ix_(seen, ~seen)]
    )
    assert np.cov(draws[:, ~seen].T) == pytest.approx(hidden, abs=0.1 * hidden.max())
    sample = np.array(list(fit.sample(20_000).values()))
    assert np.cov(sample) == pytest.approx(sigma, abs=0.05 * sigma.max())


def test_a_prior_pulls_towards_independent_columns():
    none, some = (unseen.fit(FactorAnalysis(1), IRIS, prior=p) for p in (0.0, 200.0))
    assert np.abs(some.params["loadings"]).sum() < 0.8 * np.abs(none.params["loadings"]).sum()
    assert (np.diff([r.objective for r in some.trace]) > -1e-12).all()


def test_refusals_say_why():
    with pytest.raises(ModelError, match="3 columns cannot determine 2 factors"):
        unseen.fit(FactorAnalysis(2), IRIS[:, :3])
    with pytest.raises(ModelError, match="4 columns cannot determine 4 factors"):
        unseen.fit(FactorAnalysis(4, noise="isotropic"), IRIS)
    with pytest.raises(ModelError, match="at least one factor"):
        FactorAnalysis(0)
    with pytest.raises(ModelError, match="none of diagonal, isotropic"):
        FactorAnalysis(1, noise="full")
    with pytest.raises(DataError, match="'x1' is constant"):
        unseen.fit(FactorAnalysis(1), IRIS * [1, 0, 1, 1])
    fit = unseen.fit(FactorAnalysis(1), IRIS)
    with pytest.raises(ModelError, match="no responsibilities of rows"):
        fit.responsibilities(IRIS)
    low = Params({**fit.params, "noise": fit.params["noise"] * 1e-6})
    assert "below its floor" in fit.model.valid(low).broken
