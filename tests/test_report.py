"""What the figures of the report show."""

from __future__ import annotations

import importlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import unseen
from tests.report_case import EVIL, LINK, case_data, case_result, case_single, three_groups
from unseen.report import figures
from unseen.report.palette import COLOURS, literal, number, percent
from unseen.report.sample import ROWS, apart, covariances, draw
from unseen.report.view import View


@pytest.fixture
def data() -> dict[str, np.ndarray]:
    return case_data()


@pytest.fixture
def result() -> Any:
    return case_result()


@pytest.fixture
def single() -> Any:
    return case_single()


def test_every_figure_is_there_and_plotly_accepts_it(result: Any, data: dict[str, np.ndarray]) -> None:
    plots = figures(result, data)
    profiles = {f"profile:{c}" for c in data}
    others = {"overview", "data", "confidence", "missing", "loglik", "gain", "restarts", "criteria"}
    assert set(plots) == profiles | others
    assert all(len(p.data) for p in plots.values())
    assert "data" not in figures(result)


def test_the_trace_ends_at_the_log_likelihood_of_the_result(result: Any) -> None:
    plots = figures(result)
    line = plots["loglik"].data[0]
    assert line.y[-1] == result.loglik
    assert line.x[-1] == result.iterations
    gain = plots["gain"].data[0]
    at = dict(zip(line.x, line.y, strict=True))
    assert all(g > 0 and g == result.loglik - at[x] for x, g in zip(gain.x, gain.y, strict=True))


def test_a_start_without_density_somewhere_is_left_out_of_the_trace(result: Any, data: dict[str, np.ndarray]) -> None:
    """A category that a sample of the rows did not have: the first iteration of the whole has minus infinity."""
    first = replace(result.trace[0], objective=-np.inf)
    made = figures(replace(result, trace=(first, *result.trace[1:])), data)
    whole = figures(result, data)
    for name in ("loglik", "gain"):
        drawn, all_of_it = made[name]["data"][0], whole[name]["data"][0]
        assert np.isfinite(drawn["y"]).all() and list(drawn["y"]) == list(all_of_it["y"])[1:]
    nowhere = tuple(replace(t, objective=-np.inf) for t in result.trace)
    assert not {"loglik", "gain"} & set(figures(replace(result, trace=nowhere), data))


def test_restarts_show_every_attempt_and_ring_the_kept_one(result: Any) -> None:
    *groups, ring = figures(result)["restarts"].data
    assert sum(len(g.x) for g in groups) == len(result.restarts)
    assert ring.name == "chosen"
    assert ring.y[0] == pytest.approx(result.loglik / result.weight, abs=1e-6)


def test_criteria_show_each_number_tried_and_fill_the_best(result: Any) -> None:
    bic = next(t for t in figures(result)["criteria"].data if t.name == "BIC")
    assert list(bic.x) == [1, 2, 3, 4]
    filled = [k for k, symbol in zip(bic.x, bic.marker.symbol, strict=True) if not symbol.endswith("-open")]
    assert filled == [bic.x[int(np.argmin(bic.y))]] == [result.model.components]


def test_held_out_densities_have_a_panel_with_errors_of_their_own(result: Any) -> None:
    rows = [dict(r, heldout=-2.0 - abs(r["components"] - 3), heldout_se=0.1) for r in result.search]
    figure = figures(replace(result, search=tuple(rows)))["criteria"]
    held = next(t for t in figure.data if t.name.startswith("held-out"))
    assert held.yaxis == "y2" and set(held.error_y.array) == {0.1}


def test_components_keep_their_colour_in_every_plot(result: Any, data: dict[str, np.ndarray]) -> None:
    view, plots = View(result), figures(result, data)
    assert [view.colours[k] for k in view.order] == list(COLOURS[: view.count])
    assert list(view.weights[view.order]) == sorted(view.weights, reverse=True)
    profile = [t.marker.color for t in plots["profile:noise"].data]
    points = [t.marker.color for t in plots["data"].data[: view.count]]
    rings = [t.line.color for t in plots["data"].data[view.count : 2 * view.count]]
    assert profile == points == rings == [view.colours[k] for k in view.order]


def test_profiles_are_the_models_own_numbers(result: Any) -> None:
    view = View(result)
    entry = next(e for e in result.description.views if e["column"] == "noise")
    drawn = figures(result)["profile:noise"].data
    assert [t.x[0] for t in drawn] == [entry["mean"][k] for k in view.order]
    assert [t.error_x.array[0] for t in drawn] == [entry["sd"][k] for k in view.order]
    heat = figures(result)[f"profile:{LINK}"].data[0]
    assert np.allclose(np.array(heat.z, float).sum(axis=1), 1, atol=1e-5)


