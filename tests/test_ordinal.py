"""Ordered codes: a published fit, an optimizer's, separation and empty categories, which columns have an order."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import optimize, special

import unseen
from tests.families_case import bind
from unseen import Categorical, DataError, Mixture, Ordinal, Params
from unseen.core.block import Cells
from unseen.families.ordinal import example
from unseen.numerics import cumulative

CHEESES = np.array(
    [
        [0, 0, 1, 7, 8, 8, 19, 8, 1],
        [6, 9, 12, 11, 7, 6, 1, 0, 0],
        [1, 1, 6, 8, 23, 7, 5, 1, 0],
        [0, 0, 0, 1, 3, 7, 14, 16, 11],
    ]
)


def probabilities(tau: np.ndarray, eta: np.ndarray) -> np.ndarray:
    """(K, C), by differences of SciPy's logistic function."""
    below = special.expit(tau - np.asarray(eta)[:, None])
    return np.diff(np.hstack([np.zeros((len(below), 1)), below, np.ones((len(below), 1))]), axis=1)


def best(counts: np.ndarray) -> float:
    """The highest log-likelihood of counts (K, C), by SciPy."""
    k, c = counts.shape

    def loss(p: np.ndarray) -> float:
        tau = np.concatenate([p[:1], p[0] + np.exp(p[1 : c - 1]).cumsum()])
        return -float((counts * np.log(probabilities(tau, np.append(p[c - 1 :], 0)) + 1e-300)).sum())

    start = np.concatenate([[-2.0], np.zeros(c - 2), np.zeros(k - 1)])
    return -float(optimize.minimize(loss, start, method="BFGS", options={"gtol": 1e-7}).fun)


# ---- known answers


def test_cheeses() -> None:
    """SAS prints 1.6128 for additive 1, McCullagh & Nelder 3.352 and 1.710 for B and C below A; and D is the best."""
    case = example()
    r = unseen.fit(case.model, case.data, **case.options)
    a, b, c, d = r.params["locations"][:, 0]
    assert d - a == pytest.approx(1.6128, abs=5e-5)
    assert a - b == pytest.approx(3.352, abs=5e-4)
    assert a - c == pytest.approx(1.710, abs=5e-4)
    assert r.params["locations"].mean() == pytest.approx(0, abs=1e-12)
    assert r.loglik == pytest.approx(best(CHEESES) + 208 * np.log(1 / 4), abs=1e-6)
    assert r.model.size(r.params) == 3 + 8 + 3


def test_one_component_has_the_shares_of_the_codes() -> None:
    codes = np.repeat([1, 2, 4, 7], [5, 1, 20, 4])
    r = unseen.fit(Mixture(Ordinal(), 1), {"n": codes})
    (told,) = r.description.views
    assert told["categories"] == ["1", "2", "4", "7"]
    np.testing.assert_allclose(told["probabilities"], [[5 / 30, 1 / 30, 20 / 30, 4 / 30]], rtol=1e-9)
    np.testing.assert_array_equal(r.params["locations"], 0)
    same = unseen.fit(Mixture(Categorical(), 1), {"n": codes})
    assert (r.loglik, r.model.size(r.params)) == (pytest.approx(same.loglik), same.model.size(same.params))


def test_probabilities_are_those_of_scipy_and_keep_digits_in_the_tails() -> None:
    tau, eta = np.array([-3.0, -2.9, 0.0, 5.0]), np.array([-1.0, 0.0, 2.5])
    np.testing.assert_allclose(np.exp(cumulative.log_probabilities(tau, eta)), probabilities(tau, eta), rtol=1e-12)
    far = cumulative.log_probabilities(np.array([0.0, 1.0]), np.array([60.0, -60.0]))
    # e^-60 (1 - F) in the one tail, the gap's share of it in the middle
    np.testing.assert_allclose(far[0], [-60, -60 + np.log(np.e - 1), 0], atol=1e-12)
    np.testing.assert_allclose(far[1], [0, -60 + np.log(1 - np.exp(-1)), -61], atol=1e-12)


def worth(counts: np.ndarray, tau: np.ndarray, eta: np.ndarray) -> float:
    return float((counts * cumulative.log_probabilities(tau, eta)).sum())


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 10**6), k=st.integers(1, 5), widths=st.lists(st.integers(2, 9), min_size=1, max_size=4))
def test_m_steps_never_fall_and_find_the_maximum(seed: int, k: int, widths: list[int]) -> None:
    rng = np.random.default_rng(seed)
    counts = [rng.gamma(0.7, 3.0, (k, c)) + 0.05 for c in widths]
    tau = [np.sort(rng.normal(0, 2, c - 1)) + np.arange(c - 1) * 1e-3 for c in widths]
    eta = rng.normal(0, 2, (k, len(widths)))
    first = [worth(*column) for column in zip(counts, tau, eta.T, strict=True)]
    before = first
    for _ in range(60):
        tau, eta = cumulative.climb(counts, tau, eta)
        after = [worth(*column) for column in zip(counts, tau, eta.T, strict=True)]
        assert (np.array(after) >= np.array(before) - 1e-12 * np.abs(before)).all()
        before = after
    for n, start, end in zip(counts, first, before, strict=True):
        assert end >= best(n) - 1e-6 * abs(start)
    np.testing.assert_allclose(eta.mean(axis=0), 0, atol=1e-9)


