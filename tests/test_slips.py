"""Cells, columns and constants that a table should not have: found, told, and kept from deciding the fit."""

from __future__ import annotations

import numpy as np
import pytest

from unseen.plan import fitted, plan
from unseen.sources.arrays import Arrays


def two_groups(rows: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    z = 6 * rng.integers(0, 2, rows)
    return {"a": rng.normal(z, 1), "b": rng.normal(z, 1)}


@pytest.mark.parametrize(
    ("rows", "slips"), [(200, [1000.0]), (200, [-4e4, 1e6, 4e9]), (5000, [1e6]), (5000, [-4e9, 1e6])], ids=str
)
def test_a_slip_of_the_keyboard_does_not_hide_two_groups(rows: int, slips: list[float]) -> None:
    data = two_groups(rows)
    data["a"][3 : 3 + len(slips)] = slips
    made = plan(Arrays(data))
    assert [c.family for c in made.choices] == ["hurdle_gaussian", "gaussian"]
    assert set(made.choices[0].atoms) == set(slips)
    assert made.choices[0].note.count("stands apart") == len(slips)
    result = fitted(made, seed=0)
    assert result.model.components == 2
    assert result.params["weights"] == pytest.approx([0.5, 0.5], abs=3 / np.sqrt(rows))


def test_heavy_tails_are_no_slips() -> None:
    """The largest of n Cauchy numbers is beyond twenty times the second largest in one table of twenty."""
    found = 0
    for seed in range(40):
        x = np.random.default_rng(seed).standard_cauchy(500)
        found += plan(Arrays({"x": x})).choices[0].family.startswith("hurdle")
    assert found <= 8  # of 40 at 2 * 1/20 for both ends: more than 8 has a chance of 2 in 100


def test_a_column_of_three_cells_takes_no_part_unless_it_is_asked_for() -> None:
    data = two_groups(300)
    few = np.full(300, np.nan)
    few[[3, 50, 99]] = [1.5, 2.7, 9.1]
    (choice,) = (c for c in plan(Arrays({**data, "few": few})).choices if c.column == "few")
    assert (choice.family, "3 observed values" in choice.note) == ("", True)
    asked = plan(Arrays({**data, "few": few}), families={"few": "gaussian"})
    assert [c.family for c in asked.choices if c.column == "few"] == ["gaussian"]


def test_few_rows_are_no_reason_to_leave_a_column_out() -> None:
    assert all(c.family for c in plan(Arrays({"x": np.array([1.0, 2.5, 3.7, np.nan, 0.2])})).choices)


@pytest.mark.parametrize("value", [0.1, 0.7, 3.3, 19.99, -1.3607123456789])
@pytest.mark.parametrize("rows", [50, 100, 300, 1000])
def test_a_constant_is_one_whatever_rounding_makes_of_its_variance(value: float, rows: int) -> None:
    data = {"k": np.full(rows, value), "x": np.random.default_rng(0).normal(size=rows)}
    (choice,) = (c for c in plan(Arrays(data)).choices if c.column == "k")
    assert (choice.family, "constant" in choice.note) == ("", True)


def heights() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    height = rng.normal(170, 8, 100).round(1)
    weight = 0.5 * height + rng.normal(0, 3, 100)
    height[:15] = np.nan
    height[40] = 17050.0
    return {"height": height, "weight": weight}


def test_no_missing_cell_is_taken_for_a_slip() -> None:
    data = heights()
    result = fitted(plan(Arrays(data)), seed=0)
    filled = np.asarray(result.impute(Arrays(data))["height"])
    assert filled[:15].min() > 150 and filled[:15].max() < 210
    drawn = np.concatenate([d["height"] for d in result.impute(Arrays(data), draws=5, seed=0)])
    assert (drawn > 250).mean() == pytest.approx(0.01)  # the one that was observed
    assert max(result.sample(500, seed=0)["height"]) < 250


def test_two_slips_side_by_side_are_both_found() -> None:
    data = heights()
    data["height"][41] = 17210.0
    (choice, _) = plan(Arrays(data)).choices
    assert (choice.family, set(choice.atoms)) == ("hurdle_gaussian", {17050.0, 17210.0})


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_a_slip_among_counts_leaves_them_counts(seed: int) -> None:
    rng = np.random.default_rng(seed)
    counts = rng.poisson(3, 150)
    counts[5] = 33333
    (choice, _) = plan(Arrays({"visits": counts, "x": rng.normal(size=150)})).choices
    assert choice.family in ("hurdle_poisson", "hurdle_negative_binomial") and choice.atoms == (33333.0,)


def test_heavy_tailed_counts_are_no_codes() -> None:
    for seed in range(10):
        counts = np.random.default_rng(seed).zipf(2, 60)
        assert plan(Arrays({"n": counts})).choices[0].family != "categorical"
