"""Metrics: every row of the table, names as Prometheus wants them, few labels, and no value of the data."""

from __future__ import annotations

import re
import time
from datetime import datetime
from pathlib import Path

import pytest

from tests.ops.watch_case import NAME, Measured, champion, ended, finding, keep, log, measured, record, settings
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.watch.exporting import collect, text
from unseen.ops.watch.metrics import ITERATIONS, METRICS
from unseen.ops.watch.modes import alerts
from unseen.ops.watch.reference import TABLES, renewed


def test_every_row_of_the_table_is_exported(tmp_path: Path) -> None:
    s = settings(tmp_path, limits={"seconds": 120, "price_per_core_hour": 9})
    for i in range(4):
        ended(s, record(f"r{i}"), hours_ago=4 - i)
    found = measured(s)
    rows = {METRICS[name].row for name in found if name in METRICS}
    assert rows >= {f"M{i}" for i in range(1, 11)} - {"M9"}  # M9 is the service's, see test_metrics_serving
    assert found["unseen_fit_final_loglik_nats"] == pytest.approx(-4.1)
    assert found["unseen_fit_iterations"] == 40
    assert found["unseen_retrain_duration_seconds"] == 60
    assert found["unseen_retrain_stage_duration_seconds", "stage=fit"] == 50
    assert found["unseen_validation_loglik_nats", "which=candidate"] == -4.15
    assert found["unseen_validation_loglik_nats", "which=champion"] == -4.2
    assert (found["unseen_validation_gain_nats"], found["unseen_validation_gain_stderr_nats"]) == (0.05, 0.01)
    assert found["unseen_validation_moved_share"] == 0.03
    assert found["unseen_component_matches", "kind=split"] == 1
    assert found["unseen_component_matches", "kind=died"] == 0
    assert found["unseen_component_share_change", "component=1+2"] == pytest.approx(0.1)
    assert found["unseen_retrain_peak_memory_bytes"] == 5e8
    assert found["unseen_retrain_cpu_seconds"] == 100
    assert found["unseen_retrain_cost"] == 0.25
    assert found["unseen_retrain_window_cost"] == 1
    assert found["unseen_retrain_typical_cpu_seconds"] == 100
    assert found["unseen_limit_used_ratio", "limit=seconds"] == 0.5
    assert found["unseen_gate_passed", "gate=calibration"] == 0
    assert found["unseen_retrain_failed_attempts", "stage=fit"] == 1


def test_names_follow_prometheus(tmp_path: Path) -> None:
    for metric in METRICS.values():
        assert re.fullmatch(r"unseen_[a-z_]+[a-z]", metric.name), metric.name
        assert metric.name.endswith("_total") == (metric.kind == "counter"), metric.name
        assert not re.search(r"_(ms|mb|gb|minutes|hours|percent)(_|$)", metric.name), metric.name
        assert metric.help and not metric.help.endswith("."), metric.name
        assert "model" not in metric.labels
    s = settings(tmp_path)
    ended(s, record())
    exported = text(collect(s, modes=["F2"]))
    assert exported.count("# TYPE") == exported.count("# HELP") == len(Measured(exported).families)
    assert all(f'model="{NAME}"' in line for line in exported.splitlines() if not line.startswith("#"))


def test_what_a_record_does_not_know_is_not_exported(tmp_path: Path) -> None:
    s = settings(tmp_path)
    bare = record(fit=None, validation=None, gates=(), resources=None, batch=None, attempts=(), stages={})
    found = measured(s, bare.having(outcome=Outcome.REFUSED))
    assert not any(name.startswith(("unseen_fit", "unseen_validation", "unseen_gate")) for name in found)
    assert "unseen_failure_mode" not in set(found)  # nobody asked the doctor
    assert found["unseen_retrain_last_outcome", "outcome=refused"] == 1


def test_numbers_that_are_not_finite_are_left_out(tmp_path: Path) -> None:
    s = settings(tmp_path)
    broken = record(fit=record().fit.model_copy(update={"trace": (-5.0, float("nan"))}))  # type: ignore[union-attr]
    found = measured(s, broken)
    assert "unseen_fit_final_loglik_nats" not in set(found)
    assert found["unseen_fit_loglik_nats", "iteration=1"] == -5
    assert "nan" not in text(collect(s, broken)).lower()


def test_counters_are_counted_from_the_log_and_never_go_back(tmp_path: Path) -> None:
    s = settings(tmp_path)
    before = measured(s)
    assert before["unseen_retrains_total", "outcome=error"] == 0  # there from the beginning, so that its step shows
    seen = []
    for outcome in (Outcome.PROMOTED, Outcome.ERROR, Outcome.HELD, Outcome.ERROR, Outcome.REFUSED, Outcome.INTERRUPTED):
        ended(s, record(f"r-{outcome}", outcome))
        found = measured(s)
        seen.append(sum(found["unseen_retrains_total", f"outcome={o}"] for o in Outcome))
    assert seen == [1, 2, 3, 4, 5, 6]
    assert found["unseen_retrains_total", "outcome=error"] == 2
    # two of five failed; an interrupted one does not count, a refused batch is no failure of the loop
    assert found["unseen_retrain_success_ratio"] == pytest.approx(3 / 5)
    for folder in Places.of(s).runs.iterdir():  # records may be cleared away, the log may not
        (folder / "record.json").unlink()
    assert measured(s)["unseen_retrains_total", "outcome=error"] == 2


