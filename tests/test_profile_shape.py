"""What the profile learns of a column's values: its grid, distinct and frequent values, skewness, stand-ins."""

from __future__ import annotations

import dataclasses
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

import unseen
from unseen.core.block import CATEGORY, INTEGER, NUMBER, Column, Field, Frame
from unseen.core.profile import ColumnProfile, Profile, merged, profile_column, profile_frame
from unseen.core.values import LIMIT, SAMPLE
from unseen.store import load, save
from unseen.store.packing import Packing
from unseen.store.unpacking import Unpacking

RNG = np.random.default_rng(5)
NORMAL = RNG.normal(size=20_000)


def profile(x: Any, kind: str = NUMBER, weights: Any = None, observed: Any = None) -> ColumnProfile:
    return profile_column(Field("x", kind), Column(np.asarray(x), observed), weights)


def in_parts(x: Any, cuts: Any, weights: Any = None, kind: str = NUMBER) -> ColumnProfile:
    edges = [0, *sorted(cuts), len(x)]
    fields, parts = (Field("x", kind),), []
    for i, (a, b) in enumerate(zip(edges, edges[1:], strict=False)):
        columns = {"x": Column(np.asarray(x[a:b]))}
        if weights is not None:
            columns["w"] = Column(np.asarray(weights[a:b], float))
        parts.append(profile_frame(Frame(i, b - a, columns), fields, None if weights is None else "w"))
    return merged(parts)["x"]


WHOLE = RNG.integers(0, 30, 3000)
GRIDS = {
    "one decimal": (np.round(NORMAL, 1), 0.1),
    "one decimal in single precision": (np.round(NORMAL, 1).astype(np.float32), 0.1),
    "halves between whole numbers": (WHOLE + 0.5, 1.0),
    "half stars": (WHOLE / 2, 0.5),
    "whole thousands": (1000.0 * WHOLE, 1000.0),
    "large": (1e12 * RNG.integers(900, 1100, 2000), 1e12),
    "centimetres from inches": (2.54 * WHOLE, 2.54),
    "thirds": (WHOLE / 3, 1 / 3),
    "standardised": ((WHOLE - 14.2) / 8.7, 1 / 8.7),
    "standardised in single precision": (((WHOLE - 14.2) / 8.7).astype(np.float32), 1 / 8.7),
    "years with a few months": (np.concatenate((WHOLE, [0.42, 0.75, 0.83])), 0.01),
    "many distinct cents": (np.round(RNG.lognormal(5, 1, 20_000), 2), 0.01),
    "a stand-in among tenths on a grid of 0.3": (np.where(WHOLE < 2, 999.1, 0.3 * WHOLE), 0.3),
}


@pytest.mark.parametrize("name", GRIDS)
def test_known_grids(name: str) -> None:
    x, step = GRIDS[name]
    # a step out of a difference of stored numbers carries their rounding
    eps = float(np.finfo(x.dtype).eps * np.abs(x).max() / step)
    assert profile(x).resolution == pytest.approx(step, rel=8 * eps)


@pytest.mark.parametrize("scale", [1e-9, 1e-3, 1.0, 1e6, 1e17])
def test_continuous_numbers_are_on_no_grid(scale: float) -> None:
    assert profile(scale * NORMAL).resolution is None
    assert profile((scale * NORMAL).astype(np.float32)).resolution is None
    assert profile(np.where(np.arange(len(NORMAL)) % 20, scale * NORMAL, -999)).resolution is None


def test_numbers_all_but_zero_are_on_no_grid() -> None:
    assert profile(1e-15 * NORMAL).resolution is None


def test_few_rows_and_frequent_values_are_no_evidence_of_a_grid() -> None:
    assert profile([3, 10, 24], INTEGER).resolution == 1.0
    assert profile(NORMAL[:3]).resolution is None
    assert profile(np.where(np.arange(2000) % 10, 0.0, NORMAL[:2000])).resolution is None


def test_repeated_values_on_no_grid_have_their_smallest_gap() -> None:
    x = np.log1p(WHOLE)
    assert profile(x).resolution == pytest.approx(np.log(30 / 29), rel=1e-12)


