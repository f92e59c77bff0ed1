"""Every gate passes what it should, refuses what it should, and refuses what it cannot tell."""

from __future__ import annotations

import math
import re
from dataclasses import replace as changed

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.ops.judge_case import FIT, settings
from unseen.core.block import Block, Cells
from unseen.ops.config.tolerance import tolerance
from unseen.ops.judge import allowed, gates, judge, measures
from unseen.ops.judge.scores import Scores
from unseen.ops.record import Comparison, Match, Moved, Past, Validation, Verdict

GOOD = Validation(
    rows=1000,
    heldout=-3.0,
    heldout_se=0.05,
    training=-2.9,
    champion=-3.02,
    gain=0.02,
    gain_se=0.01,
    units=1000,
    compared=1000,
    calibration=0.01,
    calibrated_by="masking",
    moved_share=0.05,
    matches=(Match(kind="died", candidate=(), champion=(3,), share_before=0.1, share_after=0.0),),
    metric=0.8,
    champion_metric=0.79,
)
EVERY = {
    "heldout_drop": 0.01,
    "memory_drop": 0.02,
    "reference_drop": 0.03,
    "min_heldout": -4.0,
    "min_heldout_rows": 500,
    "max_floors": 1,
    "max_calibration": 0.03,
    "max_moved": 0.1,
    "max_died": 1,
    "min_metric": 0.5,
    "metric_drop": 0.05,
}
METRIC = {"metric": "business:profit"}


ALIKE = Comparison(against=3, rows=900, units=900, compared=900, lost=0, gain=0.0, gain_se=0.002)
PAST = Past(earlier=ALIKE, pinned=ALIKE, reference=ALIKE.model_copy(update={"against": 1}))


def asked(validation=GOOD, fit=FIT, champion=True, error=None, past=PAST, moved=(), unmoved=None, **values):
    known = settings(gates=values, validate=METRIC)
    return judge(validation, fit, known, champion, error, past=past, moved=moved, unmoved=unmoved)


def unchecked(**values):
    """Gates as no file may set them: they are the last to refuse."""
    loose = settings(gates=EVERY, validate=METRIC)
    return loose.model_copy(update={"gates": loose.gates.model_copy(update=values)})


def of(verdicts, gate) -> Verdict:
    (verdict,) = [v for v in verdicts if v.gate == gate]
    return verdict


def test_a_good_candidate_passes_every_gate() -> None:
    verdicts = asked(**EVERY)
    assert [v.gate for v in verdicts] == [g.name for g in gates.GATES]
    assert allowed(verdicts)
    assert all(
        v.threshold is not None and f"gates.{v.gate}" in v.reason
        for v in verdicts
        if v.gate not in ("max_floors", "drift")
    )


@pytest.mark.parametrize(
    ("gate", "facts", "fit", "says"),
    [
        ("heldout_drop", {"gain": -0.02}, {}, r"loses 0.02 ± 0.01 .* loses at most 0.03645, and gates.heldout_drop"),
        ("heldout_drop", {"gain_se": 0.02}, {}, "with 95 % confidence"),
        (
            "heldout_drop",
            {"lost": 3},
            {},
            "density zero to 3 of 1,000 held-out rows that the champion thinks possible",
        ),
        ("min_heldout", {"heldout": -4.1}, {}, "gates.min_heldout is -4"),
        ("min_heldout", {"impossible": 1}, {}, "density zero to 1 of 1,000"),
        ("min_heldout_rows", {"units": 499}, {}, "499 held-out units; gates.min_heldout_rows is 500"),
        ("converged", {}, {"outcome": "stalled"}, "ended with: stalled"),
        ("max_floors", {}, {"floors": 2}, "2 variance floors bind"),
        ("max_calibration", {"calibration": 0.04}, {}, "0.04 given one column against all of them"),
        ("max_calibration", {"calibration": 0.04, "calibrated_by": "labels"}, {}, "against the known labels"),
        ("max_moved", {"moved_share": 0.11}, {}, "11 % of the held-out rows"),
        ("max_died", {"matches": GOOD.matches * 2}, {}, "2 components of the champion"),
        ("min_metric", {"metric": 0.4, "champion_metric": 0.4}, {}, "business:profit is 0.4"),
        ("metric_drop", {"champion_metric": 0.9}, {}, "0.9 for the champion; gates.metric_drop is 0.05"),
    ],
)
def test_a_bad_candidate_fails_the_gate_that_is_for_it(gate, facts, fit, says) -> None:
    verdicts = asked(GOOD.model_copy(update=facts), FIT.model_copy(update=fit), **EVERY)
    assert [v.gate for v in verdicts if not v.passed] == [gate]
    assert not allowed(verdicts)
    assert re.search(says, of(verdicts, gate).reason)


