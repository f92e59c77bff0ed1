"""Responsibilities that mean what they say pass; double-counted evidence and narrow components do not."""

from __future__ import annotations

from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import unseen
from tests.ops.judge_case import compared
from unseen.core.block import Block, Cells
from unseen.core.stats import Params
from unseen.ops.judge import calibration
from unseen.ops.judge.calibration import Reliability, hide

LIMIT = 0.02


def groups(n=4000, dependence=0.0, gap=1.5, columns=4, seed=0):
    """Two groups of normal columns that depend on each other within a group."""
    draw = np.random.default_rng(seed)
    z = draw.integers(0, 2, n)
    covariance = np.full((columns, columns), dependence) + (1 - dependence) * np.eye(columns)
    x = draw.multivariate_normal(np.zeros(columns), covariance, n) + gap * z[:, None]
    return {f"x{j}": x[:, j] for j in range(columns)}, z


def fitted(data, covariance="full", **options):
    return unseen.fit(
        unseen.Mixture(unseen.Gaussian(covariance), 2), data, restarts=1, tol=1e-5, max_iterations=150, **options
    )


@lru_cache
def dependent(covariance):
    """A model of columns that depend on each other, and its data: fitted once."""
    data, _ = groups(dependence=0.9)
    return fitted(data, covariance), data


def narrowed(result, factor=0.4):
    """The same components with too little variance: overconfident."""
    return replace(result, params=Params({**result.params, "covariances": factor * result.params["covariances"]}))


def error_of(result, data):
    found, _ = compared(result, None, data)
    return found.calibration, found.calibrated_by


@pytest.mark.parametrize("dependence", [0.0, 0.9])
def test_a_well_specified_model_passes_and_a_narrow_one_does_not(dependence) -> None:
    data, _ = groups(dependence=dependence, gap=1.5 - dependence)
    result = fitted(data)
    assert error_of(result, data)[0] < LIMIT / 2
    assert error_of(narrowed(result, 0.25), data)[0] > LIMIT


def test_a_model_that_ignores_dependence_fails() -> None:
    assert error_of(*dependent("full"))[0] < LIMIT / 2
    error, how = error_of(*dependent("diagonal"))
    assert error > LIMIT and how == "masking"


def test_a_column_given_twice_is_evidence_counted_twice() -> None:
    draw = np.random.default_rng(1)
    z = draw.integers(0, 2, 3000)
    codes = {f"c{j}": np.where(draw.random(3000) < 0.25 + 0.5 * z, "yes", "no") for j in range(4)}
    model = unseen.Mixture(unseen.Categorical(), 2)
    once = error_of(unseen.fit(model, codes, restarts=1, tol=1e-5, max_iterations=150), codes)[0]
    twice = {**codes, **{f"{name}again": column for name, column in codes.items()}}
    assert once < LIMIT < error_of(unseen.fit(model, twice, restarts=1, tol=1e-5, max_iterations=150), twice)[0]


def test_missing_cells_and_mixed_columns_do_not_mislead_it() -> None:
    data, z = groups(dependence=0.5)
    draw = np.random.default_rng(2)
    for column in data.values():
        column[draw.random(len(z)) < 0.3] = np.nan
    data["kind"] = np.where(draw.random(len(z)) < 0.3 + 0.4 * z, "a", "b").astype(object)
    data["kind"][draw.random(len(z)) < 0.2] = None
    numbers = tuple(name for name in data if name != "kind")
    family = unseen.Product({numbers: unseen.Gaussian("full"), "kind": unseen.Categorical()})
    result = unseen.fit(unseen.Mixture(family, 2), data, restarts=1, tol=1e-5, max_iterations=150)
    assert error_of(result, data)[0] < LIMIT


