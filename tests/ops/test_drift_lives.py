"""Whole lives of champions, each fitted to its own rows: how many ever raise a false alarm."""

from __future__ import annotations

import pytest
from scipy.stats import binom

import unseen
from tests.ops.drift_case import mixture, reference, rows, settings
from unseen.ops.drift.look import judged, summed
from unseen.ops.drift.reference import Reference
from unseen.ops.drift.state import State

LIVES, LOOKS, ALPHA = 20, 20, 0.05


@pytest.mark.parametrize(("trained_on", "batch"), [(400, 60), (1500, 600)])
def test_champions_that_meet_rows_like_their_own_keep_the_promise(trained_on: int, batch: int) -> None:
    """With four components on 400 rows the model is overfitted, and its own rows fit it better than any others."""
    rules = settings(false_alarms=ALPHA, min_effect=0.0)
    alarms = 0
    for life in range(LIVES):
        data = rows(trained_on, 1000 * life)
        result = unseen.fit(mixture(), data, restarts=1, tol=1e-4, seed=life)
        known = Reference.of(reference(result, data), result)
        state = State(known.id)
        for number in range(1, LOOKS + 1):
            sums = summed(result, known.layout, rows(batch, 1000 * life + number))
            state = state.with_batch(str(number), sums)
            if judged(result, known, state, str(number), batch, rules).drifted:
                alarms += 1
                break
    assert alarms <= binom.ppf(0.999, LIVES, ALPHA)
