"""What so many held-out rows can show, against simulation, and where its numbers come from."""

from __future__ import annotations

import math
from pathlib import Path
from statistics import NormalDist

import numpy as np
import pytest

from tests.ops.loop_case import month, settings_at
from unseen.ops.judge.power import WANTED, Windows, power, words
from unseen.ops.retrain import retrain
from unseen.ops.retrain.foreseen import foreseen


@pytest.mark.parametrize(("error", "tolerance"), [(0.03, 0.05), (0.01, 0.05), (0.012, 0.02), (0.02, 0.02)])
def test_an_equally_good_model_passes_as_often_as_is_said(error: float, tolerance: float) -> None:
    """Gains of a model that is as good, and of one that loses just what shows; within four standard errors of 4,000."""
    draw, lives = np.random.default_rng(0), 4000
    found = power(100, error, tolerance, 0.95, 0.2)
    z = NormalDist().inv_cdf(0.95)
    gains = draw.normal(0, error, lives)
    passed = np.mean(gains - z * error >= -tolerance)
    assert abs(passed - found.passes) <= 4 * math.sqrt(0.25 / lives)
    # a loss of the tolerance is let through one time in twenty, whatever the error
    worse = np.mean(draw.normal(-tolerance, error, lives) - z * error >= -tolerance)
    assert abs(worse - 0.05) <= 4 * math.sqrt(0.05 * 0.95 / lives)


@pytest.mark.parametrize(("error", "share"), [(0.05, 0.2), (0.03, 0.2), (0.03, 0.4), (0.02, 0.4), (0.1, 0.2)])
def test_two_looks_pass_as_often_as_is_said(error: float, share: float) -> None:
    """Simulated row by row: 500 rows, of which some are looked at first, and all where those leave it open."""
    draw, lives, rows, loss = np.random.default_rng(0), 4000, 500, 0.05
    judges = round(share * rows)
    found = power(judges, error, loss, 0.95, share, crossed=rows)
    gains = draw.normal(0, error * math.sqrt(judges), (lives, rows))
    z = NormalDist().inv_cdf(0.95)
    one, all_ = gains[:, :judges].mean(axis=1), gains.mean(axis=1)
    wide = z * error
    open_ = (one - wide < -loss) & (-loss < one + wide)
    passed = np.where(open_, all_ - z * error * math.sqrt(share) >= -loss, one - wide >= -loss).mean()
    assert abs(passed - found.passes) <= 4 * math.sqrt(0.25 / lives)
    assert found.passes > power(judges, error, loss, 0.95, share).passes
    assert f"{judges} held-out rows judge, and where they leave it open all 500:" in words(found)


@pytest.mark.parametrize("error", [0.021, 0.03, 0.06])
def test_what_is_proposed_is_enough(error: float) -> None:
    found = power(100, error, 0.05, 0.95, 0.2)
    assert found.passes < WANTED and found.loss is not None
    assert power(100, error, found.loss, 0.95, 0.2).passes >= WANTED
    if found.share is not None:
        rows = round(100 * found.share / 0.2)
        again = power(rows, error * math.sqrt(100 / rows), 0.05, 0.95, found.share)
        assert again.passes >= WANTED and f"validate.share {found.share:g}" in words(found)
    assert f"gates.heldout_drop {found.loss:g}" in words(found)


def test_no_share_helps_where_a_gain_is_asked_for() -> None:
    found = power(100, 0.01, -0.01, 0.95, 0.2)
    assert found.share is None and found.passes < 0.01
    assert power(50, 0.0, 0.0, 0.95, 0.2).passes == 1.0, "a model that is equal to the last bit"


def test_windows_that_are_the_same_teach_the_same() -> None:
    """Wilks: the log-density of a fit is off by p / 2n nats on average, so two of them apart by 2p/n in variance."""
    assert Windows(1000, 1.0, 20).spread == 0
    assert Windows(1000, 0.0, 20).spread == pytest.approx(math.sqrt(0.04))
    assert Windows(1000, 0.5, 20).spread < Windows(500, 0.5, 20).spread


def test_the_newest_comparison_is_what_is_expected_of_the_next(tmp_path: Path) -> None:
    rules = {"gates": {"heldout_drop": 0.05}}
    settings = settings_at(tmp_path, **rules)
    month(tmp_path, 1)
    guessed = foreseen(settings, 800, 4)
    assert not guessed.measured and "should pass" in words(guessed)
    retrain(settings)
    month(tmp_path, 2)
    second = retrain(settings)
    assert second.validation is not None and second.validation.gain_se
    found = foreseen(settings, 800, 4)
    judges = second.validation.compared
    assert found.measured and found.error == pytest.approx(second.validation.gain_se * math.sqrt(judges / found.rows))
    assert found.crossed == 800 and not foreseen(settings, 6000, 4).crossed
    wider = foreseen(settings_at(tmp_path, validate={"share": 0.4}, **rules), 800, 4)
    assert wider.rows == 2 * found.rows and wider.error == pytest.approx(found.error / math.sqrt(2))
