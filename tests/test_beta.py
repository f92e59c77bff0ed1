"""Beta: SciPy's densities and maxima, floors on a grid, and columns it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special, stats

import unseen
from tests.families_case import bind, wander
from unseen import Beta, DataError, Mixture, ModelError, Params
from unseen.algorithms.batch import Batch
from unseen.core.block import Cells
from unseen.core.stop import MaxIterations
from unseen.loop import run
from unseen.numerics.shapes import beta_estimates, beta_shapes, log_less_digamma, stirling
from unseen.problem import pose
from unseen.sources.arrays import Arrays


def table(holes: float = 0.0, rows: int = 80) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 2, rows)
    x = 100 * np.array([rng.beta(2 + 3 * group, 4), rng.beta(0.7 + group, 0.9)])
    x[rng.random(x.shape) < holes] = np.nan
    return dict(zip("ab", x, strict=True))


def means_of_logs(a: Any, b: Any) -> tuple[Any, Any]:
    total = a + b
    return (
        np.log(a / total) - log_less_digamma(a) + log_less_digamma(total),
        np.log(b / total) - log_less_digamma(b) + log_less_digamma(total),
    )


# ---- known answers


def test_shapes_solve_their_equations() -> None:
    a, b = (grid.ravel() for grid in np.meshgrid(np.geomspace(0.01, 1e5, 40), np.geomspace(0.01, 1e5, 40)))
    g, q = means_of_logs(a, b)
    np.testing.assert_allclose(g, special.digamma(a) - special.digamma(a + b), rtol=1e-6, atol=1e-9)
    for got, expected in zip(beta_shapes(g, q), (a, b), strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-6)


def test_rows_that_are_all_equal_keep_their_mean() -> None:
    a, b = beta_shapes(np.log(np.array([0.3, 1e-4])), np.log1p(-np.array([0.3, 1e-4])))
    np.testing.assert_allclose(a / (a + b), [0.3, 1e-4], rtol=1e-4)
    assert (a + b > 1e6).all()


@pytest.mark.parametrize("shapes", [(0.4, 0.5), (2.0, 9.0), (3e4, 1e4)])
@pytest.mark.parametrize("upper", [1.0, 100.0])
def test_one_component_is_scipys_fit(shapes: tuple[float, float], upper: float) -> None:
    x = upper * np.random.default_rng(2).beta(*shapes, 60)
    result = unseen.fit(Mixture(Beta(upper=upper), 1), {"x": x})

    def minus(logs: np.ndarray) -> float:
        return -float(stats.beta(*np.exp(logs), scale=upper).logpdf(x).sum())

    best = optimize.minimize(minus, np.log(shapes), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-10})
    got = np.array([result.params["alphas"][0, 0], result.params["betas"][0, 0]])
    np.testing.assert_allclose(got, np.exp(best.x), rtol=1e-3)
    assert result.loglik == pytest.approx(-best.fun, abs=1e-5)


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("narrow", [1.0, 3e6])
def test_the_density_is_scipys_by_either_path(holes: float, narrow: float) -> None:
    family, block = bind(Beta(upper=100), table(holes))
    params = wander(family, block)
    params = Params({name: values * narrow for name, values in params.items()})
    density, _ = family.evaluate(family.prepare(params), block.cells)
    x, seen = block.cells[0].values / 100, block.cells[0].observed
    x = np.where(x > 0, x, 0.5)
    for k in range(2):
        a, b = params["alphas"][k][:, None], params["betas"][k][:, None]
        if narrow == 1:
            terms = stats.beta(a, b).logpdf(x)
        else:  # SciPy's own logpdf loses digits of large shapes
            n = a + b
            apart = special.rel_entr(a / n, x) + special.rel_entr(b / n, 1 - x)
            terms = stirling(a) + stirling(b) - stirling(n) - n * apart - np.log(x * (1 - x))
        terms = terms - np.log(100)
        expected = (terms if seen is None else np.where(seen, terms, 0)).sum(axis=0)
        np.testing.assert_allclose(density[k], expected, rtol=1e-9, atol=1e-8)


def test_two_components_are_found_again() -> None:
    rng = np.random.default_rng(4)
    group = rng.random(8000) < 0.4
    x = np.where(group, rng.beta(3, 12, 8000), rng.beta(20, 8, 8000))
    result = unseen.fit(Mixture(Beta(), 2), {"x": x}, seed=0)
    order = np.argsort(result.params["alphas"][:, 0])
    assert result.params["alphas"][order, 0] == pytest.approx([3.0, 20.0], rel=0.12)
    assert result.params["betas"][order, 0] == pytest.approx([12.0, 8.0], rel=0.12)
    assert result.params["weights"][order] == pytest.approx([0.4, 0.6], abs=0.025)


# ---- grids


@settings(max_examples=60, deadline=None)
@given(st.floats(0.1, 0.9), st.floats(1.5, 9), st.sampled_from([0.1, 0.01, 0.0]))
def test_the_best_of_what_is_allowed(mean: float, power: float, step: float) -> None:
    least, most, one = step**2 / (2 * np.pi), 1e4, np.ones(1)
    g, q = means_of_logs(mean * 10**power * one, (1 - mean) * 10**power * one)

    def minus(m: float) -> float:
        n = most if not step else min(m * (1 - m) / least - 1, most)
        a, b = np.array(m * n), np.array((1 - m) * n)
        at = stirling(a) + stirling(b) - stirling(a + b) + a * (g[0] - np.log(m)) + b * (q[0] - np.log(1 - m))
        return -float(at)

    a, b = beta_estimates(g, q, one * least, one * most)
    n, m = a + b, a / (a + b)
    assert n[0] <= most * (1 + 1e-9) and least * (n[0] + 1) <= (m * (1 - m))[0] * (1 + 1e-9)
    border = optimize.minimize_scalar(minus, bounds=(0.05, 0.95), method="bounded", options={"xatol": 1e-12})
    got = stirling(a) + stirling(b) - stirling(n) + a * (g - np.log(m)) + b * (q - np.log(1 - m))
    assert -got[0] <= border.fun + 1e-8 * (1 + abs(border.fun))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([20, 100, 1000]))
def test_the_likelihood_never_falls_on_coarse_grids(seed: int, cells: int) -> None:
    rng = np.random.default_rng(seed)
    atoms = rng.integers(1, cells, 3) / cells
    x = np.where(rng.random((2, 60)) < 0.6, rng.choice(atoms, (2, 60)), rng.integers(1, cells, (2, 60)) / cells)
    x[rng.random(x.shape) < 0.1] = np.nan
    problem = pose(Mixture(Beta(), 3), Arrays({"a": x[0], "b": x[1]}))
    block = problem.encoding.encode(problem.source.read(problem.source.manifest()[0], problem.encoding.columns()))
    params = problem.model.maximize(problem.model.collect(rng.dirichlet(np.ones(3) / 5, block.rows).T, block), None)
    for prior in (None, problem.model.prior(1.0)):
        done = run(problem.model, problem.engine, params, Batch(), MaxIterations(40), prior)
        gains = np.diff([record.objective for record in done.trace])
        assert (gains >= -1e-10 * (1 + abs(done.trace[-1].objective))).all(), gains.min()


@pytest.mark.parametrize("value", [1, 2, 50, 99])
def test_a_constant_component_on_a_grid_is_bounded_and_a_finding(value: int) -> None:
    x = np.r_[np.full(400, value), np.random.default_rng(6).integers(1, 100, 400)].astype(float)
    result = unseen.fit(Mixture(Beta(upper=100), 2), {"x": x}, seed=0, restarts=3)
    family = result.model.family
    narrow = int(np.argmax(result.params["alphas"] + result.params["betas"]))
    assert [(f.component, f.column, f.kind) for f in family.floors(result.params)] == [(narrow, "x", "grid")]
    assert result.params.events == {"grid floor": 1}
    cells = [Cells(np.arange(1.0, 100)[None])]
    density, _ = family.evaluate(family.prepare(result.params), cells)
    assert np.exp(density[narrow] + family.volume(cells)).max() <= 1.06


def test_off_the_grid_a_component_on_one_value_is_singular() -> None:
    x = np.r_[np.full(40, 1 / np.pi), np.random.default_rng(8).beta(2, 5, 40)]
    family, block = bind(Beta(), {"x": x})
    _, collect = family.evaluate(family.prepare(family.vague(2)), block.cells)
    params = family.moments(collect(np.array([np.arange(80) < 40, np.arange(80) >= 40], float)), None)
    assert params.events == {"variance floor": 1} and family.ungridded == ("x",)
    assert [(f.component, f.kind) for f in family.floors(params)] == [(0, "variance")]
    assert params["alphas"][0, 0] / (params["alphas"] + params["betas"])[0, 0] == pytest.approx(1 / np.pi, rel=1e-5)


# ---- with other parts


def test_holes_weights_labels_chains_and_files(tmp_path: Any) -> None:
    data = table(0.2, 120)
    labels = np.where(np.arange(120) < 20, np.arange(120) % 2, np.nan)
    for model, extra in (
        (Mixture(Beta(upper=100), 2), {"labels": labels, "weights": np.arange(120) % 3 + 1.0}),
        (unseen.HMM(unseen.Product(a=Beta(upper=100), b=unseen.Gamma()), 2), {}),
    ):
        result = unseen.fit(model, data, seed=0, restarts=2, **extra)
        again = unseen.load(result.save(tmp_path / type(model).__name__))
        np.testing.assert_array_equal(again.log_prob(data), result.log_prob(data))
        assert all(np.isfinite(np.asarray(result.impute(data)[c], float)).all() for c in data)
        drawn = result.sample(50)["a"]
        assert ((drawn > 0) & (drawn < 100)).all()


def test_draws_are_beta_and_bounds_are_impossible() -> None:
    family, _ = bind(Beta(upper=10), {"x": np.array([1.0, 2.0, 4.0])})
    params = Params(alphas=[[3.0]], betas=[[2.0]])
    n = 20_000
    hidden = Cells(np.zeros((1, n)), np.zeros((1, n), bool))
    drawn = family.draw(params, [hidden], np.zeros(n, int), np.random.default_rng(0))[0][0]
    assert stats.kstest(drawn / 10, stats.beta(3, 2).cdf).pvalue > 0.01
    told = family.describe(params)[0]
    assert told["mean"] == pytest.approx([6.0]) and told["sd"] == pytest.approx([2.0])
    density, _ = family.evaluate(family.prepare(params), [Cells(np.array([[0.0, 10.0, 1.0, 12.0]]))])
    assert np.isneginf(density[0]).tolist() == [True, True, False, True]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([0.0, 1.0, 0.3, 0.25], "is at a bound in 2 of 4 rows, and .*Hurdle"),
        ([-1.0, 0.5, 0.4, 0.2], "is outside in 1 of 4 rows, and .*Gaussian or StudentT"),
        ([50.0, 0.5, 0.4, 0.2], "is outside in 1 of 4 rows, and .*upper="),
        ([0.2, 0.2, 0.2], "constant"),
        (np.array(["a", "b", "a"], object), "text"),
    ],
)
def test_columns_that_are_no_proportions_are_refused(data: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        unseen.fit(Mixture(Beta(), 1), {"x": np.array(data)})


def test_options_are_checked() -> None:
    with pytest.raises(ModelError, match="share"):
        Beta(floor=1)
    with pytest.raises(ModelError, match="percentages"):
        Beta(upper=0)