def test_many_categories_are_cut_to_the_ones_that_matter(single: Any) -> None:
    view = View(single)
    p = np.full((1, 40), 0.5 / 39)
    p[0, 7] = 0.5
    names = [f"c{i:02}" for i in range(40)]
    entry = {"column": "many", "family": "categorical", "categories": names, "probabilities": p.tolist()}
    spec = importlib.import_module("unseen.report.profiles").categorical(view, entry)
    labels = spec["layout"]["xaxis"]["ticktext"]
    assert len(labels) == 14 and labels[-1] == "27 others" and "c07" in labels
    assert sum(spec["data"][0]["z"][0]) == pytest.approx(1, abs=1e-4)


def test_missing_shares_and_confidence_come_from_the_result(result: Any, data: dict[str, np.ndarray]) -> None:
    bars = figures(result)["missing"].data[0]
    gaps = [np.isnan(data["height (cm)"]).mean(), np.mean([v is None for v in data[LINK]])]
    assert list(bars.x) == pytest.approx(sorted(gaps, reverse=True))
    histogram = figures(result)["confidence"].data[0]
    assert len(histogram.y) == 20 and sum(histogram.y) == pytest.approx(1)


# ---- the data view


def test_covariances_are_those_of_the_model(result: Any) -> None:
    view = View(result)
    entries = [e for e in view.numeric if "sd" in e]
    family = result.model.family.terms[0].family
    inside = result.params.sub(result.model.family.terms[0].name)
    assert [e["column"] for e in entries] == list(family.columns)
    np.testing.assert_allclose(covariances(view, entries), inside["covariances"], rtol=1e-8, atol=1e-10)


def test_apart_grows_with_distance_and_is_zero_for_equals(result: Any) -> None:
    view = View(result)
    cov = np.repeat(np.eye(2)[None], view.count, axis=0)
    steps = [apart(view, np.arange(view.count)[:, None] * np.array([s, 0.0]), cov) for s in (0.0, 1.0, 5.0)]
    assert steps[0] == pytest.approx(0, abs=1e-6) and steps[0] < steps[1] < steps[2]


def test_the_first_pair_of_columns_is_the_one_that_separates(result: Any, data: dict[str, np.ndarray]) -> None:
    figure = figures(result, data)["data"]
    shown = {figure.layout.xaxis.title.text, figure.layout.yaxis.title.text}
    assert shown == {"height (cm)", literal(EVIL, 44)}
    assert len(figure.layout.updatemenus[0].buttons) == 3


def test_filled_in_cells_have_a_symbol_of_their_own(result: Any, data: dict[str, np.ndarray]) -> None:
    figure, k = figures(result, data)["data"], result.model.components
    symbols = [s for t in figure.data[:k] for s in t.marker.symbol]
    assert symbols.count("diamond-open") == int(np.isnan(data["height (cm)"]).sum())
    assert len(symbols) == len(data["noise"])
    assert figure.data[-1].name == "missing cell, filled in by the model"


def test_the_sample_is_small_even_and_always_the_same(result: Any) -> None:
    large = three_groups(12_000, seed=1)
    one, two = draw(View(result), large), draw(View(result), large)
    assert one.rows == ROWS and one.of == 12_000
    assert all(np.array_equal(one.columns[c][0], two.columns[c][0]) for c in one.columns)
    picked = np.flatnonzero(np.isin(large["noise"], one.columns["noise"][0]))
    assert len(picked) == ROWS and abs(picked.mean() - 6_000) < 200


def test_sampled_rows_agree_with_the_result(result: Any, data: dict[str, np.ndarray]) -> None:
    sample = draw(View(result), data)
    r = result.responsibilities(data)
    np.testing.assert_allclose(sample.responsibilities.T, r, atol=1e-10)
    seen = sample.columns["height (cm)"][1]
    assert np.array_equal(sample.columns["height (cm)"][0][seen], data["height (cm)"][seen])


def test_without_two_numeric_columns_the_data_is_still_drawn(data: dict[str, np.ndarray], single: Any) -> None:
    histogram = figures(single, {"noise": data["noise"]})["data"]
    assert sum(sum(t.y) for t in histogram.data) == len(data["noise"])
    columns = {LINK: data[LINK], "other": data[LINK][::-1].copy()}
    for k in (2, 3):
        fitted = unseen.fit(unseen.Mixture(unseen.Categorical(), k), columns, restarts=2, max_iterations=30)
        dots = figures(fitted, columns)["data"]
        drawn = sum(sum(t.customdata) for t in dots.data[:-1]) if k == 3 else sum(sum(t.y) for t in dots.data)
        assert drawn == len(data[LINK])


def test_names_and_numbers_are_written_for_people() -> None:
    assert [number(x) for x in (0, -1234.5678, 0.00001234, float("nan"))] == ["0", "−1,235", "1.23e−05", "–"]
    assert [percent(p) for p in (0, 1e-5, 0.02, 0.5, 0.9999, 1)] == ["0%", "<0.1%", "2.0%", "50%", ">99.9%", "100%"]
    assert literal("<b>%{x}</b>") == "&lt;b&gt;&#37;{x}&lt;/b&gt;" and literal("") == "(empty)"
    assert len(literal("x" * 100)) == 28