def test_columns_climb_together_as_they_do_alone() -> None:
    """Also where categories or components have no counts at all."""
    rng = np.random.default_rng(4)
    counts = [rng.gamma(0.7, 3.0, (3, c)) + 0.05 for c in (5, 2, 7, 4, 5)]
    counts[0][:, [0, 3]] = 0
    counts[2][1] = 0
    counts[3][:, 1:] = 0
    counts[4][:, -1] = 0
    tau = [np.sort(rng.normal(0, 2, n.shape[1] - 1)) for n in counts]
    eta = rng.normal(0, 1, (3, 5))
    together, shared = cumulative.climb(counts, tau, eta)
    for j, n in enumerate(counts):
        (alone,), own = cumulative.climb([n], [tau[j]], eta[:, [j]])
        np.testing.assert_allclose(together[j], alone, rtol=1e-9, atol=1e-9)
        np.testing.assert_allclose(shared[:, [j]], own, rtol=1e-9, atol=1e-9)
        assert (np.diff(together[j]) > 0).all()
        assert worth(n, together[j], shared[:, j]) >= worth(n, tau[j], eta[:, j]) - 1e-12
    # who has no counts keeps its place beside the thresholds
    assert together[2][0] - shared[1, 2] != pytest.approx(together[2][0] - shared[0, 2])


# ---- fits


def test_two_components_are_found_again() -> None:
    """Three columns of five codes; errors are those of a logistic location, four thirds of 1 / rows and more."""
    rng, n = np.random.default_rng(1), 6000
    group = (rng.random(n) < 0.4).astype(int)
    tau = np.array([[-2.0, -0.5, 0.5, 2.0], [-3.0, -2.0, 1.0, 2.0], [-1.0, 0.0, 1.0, 3.0]])
    eta = np.array([[-1.5, 1.5], [2.0, -2.0], [-1.0, 1.0]])
    noise = rng.logistic(size=(3, n))
    codes = [(noise[j] + eta[j, group] > tau[j][:, None]).sum(axis=0) for j in range(3)]
    r = unseen.fit(Mixture(Ordinal(), 2), dict(zip("abc", codes, strict=True)), restarts=5, tol=1e-9)
    found = r.params["locations"][np.argsort(r.params["locations"][:, 0])]
    # information of a location per row is at most 1/3; groups overlap and thresholds are free, which costs some
    error = 2 * np.sqrt(3 / (0.4 * n))
    assert np.abs(found - eta.T).max() < 4 * error
    assert np.abs(r.params["thresholds"] - tau.ravel()).max() < 4 * error
    assert min(record.change for record in r.trace[1:]) > -1e-12


def test_components_that_are_apart_stay_finite_and_rise() -> None:
    x = np.array([[1] * 30 + [5] * 30, [2, 3] * 15 + [4, 5] * 15])
    r = unseen.fit(Mixture(Ordinal(), 2), {"a": x[0], "b": x[1]}, restarts=2, tol=1e-12)
    assert r.loglik == pytest.approx(60 * np.log(1 / 2) + 60 * np.log(1 / 2), abs=1e-4)
    assert np.isfinite(r.params.vector()).all()
    assert min(record.change for record in r.trace[1:]) > -1e-12
    assert not r.params.events


def test_a_code_that_only_rows_of_weight_zero_have_is_next_to_impossible() -> None:
    for code in (0, 2, 9):
        x = np.array([1, 1, 3, 3, 3, 4, code])
        r = unseen.fit(Mixture(Ordinal(), 2), {"n": x}, weights=np.array([1.0] * 6 + [0]), restarts=1)
        (told,) = r.description.views
        p = np.array(told["probabilities"])[:, told["categories"].index(str(code))]
        assert ((p > 0) & (p < 1e-8)).all()
        assert r.model.valid(r.params)
        assert r.loglik == pytest.approx(np.log([1 / 3, 1 / 2, 1 / 6]) @ [2, 3, 1], abs=1e-3)


def test_an_unknown_number_in_a_row_of_weight_zero_counts_as_missing() -> None:
    x = np.array([1.0, 1.5, 2.0, 2.0, 7.5])
    r = unseen.fit(Mixture(Ordinal(), 1), {"n": x}, weights=np.array([1.0, 1, 1, 1, 0]))
    assert r.description.views[0]["categories"] == ["1", "1.5", "2"]
    assert r.loglik == pytest.approx(np.log([1 / 4, 1 / 4, 1 / 2, 1 / 2]).sum())


