"""Looks at new data: what is found, how it is told, and what changes nothing."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import numpy as np
import pytest

import unseen
from tests.ops.drift_case import GROWN, after, champion, named, normal, plain, reference, rows, settings
from unseen.core.encoding import Encoded
from unseen.ops.drift import remember
from unseen.ops.drift.battery import Battery, weight
from unseen.ops.drift.evidence import log_evidence
from unseen.ops.drift.look import summed
from unseen.ops.drift.reference import Reference
from unseen.sources.arrays import Arrays

# ---- rows like the reference's, and rows that differ in one way


def test_rows_like_those_of_the_reference_are_no_drift(tmp_path) -> None:
    reports = after(tmp_path, [rows(500, seed) for seed in range(100, 108)])
    assert [r.look for r in reports] == list(range(1, 9))
    assert not any(r.drifted or r.causes or r.first_alarm for r in reports)
    assert all(t.verdict == "none" and t.cause is None for r in reports for t in r.tests)


def test_one_of_ten_columns_that_moves_by_a_fifth_of_its_deviation(tmp_path) -> None:
    found = []
    for seed in range(10):
        data = normal(2000, 50 + seed)
        data["x3"] = data["x3"] + 0.2
        [report] = after(tmp_path / str(seed), [data], plain())
        found.append(named(report, "column") == {"x3"})
        assert named(report, "column") <= {"x3"}
        assert not named(report, "missing")
    assert sum(found) >= 8
    assert re.fullmatch(r"column x3 moved up by 0\.\d+ sd", report.causes[0])


def test_missing_cells_from_two_to_five_in_a_hundred(tmp_path) -> None:
    reports = [after(tmp_path / str(s), [rows(2000, 60 + s, missing=0.05)])[0] for s in range(5)]
    assert sum(r.drifted for r in reports) >= 4
    [cause] = next(r for r in reports if r.drifted).causes
    assert re.fullmatch(r"missing share of b rose from (1\.9|2|2\.1) % to (4|5)\.?\d? %", cause)


def test_a_component_that_grows_is_named_and_explains_the_columns(tmp_path) -> None:
    [report] = after(tmp_path, [rows(2000, 70, GROWN)])
    result, _ = champion()
    small = int(result.params["weights"].argmin())
    assert re.match(rf"component {small} grew from \d\.?\d? % to 2\d %", report.causes[0])
    assert named(report, "shares") == {None}
    assert not named(report, "missing") | named(report, "position")
    [visits] = [c for c in report.causes if "visits" in c]
    assert re.fullmatch(rf"column visits moved up by 0\.\d+ sd: component {small} grew from .* % to .* %", visits)
    [plan] = [c for c in report.causes if "plan" in c]
    assert re.fullmatch(rf"plan mix moved \(total variation 0\.\d+\): component {small} grew from .* % to .* %", plan)


def test_only_the_density_sees_columns_that_lose_each_other(tmp_path) -> None:
    draw = np.random.default_rng(0)
    both = draw.multivariate_normal([0, 0], [[1, 0.9], [0.9, 1]], size=8000)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), {"a": both[:, 0], "b": both[:, 1]}, restarts=1)
    known = reference(result, {"a": both[:, 0], "b": both[:, 1]})
    [report] = after(tmp_path, [{"a": draw.normal(size=1000), "b": draw.normal(size=1000)}], (result, known))
    assert {t.kind for t in report.tests if t.verdict == "drift"} == {"density"}
    assert re.fullmatch(r"rows fit worse: log-density per row fell from -2\.0 to -\d+\.\d", report.causes[0])


def test_a_component_that_moves_is_told_in_its_own_deviations(tmp_path) -> None:
    data = rows(4000, 80)
    data["a"] = np.where(data["visits"] >= 15, data["a"] + 1.0, data["a"])
    [report] = after(tmp_path, [data])
    small = int(champion()[0].params["weights"].argmin())
    assert named(report, "position") == {small}
    assert any(re.fullmatch(rf"component {small} moved up by 0\.[6-9]\d? sd in a", c) for c in report.causes)


@pytest.mark.parametrize(
    ("column", "change", "cause"),
    [
        ("flag", lambda x: x | (np.arange(len(x)) % 8 == 0), r"flag mix moved \(total variation 0\.0\d+\)"),
        ("plan", lambda x: np.where(np.arange(len(x)) % 8 == 0, "heron", x), r"plan mix moved \(total .*\)"),
        ("plan", lambda x: np.where(np.arange(len(x)) % 20 == 0, "osprey", x), r"plan mix .*: 5 % are .* never seen"),
        ("visits", lambda x: x + 2, r"column visits moved up by 0\.3\d* sd"),
        ("c", lambda x: 1.6 * (x - x.mean()) + x.mean(), r"column c spread out: its standard dev.* 1\.6 times .*"),
    ],
)  # fmt: skip
def test_every_kind_of_column(column, change, cause, tmp_path) -> None:
    data = rows(3000, 90)
    data[column] = change(data[column])
    [report] = after(tmp_path, [data])
    assert column in named(report, "column")
    assert not named(report, "missing")
    assert any(re.fullmatch(cause, c) for c in report.causes), report.causes
    assert "osprey" not in report.model_dump_json()


def test_columns_of_few_values_have_bins_between_them(tmp_path) -> None:
    draw = np.random.default_rng(3)

    def tied(n, zeros):
        return {"rain": np.where(draw.random(n) < zeros, 0.0, draw.gamma(2, 3, n).round(1)), "x": draw.normal(size=n)}

    data = tied(8000, 0.7)
    result = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 2), data, restarts=1)
    pair = result, reference(result, data)
    same = after(tmp_path / "same", [tied(2000, 0.7) for _ in range(5)], pair)
    assert not any(r.drifted for r in same)
    [drier] = after(tmp_path / "drier", [tied(2000, 0.8)], pair)
    assert "rain" in named(drier, "column")


# ---- evidence over time


def test_slow_drift_adds_up(tmp_path) -> None:
    def batch(seed):
        data = normal(300, seed)
        return {**data, "x1": data["x1"] - 0.15}

    reports = after(tmp_path, [batch(s) for s in range(200, 215)], plain())
    assert not reports[0].drifted
    assert reports[-1].drifted
    assert reports[-1].first_alarm == 1 + [r.drifted for r in reports].index(True) > 2
    assert named(reports[-1], "column") == {"x1"}


def test_a_late_change_is_not_buried_under_the_quiet_looks_before_it(tmp_path) -> None:
    quiet = after(tmp_path, [normal(400, 300 + s) for s in range(30)], plain())
    assert not any(r.drifted for r in quiet)
    changed = [{**data, "x2": data["x2"] + 0.5} for data in (normal(400, 400 + s) for s in range(3))]
    loud = after(tmp_path, changed, plain(), first=30)
    assert loud[-1].drifted and named(loud[-1], "column") == {"x2"}
    [test] = [t for t in loud[-1].tests if t.name == "column x2"]
    assert 29 <= test.since <= 33
    assert re.search(r"moved up by 0\.[45]\d* sd", loud[-1].causes[0])


def test_what_is_evident_but_small_is_not_reported(tmp_path) -> None:
    data = normal(2000, 50)
    data["x3"] = data["x3"] + 0.3
    [report] = after(tmp_path, [data], plain(), settings(min_effect=0.3))
    assert not report.drifted and not report.causes and report.first_alarm is None
    assert {t.name for t in report.tests if t.verdict == "small"} == {"column x3", "position component 0"}


def test_the_promise_is_split_among_kinds_of_tests_and_their_members(tmp_path) -> None:
    [report] = after(tmp_path, [rows(100, 1)], rules=settings(false_alarms=0.05))
    assert report.threshold == pytest.approx(20)
    assert sum(20 / t.threshold for t in report.tests) == pytest.approx(1)
    thresholds = {t.kind: t.threshold for t in report.tests}
    assert thresholds == pytest.approx({"column": 600, "missing": 600, "density": 100, "shares": 100, "position": 400})


def test_evidence_is_mixed_over_beginnings_and_over_the_columns_of_a_component() -> None:
    result, stored = champion()
    known = Reference.of(stored, result)
    one, two = (summed(result, known.layout, rows(200, seed)) for seed in (1, 2))
    both = {name: one[name] + two[name] for name in one}
    found = {f.probe.test: f.log_e for f in Battery(known).judge([(1, both), (2, two)])}

    def e(name, *at):
        before, new = known.sums[name], [sums[name] for sums in (both, two)]
        for i in at:
            before, new = before[i], [counts[i] for counts in new]
        log_e = log_evidence(before[None], np.stack(new)[:, None], np.array([False]))[:, 0]
        return weight(1) * np.exp(log_e[0]) + weight(2) * np.exp(log_e[1])

    assert np.exp(found["shares", None]) == pytest.approx(e("shares"))
    assert np.exp(found["missing", "b"]) == pytest.approx(e("missing", 1))
    columns = len(known.layout.numbers)
    mean = np.mean([e("sides", 2, j) for j in range(columns)])
    assert np.exp(found["position", 2]) == pytest.approx(mean)


def test_a_retrain_is_called_for_only_if_asked_for(tmp_path) -> None:
    for asked in (True, False):
        [report] = after(tmp_path / str(asked), [rows(2000, 70, GROWN)], rules=settings(retrain=asked))
        assert report.drifted and report.retrain == asked


# ---- awkward batches


@pytest.mark.parametrize("n", [0, 1, 19])
def test_rows_too_few_to_hide_a_person_are_not_remembered(n, tmp_path) -> None:
    few = {name: values[:n] for name, values in rows(30, 0).items()}
    [report] = after(tmp_path, [few])
    assert (report.rows, report.look, report.drifted, report.added) == (n, 0, False, False)
    assert not list(tmp_path.iterdir())
    [enough] = after(tmp_path, [rows(20, 0)])
    assert (enough.look, enough.added) == (1, True)
    state = (tmp_path / "state.json").read_bytes()
    [again] = after(tmp_path, [few], first=1)
    assert again.e_value == enough.e_value and not again.added
    assert (tmp_path / "state.json").read_bytes() == state


def test_one_row_of_great_weight_is_one_row(tmp_path) -> None:
    data = {**normal(500, 7, 2), "w": np.ones(500)}
    fit = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), data, weights="w", restarts=1)
    lone = {**normal(500, 8, 2), "w": np.where(np.arange(500) == 0, 1e6, 1e-6)}
    [report] = after(tmp_path, [lone], (fit, reference(fit, data)))
    assert not report.added and not list(tmp_path.iterdir())


def test_looks_at_few_rows_add_up(tmp_path) -> None:
    reports = after(tmp_path, [rows(25, 600 + i, (0.25, 0.17, 0.33, 0.25)) for i in range(16)])
    assert not reports[0].drifted and reports[-1].drifted


def test_a_column_that_is_missing_altogether(tmp_path) -> None:
    for name, gone in (("a", np.full(300, np.nan)), ("plan", np.full(300, None)), ("visits", np.full(300, np.nan))):
        [report] = after(tmp_path / name, [{**rows(300, 5), name: gone}])
        assert named(report, "missing") == {name}
        assert f"missing share of {name} rose from 0 % to 100 %" in report.causes


def test_a_density_of_zero_and_values_far_out_are_drift_not_errors(tmp_path) -> None:
    data = rows(300, 5)
    data["a"] = data["a"] * 1e6
    [report] = after(tmp_path, [data])
    assert "a" in named(report, "column") and named(report, "density") == {None}
    assert all(np.isfinite([t.e_value, t.effect, t.threshold]).all() for t in report.tests)


def test_weights_count_rows_not_more_than_they_tell(tmp_path) -> None:
    data = {**normal(3000, 7, 3), "w": np.ones(3000)}
    fit = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), data, weights="w", restarts=1)
    pair = fit, reference(fit, data)
    moved = {**normal(400, 8, 3), "w": np.ones(400)}
    moved["x0"] = moved["x0"] + 0.25
    [one] = after(tmp_path / "one", [moved], pair)
    [ten] = after(tmp_path / "ten", [{**moved, "w": np.full(400, 10.0)}], pair)
    assert [t.e_value for t in one.tests] == pytest.approx([t.e_value for t in ten.tests])
    # rows of weight zero are not there, unequal weights tell less than as many rows
    padded = {k: np.concatenate([v, v + 50]) for k, v in moved.items()} | {"w": np.repeat([1.0, 0.0], 400)}
    [zero] = after(tmp_path / "zero", [padded], pair)
    assert [t.e_value for t in one.tests] == pytest.approx([t.e_value for t in zero.tests])
    unequal = {**moved, "w": np.where(np.arange(400) % 4 == 0, 10.0, 0.01)}
    [few] = after(tmp_path / "few", [unequal], pair)
    assert few.e_value < one.e_value


def test_labels_of_the_reference_are_not_used() -> None:
    result, known = champion()
    data = rows(8000, 0)
    labelled = {**data, "who": np.where(np.arange(8000) % 2, "0", None)}
    again = unseen.fit(result.model, labelled, labels="who", start=result.params, max_iterations=1)
    same = replace(result, encoding=again.encoding)
    with_labels = remember(same, Encoded(Arrays(labelled), again.encoding))
    assert json.loads(json.dumps(with_labels["sums"])) == known["sums"]
