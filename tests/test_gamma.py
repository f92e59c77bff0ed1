"""Gamma: SciPy's densities and maxima, floors on a grid, and columns it refuses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, stats

import unseen
from tests.families_case import bind, wander
from unseen import DataError, Gamma, Mixture, ModelError, Params
from unseen.algorithms.batch import Batch
from unseen.core.block import Cells
from unseen.core.stop import MaxIterations
from unseen.loop import run
from unseen.numerics.shapes import gamma_estimates, gamma_shape, log_less_digamma, stirling
from unseen.problem import pose
from unseen.sources.arrays import Arrays


def table(holes: float = 0.0, rows: int = 80) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(1)
    group = rng.integers(0, 2, rows)
    x = np.array([rng.gamma(2 + 3 * group, 4), rng.gamma(0.5 + group, 100)])
    x[rng.random(x.shape) < holes] = np.nan
    return dict(zip("ab", x, strict=True))


# ---- known answers


def test_shapes_solve_their_equation() -> None:
    a = np.geomspace(1e-3, 1e7, 200)
    np.testing.assert_allclose(gamma_shape(log_less_digamma(a)), a, rtol=1e-9)
    np.testing.assert_allclose(gamma_shape(np.zeros(3)), 1e10, rtol=1e-6)


@pytest.mark.parametrize("shape", [0.3, 1.0, 7.0, 4e5])
def test_one_component_is_scipys_fit(shape: float) -> None:
    x = np.random.default_rng(2).gamma(shape, 3.0, 40)
    result = unseen.fit(Mixture(Gamma(), 1), {"x": x})
    a, _, scale = stats.gamma.fit(x, floc=0)
    assert result.params["means"] == pytest.approx(np.array([[x.mean()]]), rel=1e-10)
    assert result.params["shapes"] == pytest.approx(np.array([[a]]), rel=1e-4)
    assert result.loglik >= stats.gamma(a, scale=scale).logpdf(x).sum() - 1e-5


@pytest.mark.parametrize("holes", [0.0, 0.3])
@pytest.mark.parametrize("narrow", [1.0, 3e6])
def test_the_density_is_scipys_by_either_path(holes: float, narrow: float) -> None:
    family, block = bind(Gamma(), table(holes))
    params = wander(family, block)
    params = Params(means=params["means"], shapes=params["shapes"] * narrow)
    density, _ = family.evaluate(family.prepare(params), block.cells)
    x, seen = block.cells[0].values, block.cells[0].observed
    for k in range(2):
        mean, a = params["means"][k][:, None], params["shapes"][k][:, None]
        # SciPy's own logpdf loses digits of large shapes
        exact = (
            a * (np.log(x / mean, where=x > 0, out=np.zeros_like(x)) - x / mean + 1)
            + stirling(a)
            - np.log(x, where=x > 0, out=np.zeros_like(x))
        )
        terms = stats.gamma(a, scale=mean / a).logpdf(x) if narrow == 1 else exact
        expected = (terms if seen is None else np.where(seen, terms, 0)).sum(axis=0)
        np.testing.assert_allclose(density[k], expected, rtol=1e-9, atol=1e-8)


def test_two_components_are_found_again() -> None:
    rng = np.random.default_rng(4)
    group = rng.random(8000) < 0.4
    x = np.where(group, rng.gamma(9.0, 1 / 3, 8000), rng.gamma(20.0, 1.0, 8000))
    result = unseen.fit(Mixture(Gamma(), 2), {"x": x}, seed=0)
    order = np.argsort(result.params["means"][:, 0])
    assert result.params["means"][order, 0] == pytest.approx([3.0, 20.0], rel=0.03)
    assert result.params["shapes"][order, 0] == pytest.approx([9.0, 20.0], rel=0.12)
    assert result.params["weights"][order] == pytest.approx([0.4, 0.6], abs=0.025)


# ---- grids


@settings(max_examples=60, deadline=None)
@given(st.floats(0.5, 1000), st.floats(0, 0.2))
def test_the_best_of_what_the_grid_allows(mean: float, gap: float) -> None:
    least = 1 / (2 * np.pi)

    def minus(mu: float, a: float) -> float:
        return -float(stirling(np.array(a)) + a * (np.log(mean) - gap - np.log(mu) - mean / mu + 1))

    one = np.ones(1)
    mu, a = (float(v[0]) for v in gamma_estimates(one * mean, one * gap, one * least, one * 1e8))
    assert a * least <= mu**2 * (1 + 1e-9)
    border = optimize.minimize_scalar(
        lambda d: minus(mean * (1 + d), (mean * (1 + d)) ** 2 / least),
        bounds=(-0.2, 2),
        method="bounded",
        options={"xatol": 1e-12},
    )
    assert minus(mu, a) <= border.fun + 1e-8 * (1 + abs(border.fun))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([1.0, 0.5, 0.01]))
def test_the_likelihood_never_falls_on_coarse_grids(seed: int, step: float) -> None:
    rng = np.random.default_rng(seed)
    atoms = rng.integers(1, 40, 3) * step
    x = np.where(rng.random((2, 60)) < 0.6, rng.choice(atoms, (2, 60)), rng.integers(1, 200, (2, 60)) * step)
    x[rng.random(x.shape) < 0.1] = np.nan
    problem = pose(Mixture(Gamma(), 3), Arrays({"a": x[0], "b": x[1]}))
    block = problem.encoding.encode(problem.source.read(problem.source.manifest()[0], problem.encoding.columns()))
    params = problem.model.maximize(problem.model.collect(rng.dirichlet(np.ones(3) / 5, block.rows).T, block), None)
    for prior in (None, problem.model.prior(1.0)):
        done = run(problem.model, problem.engine, params, Batch(), MaxIterations(40), prior)
        gains = np.diff([record.objective for record in done.trace])
        assert (gains >= -1e-10 * (1 + abs(done.trace[-1].objective))).all(), gains.min()


@pytest.mark.parametrize("value", [1, 2, 7, 5000])
def test_a_constant_component_on_a_grid_is_bounded_and_a_finding(value: int) -> None:
    x = np.r_[np.full(400, value), np.random.default_rng(6).integers(1, 9000, 400)].astype(float)
    result = unseen.fit(Mixture(Gamma(), 2), {"x": x}, seed=0, tol=1e-9)
    family = result.model.family
    narrow = int(np.argmin(result.params["means"][:, 0] ** 2 / result.params["shapes"][:, 0]))
    assert [(f.component, f.column, f.kind) for f in family.floors(result.params)] == [(narrow, "x", "grid")]
    assert result.params.events == {"grid floor": 1}
    cells = [Cells(np.arange(1.0, 20_000)[None])]
    density, _ = family.evaluate(family.prepare(result.params), cells)
    # the largest value of a density on the border, at mean 1.128 h, over all x of h or more
    assert np.exp(density[narrow] + family.volume(cells)).max() <= 1.06


def test_off_the_grid_a_component_on_one_value_is_singular() -> None:
    x = np.r_[np.full(40, np.pi), np.random.default_rng(8).gamma(2, 5, 40)]
    family, block = bind(Gamma(), {"x": x})
    _, collect = family.evaluate(family.prepare(family.vague(2)), block.cells)
    params = family.moments(collect(np.array([np.arange(80) < 40, np.arange(80) >= 40], float)), None)
    assert params.events == {"variance floor": 1} and 0.99e6 < params["shapes"][0, 0] < 5e6
    assert family.ungridded == ("x",)
    assert [(f.component, f.kind) for f in family.floors(params)] == [(0, "variance")]
    free, _ = bind(Gamma(floor=0), {"x": x})
    assert not free.floors(free.moments(collect(np.ones((1, 80)) * (np.arange(80) < 40)), None))


# ---- with other parts


def test_holes_weights_labels_chains_and_files(tmp_path: Any) -> None:
    data = table(0.2, 120)
    labels = np.where(np.arange(120) < 20, np.arange(120) % 2, np.nan)
    for model, extra in (
        (Mixture(Gamma(), 2), {"labels": labels, "weights": np.arange(120) % 3 + 1.0}),
        (unseen.HMM(unseen.Product(a=Gamma(), b=unseen.LogNormal()), 2), {}),
    ):
        result = unseen.fit(model, data, seed=0, restarts=2, **extra)
        again = unseen.load(result.save(tmp_path / type(model).__name__))
        np.testing.assert_array_equal(again.log_prob(data), result.log_prob(data))
        assert all(np.isfinite(np.asarray(result.impute(data)[c], float)).all() for c in data)
        assert (result.sample(50)["a"] > 0).all()


def test_draws_are_gamma_and_a_zero_is_impossible() -> None:
    family, _ = bind(Gamma(), {"x": np.array([1.0, 2.0, 4.0])})
    params = Params(means=[[6.0]], shapes=[[3.0]])
    n = 20_000
    drawn = family.draw(
        params, [Cells(np.zeros((1, n)), np.zeros((1, n), bool))], np.zeros(n, int), np.random.default_rng(0)
    )
    assert stats.kstest(drawn[0][0], stats.gamma(3, scale=2).cdf).pvalue > 0.01
    told = family.describe(params)[0]
    assert told["mean"] == [6.0] and told["sd"] == pytest.approx([np.sqrt(12)])
    density, _ = family.evaluate(family.prepare(params), [Cells(np.array([[0.0, -1.0, 1.0]]))])
    assert np.isneginf(density[0]).tolist() == [True, True, False]


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([0.0, 0.0, 1.0, 2.5], "is zero in 2 of 4 rows, and .*Hurdle"),
        ([-1.0, 0.0, 1.0, 2.5], "is zero in 1 of 4 rows and negative in 1 of 4 rows, .*Gaussian or StudentT"),
        ([2.0, 2.0, 2.0], "constant"),
        (np.array(["a", "b", "a"], object), "text"),
    ],
)
def test_columns_that_are_not_positive_are_refused(data: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        unseen.fit(Mixture(Gamma(), 1), {"x": np.array(data)})


def test_a_floor_is_a_share() -> None:
    with pytest.raises(ModelError, match="share"):
        Gamma(floor=1)
