"""Drift as metrics: what the last look found, as long as it is about the version in production."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.ops.watch_case import champion, log, measured, record, settings
from unseen.ops.config.settings import Settings
from unseen.ops.drift import DriftReport, DriftTest
from unseen.ops.drift.state import State, write
from unseen.ops.places import Places
from unseen.ops.watch.metrics import MOST as MOST_TESTS


def looked(s: Settings, tests: tuple[DriftTest, ...], drifted: bool = True) -> None:
    report = DriftReport(
        champion="c", batch="b2", time="2026-02-01T00:00:00+00:00", look=3, rows=100, drifted=drifted, retrain=drifted,
        e_value=1e4, threshold=100.0, false_alarms=0.01, tests=tests,
    )  # fmt: skip
    write(Places.of(s).drift, State("c", looks=3, looks_total=3).with_report(report))
    log(s, "drift", version=1, drifted=drifted)


def shift(kind: str, column: str | None, e: float, component: int | None = None) -> DriftTest:
    verdict = "drift" if e > 100 else "none"
    return DriftTest(
        name=f"{kind} {column}", kind=kind, column=column, component=component, effect=0.2, e_value=e,  # type: ignore[arg-type]
        threshold=100.0, verdict=verdict, since=1,
    )  # fmt: skip


def test_the_last_look(tmp_path: Path) -> None:
    s = settings(tmp_path, privacy={"sensitive": ["tail"]})
    champion(s)
    tests = (shift("column", "arr_delay", 1e4), shift("column", "tail", 1e6), shift("position", None, 2.0, component=3))
    looked(s, tests)
    found = measured(s)
    assert found["unseen_drift_detected"] == 1
    assert found["unseen_drift_evidence"] == 1e4
    assert found["unseen_drift_evalue", "kind=column", "subject=arr_delay"] == 1e4
    assert found["unseen_drift_effect", "kind=position", "subject=3"] == pytest.approx(0.2)
    assert found["unseen_drift_alarm", "kind=position", "subject=3"] == 0
    assert (found["unseen_drift_looks_total"], found["unseen_drift_alarms_total"]) == (3, 1)
    assert found.labels("unseen_drift_evalue", "subject") == {"arr_delay", "3"}  # tail is sensitive


def test_a_new_champion_ends_the_drift_of_the_old_one(tmp_path: Path) -> None:
    s = settings(tmp_path)
    champion(s, 1)
    looked(s, (shift("density", None, 1e5),))
    assert measured(s)["unseen_drift_detected"] == 1
    champion(s, 2)
    found = measured(s)
    assert found["unseen_drift_detected"] == 0
    assert "unseen_drift_evalue" not in set(found)


def test_a_wide_table_keeps_the_strongest_tests(tmp_path: Path) -> None:
    s = settings(tmp_path)
    looked(s, tuple(shift("column", f"c{i}", float(i)) for i in range(300)))
    subjects = measured(s).labels("unseen_drift_evalue", "subject")
    assert len(subjects) == MOST_TESTS and "c299" in subjects and "c0" not in subjects


def test_a_damaged_state_leaves_the_other_metrics(tmp_path: Path) -> None:
    s = settings(tmp_path)
    looked(s, ())
    (Places.of(s).drift / "state.json").write_text("{")
    found = measured(s, record())
    assert "unseen_drift_detected" not in set(found)
    assert found["unseen_fit_iterations"] == 40
