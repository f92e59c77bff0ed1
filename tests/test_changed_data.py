"""Data that differs from the fit's: what is refused, in one sentence, and what does not matter."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import unseen
from tests.badness import (
    FORMS,
    MIXED,
    SECRET,
    N,
    good,
    refused,
)
from unseen.errors import SchemaError


@pytest.fixture(params=list(FORMS))
def form(request, tmp_path: Path):
    return lambda data: FORMS[request.param](data, tmp_path)


@pytest.fixture(scope="module")
def mixed():
    return unseen.fit(MIXED, good(), seed=0, restarts=2)


def test_a_category_that_was_not_there(mixed, form) -> None:
    data = good()
    data["plan"][[3, 9]] = SECRET
    message = "column 'plan' has a category that was not there .* in 2 rows: .*--unknown missing"
    for method in (mixed.responsibilities, mixed.log_prob, mixed.impute, mixed.assign, mixed.score):
        refused(message, method, form(data), kind=SchemaError)
    lenient = replace(mixed, encoding=replace(mixed.encoding, unknown="missing"))
    without = good()
    without["plan"][[3, 9]] = None
    np.testing.assert_allclose(lenient.log_prob(form(data)), mixed.log_prob(without))


def test_a_missing_column(mixed, form) -> None:
    data = good()
    del data["plan"]
    refused("the data has no column 'plan', which the model was fitted on", mixed.assign, form(data), kind=SchemaError)


def test_extra_and_reordered_columns_do_not_matter(mixed, form) -> None:
    data = good()
    other = {"note": np.full(N, "hello", object), **dict(reversed(list(data.items())))}
    np.testing.assert_allclose(mixed.responsibilities(form(other)), mixed.responsibilities(data))


def test_a_retyped_column(mixed, form) -> None:
    codes = {**good(), "plan": np.arange(N) % 2}
    # a file without types is read by the run's
    now = "column 'plan' (was category when the model was fitted and is integer now|has a category that was not there)"
    refused(now, mixed.assign, form(codes),
            kind=SchemaError)  # fmt: skip
    words = {**good(), "x": np.full(N, SECRET, object)}
    refused("column 'x' was number .* and is category now", mixed.assign, form(words), kind=SchemaError)


def test_a_column_that_became_all_missing_is_no_other_type(mixed, form) -> None:
    for gap in (None, np.nan):
        for name in ("plan", "x"):
            data = {**good(), name: np.full(N, gap)}
            assert np.isfinite(mixed.log_prob(form(data))).all()
    one = {k: v[:1] for k, v in good().items()} | {"plan": np.array([None], object)}
    assert mixed.impute(form(one)) is not None


def test_whole_numbers_where_decimals_were(mixed, form) -> None:
    data = {**good(), "x": np.round(good()["x"]).astype(int)}
    assert np.isfinite(mixed.log_prob(form(data))).all()


def test_scoring_nothing(mixed, form) -> None:
    empty = {k: v[:0] for k, v in good().items()}
    assert mixed.log_prob(form(empty)).shape == (0,)
