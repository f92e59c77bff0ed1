"""Game days of the fit: F1 to F5 and F8 injected into a real loop."""

from __future__ import annotations

from typing import Any

import numpy as np

from tests.ops.gamedays.day import NUMBERS, Day, table
from unseen.ops.doctor import failing
from unseen.ops.record import Outcome
from unseen.ops.watch.modes import MODES

#: gates that let any fit pass, and gates that let none
CALM = {"data": {"window": 1}, "gates": {"heldout_drop": 100.0, "min_heldout_rows": 20}}
HOLD = {"data": {"window": 1}, "gates": {"heldout_drop": -100.0, "min_heldout_rows": 20}}


def numbers(**more: Any) -> dict[str, Any]:
    """Settings that take the newest partition alone, and its numbers alone."""
    return {**CALM, "model": {"columns": list(NUMBERS), **more}}


#: without the prior that a retrain has by default
BARE = {"prior": 0, "restarts": 3}


def test_nothing_is_found_and_nothing_fires_while_all_is_well(day: Day) -> None:
    assert day.found() == {}
    day.monitor()
    day.firing()
    day.serves()


def test_f1_a_cap_that_is_too_low(day: Day) -> None:
    day.arrives(table(seed=3))
    day.configure(fit={"max_iterations": 3, "tol": 1e-12})
    record = day.retrain()
    found = day.found()["F1"]
    assert found.severity == "page" and "hit the cap after 3 iterations" in found.evidence[0]
    day.firing(("UnseenRetrainFailed", "unfit"), ("UnseenDiagnosis", MODES["F1"].page))
    # from the champion, both tries that retries.fits allows, each with a seed of its own, and then no version
    assert record.outcome == Outcome.UNFIT and [a.number for a in record.attempts if a.stage == "fit"] == [1, 2, 3]
    assert record.version is None
    day.serves()


def overlapping(rows: int = 900, seed: int = 3) -> dict[str, Any]:
    """Two components 2.6 standard deviations apart in one column: 97 % of the information is missing."""
    draw = np.random.default_rng(seed)
    delay = draw.normal(size=rows) + 2.6 * (draw.random(rows) < 0.5)
    distance, air = draw.normal(size=(2, rows))
    return {"delay": delay, "distance": distance, "air": air, "carrier": draw.choice(["AA", "B6", "UA"], rows)}


def test_f2_components_that_overlap(day: Day) -> None:
    day.arrives(overlapping())
    day.configure(**HOLD, fit={"prior": 0, "restarts": 1, "max_iterations": 230})
    record = day.retrain(search=True)
    assert record.fit is not None and record.fit.iterations > 190
    found = day.found()["F2"]
    assert found.severity == "ticket" and "of the information is missing" in " ".join(found.evidence)
    assert "fit.algorithm: squarem" in found.command
    day.firing(*_held(record), ("UnseenDiagnosis", MODES["F2"].page))
    # what would cost too much is ended by a limit, and the advice works
    day.configure(**HOLD, fit={"restarts": 1}, limits={"seconds": 1e-3})
    assert day.retrain(search=True).outcome == Outcome.LIMIT
    day.configure(**HOLD, fit={"prior": 0, "restarts": 1, "algorithm": "squarem"})
    fast = day.retrain(search=True)
    assert fast.fit is not None and 5 * fast.fit.iterations < record.fit.iterations
    assert "F2" not in day.found()
    day.serves()


def test_f3_cells_of_another_order_of_magnitude(day: Day) -> None:
    columns = table(seed=3)
    columns["delay"][:3] = 1e300
    day.arrives(columns)
    record = day.retrain()
    found = day.found()["F3"]
    assert found.severity == "page" and "numbers so large that their squares are not finite" in found.evidence[1]
    day.firing(("UnseenRetrainFailed", "unfit"), ("UnseenDiagnosis", MODES["F3"].page))
    assert record.outcome == Outcome.UNFIT and len(record.attempts) == 3 and record.version is None
    day.serves()


def test_f3_columns_that_nearly_follow_from_one_another(day: Day) -> None:
    columns = table(seed=3)
    noise = np.random.default_rng(0).normal(size=len(columns["air"]))
    columns["air"] = columns["delay"] + 0.01 * columns["distance"] + 1e-4 * noise
    day.arrives(columns)
    day.configure(**numbers())
    record = day.retrain()
    found = day.found()
    assert "column 'air' was left out: it follows from others" in found["F3"].evidence[0]
    assert found["F3"].severity == "note" and "F5" not in found, "the column is at fault, not a component"
    assert record.outcome == Outcome.HELD
    day.serves()


def test_f4_far_too_many_components_for_few_rows(day: Day) -> None:
    day.arrives(table(160, seed=3))
    gates = {"min_heldout_rows": 20, "max_floors": 100}
    day.configure(data={"window": 1}, model={"components": 8}, validate={"share": 0.4}, gates=gates, fit=BARE)
    record = day.retrain()
    found = day.found()["F4"]
    assert found.severity == "ticket" and "more log-density per row than held-out ones" in found.evidence[0]
    day.firing(*_held(record), *_diagnoses(day))
    assert record.outcome == Outcome.HELD and record.version == 3
    day.serves()


def repeated() -> dict[str, Any]:
    columns = table(seed=3)
    for name in NUMBERS:
        columns[name][:300] = columns[name][0]
    return columns


def test_f5_rows_that_repeat(day: Day) -> None:
    day.arrives(repeated())
    day.configure(**numbers(components=4), fit=BARE)
    record = day.retrain()
    found = day.found()
    assert "variance floors bound" in found["F5"].evidence[0] and "F3" not in found
    day.firing(*_held(record), *_diagnoses(day))
    tries = [a for a in record.attempts if a.stage == "fit"]
    assert record.outcome == Outcome.HELD and len(tries) == 2 and "variance floor" in tries[0].error
    day.serves()


def test_f5_is_seen_among_columns_of_several_kinds(day: Day) -> None:
    day.arrives(repeated())
    day.configure(**CALM, model={"components": 4}, fit=BARE)
    record = day.retrain()
    assert record.fit is not None and record.fit.floors
    assert "F5" in day.found() and record.outcome == Outcome.HELD
    day.serves()


def test_f8_columns_that_depend_on_each_other_more_than_the_model_says(day: Day) -> None:
    columns = table(seed=3)
    columns["air"] = columns["delay"] + np.random.default_rng(0).normal(size=len(columns["air"]))
    day.arrives(columns)
    gates = {**CALM["gates"], "max_calibration": 0.03}
    day.configure(data={"window": 1}, gates=gates, model={"covariance": "diagonal", "components": 6})
    record = day.retrain()
    found = day.found()["F8"]
    assert "responsibilities are off by" in found.evidence[0]
    day.firing(*_held(record), ("UnseenDiagnosis", MODES["F8"].page))
    assert record.outcome == Outcome.HELD and "max_calibration" in {v.gate for v in record.gates if not v.passed}
    day.serves()


def _held(record: Any) -> list[Any]:
    assert record.outcome == Outcome.HELD, (record.outcome, record.reason)
    return [("UnseenCandidateHeld", "held")]


def _diagnoses(day: Day) -> list[Any]:
    """The doctor may find more than the fault: what it finds fires, and nothing else."""
    return [("UnseenDiagnosis", MODES[mode].page) for mode in failing(tuple(day.found().values()))]