def test_a_prior_is_pseudo_rows() -> None:
    x = np.repeat([1, 2, 3], [6, 3, 1])
    r = unseen.fit(Mixture(Ordinal(), 1), {"n": x}, prior=5.0)
    np.testing.assert_allclose(r.description.views[0]["probabilities"], [[0.6, 0.3, 0.1]], rtol=1e-9)


# ---- rows


def test_missing_cells_are_left_out_and_weights_are_copies() -> None:
    x = np.array([[1, 2, np.nan, 3, 3, 1, 2, 2], [2, np.nan, 1, 1, 2, 2, 1, np.nan]])
    w = np.array([1, 2, 3, 1, 2, 0, 1, 4])
    r = unseen.fit(Mixture(Ordinal(), 1), {"a": x[0], "b": x[1]}, weights=w)
    a, b = (np.array(e["probabilities"][0]) for e in r.description.views)
    np.testing.assert_allclose(a, np.array([1, 7, 3]) / 11, rtol=1e-8)
    np.testing.assert_allclose(b, np.array([5, 3]) / 8, rtol=1e-8)


def test_completions_are_medians_and_draws_have_the_probabilities() -> None:
    family, _ = bind(Ordinal(), {"n": np.arange(5)})
    params = Params(thresholds=[-2.0, -1.0, 0.0, 1.5], locations=[[-1.0], [1.0]])
    n = 20_000
    cells = [Cells(np.zeros((1, n), np.int32), np.zeros((1, n), bool))]
    p = probabilities(params["thresholds"], params["locations"][:, 0])
    for share in (0.0, 0.3, 1.0):
        r = np.tile([[share], [1 - share]], n)
        whole = np.array([share, 1 - share]) @ p
        expected = [whole @ np.abs(np.arange(5) - c) for c in range(5)]
        assert family.mean(params, cells, r)[0][0, 0] == np.argmin(expected)
    states = np.arange(n) % 2
    drawn = family.draw(params, cells, states, np.random.default_rng(0))[0][0]
    for k in range(2):
        found = np.bincount(drawn[states == k], minlength=5)
        assert (np.abs(found - n / 2 * p[k]) < 5 * np.sqrt(n / 2 * p[k])).all()


def test_imputed_codes_are_values_of_the_column() -> None:
    halves = np.array([1.0, 1.5, 1.5, 2.0, np.nan, 1.5])
    whole = np.array([3.0, 3.0, 5.0, 5.0, 3.0, np.nan])
    r = unseen.fit(Mixture(Ordinal(), 1), {"h": halves, "w": whole})
    out = r.impute({"h": halves, "w": whole})
    assert out["h"][4] == 1.5
    assert out["w"][5] == 3.0
    drawn = r.sample(50, seed=1)
    assert set(np.unique(drawn["h"])) <= {1.0, 1.5, 2.0}
    assert set(np.unique(drawn["w"])) <= {3, 5}


def test_a_value_that_was_not_there_is_refused_or_missing() -> None:
    r = unseen.fit(Mixture(Ordinal(), 1), {"n": np.array([1.0, 1.5, 2.0, 2.0])})
    with pytest.raises(unseen.SchemaError, match="was not there when the model was fitted"):
        r.log_prob({"n": np.array([1.0, 1.7])})


def test_coordinates_follow_the_order() -> None:
    family, block = bind(Ordinal(), {"n": np.repeat([1, 2, 3, 9], [5, 20, 10, 1])})
    z = family.embed(block.cells).values[0]
    assert (np.diff(z) >= 0).all()
    assert z.mean() == pytest.approx(0, abs=1e-12)
    assert z.std() == pytest.approx(1)


# ---- columns that do not suit


@pytest.mark.parametrize(
    ("column", "sentence"),
    [
        (np.array(["low", "high", "low"]), "text, which has no order of its own: use Categorical"),
        (np.array([2, 2, 2]), "constant"),
        (np.arange(101), "101 different numbers, and Ordinal takes 100"),
        (np.arange(5000) / 7, "more than 2,000 different numbers"),
    ],
)
def test_unsuitable_columns_are_named_in_a_sentence(column: np.ndarray, sentence: str) -> None:
    with pytest.raises(DataError, match=f"'speed'.*{sentence}"):
        unseen.fit(Mixture(Ordinal(), 1), {"speed": column})


def test_booleans_are_ordered() -> None:
    r = unseen.fit(Mixture(Ordinal(), 1), {"late": np.array([True, False, False, False])})
    np.testing.assert_allclose(r.description.views[0]["probabilities"], [[0.75, 0.25]])
