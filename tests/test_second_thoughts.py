"""Families that are right alone and wrong inside components, and the other way round: the criterion decides."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

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
    assert "counts inside components, by the criterion" in told


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
