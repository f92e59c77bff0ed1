"""LogNormal: SciPy's densities, the Gaussian of the logarithms, numeric integrals, and bounded grids."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import integrate, stats

import unseen
from tests.families_case import bind, wander
from unseen import DataError, Gaussian, LogNormal, Mixture, ModelError, Params, StudentT
from unseen.algorithms.batch import Batch
from unseen.core.block import Cells
from unseen.core.stop import MaxIterations
from unseen.loop import run
from unseen.problem import pose
from unseen.sources.arrays import Arrays

FORMS = {
    "full": Gaussian("full"),
    "diagonal": Gaussian("diagonal"),
    "spherical": Gaussian("spherical"),
    "tied": Gaussian("full", tied=True),
    "tied diagonal": Gaussian("diagonal", tied=True),
    "factors": Gaussian("factors", factors=1),
}
EACH = pytest.mark.parametrize("form", FORMS)


def table(rows: int = 80, holes: float = 0.0, seed: int = 1) -> dict[str, np.ndarray]:
    """Two positive columns of two groups, and a third that may be negative."""
    rng = np.random.default_rng(seed)
    y = rng.standard_normal((3, rows)) + 2.5 * rng.integers(0, 2, rows)
    y[1] += 0.8 * y[0]
    x = np.array([np.exp(y[0]), np.exp(0.5 * y[1] + 3), y[2]])
    x[rng.random(x.shape) < holes] = np.nan
    return dict(zip(("income", "price", "shift"), x, strict=True))


# ---- densities


@EACH
@pytest.mark.parametrize("holes", [0.0, 0.3])
def test_the_density_is_that_of_the_logarithms_less_their_sum(form: str, holes: float) -> None:
    family, block = bind(LogNormal(FORMS[form], logs=("income", "price")), table(holes=holes))
    params = wander(family, block)
    density, _ = family.evaluate(family.prepare(params), block.cells)
    x, seen = block.cells[0].values, block.cells[0].observed
    full = family.inner.full(params)
    for k in range(2):
        for i in range(0, x.shape[1], 7):
            there = np.ones(3, bool) if seen is None else seen[:, i]
            logged = there & [True, True, False]
            y = np.where(logged, np.log(np.where(logged, x[:, i], 1)), x[:, i])[there]
            normal = stats.multivariate_normal(params["means"][k][there], full[k][np.ix_(there, there)])
            expected = (normal.logpdf(y) if there.any() else 0.0) - np.log(x[logged, i]).sum()
            assert density[k, i] == pytest.approx(expected, abs=1e-9)


def test_one_column_is_scipys_lognorm() -> None:
    x = np.random.default_rng(2).lognormal(1, 0.7, 50)
    result = unseen.fit(Mixture(LogNormal(), 1), {"x": x})
    s, _, scale = stats.lognorm.fit(x, floc=0)
    assert np.sqrt(result.params["covariances"][0, 0, 0]) == pytest.approx(s, rel=1e-5)
    assert result.loglik == pytest.approx(stats.lognorm(s, scale=scale).logpdf(x).sum(), abs=1e-6)
    told = result.description.views[0]
    assert told["mean"] == pytest.approx([stats.lognorm(s, scale=scale).mean()], rel=1e-4)
    assert told["sd"] == pytest.approx([stats.lognorm(s, scale=scale).std()], rel=1e-4)
    assert told["median"] == pytest.approx([scale], rel=1e-4)


@pytest.mark.parametrize("holes", [0.0, 0.2])
@pytest.mark.parametrize("prior", [0, 2])
def test_it_is_the_gaussian_of_the_logarithms(holes: float, prior: float) -> None:
    data = table(holes=holes)
    logs = {**data, "income": np.log(data["income"]), "price": np.log(data["price"])}
    options: dict[str, Any] = {"seed": 3, "restarts": 2, "prior": prior, "weights": np.arange(80) % 3 + 1.0}
    ours = unseen.fit(Mixture(LogNormal(logs=("income", "price")), 2), data, **options)
    theirs = unseen.fit(Mixture(Gaussian(), 2), logs, **options)
    np.testing.assert_allclose(ours.params["means"], theirs.params["means"], rtol=1e-8)
    np.testing.assert_allclose(ours.params["covariances"], theirs.params["covariances"], rtol=1e-7, atol=1e-9)
    change = options["weights"] @ (np.nan_to_num(logs["income"]) + np.nan_to_num(logs["price"]))
    assert ours.loglik == pytest.approx(theirs.loglik - change, abs=1e-7)


def test_monotone_holes_have_a_closed_form() -> None:
    """Little & Rubin (2019), section 7.2: the marginal of what is complete, and a regression of the other on it."""
    data = table(200)
    data["price"][120:] = np.nan
    result = unseen.fit(
        Mixture(LogNormal(), 1), {k: data[k] for k in ("income", "price")}, tol=1e-14, max_iterations=5000
    )
    a, b = np.log(data["income"]), np.log(data["price"][:120])
    slope, intercept, *_ = stats.linregress(a[:120], b)
    noise = np.sqrt(np.mean((b - intercept - slope * a[:120]) ** 2))
    expected = (
        stats.norm(a.mean(), a.std()).logpdf(a).sum()
        + stats.norm(0, noise).logpdf(b - intercept - slope * a[:120]).sum()
    )
    assert result.params["means"][0, 1] == pytest.approx(intercept + slope * a.mean(), abs=1e-5)
    assert result.loglik == pytest.approx(expected - a.sum() - b.sum(), abs=1e-6)


def test_two_components_are_found_again() -> None:
    rng = np.random.default_rng(4)
    group = rng.random(6000) < 0.3
    x = np.exp(np.where(group, 1.0, 4.0) + rng.standard_normal(6000) * np.where(group, 0.5, 0.8))
    result = unseen.fit(Mixture(LogNormal(), 2), {"x": x}, seed=0)
    order = np.argsort(result.params["means"][:, 0])
    assert result.params["means"][order, 0] == pytest.approx([1.0, 4.0], abs=4 * 0.8 / np.sqrt(1800))
    assert result.params["weights"][order] == pytest.approx([0.3, 0.7], abs=4 * 0.5 / np.sqrt(6000))


def test_a_zero_in_new_rows_is_impossible_and_counted() -> None:
    result = unseen.fit(Mixture(LogNormal(), 2), {"x": np.exp(np.random.default_rng(5).standard_normal(50))})
    assert result.log_prob({"x": np.array([1.0, 0.0, -1.0])})[1:].tolist() == [-np.inf, -np.inf]


# ---- holes


@EACH
def test_completions_are_conditional_means_in_the_datas_units(form: str) -> None:
    family, block = bind(LogNormal(FORMS[form], logs=("income", "price")), table())
    family = replace(family, high=np.array([np.inf, np.inf, np.inf]))
    params = wander(family, block)
    x = block.cells[0].values[:, :4]
    seen = np.array([[0, 1, 1], [1, 0, 1], [0, 0, 1], [1, 1, 0]], bool).T
    r = np.array([[0.2, 0.5, 0.9, 1.0], [0.8, 0.5, 0.1, 0.0]])
    got = family.mean(params, [Cells(np.where(seen, x, -7.0), seen)], r)[0]
    np.testing.assert_array_equal(got[seen], x[seen])
    y = np.where([[True], [True], [False]], np.log(np.abs(x)), x)
    full = family.inner.full(params)
    for i in range(4):
        here = seen[:, i]
        for j in np.flatnonzero(~here):
            total = 0.0
            for k in range(2):
                solve = np.linalg.solve(full[k][np.ix_(here, here)], full[k][here, j])
                m = params["means"][k, j] + solve @ (y[here, i] - params["means"][k, here])
                s = np.sqrt(full[k][j, j] - solve @ full[k][here, j])
                if j == 2:
                    total += r[k, i] * m
                    continue
                expected, _ = integrate.quad(
                    lambda v, m=m, s=s: np.exp(m + s * v) * stats.norm.pdf(v), -12, 12, epsabs=0, limit=200
                )
                total += r[k, i] * expected
            assert got[j, i] == pytest.approx(total, rel=1e-7)


def test_completions_stay_inside_the_data_and_draws_spread_as_they_should() -> None:
    family, _ = bind(LogNormal(), {"a": np.array([1.0, 2.0, 4.0]), "b": np.array([1.0, 3.0, 2.0])})
    params = Params(means=[[0.0, 0.0]], covariances=[[[1.0, 0.6], [0.6, 1.0]]])
    n = 20_000
    values, seen = np.zeros((2, n)), np.array([[True], [False]]) & np.ones(n, bool)
    values[0] = np.exp(2.0)
    drawn = family.draw(params, [Cells(values, seen)], np.zeros(n, int), np.random.default_rng(0))[0]
    assert (drawn[0] == values[0]).all()
    assert stats.kstest(np.log(drawn[1]), stats.norm(1.2, 0.8).cdf).pvalue > 0.01
    wide = Params(means=[[0.0, 5.0]], covariances=[[[1.0, 0.0], [0.0, 9.0]]])
    assert family.mean(wide, [Cells(values[:, :1], seen[:, :1])], np.ones((1, 1)))[0][1] == pytest.approx([3.0])


# ---- grids


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(sorted(FORMS)), st.sampled_from([1.0, 0.5, 0.01]))
@example(9, "full", 1.0)  # a smallest eigenvalue of one floor beside one of 10^4: rounding leaves it below
def test_the_likelihood_never_falls_on_coarse_grids(seed: int, form: str, step: float) -> None:
    rng = np.random.default_rng(seed)
    atoms = rng.integers(1, 40, 3) * step
    x = np.where(rng.random((3, 60)) < 0.6, rng.choice(atoms, (3, 60)), rng.integers(1, 200, (3, 60)) * step)
    x[rng.random(x.shape) < 0.1] = np.nan
    problem = pose(
        Mixture(LogNormal(FORMS[form], logs="a" if seed % 2 else None), 3), Arrays(dict(zip("abc", x, strict=True)))
    )
    block = problem.encoding.encode(problem.source.read(problem.source.manifest()[0], problem.encoding.columns()))
    r = rng.dirichlet(np.ones(3) / 5, block.rows).T
    params = problem.model.maximize(problem.model.collect(r, block), None)
    done = run(problem.model, problem.engine, params, Batch(), MaxIterations(40))
    gains = np.diff([record.objective for record in done.trace])
    assert (gains >= -1e-10 * (1 + abs(done.trace[-1].objective))).all(), gains.min()
    family = problem.model.family
    density, _ = family.evaluate(family.prepare(done.params), block.cells)
    volume = family.volume(block.cells)
    # e^(v/2) in each logged column, v at most 1 / 2 pi where the smallest value is one step
    assert (density + (0 if volume is None else volume)).max() <= 3 / (4 * np.pi) + 1e-6


@pytest.mark.parametrize("value", [1, 2, 7, 5000])
def test_a_constant_component_on_a_grid_is_bounded_and_a_finding(value: int) -> None:
    x = np.r_[np.full(400, value), np.random.default_rng(6).integers(1, 9000, 400)].astype(float)
    model = Mixture(LogNormal(), 2)
    result = unseen.fit(model, {"x": x}, seed=0, tol=1e-9)
    family = result.model.family
    narrow = int(np.argmin(result.params["covariances"][:, 0, 0]))
    assert [(f.component, f.column, f.kind) for f in family.floors(result.params)] == [(narrow, "x", "grid")]
    assert result.params.events == {"grid floor": 1}
    cells = [Cells(np.arange(1.0, 20_000)[None])]
    density, _ = family.evaluate(family.prepare(result.params), cells)
    probability = np.exp(density[narrow] + family.volume(cells))
    assert probability.max() <= np.exp(1 / (4 * np.pi)) and probability.sum() < 1.24


def test_no_floor_means_none() -> None:
    family, _ = bind(LogNormal(Gaussian(floor=0)), {"x": np.array([1.0, 2.0, 9.0, 4.0])})
    assert family.volume([Cells(np.ones((1, 2)))]) is None
    assert not family.floors(Params(means=[[0.0]], covariances=[[[1e-9]]]))


def test_the_volume_counts_observed_cells_on_a_grid() -> None:
    rng = np.random.default_rng(7)
    data = {"a": np.round(rng.lognormal(2, 1, 90), 1) + 0.1, "b": rng.standard_normal(90), "c": rng.integers(1, 99, 90)}
    data["a"][:5] = np.nan
    family, block = bind(LogNormal(logs=("a",)), data)
    np.testing.assert_allclose(family.volume(block.cells), np.where(np.isnan(data["a"]), 0, np.log(0.1)))


# ---- with other parts


def test_it_goes_through_products_chains_and_files(tmp_path: Any) -> None:
    data = table(120, holes=0.1)
    data["kind"] = np.where(np.arange(120) % 3 == 0, "x", "y").astype(object)
    labels = np.where(np.arange(120) < 20, np.arange(120) % 2, np.nan)
    inner = LogNormal(logs=("income",))
    family = unseen.Product({("income", "shift"): inner, "price": LogNormal(), "kind": unseen.Categorical()})
    for model in (Mixture(family, 2), unseen.HMM(family, 2)):
        extra: dict[str, Any] = {"labels": labels} if isinstance(model, Mixture) else {}
        result = unseen.fit(model, data, seed=0, restarts=2, **extra)
        again = unseen.load(result.save(tmp_path / type(model).__name__))
        np.testing.assert_array_equal(again.log_prob(data), result.log_prob(data))
        completed = result.impute(data)
        assert all(np.isfinite(np.asarray(completed[c], float)).all() for c in ("income", "price", "shift"))
        assert (result.sample(50)["income"] > 0).all()


# ---- what it refuses


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ([0.0, 0.0, 1.0, 2.5], "is zero, in 2 of 4 rows: .*Hurdle"),
        ([-1.0, 0.0, 1.0, 2.5], "is zero, in 1 of 4 rows, and negative, in 1 of 4 rows: .*Gaussian or StudentT"),
        ([2.0, 2.0, 2.0], "constant"),
        (np.array(["a", "b", "a"], object), "text"),
    ],
)
def test_columns_without_logarithms_are_refused(data: Any, words: str) -> None:
    with pytest.raises(DataError, match=words):
        unseen.fit(Mixture(LogNormal(), 1), {"x": np.array(data)})


def test_what_does_not_go_together_is_refused() -> None:
    with pytest.raises(ModelError, match="Gaussian inside"):
        LogNormal(StudentT())  # type: ignore[arg-type]
    with pytest.raises(ModelError, match="'y', which is not among"):
        unseen.fit(Mixture(LogNormal(logs=("y",)), 1), {"x": np.array([1.0, 2.0, 3.0])})
    with pytest.raises(RuntimeError, match="not bound"):
        _ = LogNormal().slots
