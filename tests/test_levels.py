"""Few numbers that are levels, and a heap at zero: where a normal density is wrong, and where it stays."""

from __future__ import annotations

import numpy as np
import pytest

from unseen.columns import decide
from unseen.core.block import Column, Field
from unseen.core.levels import may_be_levels
from unseen.core.profile import Profile, profile_column
from unseen.plan import plan
from unseen.search.order import search
from unseen.sources.arrays import Arrays

N = 900


def column_of(x: np.ndarray, kind: str = "number"):
    return profile_column(Field("x", kind), Column(np.asarray(x)))


def decided(x: np.ndarray):
    column = column_of(x)
    return decide(column, Profile((column,), len(x), len(x), float(len(x))))


def drawn(values: list[float], n: int = N) -> np.ndarray:
    return np.random.default_rng(0).choice(values, n)


LEVELS = {
    "midpoints of classes": [0.125, 0.417, 0.75, 1.5, 4.0, 7.0, 10.0, 15.0],
    "none, half, whole": [0.0, 0.5, 1.0],
    "shares of four districts": [0.0678, 0.1049, 0.2537, 0.5333],
    "powers of two": [2.0, 4.0, 8.0, 16.0, 24.0, 32.0],
    "loudness": [35.0, 40.0, 45.0, 50.0, 55.0, 65.0],
}


@pytest.mark.parametrize("name", LEVELS)
def test_few_levels_are_ordered(name: str) -> None:
    assert decided(drawn(LEVELS[name])).family == "ordinal"


def test_decimals_side_by_side_stay_numbers() -> None:
    x = np.clip(np.round(np.random.default_rng(0).normal(1.0, 0.2, N), 1), 0.5, 1.5)
    assert not may_be_levels(column_of(x)) and decided(x).family.endswith("gaussian")


def test_what_hardly_repeats_is_no_level() -> None:
    assert not may_be_levels(column_of(np.array([1.5, 7.25, 9.0, 11.75])))
    assert may_be_levels(column_of(np.tile([1.5, 7.25, 9.0, 11.75], 2)))


def test_levels_beside_one_that_stands_apart_keep_their_order() -> None:
    found = decided(np.where(np.arange(N) % 10 == 0, 99.9, drawn([0.25, 1.5, 2.25, 7.5, 10.0])))
    assert found.family == "ordinal" and "99.9 stands apart" in found.reason


def heaped(share: float, places: int, seed: int = 0) -> np.ndarray:
    """Amounts far from zero that crowd at one round value, too, so that zero does not stand out alone."""
    rng = np.random.default_rng(seed)
    x = np.round(rng.normal(70, 12, N), places)
    x[rng.random(N) < share / 3] = 50.0
    return np.where(rng.random(N) < share, 0.0, x)


@pytest.mark.parametrize("places", [0, 2])
def test_a_heap_at_zero_is_seen_beside_another(places: int) -> None:
    found = decided(heaped(0.2, places))
    assert (found.family, found.atoms) == ("hurdle_gaussian", (0.0,)) and "0 in" in found.reason


def test_zeros_that_a_normal_density_has_are_no_heap() -> None:
    rng = np.random.default_rng(0)
    assert decided(np.round(rng.normal(0, 1.5, N)) + 0.0).family != "hurdle_gaussian"
    assert decided(np.maximum(np.round(rng.normal(40, 12, N), 1), 0.0)).family == "gaussian"


def test_few_rows_take_no_logarithm() -> None:
    x = np.array([11.0, 13, 12, 19, 60])
    assert decided(x).family == "gaussian" and decided(np.tile(x + [0, 0.1, 0.2, 0.3, 0.4], 1)).family == "gaussian"


@pytest.mark.parametrize("x", [heaped(0.2, 2), drawn(LEVELS["midpoints of classes"])], ids=["heap", "levels"])
def test_they_are_fitted(x: np.ndarray) -> None:
    data = {"odd": x, "plain": np.round(np.random.default_rng(1).normal(30, 4, len(x)), 1)}
    made = plan(Arrays(data))
    result = search(made.model_for, made.known, (1, 2), restarts=2, tol=1e-5)
    assert result.converged and not any(f.kind == "variance" for f in result.model.floors(result.params))
