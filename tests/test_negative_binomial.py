"""Negative binomial counts: published fits, SciPy, counts past the histogram, the Poisson limit, bad columns."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

import unseen
from tests.families_case import bind
from unseen import DataError, Mixture, ModelError, NegativeBinomial, Params, Poisson
from unseen.core.block import Cells
from unseen.numerics.negative_binomial import LONGEST, SizeEquation


def draw(rng: np.random.Generator, mean: Any, size: Any, n: Any) -> np.ndarray:
    return rng.poisson(rng.gamma(size, mean / np.asarray(size, float), n))


def log_pmf(x: Any, mean: Any, size: Any) -> np.ndarray:
    return stats.nbinom.logpmf(x, size, size / (size + mean))


def best_size(x: np.ndarray, weights: np.ndarray | None = None) -> float:
    """The maximum in r at the weighted mean, by SciPy."""
    w = np.ones(len(x)) if weights is None else weights
    mean = w @ x / w.sum()

    def slope(s: float) -> float:
        r = np.exp(s)
        return float(w @ (special.digamma(x + r) - special.digamma(r)) - w.sum() * np.log1p(mean / r))

    return float(np.exp(optimize.brentq(slope, -9, 15, xtol=1e-13)))


# ---- known answers


def test_red_mites_on_apple_leaves() -> None:
    """Bliss & Fisher (1953) print 1.1467 and 1.0246."""
    x = np.repeat(np.arange(8), [70, 38, 17, 10, 9, 3, 2, 1])
    r = unseen.fit(Mixture(NegativeBinomial(), 1), {"mites": x}, tol=1e-13)
    assert r.params["means"].item() == pytest.approx(1.1467, abs=5e-5)
    assert r.params["sizes"].item() == pytest.approx(1.0246, abs=5e-5)
    assert r.params["sizes"].item() == pytest.approx(best_size(x), rel=1e-9)
    assert r.loglik == pytest.approx(log_pmf(x, x.mean(), best_size(x)).sum(), rel=1e-12)


def test_density_is_that_of_scipy_on_either_side_of_the_histogram() -> None:
    x = np.array([0.0, 1, 7, LONGEST - 1, LONGEST, LONGEST + 1, 5000, 100_000])
    family, block = bind(NegativeBinomial(), {"n": x})
    means, sizes = np.geomspace(1e-3, 3e4, 7), np.geomspace(1e-3, 1e5, 7)
    params = Params(means=np.repeat(means, 7)[:, None], sizes=np.tile(sizes, 7)[:, None])
    density, _ = family.evaluate(family.prepare(params), block.cells)
    expected = log_pmf(x, params["means"], params["sizes"])
    # SciPy goes by the probability size / (size + mean): one rounding of it moves x log(1 - p) by eps (mean + size) x
    slack = np.finfo(float).eps * 50 * (1 + x) * (1 + params["sizes"] / params["means"])
    assert (np.abs(density - expected) <= 1e-9 * np.abs(expected) + slack).all()


def test_a_large_size_is_the_poisson_distribution_and_loses_no_digits() -> None:
    x = np.array([0.0, 1, 5, 40, 2000, 2100])
    family, block = bind(NegativeBinomial(), {"n": x})
    params = Params(means=[[3.0], [2050.0]], sizes=[[1e13], [1e15]])
    density, _ = family.evaluate(family.prepare(params), block.cells)
    np.testing.assert_allclose(density, stats.poisson.logpmf(x, params["means"]), rtol=2e-9)


@pytest.mark.parametrize(
    ("mean", "size"), [(1, 0.5), (3, 20), (900, 3), (1000, 50), (5000, 2), (5000, 500), (2000, 0.1)]
)
def test_one_component_has_the_maximum_that_a_root_finder_has(mean: float, size: float) -> None:
    """Below, across and past the histogram's end."""
    x = draw(np.random.default_rng(1), mean, size, 3000).astype(float)
    r = unseen.fit(Mixture(NegativeBinomial(), 1), {"n": x}, tol=1e-13, max_iterations=2000)
    assert r.params["means"].item() == pytest.approx(x.mean(), rel=1e-12)
    assert r.params["sizes"].item() == pytest.approx(best_size(x), rel=1e-4)
    assert r.loglik == pytest.approx(log_pmf(x, x.mean(), best_size(x)).sum(), abs=1e-5)


# ---- fits


