"""Numbers on a grid: no recorded cell has a probability above one, and what a floor of h^2 / 2 pi costs."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from unseen import Gaussian, Mixture, Product, StudentT, fit
from unseen.numerics.resolution import TOUCH, least_variances, raise_covariances, resting


@pytest.mark.parametrize(
    "sd_in_steps, bound", [(1 / np.sqrt(2 * np.pi), 0.0865), (0.5, 0.0145), (0.71, 1e-4), (1.0, 6e-9)]
)
def test_the_sum_over_a_grid_is_off_by_what_the_page_says(sd_in_steps: float, bound: float) -> None:
    """Poisson's summation formula, for the worst place of the mean, against the exact sum."""
    grid = np.arange(-60, 61)
    off = [abs(stats.norm.pdf(grid, mean, sd_in_steps).sum() - 1) for mean in np.linspace(0, 1, 101)]
    assert max(off) <= bound
    assert max(off) >= 0.9 * 2 * np.exp(-2 * (np.pi * sd_in_steps) ** 2)


def test_the_error_against_the_exact_integral_of_a_cell() -> None:
    """h f(x) against the integral of f over the cell, at the floor and above it."""
    for sd, bound in ((1 / np.sqrt(2 * np.pi), 0.22), (1.0, 0.021), (3.0, 0.0024)):
        for mean in np.linspace(0, 0.5, 11):
            x = np.arange(-8, 9)
            exact = stats.norm.cdf(x + 0.5, mean, sd) - stats.norm.cdf(x - 0.5, mean, sd)
            assert np.abs(stats.norm.pdf(x, mean, sd) - exact).max() <= bound


@pytest.mark.parametrize("form", ["full", "diagonal", "spherical", "factors"])
@pytest.mark.parametrize("tied", [False, True])
def test_no_cell_has_a_probability_above_one(form: str, tied: bool) -> None:
    """Two columns in which each group is constant: the likelihood of the recorded cells stays below one."""
    rng = np.random.default_rng(0)
    group = rng.integers(0, 2, 300)
    x = np.c_[np.where(group, 4.0, 9.0), np.where(group, 0.1, 0.2), np.round(rng.normal(0, 1, 300), 2)]
    family = Gaussian(form, tied=tied, factors=int(form == "factors"))
    result = fit(Mixture(family, 2), x, restarts=4)
    assert result.converged
    assert result.log_probability <= 1e-9
    kinds = {f.kind for f in result.model.floors(result.params)}
    assert "variance" not in kinds
    assert (result.log_prob(x) + np.log(0.1 * 0.01 * 1.0) <= 1e-9).all() or form == "spherical"


def test_a_component_that_is_constant_in_a_column_wins_and_is_no_singularity() -> None:
    rng = np.random.default_rng(1)
    rate = np.r_[np.full(150, 30.0), np.round(rng.normal(60, 9, 150))]
    x = {"rate": rate, "size": np.round(np.r_[rng.normal(3, 1, 150), rng.normal(5, 1, 150)], 1)}
    result = fit(Mixture(Gaussian("full"), 2), x, restarts=5)
    k = int(np.argmin(result.params["covariances"][:, 0, 0]))
    assert result.params["covariances"][k, 0, 0] == pytest.approx(1 / (2 * np.pi), rel=1e-6)
    assert [(f.component, f.column, f.kind) for f in result.model.floors(result.params)] == [(k, "rate", "grid")]
    assert any("'rate' hardly varies" in w for w in result.warnings)
    assert not any("spurious" in w or "variance floor" in w for w in result.warnings)


def test_continuous_numbers_keep_their_density_and_their_floor() -> None:
    """Without a grid nothing in the data bounds a variance: two equal rows are a singularity, and told as one."""
    x = np.random.default_rng(0).normal(size=(60, 2))
    x[:4] = x[0]
    result = fit(Mixture(Gaussian("full"), 2), x, restarts=12, seed=3)
    assert result.volume is None and result.ungridded == ("x0", "x1")
    assert result.log_probability == result.loglik
    assert {f.kind for f in result.model.floors(result.params)} <= {"variance"}


def test_known_answers_stay_densities() -> None:
    """Minutes on a whole-number grid: the reported log-likelihood is the density's, and what it measures is told."""
    from unseen.models.mixture import example

    case = example()
    result = fit(case.model, case.data, **case.options)
    assert result.loglik == pytest.approx(case.loglik, abs=1e-4)
    assert result.volume == 0.0  # log 1 for every cell
    halves = fit(case.model, {"waiting": case.data["waiting"] / 2}, **case.options)
    n = len(case.data["waiting"])
    assert halves.log_probability == pytest.approx(case.loglik, abs=1e-3)
    assert halves.loglik == pytest.approx(case.loglik + n * np.log(2), abs=1e-3)


def test_no_floor_at_all_is_no_floor_on_a_grid_either() -> None:
    x = np.round(np.random.default_rng(0).normal(0, 3, 200))
    result = fit(Mixture(Gaussian(floor=0), 1), x)
    assert not result.model.family.least.any() and result.model.floors(result.params) == []


@pytest.mark.parametrize("family", [Gaussian("full"), StudentT(df=4)])
def test_the_floor_is_the_maximum_under_it(family) -> None:
    """EM never falls where floors bind, in one column or across columns that follow from each other."""
    rng = np.random.default_rng(2)
    a, b = rng.integers(0, 4, 200), rng.integers(0, 4, 200)
    x = np.c_[a, b, a + b].astype(float)
    result = fit(Mixture(family, 2), x, restarts=3)
    objective = [t.objective for t in result.trace]
    assert (np.diff(objective) >= -1e-12 * np.abs(objective[0])).all()
    assert {f.kind for f in result.model.floors(result.params)} <= {"grid"}


def test_floors_by_hand() -> None:
    least = least_variances(np.array([1.0, 10.0]), np.array([0.0, 5.0]), 1e-6)
    assert least == pytest.approx([1e-6, 25 / (2 * np.pi)])
    covariances = np.array([np.diag([1.0, 1.0]), np.diag([1e-9, 100.0])])
    raised = raise_covariances(covariances, least, np.array([1.0, 10.0]))
    assert raised[0] == pytest.approx(np.diag([1.0, least[1]]))
    assert raised[1] == pytest.approx(np.diag([1e-6, 100.0]))
    told = resting(raised * (1 + TOUCH / 10), least, np.array([0.0, 5.0]), ("a", "b"))
    assert [(f.component, f.column, f.kind) for f in told] == [(0, "b", "grid"), (1, "a", "variance")]


def test_a_product_adds_up_its_parts() -> None:
    rng = np.random.default_rng(0)
    x = {"a": np.round(rng.normal(0, 1, 80), 1), "b": rng.poisson(3, 80), "c": rng.normal(size=80)}
    from unseen import Poisson

    result = fit(Mixture(Product(a=Gaussian(), b=Poisson(), c=Gaussian()), 1), x)
    assert result.volume == pytest.approx(80 * np.log(0.1))
    assert result.ungridded == ("c",)