OF_OTHER_ROWS = ("min_heldout_rows", "max_floors", "memory_drop", "reference_drop")


@pytest.mark.parametrize("gate", [g for g in EVERY if g not in OF_OTHER_ROWS])
@pytest.mark.parametrize("validation", [None, "nothing known", "nan"])
def test_what_cannot_be_told_is_refused(gate, validation) -> None:
    bare = Validation(rows=1000, units=1000, heldout=math.nan, heldout_se=0.1, training=-3.0)
    nan = {name: math.nan for name in ("gain", "calibration", "moved_share", "metric", "champion_metric", "heldout")}
    given_ = {"nothing known": bare, "nan": GOOD.model_copy(update=nan), None: None}[validation]
    if gate == "max_died" and validation == "nan":
        return  # counts components, not numbers
    verdicts = asked(given_, **EVERY)
    assert not of(verdicts, gate).passed and not allowed(verdicts)


@pytest.mark.parametrize("gate", [g for g in EVERY if isinstance(EVERY[g], float)])
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_threshold_that_is_no_number_binds_nobody_and_passes_nobody(gate, value) -> None:
    assert not of(judge(GOOD, FIT, unchecked(**{gate: value}), True), gate).passed


def test_a_threshold_that_is_left_out_goes_by_the_rows_there_are() -> None:
    """An equal model passes where its error is small beside what the rows allow, on few and on many of them."""
    for units, passes in ((100, 0.04), (400, 0.015), (2000, 0.008)):
        equal = GOOD.model_copy(update={"rows": units, "units": units, "gain": 0.0, "gain_se": passes / 1.7})
        verdict = of(asked(equal, **EVERY | {"heldout_drop": None}), "heldout_drop")
        assert verdict.passed and verdict.threshold == -tolerance(round(units / 0.2))
        worse = equal.model_copy(update={"gain": -0.06})
        assert not of(asked(worse, **EVERY | {"heldout_drop": None}), "heldout_drop").passed
    assert not allowed(())


def test_gates_that_are_not_configured_are_not_asked() -> None:
    always = {"heldout_drop", "memory_drop", "reference_drop", "drift"}
    assert {v.gate for v in asked(heldout_drop=0.1)} == always | {"min_heldout_rows", "converged", "max_floors"}
    assert "converged" not in {v.gate for v in asked(heldout_drop=0.1, converged=False)}


def test_a_first_version_needs_permission() -> None:
    alone = GOOD.model_copy(
        update={"champion": None, "gain": None, "gain_se": None, "moved_share": None, "matches": ()}
    )
    refused = asked(alone, champion=False, first="refuse", **EVERY)
    assert not allowed(refused)
    assert {v.gate for v in refused if not v.passed} == {
        "first",
        "heldout_drop",
        "memory_drop",
        "reference_drop",
        "drift",
        "max_moved",
        "max_died",
        "metric_drop",
    }
    assert allowed(asked(alone, champion=False, **EVERY)) and allowed(asked(alone, champion=False))
    # the permission is for a first version, not for one whose champion could not be read
    assert not allowed(asked(alone, champion=True, first="allow", **EVERY))
    worse = alone.model_copy(update={"heldout": -9.0})
    assert not allowed(asked(worse, champion=False, first="allow", **EVERY))


