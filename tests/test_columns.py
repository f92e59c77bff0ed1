"""What a column is, found in its data: families with reasons, on made columns and on tables of many fields."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import unseen
from unseen import DataError, Gaussian, LogNormal, NegativeBinomial, Poisson
from unseen.alone import criterion
from unseen.columns import decide
from unseen.core.block import Column, Field
from unseen.core.profile import Profile, profile_column
from unseen.plan import plan
from unseen.search.order import search
from unseen.sources.arrays import Arrays

RNG = np.random.default_rng(11)
N = 1500


def profiled(x: np.ndarray, kind: str = "number"):
    seen = None if kind == "category" else ~np.isnan(np.asarray(x, float))
    column = profile_column(Field("x", kind), Column(np.where(seen, x, 0.0), None if seen.all() else seen))
    return column, Profile((column,), len(x), len(x), float(len(x)))


def amounts(zero: float = 0.4) -> np.ndarray:
    return np.where(RNG.random(N) < zero, 0.0, np.round(np.exp(RNG.normal(5, 1, N)), 2))


MADE = {
    "normal": (RNG.normal(size=N), "gaussian"),
    "normal on a grid": (np.round(RNG.normal(40, 12, N)), "gaussian"),
    "two groups": (np.round(np.r_[RNG.normal(50, 5, N // 2), RNG.normal(80, 5, N // 2)], 1), "gaussian"),
    "skewed": (np.round(np.exp(RNG.normal(8, 0.9, N)), 2), "log_normal"),
    "a heap at zero": (amounts(), "hurdle_log_normal"),
    "a heap at zero, the rest normal": (
        np.where(RNG.random(N) < 0.5, 0, np.round(RNG.normal(70, 9, N))),
        "hurdle_gaussian",
    ),
    "rare events": (RNG.poisson(0.8, N).astype(float), "poisson"),
    "clumped events": (RNG.negative_binomial(0.6, 0.15, N).astype(float), "negative_binomial"),
    "mostly no events": (
        np.where(RNG.random(N) < 0.8, 0, RNG.negative_binomial(4, 0.4, N)).astype(float),
        "zero_inflated",
    ),
    "a yes or no": (RNG.integers(0, 2, N).astype(float), "bernoulli"),
    "two codes": (RNG.choice([1.0, 2.0], N), "ordinal"),
    "marks": (RNG.choice([1.0, 2, 3, 4, 5], N, p=[0.1, 0.2, 0.4, 0.2, 0.1]), "ordinal"),
    "ten marks in a bowl": (RNG.choice(np.arange(1.0, 11), N, p=np.r_[0.3, np.full(8, 0.05), 0.3]), "ordinal"),
    "999 for unknown": (np.where(RNG.random(N) < 0.03, 999.0, np.round(RNG.normal(12, 3, N))), "hurdle_gaussian"),
    "one value that is all others' upper end": (np.minimum(np.round(RNG.normal(45, 8, N)), 50.0), "hurdle_gaussian"),
}


@pytest.mark.parametrize("name", MADE)
def test_families_of_made_columns(name: str) -> None:
    x, family = MADE[name]
    found = decide(*profiled(x))
    assert found.family.startswith(family), found
    assert found.reason or found.family == "gaussian"


@pytest.mark.parametrize("name", MADE)
def test_holes_and_order_change_nothing(name: str) -> None:
    x, family = MADE[name]
    holed = np.where(np.random.default_rng(0).random(N) < 0.1, np.nan, x)[::-1]
    assert decide(*profiled(holed)).family.startswith(family)


def test_reasons_name_what_was_seen() -> None:
    assert "0 in 4" in decide(*profiled(MADE["a heap at zero"][0])).reason
    assert "999 stands apart in 3" in decide(*profiled(MADE["999 for unknown"][0])).reason
    assert decide(*profiled(MADE["999 for unknown"][0])).atoms == (999.0,)


@pytest.mark.parametrize(
    "x",
    [
        np.r_[np.full(997, 5.0), 6.1, 7.3, 9.2],
        np.r_[np.zeros(997), 1e15, 2e15, 3e15],
        np.r_[np.zeros(400), np.full(400, 7.0), np.round(RNG.normal(90, 9, 200), 1)],
        np.round(RNG.normal(0, 300, 900)) * 1e12,
        np.r_[RNG.permutation(900).astype(float), np.full(40, 99999.0)],
        np.r_[np.zeros(500), np.ones(500), [2.0]],
    ],
    ids=[
        "one atom but for three rows",
        "huge beside zero",
        "two atoms",
        "a grid of 10^12",
        "all distinct",
        "three codes",
    ],
)
def test_odd_columns_are_fitted(x: np.ndarray) -> None:
    """Whatever is found, the default fit converges on it, bounded, beside an ordinary column."""
    data = {"odd": x, "plain": np.round(np.random.default_rng(1).normal(30, 4, len(x)), 1)}
    made = plan(Arrays(data))
    result = search(made.model_for, made.known, (1, 2), restarts=2, tol=1e-5)
    assert result.converged, result.outcome
    assert result.log_probability <= 1e-9
    assert not any(f.kind == "variance" for f in result.model.floors(result.params))


def test_two_atoms_are_both_found() -> None:
    x = np.r_[np.zeros(400), np.full(400, 7.0), np.round(RNG.normal(90, 9, 200), 1)]
    assert set(decide(*profiled(x)).atoms) == {0.0, 7.0}


@pytest.mark.parametrize(
    "family, x, words",
    [
        ("poisson", np.r_[np.arange(20.0), -1, 2.5], "negative"),
        ("poisson", np.r_[np.arange(20.0), 2.5], "1 rows"),
        ("log_normal", np.r_[np.arange(20.0)], "zero"),
        ("gamma", np.r_[np.arange(20.0)], "0|zero"),
        ("beta", np.r_[np.arange(20.0)], "between|outside|1"),
        ("hurdle_gaussian", np.arange(40.0), "no value that stands out"),
        ("categorical", np.arange(1500.0), "different values"),
    ],
)
def test_a_family_that_is_forced_against_the_data_is_refused_in_a_sentence(family, x, words) -> None:
    with pytest.raises(DataError, match=words):
        made = plan(Arrays({"x": x}), families={"x": family})
        search(made.model_for, made.known, (1,))


def test_text_that_is_nearly_unique_is_left_out_and_can_be_asked_for() -> None:
    names = np.array([f"name {i}" for i in range(300)], object)
    data = {"name": names, "x": np.random.default_rng(0).normal(size=300)}
    (left,) = (c for c in plan(Arrays(data)).choices if c.column == "name")
    assert left.family == "" and "300 different values" in left.note
    (kept,) = (c for c in plan(Arrays(data), columns=("name", "x")).choices if c.column == "name")
    assert kept.family == "categorical"


def test_what_was_decided_before_stands() -> None:
    rng = np.random.default_rng(3)
    first = {"a": np.round(np.exp(rng.normal(3, 1, 400)), 1), "b": rng.poisson(1, 400)}
    then = {"a": np.round(rng.normal(30, 1, 400), 1), "b": rng.poisson(9, 400)}
    before = plan(Arrays(first))
    assert {c.column: c.family for c in plan(Arrays(then), before=before.columns).choices} == {
        c.column: c.family for c in before.choices
    }
    assert [c.family for c in plan(Arrays(then)).choices] != [c.family for c in before.choices]


@given(st.floats(0.2, 4), st.integers(0, 5))
@settings(max_examples=25, deadline=None)
def test_the_criterion_is_that_of_the_maximum(rate: float, seed: int) -> None:
    """BIC of one Poisson component on a column, against its closed form."""
    x = np.random.default_rng(seed).poisson(rate, 300).astype(float)
    if np.ptp(x) == 0:
        return
    column, whole = profiled(x)
    exact = -2 * stats.poisson.logpmf(x, x.mean()).sum() + np.log(300)
    assert criterion(Poisson(), column, whole, 300.0) == pytest.approx(exact, rel=1e-9)


def test_criteria_are_on_one_measure() -> None:
    """Counts far from zero: a normal density on whole numbers and a binomial of the same moments agree."""
    x = np.random.default_rng(0).negative_binomial(400, 0.5, 5000).astype(float)
    column, whole = profiled(x)
    normal = criterion(Gaussian(), column, whole, 5000.0)
    assert criterion(NegativeBinomial(), column, whole, 5000.0) == pytest.approx(normal, rel=1e-3)
    shifted = np.round(np.random.default_rng(0).normal(1000, 10, 5000), 1)
    column, whole = profiled(shifted)
    gap = criterion(LogNormal(), column, whole, 5000.0) - criterion(Gaussian(), column, whole, 5000.0)
    assert abs(gap) < 0.02 * 5000


def test_the_default_fit_of_iris_with_its_class_finds_the_three() -> None:
    pytest.importorskip("sklearn")
    from sklearn.datasets import load_iris

    frame = load_iris(as_frame=True).frame
    made = plan(unseen.sources.open_source(frame)[0])
    assert made.choices[-1].family == "ordinal"
    result = search(made.model_for, made.known, range(1, 5), forms=made.forms)
    assert result.model.components >= 2 and result.converged


def test_names_of_things_that_look_like_numbers() -> None:
    """Running numbers, codes far apart, empty columns, numbers written as text."""
    rng = np.random.default_rng(2)
    n = 400
    data = {
        "row": np.arange(1, n + 1),
        "store": rng.choice([101, 205, 333, 478], n),
        "zip": rng.choice([10115, 20095, 80331, 50667, 60311], n),
        "nothing": np.full(n, np.nan),
        "amount": np.round(rng.normal(40, 6, n), 2),
        "price": np.array([f"{x:,.2f} €" for x in rng.normal(5e4, 9e3, n)], object),
    }
    found = {c.column: c for c in plan(Arrays(data)).choices}
    assert found["row"].family == "" and "running number" in found["row"].note
    assert found["store"].family == found["zip"].family == "categorical"
    assert found["nothing"].family == "" and "is empty" in found["nothing"].note
    assert found["price"].family == "" and "look like numbers" in found["price"].note
    assert found["amount"].family == "gaussian"
    with pytest.raises(DataError, match="is empty"):
        plan(Arrays(data), columns=("nothing", "amount"))


def test_levels_whose_gaps_grow_are_in_order() -> None:
    x = np.random.default_rng(0).choice([1.0, 2, 5, 10, 50, 100, 500], 600)
    assert decide(*profiled(x)).family == "ordinal"


def test_counts_beside_a_stand_in_are_counts() -> None:
    x = np.where(np.random.default_rng(0).random(800) < 0.07, 99, np.random.default_rng(1).poisson(1.3, 800))
    found = decide(*profiled(x.astype(float)))
    assert found.family == "hurdle_poisson" and found.atoms == (99.0,)
    made = plan(Arrays({"x": x}), families={"x": "hurdle_negative_binomial"})
    assert made.choices[0].atoms == (99.0,)


def test_a_few_zeros_do_not_keep_amounts_from_their_logarithm() -> None:
    x = np.round(np.exp(np.random.default_rng(0).normal(3, 1, 900)), 2)
    x[:7] = 0
    found = decide(*profiled(x))
    assert (found.family, found.atoms) == ("hurdle_log_normal", (0.0,)) and "0 in 0.7" in found.reason
