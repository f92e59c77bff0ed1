"""Row weights count copies: all of them times one number move no maximum."""

from __future__ import annotations

import importlib

import numpy as np
import pytest

import unseen
from unseen import (
    HMM,
    Bernoulli,
    Categorical,
    FactorAnalysis,
    Gaussian,
    LogisticExperts,
    MaxIterations,
    Mixture,
    Poisson,
    Product,
    StudentT,
)
from unseen.core.stats import Stats
from unseen.sklearn import GaussianMixture

RNG = np.random.default_rng(0)
GROUP = RNG.random(100) < 0.4
X = RNG.normal(0, 1, (100, 3)) + 5 * GROUP[:, None]
TABLE = {
    "count": RNG.poisson(2 + 9 * GROUP),
    "yes": RNG.random(100) < 0.2 + 0.6 * GROUP,
    "colour": np.array(["red", "green", "blue"])[np.minimum(RNG.poisson(0.3 + GROUP), 2)],
}
CASES = {
    "full": (Mixture(Gaussian("full"), 2), X),
    "diagonal": (Mixture(Gaussian("diagonal"), 2), X),
    "tied": (Mixture(Gaussian("spherical", tied=True), 2), X),
    "t": (Mixture(StudentT(), 2), X),
    "discrete": (Mixture(Product(count=Poisson(), yes=Bernoulli(), colour=Categorical()), 2), TABLE),
    "factors": (FactorAnalysis(1, noise="isotropic"), X),
    "experts": (LogisticExperts(2, target="yes"), {"x": X[:, 0], "yes": TABLE["yes"]}),
}


@pytest.mark.parametrize("power", [-1000, -40, 40, 600])
@pytest.mark.parametrize("case", CASES)
def test_a_power_of_two_for_all_row_weights_changes_no_bit(case, power):
    model, data = CASES[case]
    weights = np.random.default_rng(1).integers(1, 4, 100) / 2
    fits = [
        unseen.fit(model, data, weights=scale * weights, seed=0, restarts=3, stop=MaxIterations(8))
        for scale in (1.0, 2.0**power)
    ]
    for name, value in fits[0].params.items():
        assert np.array_equal(fits[1].params[name], value), name
    assert fits[1].params.events == fits[0].params.events
    assert fits[1].loglik == 2.0**power * fits[0].loglik


@pytest.mark.parametrize("scale", [1e-300, 1e-12, 1e-10, 1e10, 1e200])
@pytest.mark.parametrize("kind", ["full", "tied", "diag", "spherical"])
def test_the_drop_in_finds_the_groups_in_any_unit_of_weight(kind, scale):
    settings = {"n_components": 2, "covariance_type": kind, "random_state": 0}
    one = GaussianMixture(**settings).fit(X, sample_weight=np.ones(100))
    other = GaussianMixture(**settings).fit(X, sample_weight=np.full(100, scale))
    assert other.converged_ and np.ptp(other.means_[:, 0]) > 4
    assert other.means_ == pytest.approx(one.means_, rel=1e-9)
    assert other.covariances_ == pytest.approx(one.covariances_, rel=1e-9)


def test_sequences_without_weights_have_sums_in_a_unit_all_the_same():
    fit = unseen.fit(HMM(Gaussian("diagonal"), 2), X, seed=0, restarts=2)
    assert fit.converged and np.ptp(fit.params["means"][:, 0]) > 4


def test_the_unit_is_a_power_of_two_and_of_nothing_there_is_none():
    stats = Stats({"a": np.array([3.0, 0.1])}, 5, 1e-5, -2.0, {"zero density": 1})
    same = stats.in_unit()
    assert 512 <= same.weight < 1024 and np.frexp(same.weight / stats.weight)[0] == 0.5
    assert np.array_equal(same.sums["a"] / same.weight, stats.sums["a"] / stats.weight)
    assert same.loglik / same.weight == stats.loglik / stats.weight
    assert (same.units, same.counts) == (stats.units, stats.counts)
    for weight in (0.0, np.inf, np.nan):
        assert Stats({}, 0, weight).in_unit().weight is weight


@pytest.mark.parametrize("family", ["bernoulli", "beta", "gamma", "mixture", "log_normal", "zero_inflated"])
def test_every_family_races_and_searches_in_any_unit_of_weight(family):
    room = "models" if family == "mixture" else "families"
    e = importlib.import_module(f"unseen.{room}.{family}").example()
    options = {k: v for k, v in e.options.items() if k not in ("restarts", "tol", "max_iterations", "weights")}
    rows = len(next(iter(e.data.values())))
    drop = {e.options.get("weights")}
    data = {n: c for n, c in e.data.items() if n not in drop}
    for scale in (1e-12, 1e-200):
        fits = [
            unseen.fit(e.model, data, weights=np.full(rows, w), restarts=3, seed=0, max_iterations=40, **options)
            for w in (1.0, scale)
        ]
        assert fits[1].outcome.name == fits[0].outcome.name
        assert fits[1].loglik == pytest.approx(scale * fits[0].loglik, rel=1e-6)
    found = [
        unseen.select(
            e.model, data, range(1, 4), "heldout", weights=np.full(rows, w), restarts=2, max_iterations=20, **options
        )
        for w in (1.0, 1e-12)
    ]
    assert found[0].model.components == found[1].model.components
    assert [r["outcome"] for r in found[0].search] == [r["outcome"] for r in found[1].search]