def test_an_error_while_validating_refuses() -> None:
    verdicts = asked(None, error="validation failed: the champion is gone", **EVERY)
    assert (verdicts[0].gate, verdicts[0].passed) == ("validation", False)
    assert verdicts[0].reason == "validation failed: the champion is gone"
    assert not allowed(verdicts)
    assert not allowed(asked(GOOD, error="half of it", **EVERY))
    assert not allowed(asked(None, champion=False, first="allow", heldout_drop=1.0))


@pytest.mark.parametrize("index", range(len(gates.GATES)))
def test_a_gate_that_raises_refuses_without_what_the_error_says(monkeypatch, index) -> None:
    def broken(case):
        raise ValueError("row 7 is Alice, alice@example.org")

    gate = gates.GATES[index]
    others = gates.GATES[:index] + gates.GATES[index + 1 :]
    monkeypatch.setattr(gates, "GATES", (changed(gate, measure=broken), *others))
    verdicts = asked(**EVERY)
    assert [v.gate for v in verdicts if not v.passed] == [gate.name]
    assert of(verdicts, gate.name).reason == f"gates.{gate.name} raised ValueError"


# ---- the paired test


numbers = st.floats(-1, 1, allow_nan=False)
errors = st.floats(0, 1)


def drop(gain, se, allowed_drop, confidence=0.95) -> Verdict:
    facts = GOOD.model_copy(update={"gain": gain, "gain_se": se})
    return of(asked(facts, heldout_drop=allowed_drop, confidence=confidence), "heldout_drop")


def check_paired(gain, se, more) -> None:
    """What any test of non-inferiority keeps to."""
    if drop(gain, se, 0.01).passed:
        assert drop(gain + more, se, 0.01).passed, "a larger gain cannot fail"
        assert drop(gain, se / (1 + more), 0.01).passed, "nor can more certainty"
        assert drop(gain, se, 0.01 + more).passed, "nor a laxer gate"
        assert drop(gain, se, 0.01, 0.9).passed, "nor less confidence"
        assert gain >= -0.01, "what is worse by more than is allowed never passes"
    if gain - 2 * se > -0.01:
        assert drop(gain, se, 0.01).passed, "what is shown with more confidence than is asked passes"


@given(numbers, errors, st.floats(0, 1))
def test_the_paired_test_is_monotone(gain, se, more) -> None:
    check_paired(gain, se, more)


def sign_error(case, right=measures.heldout_drop):
    v = case.validation
    swapped = v.model_copy(update={"gain": None if v.gain is None else -v.gain})
    return right(changed(case, validation=swapped))


def optimistic(case, right=measures.heldout_drop):
    """The upper end of the interval: passes what is not shown to be bad."""
    bound, threshold, words = right(case)
    return 2 * case.validation.gain - bound, threshold, words


def backwards(case, right=measures.heldout_drop):
    bound, threshold, words = right(case)
    return bound, -threshold, words


@pytest.mark.parametrize("broken", [sign_error, optimistic, backwards])
def test_a_wrong_paired_test_is_caught(monkeypatch, broken) -> None:
    monkeypatch.setattr(gates, "GATES", (changed(gates.GATES[0], measure=broken), *gates.GATES[1:]))
    with pytest.raises(AssertionError):
        for gain in np.linspace(-0.1, 0.1, 21):
            for se in (0.0, 0.001, 0.03):
                check_paired(gain, se, 0.05)


def test_the_bound_is_one_sided_and_normal() -> None:
    verdict = drop(0.02, 0.01, 0.01)
    assert verdict.measured == pytest.approx(0.02 - 1.6448536269514722 * 0.01)
    assert verdict.threshold == -0.01


