"""Missing cells, counted events, and columns that do not suit a family."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import unseen
from tests.families_case import EACH, bind, case, draw_data, wander
from unseen import Bernoulli, Categorical, DataError, Gaussian, Mixture, ModelError, Params, Poisson, Product, StudentT
from unseen.core.block import Cells
from unseen.core.family import Family

# ---- missing cells


@EACH
def test_completions_keep_what_was_observed_and_agree_with_the_conditional_mean(name: str) -> None:
    family, block = case(name, True)
    params = wander(family, block)
    rng = np.random.default_rng(9)
    states = rng.integers(0, 2, block.rows)
    one_hot = (np.arange(2)[:, None] == states).astype(float)
    means = family.mean(params, block.cells, one_hot)
    draws = [family.draw(params, block.cells, states, rng) for _ in range(250)]
    for slot, cells in enumerate(block.cells):
        stack = np.array([d[slot] for d in draws])
        seen = cells.observed
        np.testing.assert_array_equal(means[slot][seen], cells.values[seen])
        assert (stack[:, seen] == cells.values[seen]).all()
        assert stack[:, ~seen].std(axis=0).max() > 0
        if name in ("gaussian", "poisson", "student_t, df 4", "product"):
            error = stack[:, ~seen].std(axis=0) / np.sqrt(len(draws))
            assert (np.abs(stack[:, ~seen].mean(axis=0) - means[slot][~seen]) < 6 * error + 1e-12).all()
        if name in ("categorical", "bernoulli"):
            share = (stack[:, ~seen] == means[slot][~seen]).mean(axis=0)
            assert share.min() > 0.02


def test_student_completions_have_conditional_t_spread() -> None:
    """x2 given x1 is t with df + 1 and scale (df + delta) / (df + 1) (1 - rho^2)."""
    family, _ = bind(StudentT(df=5), {"a": np.array([0.0, 1.0, 2.0]), "b": np.array([0.0, 1.0, -1.0])})
    params = Params(locations=[[0.0, 0.0]], scales=[[[1.0, 0.6], [0.6, 1.0]]], df=[5.0])
    n = 20_000
    values = np.zeros((2, n))
    values[0] = 2.0
    seen = np.array([[True], [False]]) & np.ones(n, bool)
    drawn = family.draw(params, [Cells(values, seen)], np.zeros(n, int), np.random.default_rng(0))[0][1]
    scale = np.sqrt((5 + 4) / 6 * (1 - 0.36))
    assert stats.kstest(drawn, stats.t(6, loc=1.2, scale=scale).cdf).pvalue > 0.01


@EACH
def test_coordinates_and_profiles(name: str) -> None:
    family, block = case(name, True)
    cells = family.embed(block.cells)
    assert cells.values.shape == cells.observed.shape
    assert np.isfinite(cells.values).all() and not cells.observed[:, 0].any()
    told = family.describe(wander(family, block))
    assert sorted(entry["column"] for entry in told) == ["x0", "x1", "x2"]
    for entry in told:
        lists = [entry["probabilities"]] if "probabilities" in entry else [entry["mean"], entry["sd"]]
        assert all(len(values) == 2 for values in lists)


def test_starts_tell_the_frequent_ones_of_many_categories_apart() -> None:
    codes = np.repeat(np.arange(60), np.arange(60, 0, -1))
    family, block = bind(Categorical(), {"many": codes, "two": codes % 2})
    cells = family.embed(block.cells)
    assert cells.values.shape[0] == 32 + 2
    np.testing.assert_allclose([cells.values[:32].var(axis=1).sum(), cells.values[32:].var(axis=1).sum()], 1)
    np.testing.assert_allclose(cells.values.mean(axis=1), 0, atol=1e-12)


# ---- counted events


def test_degrees_of_freedom_of_light_tails_meet_their_bound() -> None:
    x = stats.norm.ppf((np.arange(200) + 0.5) / 200)
    start = Params(weights=[1.0], locations=[[0.0]], scales=[[[1.0]]], df=[190.0])
    r = unseen.fit(Mixture(StudentT(), 1), x, start=start, tol=1e-12)
    assert r.params["df"][0] == pytest.approx(200.0)
    assert r.params.events["df bound"] == 1


def test_ties_meet_the_variance_floor_and_the_rise_goes_on() -> None:
    x = np.concatenate([np.zeros(40), np.random.default_rng(0).standard_normal(20)])
    r = unseen.fit(Mixture(StudentT(df=1), 1), x, max_iterations=300)
    assert r.params.events == {"variance floor": 1}
    assert min(record.change for record in r.trace[1:]) > -1e-10
    np.testing.assert_allclose(r.params["scales"][0, 0, 0], 1e-6 * x.var())


def test_a_rate_of_zero_meets_its_floor() -> None:
    x = np.array([0] * 20 + [30] * 20)
    r = unseen.fit(Mixture(Poisson(), 2), {"n": x}, max_iterations=200)
    assert r.params.events == {"rate floor": 1}
    assert r.params["rates"].min() == pytest.approx(15e-6)


@EACH
def test_a_component_that_lost_its_rows_stays_where_it_was(name: str) -> None:
    family, block = case(name, True)
    old = wander(family, block)
    _, collect = family.evaluate(family.prepare(old), block.cells)
    r = np.zeros((2, block.rows))
    r[0] = 1
    new = family.moments(collect(r), old)
    for key in old:
        if not any(shared in name for shared in ("tied", "common")) or key == "means":
            np.testing.assert_allclose(new[key][1], old[key][1])
    assert any("empty component" in event for event in new.events)
    assert family.valid(new)


def test_a_category_that_only_rows_of_weight_zero_have_changes_nothing() -> None:
    t = np.array(["a", "b", "a", "c"])
    r = unseen.fit(Mixture(Categorical(), 1), {"t": t}, weights=np.array([1.0, 1, 1, 0]))
    np.testing.assert_allclose(r.params["probabilities"], [[2 / 3, 1 / 3, 0]])
    assert (r.weight, r.loglik) == (3, pytest.approx(np.log([2 / 3, 1 / 3, 2 / 3]).sum()))
    with pytest.raises(DataError, match="constant"):
        unseen.fit(Mixture(Categorical(), 1), {"t": t}, weights=np.array([0.0, 1, 0, 0]))
    with pytest.raises(DataError, match="constant"):
        unseen.fit(Mixture(Bernoulli(), 1), {"t": t[:3]}, weights=np.array([0.0, 1, 0]))


# ---- columns that do not suit


@pytest.mark.parametrize(
    ("family", "column", "sentence"),
    [
        (Categorical(), np.array([0.5, 1.5, 2.5]), "decimal numbers"),
        (Categorical(), np.array(["a", "a", "a"]), "constant"),
        (Categorical(), np.arange(1001), "more than 1,000"),
        (Categorical(), np.array([f"t{i}" for i in range(2500)]), "more than 1,000"),
        (Bernoulli(), np.array([0, 1, 2]), "other than 0 and 1"),
        (Bernoulli(), np.array([0.0, 0.5, 1.0]), "other than 0 and 1"),
        (Bernoulli(), np.array(["a", "b", "c"]), "exactly two"),
        (Bernoulli(), np.array([1, 1, 1]), "constant"),
        (Bernoulli(), np.array(["a", "a", "a"]), "constant"),
        (Poisson(), np.array([1, -1, 2]), "negative numbers in 1 of 3 rows"),
        (Poisson(), np.array([1.0, 2.5, 3.0]), "fractions in 1 rows"),
        (Poisson(), np.array([0, 0, 0]), "constant"),
        (Poisson(), np.array(["a", "b", "c"]), "text"),
        (StudentT(), np.array(["a", "b", "c"]), "text"),
        (StudentT(), np.array([2.0, 2.0, 2.0]), "constant"),
    ],
)
def test_unsuitable_columns_are_named_in_a_sentence(family: Family, column: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=f"'speed'.*{sentence}"):
        unseen.fit(Mixture(family, 1), {"speed": column})


def test_whole_numbers_with_gaps_come_as_floats_and_are_counts_and_successes() -> None:
    data = {"n": np.array([3.0, np.nan, 0.0, 6.0]), "b": np.array([1.0, 0.0, np.nan, 1.0])}
    r = unseen.fit(Mixture(Product(n=Poisson(), b=Bernoulli()), 1), data, tol=1e-12)
    assert r.params["n.rates"].item() == pytest.approx(3.0)
    assert r.params["b.probabilities"].item() == pytest.approx(2 / 3)


def test_second_of_two_categories_is_success() -> None:
    r = unseen.fit(Mixture(Bernoulli(), 1), {"late": np.array(["yes", "no", "no", "no"])})
    assert r.params["probabilities"].item() == pytest.approx(0.25)
    assert r.description.views[0]["categories"] == ["no", "yes"]


def test_impossible_options_and_products_are_refused() -> None:
    for wrong in (0, -1, "some"):
        with pytest.raises(ModelError, match="degrees of freedom"):
            StudentT(df=wrong)
    with pytest.raises(ModelError, match="at least one column"):
        Product()
    with pytest.raises(ModelError, match="'a' is named twice"):
        Product({("a", "b"): Gaussian()}, a=Poisson())
    with pytest.raises(ModelError, match="'a' is given Gaussian, which is not a family that was made"):
        Product(a=Gaussian)
    with pytest.raises(ModelError, match="floor"):
        Poisson(floor=0)
    with pytest.raises(DataError, match="names column 'speed'"):
        unseen.fit(Mixture(Product(speed=Poisson()), 1), {"n": np.array([1, 2])})


def test_a_product_of_products_is_a_product() -> None:
    data = {k: v for k, v in zip("abc", draw_data("normal", True).values(), strict=True)}
    nested = Product({("a", "b"): Product(a=Gaussian(), b=StudentT(df=4))}, c=Gaussian())
    flat = Product(a=Gaussian(), b=StudentT(df=4), c=Gaussian())
    one, two = (unseen.fit(Mixture(f, 2), data, restarts=1, tol=1e-10) for f in (nested, flat))
    assert one.loglik == pytest.approx(two.loglik, abs=1e-6)
    assert "a+b.b.locations" in one.params
    assert replace(flat, terms=flat.terms) == flat


@EACH
def test_broken_parameters_are_named(name: str) -> None:
    family, block = case(name, False)
    params = wander(family, block)
    assert family.valid(params)
    for key, value in params.items():
        worse = {**params, key: np.where(np.arange(value.size).reshape(value.shape) == 0, -5.0, value)}
        if key.endswith(("means", "locations", "loadings", "axes")):
            worse[key] = value * np.nan
        assert family.valid(Params(worse)).broken