def test_old_retrains_leave_the_window_of_the_ratio(tmp_path: Path) -> None:
    s = settings(tmp_path, slo={"window_days": 2})
    ended(s, record("old", Outcome.ERROR), hours_ago=49)
    ended(s, record("new", Outcome.HELD), hours_ago=1)
    assert measured(s)["unseen_retrain_success_ratio"] == 1
    assert measured(s)["unseen_retrain_window_cost"] == 0.25


def test_times_of_runs_and_successes(tmp_path: Path) -> None:
    s = settings(tmp_path)
    ended(s, record("first", Outcome.REFUSED), hours_ago=50)
    waiting = measured(s)["unseen_data_learned_timestamp_seconds"]
    assert time.time() - waiting == pytest.approx(50 * 3600, abs=600)  # no success yet: since the log began
    assert "unseen_retrain_last_success_timestamp_seconds" not in set(measured(s))
    ended(s, record("good", Outcome.HELD), hours_ago=10)
    ended(s, record("bad", Outcome.ERROR), hours_ago=1)
    found = measured(s)
    for name, hours in (("retrain_last_success", 10), ("data_learned", 10), ("retrain_last_run", 1)):
        then = found[f"unseen_{name}_timestamp_seconds"]
        assert time.time() - then == pytest.approx(hours * 3600, abs=600), name
    assert found["unseen_retrain_last_outcome", "outcome=error"] == 1
    assert found["unseen_retrain_last_outcome", "outcome=held"] == 0


def test_a_clock_that_ran_ahead_dates_nothing_later_than_what_came_after(tmp_path: Path) -> None:
    """The newest success is that of the newest line; it was no later than the line after it."""
    s = settings(tmp_path)
    ended(s, record("r1"), hours_ago=30)
    ended(s, record("r2"), hours_ago=-900 * 24)
    names = ("unseen_retrain_last_success_timestamp_seconds", "unseen_data_learned_timestamp_seconds")
    for name in names:
        assert time.time() - measured(s)[name] == pytest.approx(0, abs=600)
    log(s, "began", hours_ago=20, record="r3")
    ended(s, record("r3", Outcome.REFUSED), hours_ago=10)
    for name in names:
        assert time.time() - measured(s)[name] == pytest.approx(20 * 3600, abs=600)
    ended(s, record("r4"), hours_ago=1)
    for name in (*names, "unseen_retrain_last_run_timestamp_seconds"):
        assert measured(s)[name] <= time.time()


def test_a_killed_retrain_shows(tmp_path: Path) -> None:
    s, name = settings(tmp_path), "unseen_retrain_unfinished_timestamp_seconds"
    ended(s, record("before"), hours_ago=10)
    assert name not in set(measured(s))
    log(s, "began", hours_ago=3, record="r2")
    assert time.time() - measured(s)[name] == pytest.approx(3 * 3600, abs=600)
    at_work = record("r2").having(outcome=None)
    keep(s, at_work)  # it wrote just now
    assert time.time() - measured(s)[name] < 600
    ended(s, record("r2", Outcome.HELD))
    assert name not in set(measured(s))
    (Places.of(s).run("r2") / "record.json").unlink()  # cleared away: the log still says that it ended
    assert name not in set(measured(s))


def test_the_trace_keeps_to_a_fixed_grid_of_iterations(tmp_path: Path) -> None:
    fit = record().fit
    assert fit is not None
    long = record(fit=fit.model_copy(update={"trace": tuple(-5 + i / 1e6 for i in range(5000)), "iterations": 5000}))
    labels = measured(settings(tmp_path), long).labels("unseen_fit_loglik_nats", "iteration")
    assert labels == set(map(str, ITERATIONS))
    falling = record(fit=fit.model_copy(update={"trace": (-5.0, -4.0, -4.25, -3.0)}))
    found = measured(settings(tmp_path), falling)
    assert found["unseen_fit_largest_fall_nats"] == 0.25
    assert found["unseen_fit_last_gain_nats"] == 1.25


