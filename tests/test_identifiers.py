"""Columns that say who a row is are left out, those that look like it are not, and a rare zero is never lost."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unseen.columns import decide
from unseen.core.block import Column, Field, Frame
from unseen.core.numbering import named_identifier, numbers_rows
from unseen.core.profile import Profile, merged, profile_column, profile_frame
from unseen.plan import plan
from unseen.sources.arrays import Arrays


def profiled(x: np.ndarray, kind: str = "integer", name: str = "x"):
    return profile_column(Field(name, kind), Column(np.asarray(x)))


def decided(x: np.ndarray, kind: str = "integer", name: str = "x"):
    column = profiled(x, kind, name)
    return decide(column, Profile((column,), len(x), len(x), float(len(x))))


@pytest.mark.parametrize("rows, places", [(30, 30), (400, 400), (400, 1500), (9000, 9000), (9000, 12_000)])
def test_numbers_without_a_repeat_in_a_narrow_range_count_rows(rows: int, places: int) -> None:
    x = 1000 + np.random.default_rng(rows).choice(places, rows, replace=False)
    assert numbers_rows(profiled(x))
    assert not numbers_rows(profiled(np.repeat(x[: rows // 2], 2)))
    assert "running number" in decided(x).reason


def test_a_wide_range_and_few_rows_are_no_evidence() -> None:
    rng = np.random.default_rng(0)
    assert not numbers_rows(profiled(rng.choice(100_000, 400, replace=False)))
    assert not numbers_rows(profiled(np.arange(29)))
    assert not numbers_rows(profiled(np.arange(400.0), "number"))


@given(st.integers(30, 3000), st.floats(0.01, 3), st.integers(0, 9))
@settings(max_examples=60, deadline=None)
def test_rows_drawn_from_a_range_are_never_taken_for_numbers_of_rows(rows: int, spread: float, seed: int) -> None:
    """Even the narrowest and the flattest: the rule's chance of an error is below 1e-5."""
    x = np.random.default_rng(seed).integers(0, max(int(spread * rows), 2), rows)
    assert not numbers_rows(profiled(x))


def test_holes_change_nothing() -> None:
    x = np.random.default_rng(1).permutation(500)
    seen = np.random.default_rng(2).random(500) < 0.8
    assert numbers_rows(profile_column(Field("x", "integer"), Column(x, seen)))


@pytest.mark.parametrize("name", ["id", "ID", "case.id", "patient_id", "userId", "PatientID", "pid"])
def test_what_is_named_an_identifier_is_left_out(name: str) -> None:
    assert named_identifier(name)
    x = np.random.default_rng(0).integers(1, 80, 600)
    assert decided(x, name=name).family == "" and "by its name" in decided(x, name=name).reason
    assert decided(x, name="score").family == "gaussian"


@pytest.mark.parametrize("name", ["", "paid", "covid", "idle", "width", "identity", "humid", "bid", "1"])
def test_other_names_say_nothing(name: str) -> None:
    assert not named_identifier(name)


def test_few_identifiers_are_codes_and_fractions_are_none() -> None:
    rng = np.random.default_rng(0)
    assert decided(rng.integers(1, 6, 300), name="store_id").family == "categorical"
    assert decided(rng.integers(1, 6, 300), name="stores").family == "ordinal"
    assert decided(rng.integers(0, 2, 300), name="id").family == "bernoulli"
    assert decided(np.round(rng.normal(40, 6, 300), 2), "number", "id").family == "gaussian"


def test_identifiers_can_be_asked_for() -> None:
    rng = np.random.default_rng(0)
    data = {"user_id": rng.integers(1, 90, 300), "x": np.round(rng.normal(size=300), 2)}
    assert [c.family for c in plan(Arrays(data)).choices] == ["", "gaussian"]
    assert plan(Arrays(data), columns=("user_id", "x")).choices[0].family == "gaussian"
    text = {**data, "user_id": np.array([f"u{i % 60}" for i in range(300)], object)}
    assert plan(Arrays(text)).choices[0].family == ""
    assert plan(Arrays(text), columns=("user_id", "x")).choices[0].family == "categorical"


def test_numbers_that_hardly_repeat_are_no_codes() -> None:
    assert decided(np.array([11, 27, 28, 35, 41, 60, 90, 59, 11, 27])).family in ("gaussian", "log_normal")
    assert decided(np.tile([101, 205, 333, 478], 40)).family == "categorical"


def test_a_few_zeros_among_many_amounts_are_known_exactly() -> None:
    """They are rarer than any frequent value, yet decide whether amounts have logarithms."""
    n = 60_000
    x = np.round(np.exp(np.random.default_rng(0).normal(5, 1, n)), 3)
    x[[5, 40_001]] = 0.0
    assert decided(x, "number").family == "hurdle_log_normal"
    frames = [Frame(i, 20_000, {"x": Column(x[20_000 * i : 20_000 * (i + 1)])}) for i in range(3)]
    parts = [profile_frame(f, (Field("x", "number"),)) for f in frames]
    for some in (parts, parts[::-1]):
        column = merged(some)["x"]
        assert column.distinct is None and dict(column.atoms(0.0))[0.0] == pytest.approx(2 / n)
