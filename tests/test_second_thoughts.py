"""Families that are right alone and wrong inside components, and the other way round: the criterion decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from unseen.errors import ModelError
from unseen.plan import fitted, plan
from unseen.result import Result
from unseen.sources.arrays import Arrays


def fit(data: dict[str, np.ndarray], **options: Any) -> Result:
    return fitted(plan(Arrays(data), **options), seed=0)


def families(result: Result) -> dict[str, str]:
    return {c["column"]: c["family"] for c in result.columns}


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("family", ["negative_binomial", "poisson"])
def test_one_component_of_large_counts_is_one_component(family: str, seed: int) -> None:
    """A density needs several components for the skewness of counts, whose own family needs one."""
    rng = np.random.default_rng(seed)
    counts = rng.negative_binomial(2, 0.2, 1000) if family == "negative_binomial" else rng.poisson(12, 4000)
    result = fit({"counts": counts, "other": rng.normal(size=len(counts))})
    assert result.model.components == 1
    assert families(result) == {"counts": family, "other": "gaussian"}
    (told,) = (c["note"] for c in result.columns if c["column"] == "counts")
    assert f"{family} inside components, by the criterion" in told or told.startswith("counts")


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("family", ["student_t", "gamma", "beta"])
def test_one_component_of_any_family_is_one_component(family: str, seed: int) -> None:
    """Heavy tails, waiting times and proportions."""
    rng = np.random.default_rng(seed)
    x = {
        "student_t": lambda: rng.standard_t(2, 1000),
        "gamma": lambda: rng.gamma(1.5, 2, 1000),
        "beta": lambda: rng.beta(0.6, 0.8, 1000),
    }[family]()
    result = fit({"x": x, "other": rng.normal(size=1000)})
    assert result.model.components == 1
    assert families(result) == {"x": family, "other": "gaussian"}


def two_normal_groups() -> dict[str, np.ndarray]:
    """Normal inside each group, skewed as a whole: logarithms look right until the groups are told apart."""
    rng = np.random.default_rng(0)
    small, large = rng.normal(20, 3, (300, 2)), rng.normal(60, 12, (100, 2))
    x = np.concatenate([small, large])
    return {"a": x[:, 0], "b": x[:, 1]}


def test_skewness_that_comes_from_groups_takes_no_logarithm() -> None:
    data = two_normal_groups()
    assert {c.family for c in plan(Arrays(data)).choices} == {"log_normal"}
    result = fit(data)
    assert result.model.components == 2
    assert set(families(result).values()) == {"gaussian"}
    rows = {(r["components"], r["form"]): r["bic"] for r in result.search if "bic" in r}
    assert result.bic == pytest.approx(min(rows.values()), abs=0.5)
    assert min(rows, key=lambda place: rows[place])[1].endswith("no logarithms")


def test_skewed_numbers_keep_their_logarithms() -> None:
    rng = np.random.default_rng(0)
    x = np.exp(rng.normal(3, 1, (400, 2)))
    result = fit({"a": x[:, 0], "b": x[:, 1]})
    assert result.model.components == 1
    assert set(families(result).values()) == {"log_normal"}


def test_what_the_user_says_and_what_an_earlier_plan_said_stands() -> None:
    data = two_normal_groups()
    asked = fit(data, families={"a": "log_normal", "b": "log_normal"})
    assert set(families(asked).values()) == {"log_normal"}
    assert not any("," in r["form"] for r in asked.search)
    first = fit(data)
    again = plan(Arrays(data), before=first.columns)
    assert {c.family for c in again.choices} == {"gaussian"}
    assert not again.variants
    assert fitted(again, seed=0).loglik == pytest.approx(first.loglik, rel=1e-6)


@pytest.mark.parametrize(
    ("family", "draw", "ends"),
    [
        ("hurdle_beta", lambda rng, n: rng.beta(0.6, 0.6, n), [0.0, 1.0, 0.0, 1.0]),
        ("hurdle_gamma", lambda rng, n: rng.gamma(3.0, 3.0, n), [0.0, 0.0, 0.0]),
    ],
)
def test_a_few_cells_at_the_ends_do_not_keep_a_family_from_being_thought_of(family: str, draw: Any, ends: Any) -> None:
    rng = np.random.default_rng(0)
    x = np.round(draw(rng, 1000), 5)
    x[: len(ends)] = ends
    result = fit({"share": x, "other": rng.normal(size=1000)})
    assert result.model.components == 1
    assert families(result) == {"share": family, "other": "gaussian"}


def test_a_slip_of_the_keyboard_does_not_keep_counts_from_their_family() -> None:
    rng = np.random.default_rng(3)
    x = rng.negative_binomial(2, 0.15, 1000)
    x[7] = 99_999
    result = fit({"visits": x, "other": rng.normal(size=1000)})
    assert families(result) == {"visits": "hurdle_negative_binomial", "other": "gaussian"}


def test_with_known_classes_the_search_begins_at_their_number() -> None:
    rng = np.random.default_rng(0)
    group = rng.integers(0, 3, 300)
    data = {"a": rng.normal(size=300) + 4 * group, "b": rng.normal(size=300), "kind": np.array(list("uvw"))[group]}
    result = fit(data, labels="kind")
    assert {row["components"] for row in result.search} >= {3, 4}
    assert min(row["components"] for row in result.search) == 3


def test_one_column_is_not_weights_and_classes_at_once() -> None:
    with pytest.raises(ModelError, match=r"'w' is named for the row weights and for the known classes"):
        plan(Arrays({"a": np.arange(9.0), "w": np.ones(9)}), weights="w", labels="w")


def test_the_table_of_a_search_by_held_out_rows_is_of_one_kind_of_fit() -> None:
    """Fits to the training rows throughout, that of the winner too: more components cannot be less likely there."""
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2, 300)) + 4 * rng.integers(0, 2, 300)
    result = fitted(plan(Arrays({"a": x[0], "b": x[1]})), range(1, 4), criterion="heldout", seed=0)
    full = [row["loglik"] for row in result.search if row["form"] == "full"]
    assert full == sorted(full)
    assert result.loglik < min(full)
