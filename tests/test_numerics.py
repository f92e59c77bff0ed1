"""Digits: offsets, far components, single precision, integers, underflow."""

import math
from fractions import Fraction

import numpy as np
import pytest

import unseen
from unseen import Gaussian, MaxIterations, Mixture, Params
from unseen.core.block import Cells
from unseen.numerics.dependence import dependent
from unseen.numerics.gaussian import DiagonalForm, FullForm
from unseen.numerics.posterior import responsibilities


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical"])
@pytest.mark.parametrize(("dtype", "offset"), [(np.float64, 1e8), (np.float32, 1e5)])
def test_variance_survives_a_large_offset(form, dtype, offset):
    x = np.random.default_rng(0).normal(size=(20_000, 2))
    data = (offset + x).astype(dtype)
    truth = data.astype(np.longdouble).var(axis=0).mean()
    fit = unseen.fit(Mixture(Gaussian(form), 1), data)
    found = np.mean([np.diag(c).mean() if form == "full" else np.mean(c) for c in fit.params["covariances"]])
    assert found == pytest.approx(float(truth), rel=1e-6)


@pytest.mark.parametrize("form", ["full", "diagonal"])
@pytest.mark.parametrize("distance", [0, 1e3, 1e5])
def test_log_density_against_high_precision(form, distance):
    """Components far from the middle of the data, in units of their own deviation."""
    rng = np.random.default_rng(1)
    means = np.array([[-distance, distance], [distance, -distance]])
    covariance = np.array([[1.0, 0.3], [0.3, 0.5]]) if form == "full" else np.diag([1.0, 0.5])
    x = np.concatenate([m + rng.multivariate_normal([0, 0], covariance, 200) for m in means])
    start = Params(
        weights=[0.5, 0.5],
        means=means,
        covariances=np.array([covariance if form == "full" else np.diag(covariance)] * 2),
    )
    fit = unseen.fit(Mixture(Gaussian(form, floor=1e-14), 2), x, start=start, stop=MaxIterations(1))
    own = fit.model.family.full(fit.params)
    worst = 0.0
    for row in x[::40]:
        exact = [exact_log_density(row, fit.params["means"][k], own[k]) for k in range(2)]
        exact = np.logaddexp(*(exact + np.log(fit.params["weights"])))
        worst = max(worst, abs(exact - fit.log_prob(row[None])[0]))
    assert worst < 1e-9


def exact_log_density(row, mean, covariance):
    """A bivariate normal's log-density in rational arithmetic, rounded once at the end."""
    u, v = (Fraction(float(a)) - Fraction(float(b)) for a, b in zip(row, mean, strict=True))
    a, b, c = (Fraction(float(covariance[i])) for i in ((0, 0), (0, 1), (1, 1)))
    determinant = a * c - b * b
    quad = (c * u * u - 2 * b * u * v + a * v * v) / determinant
    return float(-quad / 2) - math.log(2 * math.pi) - math.log(float(determinant)) / 2


def test_far_components_keep_their_variance():
    """Statistics about each component's own anchor: about one shared anchor six digits would be lost."""
    rng = np.random.default_rng(2)
    x = np.concatenate([rng.normal(-1e5, 1, (5_000, 2)), rng.normal(1e5, 1, (5_000, 2))])
    fit = unseen.fit(Mixture(Gaussian("full", floor=1e-14), 2), x, seed=0)
    assert fit.model.family.anchor.ndim == 2, "the whitened path was not chosen"
    for k in range(2):
        mine = x[(x[:, 0] > 0) == (fit.params["means"][k, 0] > 0)]
        assert fit.params["covariances"][k] == pytest.approx(np.cov(mine.T, bias=True), rel=1e-9, abs=1e-9)