@pytest.mark.parametrize("scale", [1, 400], ids=["histogram", "tail"])
def test_two_components_are_found_again(scale: int) -> None:
    """Within five standard errors of complete data, at a distance where few rows are in doubt."""
    rng, n = np.random.default_rng(5), 6000
    group = rng.random(n) < 0.4
    means, sizes = np.array([[2.0, 30.0], [25.0, 6.0]]) * scale, np.array([[3.0, 8.0], [6.0, 2.0]])
    x = np.where(group, *(draw(rng, m[:, None], s[:, None], (2, n)) for m, s in zip(means, sizes, strict=True)))
    r = unseen.fit(Mixture(NegativeBinomial(), 2), {"a": x[0], "b": x[1]}, restarts=3, tol=1e-10)
    order = np.argsort(r.params["means"][:, 0])
    rows = np.array([[group.sum()], [(~group).sum()]])
    error = np.sqrt((means + means**2 / sizes) / rows)
    assert (np.abs(r.params["means"][order] - means) < 5 * error).all()
    # at large means a gamma's shape: variance 1 / (n (trigamma(r) - 1 / r)); small counts tell less, at most 3 times
    error = 3 / np.sqrt(rows * (special.polygamma(1, sizes) - 1 / sizes))
    assert (np.abs(r.params["sizes"][order] - sizes) < 5 * error).all()
    assert min(record.change for record in r.trace[1:]) > -1e-10


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10**6), mean=st.floats(0.1, 4000), size=st.floats(0.05, 300), prior=st.booleans())
def test_every_m_step_raises_the_objective(seed: int, mean: float, size: float, prior: bool) -> None:
    rng = np.random.default_rng(seed)
    x = draw(rng, mean * rng.choice([1, 0.2], 40), size, 40).astype(float)
    x[0] = x[1] + 1
    family, block = bind(NegativeBinomial(), {"n": x})
    params = Params(
        means=rng.uniform(0.3, 3, (2, 1)) * (x.mean() + 0.1), sizes=np.exp(rng.normal(0, 2, (2, 1)) + np.log(size))
    )
    pseudo = family.prior(2.0, 2) if prior else {}

    def objective(p: Params, r: np.ndarray) -> float:
        density, _ = family.evaluate(family.prepare(p), block.cells)
        return float((r * density).sum()) + (family.log_prior(p, pseudo) if prior else 0)

    r = rng.dirichlet([0.5, 0.5], len(x)).T
    for _ in range(4):
        _, collect = family.evaluate(family.prepare(params), block.cells)
        new = family.moments({**collect(r), **pseudo}, params)
        before, after = objective(params, r), objective(new, r)
        assert after >= before - 1e-11 * (1 + abs(before))
        params = new


def test_underdispersed_counts_meet_the_poisson_limit() -> None:
    x = np.repeat([1, 2, 3], [20, 60, 20])
    r = unseen.fit(Mixture(NegativeBinomial(), 1), {"n": x})
    assert r.params.events == {"poisson limit": 1}
    poisson = unseen.fit(Mixture(Poisson(), 1), {"n": x})
    # to first order in 1 / r the log-likelihood falls by n (mean - variance) / (2 r)
    assert poisson.loglik - r.loglik == pytest.approx(100 * (2 - 0.4) / (2 * r.params["sizes"].item()), rel=0.01)
    assert r.model.size(r.params) == 2


def test_a_component_of_zeros_keeps_its_size_and_meets_the_rate_floor() -> None:
    x = np.array([0] * 20 + [29, 30, 31] * 7)
    r = unseen.fit(Mixture(NegativeBinomial(), 2), {"n": x}, max_iterations=200)
    assert r.params.events == {"poisson limit": 1, "rate floor": 1}
    assert r.params["means"].min() == pytest.approx(1e-6 * x.mean())


# ---- rows


def test_missing_cells_are_left_out_and_weights_are_copies() -> None:
    rng = np.random.default_rng(2)
    x = np.array([draw(rng, 4, 1.5, 200), draw(rng, 1500, 3, 200)]).astype(float)
    x[rng.random((2, 200)) < 0.3] = np.nan
    w = rng.integers(0, 4, 200)
    r = unseen.fit(Mixture(NegativeBinomial(), 1), {"a": x[0], "b": x[1]}, weights=w, tol=1e-14)
    for j in range(2):
        seen = ~np.isnan(x[j])
        assert r.params["means"][0, j] == pytest.approx(np.average(x[j, seen], weights=w[seen]), rel=1e-12)
        assert r.params["sizes"][0, j] == pytest.approx(best_size(x[j, seen], w[seen].astype(float)), rel=1e-5)


