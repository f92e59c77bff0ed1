"""From a table to a model: columns that follow from others, and columns that cannot be told apart from that."""

from __future__ import annotations

import numpy as np
import pytest

from unseen.errors import NumericalError
from unseen.plan import plan
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


def test_a_column_of_which_less_is_its_own_than_a_component_may_be_narrow_follows_from_others() -> None:
    """Totals that are rounded, units that were converted: a covariance with them rests on its floor in every fit."""
    data = columns(numbers=3)
    noise = np.random.default_rng(1).normal(size=len(data["x0"]))
    assert left_out({**data, "inch": data["x0"] / 2.54 + 1e-4 * noise}) == ["inch"]
    assert left_out({**data, "total": (data["x0"] + data["x1"]).round(3)}) == ["total"]


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