def test_the_finer_of_two_grids_and_the_coarser_one_of_most_values() -> None:
    x = np.concatenate((WHOLE, [0.42]))
    assert profile(x).coarser == (1.0, pytest.approx(3000 / 3001))
    many = np.concatenate((np.arange(0, 9000, 3.0), [0.5]))
    assert in_parts(many, [3000]).resolution == 0.5
    assert profile(WHOLE).coarser is None


numbers = st.one_of(
    st.integers(-50, 50).map(float),
    st.integers(-500, 500).map(lambda i: i / 10),
    st.integers(-3, 3).map(lambda i: i * 2.54),
    st.sampled_from([999.0, -1.0, 1e9, 0.1 + 0.2, np.pi, 1e-14, 2.0**60]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(numbers, min_size=1, max_size=80), st.lists(st.integers(0, 80), max_size=4), st.booleans())
def test_parts_add_up_to_the_whole(values: list[float], cuts: list[int], weighted: bool) -> None:
    x = np.array(values)
    w = np.arange(len(x)) % 4.0 if weighted else None
    if w is not None and not w.any():
        w = w + 1
    whole, parts = in_parts(x, [], w), in_parts(x, [min(c, len(x)) for c in cuts], w)
    assert parts.resolution == whole.resolution
    assert parts.distinct == whole.distinct
    assert parts.atoms(0.0) == whole.atoms(0.0)
    assert parts.sentinel() == whole.sentinel() and parts.coarser == whole.coarser
    # the third moment cancels from terms of the size of |x - mean|^3
    np.testing.assert_allclose(parts.skewness, whole.skewness, rtol=1e-9, atol=1e-9)
    for a, b in zip(parts.table(), whole.table(), strict=True):
        np.testing.assert_array_equal(a, b)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(0, 4)), min_size=1, max_size=30))
def test_weights_are_copies(rows: list[tuple[int, int]]) -> None:
    x, w = np.array([r[0] for r in rows], float), np.array([r[1] for r in rows])
    if not w.any():
        return
    weighted, copies = profile(x, weights=w.astype(float)), profile(np.repeat(x, w))
    assert weighted.distinct == copies.distinct and weighted.atoms(0.0) == copies.atoms(0.0)
    assert weighted.resolution == copies.resolution
    np.testing.assert_allclose(weighted.skewness, copies.skewness, rtol=1e-9, atol=1e-9)


def test_skewness_is_that_of_scipy() -> None:
    x = RNG.gamma(2.0, size=5000)
    assert in_parts(x, [10, 11, 2000]).skewness == pytest.approx(stats.skew(x), rel=1e-10)
    assert np.isnan(profile(np.full(9, 0.1)).skewness)
    assert np.isnan(profile([1e300, -1e300, 1.0]).skewness)


def test_hidden_values_say_nothing() -> None:
    seen = np.arange(3000) % 7 != 0
    x = np.where(seen, WHOLE, 0.123456)
    a, b = profile(x, observed=seen), profile(WHOLE[seen].astype(float))
    assert (a.resolution, a.distinct, a.atoms(), a.sentinel()) == (b.resolution, b.distinct, b.atoms(), b.sentinel())