def test_with_labels_it_is_the_classical_error() -> None:
    data, z = groups(dependence=0.9)
    draw = np.random.default_rng(3)
    labels = np.where(draw.random(len(z)) < 0.5, np.array(["calm", "storm"])[z], None)
    labelled = {**data, "class": labels}
    for covariance, passes in (("full", True), ("diagonal", False)):
        result = fitted(labelled, covariance, labels="class")
        found, rows = compared(result, None, labelled)
        r, known = result.responsibilities(data)[rows], labels[rows] != None  # noqa: E711
        top, right = r.max(axis=1)[known], (r.argmax(axis=1) == z[rows])[known]
        place = np.minimum((10 * top).astype(int), 9)
        shares = [(place == b).mean() * abs(top[place == b].mean() - right[place == b].mean()) for b in set(place)]
        assert found.calibration == pytest.approx(sum(shares), rel=1e-9)
        assert found.calibrated_by == "labels"
        assert found.calibration < 0.06 if passes else found.calibration > 0.1


def test_labels_that_have_not_come_yet_leave_the_check_without_them() -> None:
    data, z = groups(600)
    labels = np.where(np.arange(600) < 200, np.array(["calm", "storm"])[z], None)
    result = fitted({**data, "class": labels}, labels="class")
    late = {**data, "class": np.full(600, None)}
    assert error_of(result, late)[1] == "masking"


@given(st.integers(1, 6), st.integers(1, 40), st.integers(0, 9))
def test_one_column_of_each_row_is_shown(columns, rows, seed) -> None:
    draw = np.random.default_rng(seed)
    observed = draw.random((columns, rows)) < 0.7
    values = np.where(observed, draw.normal(size=(columns, rows)), 0.0)
    slots = np.split(values, [columns // 2]), np.split(observed, [columns // 2])
    block, lost = hide(Block(0, tuple(map(Cells, *slots)), rows), seed)
    shown = np.concatenate([c.observed for c in block.cells])
    assert (shown.sum(axis=0) <= min(columns - 1, 1)).all() and not (shown & ~observed).any()
    assert np.array_equal(lost, shown.sum(axis=0) < observed.sum(axis=0))
    assert np.array_equal(np.concatenate([c.values for c in block.cells]), np.where(shown, values, 0))


def test_what_a_model_conditions_on_stays() -> None:
    cells = Cells(np.ones((2, 500)), given=True), Cells(np.ones((1, 500)))
    block, lost = hide(Block(0, cells, 500), 0)
    assert block.cells[0] is cells[0] and lost.all() and not block.cells[1].observed.any()
    block, lost = hide(Block(0, cells, 500, offsets=np.arange(0, 501, 5)), 0)
    assert np.array_equal(lost, ~block.cells[1].observed[0]) and 200 < lost.sum() < 300


@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1), st.integers(0, 3)), min_size=1, max_size=60))
def test_the_error_is_between_none_and_all_and_blocks_add(rows) -> None:
    confidence, outcome, weights = (np.array(column, float) for column in zip(*rows, strict=True))
    whole = Reliability.of("masking", confidence, outcome, weights)
    cut = len(rows) // 2
    parts = [Reliability.of("masking", confidence[s], outcome[s], weights[s]) for s in (slice(cut), slice(cut, None))]
    error = (parts[0] + parts[1]).error
    if not weights.sum():
        assert error is whole.error is None
        return
    assert 0 <= whole.error <= 1
    assert error == pytest.approx(whole.error, abs=1e-12)
    copies = weights.astype(int)
    again = Reliability.of("masking", *(np.repeat(v, copies) for v in (confidence, outcome)), np.ones(copies.sum()))
    assert again.error == pytest.approx(whole.error, abs=1e-12)
    assert Reliability.of("masking", confidence, confidence, weights).error == 0


def hides_nothing(block, seed):
    return block, np.ones(block.rows, bool)


def compares_with_itself(kind, confidence, outcome, weights, right=Reliability.of):
    return right(kind, confidence, confidence, weights)


@pytest.mark.parametrize(
    ("owner", "name", "broken"),
    [(calibration, "hide", hides_nothing), (Reliability, "of", compares_with_itself)],
    ids=["nothing hidden", "nothing compared"],
)
def test_a_check_that_cannot_fail_is_caught(monkeypatch, owner, name, broken) -> None:
    monkeypatch.setattr(owner, name, broken)
    with pytest.raises(AssertionError):
        test_a_model_that_ignores_dependence_fails()