def test_whitened_and_fast_paths_agree():
    rng = np.random.default_rng(3)
    means, covariances = rng.normal(size=(3, 4)), np.array([np.eye(4) * s + 0.2 for s in (1, 2, 3)])
    cells = Cells(rng.normal(size=(4, 300)))
    r = rng.dirichlet(np.ones(3), 300).T
    for form, spread in ((FullForm, covariances), (DiagonalForm, covariances.diagonal(axis1=1, axis2=2))):
        shared = form(means, spread, np.zeros(4))
        own = form(means, spread, np.repeat(np.zeros((1, 4)), 3, axis=0))
        assert shared.accurate and not own.accurate
        (fast, collect_fast), (slow, collect_slow) = shared.evaluate(cells), own.evaluate(cells)
        assert fast == pytest.approx(slow, abs=1e-10)
        assert collect_fast(r) == pytest.approx(collect_slow(r), abs=1e-10)


def test_single_precision_only_where_it_is_safe():
    rng = np.random.default_rng(4)
    near = rng.normal(size=(4000, 3)).astype(np.float32)
    close = FullForm(np.zeros((1, 3)), np.eye(3)[None], np.zeros(3))
    far = FullForm(np.full((1, 3), 1e3), np.eye(3)[None], np.zeros(3))
    assert close.precision_for(near.T) == np.float32
    assert far.precision_for(near.T) == np.float64
    single = unseen.fit(Mixture(Gaussian("full"), 2), near, seed=0, restarts=1, stop=MaxIterations(20))
    double = unseen.fit(Mixture(Gaussian("full"), 2), near.astype(float), seed=0, restarts=1, stop=MaxIterations(20))
    assert single.loglik == pytest.approx(double.loglik, rel=1e-6)
    assert all(v.dtype == np.float64 for v in single.params.values())


def test_integers_are_data_like_any_other():
    x = np.random.default_rng(5).normal(50, 10, (500, 2)).round().astype(np.int64)
    a = unseen.fit(Mixture(Gaussian("full"), 2), x, seed=0, restarts=2)
    b = unseen.fit(Mixture(Gaussian("full"), 2), x.astype(float), seed=0, restarts=2)
    assert a.loglik == b.loglik
    assert np.array_equal(a.responsibilities(x), b.responsibilities(x.astype(float)))


def test_rows_of_zero_density_are_counted_and_make_no_nan():
    joint = np.array([[-np.inf, -1.0], [-np.inf, -2.0]])
    density = responsibilities(joint)
    assert density[0] == -np.inf and np.isfinite(density[1])
    assert joint[:, 0].tolist() == [0.5, 0.5]


def test_far_points_keep_sharp_responsibilities():
    """Densities that underflow still have a nearest component."""
    x = np.array([[-1.0], [1.0], [-0.9], [0.9], [500.0]])
    start = Params(weights=[0.5, 0.5], means=[[-1.0], [1.0]], covariances=[[[0.01]], [[0.01]]])
    fit = unseen.fit(Mixture(Gaussian("full"), 2), x, start=start, stop=MaxIterations(1))
    r, density = fit.model.posterior(start, next(iter(fit.blocks(x))))
    assert np.isfinite(density).all()
    assert r[:, 4].round(6).tolist() == [0.0, 1.0]


def test_columns_that_follow_from_others():
    rng = np.random.default_rng(6)
    a, b, c = rng.normal(size=(3, 500))
    columns = np.array([a, b, 3 * a - 2 * b + 7, c, c + 1e-3 * rng.normal(size=500), np.ones(500)])
    assert dependent(columns * [[1.0], [1e6], [1.0], [1.0], [1.0], [1.0]])[0] == {2: [0, 1]}


@pytest.mark.parametrize("holes", [0.0, 0.05])
def test_rounding_of_a_flat_component_is_no_fall(holes):
    """Columns that follow from others hold the floor; what rounding then takes from the objective is not a fall."""
    rng = np.random.default_rng(7)
    z = rng.normal(size=(3000, 4)) * [1, 100, 5, 1]
    x = np.column_stack([z, 100 * z[:, 0] + z[:, 1], z[:, 2] - z[:, 3]])
    x[:, :3][rng.random((3000, 3)) < holes] = np.nan
    fit = unseen.fit(Mixture(Gaussian("full"), 3), x, restarts=2, seed=0, max_iterations=200)
    assert fit.outcome.name in ("converged", "stalled", "hit the cap")
    assert any("floor" in event for record in fit.trace for event in record.events)