def test_columns_are_named_only_where_the_settings_name_them(tmp_path: Path) -> None:
    schema = {"columns": {"arr_delay": {"type": "number"}, "tail": {"type": "category"}}}
    s = settings(tmp_path, schema=schema, privacy={"sensitive": ["tail"]}, model={"columns": ["distance"]})
    # a file without a header makes columns of its first row
    columns = ["arr_delay", "arr_delay", "distance", "tail", "Jane Roe", "4111 1111 1111 1111", None]
    bad = record(outcome=Outcome.REFUSED, findings=tuple(finding("range", c) for c in columns))
    found = measured(s, bad)
    assert found.labels("unseen_schema_refusals", "column") == {"arr_delay", "distance", "other", ""}
    assert found["unseen_schema_refusals", "check=range", "column=arr_delay"] == 2
    assert found["unseen_schema_refusals", "check=range", "column=other"] == 3
    assert found["unseen_schema_refusals", "check=range", "column="] == 1  # of the batch as a whole
    exported = text(collect(s, bad))
    assert not any(word in exported for word in ("Jane", "4111", "tail"))


def test_labels_stay_few_however_large_the_record(tmp_path: Path) -> None:
    from unseen.ops.record import Match, Verdict

    seen = record().validation
    assert seen is not None
    many = tuple(
        Match(kind="kept", candidate=(i,), champion=(i,), share_before=0.1, share_after=0.1) for i in range(5000)
    )
    big = record(
        validation=seen.model_copy(update={"matches": many}),
        stages={f"s{i}": 1.0 for i in range(5000)},
        gates=tuple(Verdict(gate=f"g{i}", passed=True, reason="") for i in range(5000)),
    )
    assert len(measured(settings(tmp_path), big)) < 500


def test_the_champion_and_its_artefact(tmp_path: Path) -> None:
    s = settings(tmp_path)
    ended(s, record())
    assert "unseen_champion_version" not in set(measured(s))
    artefact = champion(s, 7)
    found = measured(s)
    assert found["unseen_champion_version"] == 7
    assert found["unseen_promotions_total"] == 1
    assert time.time() - found["unseen_champion_timestamp_seconds"] < 600
    assert found["unseen_registry_trouble", "kind=artefact"] == 0
    artefact.write_text("other parameters")
    assert measured(s)["unseen_registry_trouble", "kind=artefact"] == 1
    artefact.unlink()
    assert measured(s)["unseen_registry_trouble", "kind=artefact"] == 1


def test_a_log_that_was_altered_is_a_finding_and_no_reset(tmp_path: Path) -> None:
    s = settings(tmp_path)
    for i in range(3):
        ended(s, record(f"r{i}"))
    path = Places.of(s).log
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join([lines[0], *lines[2:]]))
    found = measured(s)
    assert found["unseen_registry_trouble", "kind=log"] == 1
    assert "unseen_retrains_total" not in set(found)  # rather none than one that begins anew
    assert measured(s, record("r9", Outcome.ERROR))["unseen_retrain_last_outcome", "outcome=error"] == 1


def test_sensitive_findings_and_failure_modes(tmp_path: Path) -> None:
    s = settings(tmp_path)
    found = measured(s, record(findings=(finding("sensitive", None),)), modes=["F2", "f9"])
    assert found["unseen_sensitive_findings"] == 1
    assert found["unseen_failure_mode", "mode=F2-slow-convergence"] == 1
    assert found["unseen_failure_mode", "mode=F9-sensitive-data"] == 1
    assert found["unseen_failure_mode", "mode=F5-singular-component"] == 0
    assert len(found.labels("unseen_failure_mode", "mode")) == 10


def test_the_doctor_examines_every_mode_of_the_table_and_no_other() -> None:
    from unseen.ops.doctor.examine import EXAMINATIONS
    from unseen.ops.watch.modes import MODES

    assert list(EXAMINATIONS) == list(MODES)


def test_a_damaged_record_does_not_stop_the_others(tmp_path: Path) -> None:
    s = settings(tmp_path)
    for i in range(5):
        ended(s, record(f"r{i}"))
    (Places.of(s).run("r4") / "record.json").write_text("{broken")
    found = measured(s)
    assert found["unseen_retrains_total", "outcome=promoted"] == 5
    assert "unseen_retrain_rows" not in set(found)
    assert found["unseen_fit_iterations"] == 40  # of the last that can be read
    assert datetime.fromtimestamp(found["unseen_retrain_last_run_timestamp_seconds"]).year >= 2026


def test_the_tables_of_the_documentation_are_those_of_the_code() -> None:
    """`python -m unseen.ops.watch.reference docs` writes them anew."""
    for name, tables in TABLES.items():
        page = (Path(__file__).parents[2] / "docs" / name).read_text()
        assert page == renewed(page, tables), name
    known = {alert.name for alert, _ in alerts()}
    assert set(re.findall(r"`(Unseen\w+)`", page)) <= known
    monitoring = (Path(__file__).parents[2] / "docs" / "monitoring.md").read_text()
    assert set(re.findall(r"`(Unseen\w+)`", monitoring)) == known
    assert set(re.findall(r"`(unseen_\w+)` \|", monitoring)) == set(METRICS)
