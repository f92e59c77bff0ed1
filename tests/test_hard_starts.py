"""Starts of clusters far apart, of groups of equal rows, and without a floor."""

import numpy as np
import pytest
from sklearn.mixture import GaussianMixture as Theirs

import unseen
from unseen import HMM, Gaussian, Mixture
from unseen.sklearn import GaussianMixture


@pytest.mark.parametrize("apart", [1e8, 1e11])
@pytest.mark.parametrize("d", [1, 2])
def test_two_clusters_far_apart(d, apart):
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(-apart, 1, (50, d)), rng.normal(apart, 1, (50, d))])
    expected = np.sort(np.concatenate([x[:50].var(0), x[50:].var(0)]))
    for kind in ("full", "diag"):
        ours = GaussianMixture(2, covariance_type=kind, reg_covar=0, random_state=0).fit(x)
        found = ours.covariances_ if kind == "diag" else np.diagonal(ours.covariances_, axis1=1, axis2=2)
        assert np.sort(found.ravel()) == pytest.approx(expected, rel=1e-3)
    theirs = Theirs(2, reg_covar=0, random_state=0).fit(x)
    assert np.sort(np.diagonal(theirs.covariances_, axis1=1, axis2=2).ravel()) == pytest.approx(expected, rel=1e-3)
    for model in (Mixture(Gaussian("full", floor=0), 2), HMM(Gaussian("full", floor=0), 2)):
        fit = unseen.fit(model, x, seed=0, restarts=4)
        found = np.diagonal(fit.params["covariances"], axis1=1, axis2=2)
        assert fit.converged and np.sort(found.ravel()) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize("seed", range(3))
def test_no_start_with_an_empty_component_wins_over_one_without(seed, form):
    points = np.repeat(np.random.default_rng(seed).normal(size=(3, 2)), 20, axis=0)
    fit = unseen.fit(Mixture(Gaussian(form), 3), points, seed=0)
    assert fit.params["weights"] == pytest.approx(np.full(3, 1 / 3), abs=0.01)
    assert not any("empty" in event for event in fit.params.events)


@pytest.mark.parametrize("seed", [1, 3, 6, 10])
def test_a_start_that_collapses_does_not_end_the_fit(seed):
    rng = np.random.default_rng(seed)
    x = np.r_[rng.normal(0, 1, (25, 2)), rng.normal(4, 1, (15, 2))]
    fit = unseen.fit(Mixture(Gaussian("full", floor=0), 4), x, seed=0)
    assert any(r["outcome"] == "failed" for r in fit.restarts) and fit.converged
    assert np.linalg.eigvalsh(fit.params["covariances"]).min() > 1e-6