def test_the_same_model_passes_without_any_loss_allowed() -> None:
    assert drop(0.0, 0.0, 0.0).passed
    assert not drop(0.0, 1e-9, 0.0).passed
    assert not drop(0.0, 0.0, -0.001).passed
    assert drop(0.01, 0.001, -0.001).passed


@pytest.mark.parametrize("confidence", [0.0, 0.3, 1.0])
def test_a_confidence_that_proves_nothing_is_refused(confidence) -> None:
    verdict = of(judge(GOOD, FIT, unchecked(confidence=confidence), True), "heldout_drop")
    assert not verdict.passed and "gates.confidence must be at least 0.5" in verdict.reason


def test_units_that_the_champion_cannot_describe_are_named() -> None:
    facts = GOOD.model_copy(update={"champion_impossible": 12})
    said = "left out are 12 of 1,000 rows that the champion cannot take"
    assert said in asked(facts, **EVERY)[0].reason and "a category that it does not know" in asked(facts)[0].reason
    units = facts.model_copy(update={"rows": 5000})
    assert said.replace("rows", "units") in asked(units, **EVERY)[0].reason
    facts = facts.model_copy(update={"gain": None, "gain_se": None, "compared": 0})
    refused = of(asked(facts, **EVERY), "heldout_drop")
    assert not refused.passed and "leaves too few to compare" in refused.reason


def test_an_error_in_the_metric_refuses_whether_or_not_it_is_gated() -> None:
    facts = GOOD.model_copy(update={"metric": None, "metric_error": "validate.metric 'm:f' raised KeyError"})
    for values in ({"heldout_drop": 0.1}, {"heldout_drop": 0.1, "min_metric": 0.5}):
        refused = [v for v in asked(facts, **values) if not v.passed]
        assert [v.reason for v in refused] == ["validate.metric 'm:f' raised KeyError"]
    nameless = unchecked().model_copy(update={"validate_": settings().validate_})
    bare = judge(GOOD.model_copy(update={"metric": None}), FIT, nameless, True)
    assert "validate.metric names no function" in of(bare, "min_metric").reason


def test_a_candidate_at_the_limit_passes_as_often_as_the_confidence_says() -> None:
    """By repetition: rows whose gain is on average exactly what is still allowed, 1,000 times over."""
    draw = np.random.default_rng(0)
    block = Block(0, (Cells(np.zeros((1, 400))),), 400)
    passed = 0
    for _ in range(1000):
        champion = draw.normal(-3, 2, 400)
        scores = Scores.of(block, champion - 0.05 + draw.standard_t(5, 400), champion)
        passed += drop(scores.gain.mean, scores.gain.standard_error, 0.05).passed
    assert passed / 1000 == pytest.approx(0.05, abs=0.02)


def test_gates_about_components_pass_models_without_any() -> None:
    bare = GOOD.model_copy(update={"calibration": None, "moved_share": None, "matches": ()})
    verdicts = asked(bare, FIT.model_copy(update={"discrete": False}), **EVERY)
    assert allowed(verdicts)
    for gate in ("max_calibration", "max_moved", "max_died"):
        assert (
            of(verdicts, gate).reason == f"gates.{gate} is about components, and this model has none: it does not apply"
        )
    assert not allowed(asked(bare, FIT, **EVERY))


# ---- earlier batches, and what moved


def loses(gain, error=0.002, **facts):
    return ALIKE.model_copy(update={"gain": gain, "gain_se": error, **facts})


