"""Where few rows judge, all of the newest partition do, each under a fit that has not seen it."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.ops.loop_case import month, settings_at
from unseen.ops.judge import HoldOut
from unseen.ops.judge.crossing import FOLDS, Fold, undecided
from unseen.ops.record import Outcome, Validation
from unseen.ops.retrain import regate, retrain
from unseen.sources.arrays import Arrays

SEEN = Validation(rows=100, units=100, heldout=-5, heldout_se=0.1, training=-5, gain=-0.02, gain_se=0.03)


def test_folds_take_apart_what_was_trained_on_of_the_newest_partition() -> None:
    source = Arrays(np.zeros((1000, 1)), block_rows=130)
    holdout = HoldOut(source, (700, 300), share=0.2, seed=1)
    parts = source.manifest()

    def rows(choice: object) -> np.ndarray:
        return np.concatenate([choice.mask(part) for part in parts])

    judges, folds = rows(holdout), [rows(Fold(holdout, i).newest) for i in range(FOLDS)]
    together = np.sum(folds, axis=0)
    assert together.max() == 1 and (together[700:] == ~judges[700:]).all() and not together[:700].any()
    assert all(abs(fold.sum() - 240 / FOLDS) <= 30 for fold in folds)
    for i, fold in enumerate(folds):
        assert (rows(Fold(holdout, i)) == (judges | fold)).all()


@pytest.mark.parametrize(
    ("gain", "error", "open"),
    [(0.0, 0.02, False), (0.0, 0.04, True), (-0.04, 0.02, True), (-0.09, 0.02, False), (-0.06, 0.02, True)],
)
def test_only_what_is_undecided_is_asked_again(gain: float, error: float, open: bool) -> None:
    seen = SEEN.model_copy(update={"gain": gain, "gain_se": error})
    assert undecided(seen, 0.05, 0.95) == open
    assert not undecided(seen.model_copy(update={"lost": 1}), 0.05, 0.95), "density zero is no question of rows"


@pytest.fixture
def small(tmp_path: Path) -> Path:
    for number in (1, 2, 3):
        month(tmp_path, number, rows=400)
    return tmp_path


def test_a_month_that_few_rows_leave_open_is_judged_by_all_of_its_rows(small: Path) -> None:
    settings = settings_at(small, data={"window": 3}, validate={"share": 0.25}, gates={"heldout_drop": 0.004})
    assert retrain(settings).outcome == Outcome.PROMOTED
    month(small, 4, rows=400)
    record = retrain(settings)
    seen = record.validation
    assert seen is not None and seen.crossed == FOLDS and seen.compared == 400 and seen.units == 100
    [verdict] = [v for v in record.gates if v.gate == "heldout_drop"]
    assert "of 400, by 4 more fits that left them out in turn" in verdict.reason
    again, verdicts, _ = regate(settings, record.id, "1")
    assert again is not None and (again.gain, again.gain_se) == (seen.gain, seen.gain_se)
    assert [v.passed for v in verdicts if v.gate == "heldout_drop"] == [verdict.passed]


def test_a_month_that_is_shown_to_be_right_costs_no_more_fits(small: Path) -> None:
    settings = settings_at(small, data={"window": 3}, validate={"share": 0.25}, gates={"heldout_drop": 0.5})
    assert retrain(settings).outcome == Outcome.PROMOTED
    month(small, 4, rows=400)
    seen = retrain(settings).validation
    assert seen is not None and seen.crossed == 0 and seen.compared == 100


def test_a_partition_that_is_too_small_to_hold_out_enough_is_judged_by_all_of_it(small: Path) -> None:
    settings = settings_at(small, data={"window": 3}, validate={"share": 0.25}, gates={"heldout_drop": 0.1})
    assert retrain(settings).outcome == Outcome.PROMOTED
    month(small, 4, rows=300)
    record = retrain(settings)
    assert record.validation is not None and record.validation.units == 75 and record.validation.compared == 300
    assert "300 held-out rows" in next(v.reason for v in record.gates if v.gate == "min_heldout_rows")
    assert record.outcome == Outcome.PROMOTED


def test_a_metric_that_takes_too_long_ends_the_run(tmp_path: Path) -> None:
    month(tmp_path, 1)
    (tmp_path / "slow.py").write_text("import time\n\n\ndef value(result, table):\n    time.sleep(600)\n")
    settings = settings_at(tmp_path, validate={"metric": "slow:value"}, limits={"seconds": 8})
    record = retrain(settings)
    assert record.outcome == Outcome.LIMIT and record.version is None
    assert "validate.metric 'slow:value' was still at work when limits.seconds" in record.reason
