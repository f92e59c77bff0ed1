"""Warnings that are true of the fit at hand, and numbers as people print them."""

import numpy as np
import pytest

import unseen
from unseen import HMM, Bernoulli, Categorical, FactorAnalysis, Gaussian, Mixture, Params, Poisson, Product, StudentT
from unseen.summary.words import mean_and_sd, number

RNG = np.random.default_rng(0)
X = np.concatenate([RNG.normal(0, 1, (60, 2)), RNG.normal(6, 1, (40, 2))])


def told(result, word):
    return [w for w in result.warnings if word in w]


def test_components_that_coincide_are_told():
    one = {"weights": [0.3, 0.3, 0.4], "means": [[0.0, 0], [0.001, 0], [6, 6]], "covariances": [np.eye(2)] * 3}
    fit = unseen.fit(Mixture(Gaussian("full"), 3), X, start=Params(one), max_iterations=1)
    same = fit.params["means"].copy()
    assert told(fit, "coincide") == [
        "Components 0 and 1 coincide: they look the same in every column, so fewer components would say as much."
    ], same
    apart = unseen.fit(Mixture(Gaussian("full"), 2), X, seed=0, restarts=2)
    assert not told(apart, "coincide")


@pytest.mark.parametrize(
    "family, data",
    [
        (Bernoulli(), {"b": RNG.random(200) < 0.4}),
        (Categorical(), {"c": np.array(list("abc"))[RNG.integers(0, 3, 200)]}),
        (Poisson(), {"n": RNG.poisson(7, 200)}),
        (StudentT(), {"t": RNG.normal(1e6, 1, 200)}),
        (Gaussian("diagonal"), {"t": RNG.normal(1e6, 1, 200), "u": RNG.normal(0, 1e-3, 200)}),
        (Product(n=Poisson(), x=Gaussian()), {"n": RNG.poisson(7, 200), "x": RNG.normal(size=200)}),
    ],
    ids=lambda v: type(v).__name__,
)
def test_they_are_told_in_every_family(family, data):
    single = unseen.fit(Mixture(family, 1), data, seed=0)
    params = {"weights": np.array([0.5, 0.5])}
    for name, values in single.params.items():
        if name != "weights":
            params[name] = np.repeat(values, 2, axis=0)
    fit = unseen.fit(Mixture(family, 2), data, start=Params(params), max_iterations=2)
    assert told(fit, "coincide")


def test_components_of_a_sequence_are_states():
    counts = RNG.poisson(7, 150)
    start = Params(start=[0.5, 0.5], transitions=[[0.5, 0.5], [0.5, 0.5]], rates=[[7.0], [7.0]])
    fit = unseen.fit(HMM(Poisson(), 2), counts, start=start, max_iterations=2)
    assert told(fit, "States 0 and 1 coincide")


def test_components_that_differ_in_correlation_alone_do_not_coincide():
    a = RNG.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], 300)
    b = a * [1, -1]
    start = {
        "weights": [0.5, 0.5],
        "means": np.zeros((2, 2)),
        "covariances": [[[1, 0.9], [0.9, 1]], [[1, -0.9], [-0.9, 1]]],
    }
    fit = unseen.fit(Mixture(Gaussian("full"), 2), np.concatenate([a, b]), start=Params(start))
    assert not told(fit, "coincide")


def test_a_heywood_case_is_told_as_one():
    z = RNG.normal(size=100)
    x = np.c_[z, z + 0.3 * RNG.normal(size=100), 0.5 * z + RNG.normal(size=100), RNG.normal(size=100)]
    fit = unseen.fit(FactorAnalysis(1), x)
    assert fit.params.events == {"noise floor": 1}
    (heywood,) = told(fit, "Heywood")
    assert heywood.startswith("Column 'x0' rests on its noise floor") and "fewer factors" in heywood
    assert not told(fit, "tied") and not told(fit, "component")


def test_cures_are_those_that_the_model_has():
    twin = np.c_[X[:, 0], X[:, 0] + 1e-9 * RNG.normal(size=100), RNG.normal(size=100)]
    (floor,) = told(unseen.fit(Mixture(Gaussian("factors", factors=1), 1), twin), "variance floor")
    assert "fewer factors" in floor and "tied" not in floor and "fewer components" not in floor
    lumps = np.repeat(RNG.normal(size=(3, 2)) * np.pi, 2, axis=0)
    fit = unseen.fit(Mixture(Gaussian("full", tied=True), 2), np.r_[lumps, X], seed=0, restarts=3)
    assert not told(fit, "or a tied covariance")


def test_the_mean_largest_responsibility_is_exact():
    far = np.r_[RNG.normal(0, 1, 100), RNG.normal(100, 1, 100)]
    fit = unseen.fit(Mixture(Gaussian(), 2), far, seed=0, restarts=2)
    assert fit.certainty == pytest.approx(1.0, abs=1e-12) and "1.00 on average" in fit.summary()
    assert "-0" not in fit.summary().split("Components")[0].split("entropy")[1]
    hmm = unseen.fit(HMM(Gaussian(), 2), far, seed=0, restarts=2)
    assert hmm.certainty == pytest.approx(hmm.responsibilities(far).max(axis=1).mean())
    halves = Params(weights=[0.5, 0.5], means=[[0.0], [0.0]], covariances=[[[1.0]], [[1.0]]])
    assert unseen.fit(Mixture(Gaussian(), 2), X[:, :1], start=halves, max_iterations=1).certainty == pytest.approx(0.5)


def test_nothing_is_printed_as_minus_nothing():
    assert number(-0.0) == "0.000" and mean_and_sd(-0.001, 5.0) == "0.0 ± 5.0"
    assert mean_and_sd(-1.26, 5.0) == "-1.3 ± 5.0"