@pytest.mark.parametrize(
    ("gate", "past", "says"),
    [
        (
            "memory_drop",
            {"earlier": loses(-0.03)},
            "900 rows of earlier batches .* at most 0.03329",
        ),
        ("memory_drop", {"pinned": loses(-0.03)}, "rows of the pinned version"),
        ("memory_drop", {"earlier": loses(-0.01, 0.02)}, "loses at most 0.0429"),
        ("memory_drop", {"pinned": loses(-0.03, 0.02)}, "loses at most 0.0629"),
        ("memory_drop", {"earlier": None, "pinned": loses(-0.01, 0.02, partitions=3)}, "loses at most 0.0429"),
        ("memory_drop", {"earlier": loses(0.5, lost=3)}, "density zero to 3 of 900 rows of earlier batches"),
        (
            "reference_drop",
            {"reference": loses(-0.04, against=1)},
            "version 1, which is pinned.*unseen pin flights",
        ),
        ("memory_drop", {"trouble": "it was altered"}, "the memory could not be asked: it was altered"),
        ("reference_drop", {"trouble": "it was altered"}, "the memory could not be asked"),
    ],
)
def test_what_was_learned_may_not_be_forgotten(gate, past, says) -> None:
    verdicts = asked(past=PAST.model_copy(update=past), **EVERY)
    assert {v.gate for v in verdicts if not v.passed} >= {gate}
    assert re.search(says, of(verdicts, gate).reason)
    assert of(verdicts, gate).broke == ("trouble" in past)


@pytest.mark.parametrize(
    ("past", "drop"),
    [
        # what one small file that a loop began with said of honest months
        ({"earlier": None, "pinned": loses(-0.0253, 0.013, units=220, partitions=1)}, 0.03),
        ({"earlier": loses(-0.01, 0.008), "pinned": loses(-0.0253, 0.013, units=220)}, 0.03),
        ({"earlier": loses(0.03, 0.046), "pinned": loses(0.03, 0.046)}, 0.03),
        ({"reference": loses(0.01, 0.1, against=1)}, 0.03),
    ],
)
def test_few_rows_alone_hold_nothing(past, drop) -> None:
    verdicts = asked(past=PAST.model_copy(update=past), heldout_drop=drop, memory_drop=drop, reference_drop=drop)
    assert allowed(verdicts), [v.reason for v in verdicts if not v.passed]
    said = " ".join(v.reason for v in verdicts)
    assert "which so few cannot tell more closely" in said


def test_few_rows_hold_what_they_show_and_where_a_gain_is_asked_for() -> None:
    few = PAST.model_copy(update={"earlier": None, "pinned": loses(-0.05, 0.02, partitions=1)})
    assert [v.gate for v in asked(past=few, memory_drop=0.03) if not v.passed] == ["memory_drop"]
    gained = PAST.model_copy(update={"earlier": loses(0.01, 0.02), "pinned": loses(0.01, 0.02)})
    assert [v.gate for v in asked(past=gained, memory_drop=0) if not v.passed] == ["memory_drop"]


def test_a_series_of_small_losses_is_held_by_the_pinned_version() -> None:
    """Each step loses less than may be lost, all together more."""
    past = PAST.model_copy(update={"reference": loses(-0.08)})
    assert [v.gate for v in asked(past=past, heldout_drop=0.02) if not v.passed] == ["reference_drop"]
    assert allowed(asked(past=past, heldout_drop=0.02, reference_drop=0.1))


def test_without_a_memory_nothing_can_be_forgotten() -> None:
    verdicts = asked(past=Past(), heldout_drop=0.02)
    assert allowed(verdicts) and "no rows of earlier batches are kept yet" in of(verdicts, "memory_drop").reason


MOVED = Moved(
    kind="column", column="age", effect=0.4, usual=0.1, p_value=1e-9, far=True, holds=True, message="column age moved"
)


def test_what_moved_holds_where_it_may() -> None:
    held = asked(moved=(MOVED,), heldout_drop=0.02)
    assert [v.gate for v in held if not v.passed] == ["drift"]
    assert re.search("column age moved.*gates.drift.*column", of(held, "drift").reason)
    told = asked(moved=(MOVED.model_copy(update={"holds": False}),), heldout_drop=0.02)
    assert allowed(told) and "column age moved" in of(told, "drift").reason


def test_a_batch_that_could_not_be_looked_at_is_held() -> None:
    verdict = of(asked(unmoved="reference.json is damaged", heldout_drop=0.02), "drift")
    assert not verdict.passed and verdict.broke and "reference.json is damaged" in verdict.reason
