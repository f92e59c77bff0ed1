"""From a table to a model: columns that follow from others, and columns that cannot be told apart from that."""

from __future__ import annotations

import numpy as np
import pytest

from unseen.errors import NumericalError
from unseen.plan import fitted, plan
from unseen.search.order import search
from unseen.sources.arrays import Arrays


def columns(rows: int = 4000, numbers: int = 20, missing: float = 0.0) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(rows, numbers))
    x[rng.random(x.shape) < missing] = np.nan
    return {f"x{j}": x[:, j] for j in range(numbers)}


def left_out(data: dict[str, np.ndarray]) -> list[str]:
    return [c.column for c in plan(Arrays(data)).choices if not c.family]


def test_a_column_that_follows_from_others_is_left_out() -> None:
    data = columns(numbers=3)
    assert left_out({**data, "sum": data["x0"] + 2 * data["x1"]}) == ["sum"]
    noise = np.random.default_rng(1).normal(size=len(data["x0"]))
    assert left_out({**data, "nearly": data["x0"] + 1e-2 * noise}) == []


def test_what_two_columns_differ_by_is_kept() -> None:
    """Moments of begin and end, months later: what is their own is a millionth of their variance."""
    rng = np.random.default_rng(0)
    begin, short = 1.7e9 + rng.uniform(0, 1e7, 400).round(), rng.random(400) < 0.5
    data = {"begin": begin, "end": begin + np.where(short, rng.normal(600, 60, 400), rng.normal(5400, 300, 400))}
    made = plan(Arrays(data))
    assert all(c.family for c in made.choices)
    assert made.model_for(2).bind(made.known.profile).family.floor < 1e-9


@pytest.mark.parametrize("scale", [200, 300, 500])
def test_a_small_step_between_two_measurements_is_found(scale: float) -> None:
    rng = np.random.default_rng(1)
    up = rng.random(400) < 0.5
    before = rng.normal(0, scale, 400)
    data = {"before": before, "after": before + np.where(up, 2, -2) + rng.normal(0, 0.3, 400)}
    result = fitted(plan(Arrays(data)), seed=0)
    assert result.model.components == 2
    labels = result.assign(Arrays(data))
    assert max(np.mean(labels == up), np.mean(labels != up)) > 0.99


def test_totals_that_are_rounded_and_copies_of_logarithms_follow_from_others() -> None:
    data = columns(numbers=3)
    rng = np.random.default_rng(1)
    assert left_out({**data, "total": (data["x0"] + data["x1"]).round(4)}) == ["total"]
    size = np.exp(rng.normal(3, 1, 200))
    pair = {"size": size, "double": 2 * size, "other": rng.normal(size=200)}
    assert left_out(pair) == ["double"]
    assert fitted(plan(Arrays(pair)), seed=0).model.components == 1


@pytest.mark.parametrize("missing", [0.2, 0.25, 0.3, 0.35, 0.5])
def test_few_complete_rows_say_nothing_about_dependence(missing: float) -> None:
    """Any few points lie in a plane: columns of which hardly a row is complete are kept."""
    assert left_out(columns(missing=missing)) == []


@pytest.mark.filterwarnings("ignore::RuntimeWarning")
@pytest.mark.parametrize("size", [1e160, 1e300])
def test_cells_whose_squares_overflow_are_an_error_and_not_a_column_less(size: float) -> None:
    data = columns(500, 3)
    data["x1"][::2] *= size
    made = plan(Arrays(data))
    assert [c.column for c in made.choices if not c.family] == []
    with pytest.raises(NumericalError, match="not finite"):
        search(made.model_for, made.known, (2,), restarts=2)