def test_completions_are_means_and_draws_spread_as_they_should() -> None:
    family, _ = bind(NegativeBinomial(), {"n": np.arange(10)})
    params = Params(means=[[2.0], [40.0]], sizes=[[0.7], [5.0]])
    n = 20_000
    cells = [Cells(np.zeros((1, n)), np.zeros((1, n), bool))]
    r = np.tile([[0.25], [0.75]], n)
    np.testing.assert_allclose(family.mean(params, cells, r)[0], 30.5)
    states = np.arange(n) % 2
    drawn = family.draw(params, cells, states, np.random.default_rng(0))[0][0]
    for k, (m, s) in enumerate([(2.0, 0.7), (40.0, 5.0)]):
        found = np.bincount(drawn[states == k].astype(int), minlength=400)
        expected = np.exp(log_pmf(np.arange(len(found)), m, s)) * n / 2
        enough = expected > 8
        counts = (
            np.append(found[enough], found[~enough].sum()),
            np.append(expected[enough], n / 2 - expected[enough].sum()),
        )
        assert stats.chisquare(*counts).pvalue > 0.001


def test_what_is_no_count_has_probability_zero() -> None:
    family, _ = bind(NegativeBinomial(), {"n": np.arange(10)})
    cells = [Cells(np.array([[-1.0, 0.5, 3.0, 2000.5, -1.0]]), np.array([[True, True, True, True, False]]))]
    density, collect = family.evaluate(family.prepare(family.vague(2)), cells)
    assert (density[:, [0, 1, 3]] == -np.inf).all()
    assert np.isfinite(density[:, [2, 4]]).all()
    assert collect(np.ones((2, 5)))["histogram"].sum() == 2


def test_profiles_say_mean_spread_and_size() -> None:
    family, _ = bind(NegativeBinomial(), {"n": np.arange(10)})
    told = family.describe(Params(means=[[2.0]], sizes=[[4.0]]))
    assert told == [{"column": "n", "family": "negative_binomial", "mean": [2.0], "sd": [np.sqrt(3)], "size": [4.0]}]


def test_the_slope_is_the_derivative_of_the_likelihood() -> None:
    x, w = np.arange(6.0), np.array([[5.0, 3, 0, 2, 1, 1]])
    exceed = w[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]
    points, shares, pseudo = np.array([0.5, 4.0]), np.array([0.75, 0.25]), np.array([2.0])
    below = np.array([[[w.sum(), (w @ x).item()]]])
    equation = SizeEquation(
        [5], exceed, below, np.zeros((1, 1, 3)), pseudo[None], points[None], shares[None], *np.array([[[1.7]], [[1.0]]])
    )

    def value(r: float) -> float:
        odd = log_pmf_any(points, 1.7, r)
        return float((w @ log_pmf(x, 1.7, r)).item() + pseudo.item() * shares @ odd)

    def log_pmf_any(y: np.ndarray, m: float, r: float) -> np.ndarray:
        return special.gammaln(y + r) - special.gammaln(r) - r * np.log1p(m / r) + y * np.log(m / (m + r))

    for r in (0.2, 1.0, 7.0):
        h = 1e-5 * r
        slope, curvature = equation.slope(np.array([[r]]))
        assert slope.item() == pytest.approx((value(r + h) - value(r - h)) / (2 * h), rel=1e-6)
        ahead, behind = (equation.slope(np.array([[r + e]]))[0].item() for e in (h, -h))
        assert curvature.item() == pytest.approx((ahead - behind) / (2 * h), rel=1e-6)


# ---- columns that do not suit


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (np.array([1, -1, 2]), "negative numbers in 1 of 3 rows"),
        (np.array([1.0, 2.5, 3.5]), "fractions in 2 rows"),
        (np.array([0, 0, 0]), "constant"),
        (np.array(["a", "b", "c"]), "text, not counts"),
    ],
)
def test_unsuitable_columns_are_named_in_a_sentence(column: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=f"'speed'.*{sentence}"):
        unseen.fit(Mixture(NegativeBinomial(), 1), {"speed": column})


def test_a_floor_is_a_share() -> None:
    for wrong in (0, 1, -1):
        with pytest.raises(ModelError, match="floor is a share"):
            NegativeBinomial(floor=wrong)