def test_frequent_values_of_many_are_counted_exactly() -> None:
    n = 300_000
    x = RNG.normal(size=n)
    x[: n // 50], x[n // 50 : n // 10] = 1.25, -7.0
    RNG.shuffle(x)
    p = in_parts(x, range(50_000, n, 50_000))
    assert p.distinct is None
    assert p.atoms(0.019) == ((-7.0, pytest.approx(0.08)), (1.25, pytest.approx(0.02)))
    w = RNG.integers(1, 4, n).astype(float)
    weighted = dict(in_parts(x, range(50_000, n, 50_000), w).atoms(0.015))
    assert weighted[-7.0] == pytest.approx(w[x == -7].sum() / w.sum())


def test_the_sample_is_bounded_fair_and_independent_of_order() -> None:
    x = np.sort(RNG.normal(size=100_000))
    fields = (Field("x", NUMBER),)
    frames = [Frame(i, 20_000, {"x": Column(x[20_000 * i : 20_000 * (i + 1)])}) for i in range(5)]
    parts = [profile_frame(f, fields) for f in frames]
    points, mass = merged(parts)["x"].table()
    again, _ = merged(parts[::-1])["x"].table()
    np.testing.assert_array_equal(points, again)
    assert len(points) == SAMPLE > LIMIT and mass.sum() == pytest.approx(1e5)
    # a fair sample fails this once in a million
    assert stats.kstest(points, stats.norm.cdf).pvalue > 1e-6


def test_gaps_leave_enough_to_sample() -> None:
    seen = RNG.random(100_000) < 0.05
    p = profile(RNG.normal(size=100_000), observed=seen)
    assert len(p.table()[0]) == SAMPLE and p.table()[1].sum() == pytest.approx(seen.sum())


STAND_INS = {
    "days since contact": (np.where(RNG.random(5000) < 0.9, 999, RNG.integers(0, 28, 5000)), 999),
    "age": (np.where(RNG.random(5000) < 0.02, 99, RNG.integers(18, 80, 5000)), 99),
    "before": (np.where(RNG.random(5000) < 0.3, -1, RNG.integers(1, 800, 5000)), -1),
    "measured": (np.where(RNG.random(20_000) < 0.03, -200, NORMAL), -200),
    "large": (np.where(RNG.random(5000) < 0.01, 9999, RNG.poisson(40, 5000)), 9999),
}


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_are_found(name: str) -> None:
    x, value = STAND_INS[name]
    found = profile(x).sentinel()
    assert found == (value, pytest.approx(np.mean(x == value)))


@pytest.mark.parametrize("n", [200, 2000, 20_000])
def test_ordinary_columns_have_no_stand_in(n: int) -> None:
    rng = np.random.default_rng(n)
    for scale in (0.3, 1, 5, 50):
        zero = rng.random(n) < 0.9
        for x in (
            rng.poisson(scale, n),
            rng.negative_binomial(0.5, 0.5 / (0.5 + scale), n),
            rng.geometric(1 / (1 + scale), n),
            np.where(zero, 0, rng.lognormal(scale / 10, 1, n)),
            np.where(zero, 0, 1000 + np.round(rng.normal(size=n), 1)),
            np.round(rng.normal(size=n) * scale),
            np.minimum(rng.lognormal(2, 1, n), 20),
            rng.normal(size=n),
            rng.integers(1, 6, n),
        ):
            assert profile(np.asarray(x, float)).sentinel() is None


def test_a_run_keeps_what_is_known_but_not_the_values(tmp_path: Path) -> None:
    x = np.column_stack((np.round(NORMAL[:300], 1), NORMAL[300:600]))
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), x, restarts=1)
    after = load(save(result, tmp_path / "run")).profile
    for a, b in zip(result.profile.columns, after.columns, strict=True):
        assert (a.resolution, a.distinct, a.skewness, a.coarser) == (b.resolution, b.distinct, b.skewness, b.coarser)
        assert b.atoms() == tuple(v for v in a.atoms() if v[1] * 300 >= 5) and b.sentinel() == a.sentinel()
        with pytest.raises(unseen.DataError, match="profile its data again"):
            b.table()


def test_a_profile_without_the_new_facts_still_loads() -> None:
    side = Packing()
    old = side.pack(Profile((profile(WHOLE, INTEGER),), 3000))
    for name in ("m3", "facts"):
        del old["columns"][0][name]
    back = Unpacking(side.arrays).unpack(old)["x"]
    assert (back.resolution, back.coarser, back.atoms(), back.sentinel()) == (None, None, (), None)
    assert back.distinct == 30 and np.isnan(back.skewness) and back.table()[1].sum() == 3000
    assert np.isnan((back + profile(WHOLE, INTEGER)).skewness)


def test_profiles_are_pickled_selected_and_replaced() -> None:
    p = Profile((profile(WHOLE, INTEGER),), 3000)
    back = pickle.loads(pickle.dumps(p)).select(("x",))["x"]
    assert back.resolution == 1.0 and dataclasses.replace(back, name="y").distinct == 30
    text = profile_column(Field("c", CATEGORY), Column(np.array([0, 1, 1], np.int32), None, ("a", "b")))
    assert (text.resolution, text.distinct, text.atoms(), text.sentinel()) == (None, 2, (), None)
