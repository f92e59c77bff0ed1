"""What models say of themselves, against published numbers; what text, JSON and page show of it and leave out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import unseen
from tests.test_custom_model import Linkage
from unseen import HMM, Categorical, FactorAnalysis, Gaussian, LogisticExperts, ModelError, Params, Poisson
from unseen.cli.shell import cli
from unseen.core.description import Description, Fact
from unseen.core.table import Labels, Scale, Table
from unseen.errors import DataError
from unseen.models.factor_analysis import ABILITY
from unseen.models.factor_analysis import example as abilities
from unseen.models.hmm import example as earthquakes
from unseen.models.logistic_experts import example as o_rings
from unseen.models.mixture import example as geyser
from unseen.report import figures, write
from unseen.summary import facts, summary
from unseen.summary.occupancy import rows_by_part


@pytest.fixture(scope="module")
def runs() -> dict[str, Any]:
    """One published fit of every kind."""
    chain = HMM(Poisson(), 2, stationary=True)
    return {
        "mixture": unseen.fit(geyser().model, geyser().data, restarts=2, tol=1e-11),
        "hmm": unseen.fit(chain, earthquakes().data, restarts=4, tol=1e-11),
        "factors": unseen.fit(abilities().model, abilities().data),
        "experts": unseen.fit(o_rings().model, o_rings().data, tol=1e-12),
    }


def values(run: Any, name: str) -> np.ndarray[Any, Any]:
    table = run.description.table(name)
    assert table is not None and table.values.shape == (len(table.rows), len(table.columns))
    return np.asarray(table.values)


# ---- the numbers


def test_a_chain_tells_its_published_distribution_and_how_long_it_stays(runs: dict[str, Any]) -> None:
    """Zucchini & MacDonald (2009), section 3.3: delta .660 .340, rates 15.472 26.125, from a stationary start."""
    run = runs["hmm"]
    told, calm = run.description, int(run.params["rates"][:, 0].argmin())
    order = [calm, 1 - calm]
    assert (told.noun, told.count, told.long_run, told.discrete) == ("state", 2, True, True)
    np.testing.assert_allclose(run.params["rates"][order, 0], [15.472, 26.125], atol=2e-3)
    np.testing.assert_allclose(told.shares[order], [0.660, 0.340], atol=1e-3)
    moves = values(run, "transitions")
    np.testing.assert_allclose(moves[np.ix_(order, order)], [[0.934, 0.066], [0.128, 0.872]], atol=1e-3)
    roots, vectors = np.linalg.eig(moves.T)
    left = vectors[:, np.argmax(roots.real)].real
    np.testing.assert_allclose(told.shares, left / left.sum(), atol=1e-9)
    np.testing.assert_allclose(values(run, "distributions"), np.tile(left / left.sum(), (2, 1)).T, atol=1e-9)
    # the expectation of a stay as a sum over its lengths, not by the formula that is tested
    lengths = np.arange(1, 2000)[:, None]
    stay = np.diagonal(moves)
    np.testing.assert_allclose(values(run, "dwell_times")[:, 0], (lengths * stay ** (lengths - 1) * (1 - stay)).sum(0))
    assert told.views[0]["mean"] == run.params["rates"][:, 0].tolist()


def test_a_state_that_is_never_left_dwells_for_ever_and_two_of_them_have_no_shares() -> None:
    model = HMM(Poisson(), 2).bind(unseen.fit(HMM(Poisson(), 2), earthquakes().data, restarts=1).profile)
    params = Params(start=[0.5, 0.5], transitions=[[1.0, 0.0], [0.1, 0.9]], rates=[[15.0], [26.0]])
    told = model.description(params)
    np.testing.assert_allclose(told.shares, [1, 0], atol=1e-12)
    dwell = told.table("dwell_times")
    assert dwell.values[0, 0] == np.inf and dwell.as_dict()["values"][0] == [None]
    apart = Params({**params, "transitions": np.eye(2)})
    told = model.description(apart)
    assert told.shares is None and told.weights.tolist() == [0.5, 0.5]
    assert "no unique stationary distribution" in told.table("distributions").note


def test_rows_by_part_add_up(runs: dict[str, Any]) -> None:
    for kind in ("mixture", "hmm", "experts"):
        rows = rows_by_part(runs[kind])
        assert rows is not None and abs(rows.sum() - runs[kind].weight) < 1e-6
        np.testing.assert_allclose(runs[kind].occupancy, rows, rtol=1e-4)
    states = runs["hmm"].responsibilities(earthquakes().data)
    np.testing.assert_allclose(rows_by_part(runs["hmm"]), states.sum(axis=0), rtol=1e-9)
    assert rows_by_part(runs["factors"]) is None


def test_factors_tell_what_factanal_tells(runs: dict[str, Any]) -> None:
    """R 4.2, factanal(factors = 1, covmat = ability.cov): uniquenesses, loadings, SS loadings and proportion."""
    run = runs["factors"]
    unique = np.array([0.534602, 0.852581, 0.748170, 0.910150, 0.231715, 0.279741])
    np.testing.assert_allclose(values(run, "columns")[:, 2], unique, atol=3e-5)
    np.testing.assert_allclose(values(run, "columns")[:, 1], 1 - unique, atol=3e-5)
    np.testing.assert_allclose(values(run, "correlations")[:, 0], [0.682, 0.384, 0.502, 0.300, 0.877, 0.849], atol=6e-4)
    np.testing.assert_allclose(values(run, "factors"), [[2.443, 0.407, 0.407]], atol=6e-4)
    variances = np.diagonal(np.array(list(ABILITY.values())))
    np.testing.assert_allclose(values(run, "loadings")[:, 0], np.sqrt((1 - unique) * variances), rtol=2e-4)
    assert run.description.table("columns").rows == tuple(ABILITY) and not run.description.discrete


def test_equal_noise_explains_the_columns_as_they_are() -> None:
    """Tipping & Bishop (1999): what components and noise explain adds up to the trace of the covariance."""
    x = np.random.default_rng(0).normal(size=(300, 5)) * [5, 3, 2, 1, 1]
    run = unseen.fit(FactorAnalysis(2, noise="isotropic"), x)
    roots = np.sort(np.linalg.eigvalsh(np.cov(x.T, bias=True)))[::-1]
    explained = roots[:2] - roots[2:].mean()
    np.testing.assert_allclose(values(run, "factors")[:, 0], explained, rtol=1e-6)
    np.testing.assert_allclose(values(run, "factors")[:, 1], explained / roots.sum(), rtol=1e-6)


def test_a_heywood_case_is_said(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(300, 4))
    data = {"a": x[:, 0], "twin": x[:, 0] + 1e-6 * x[:, 1], "c": x[:, 0] + x[:, 2], "d": x[:, 3]}
    run = unseen.fit(FactorAnalysis(1), data)
    resting = {f.value for f in run.description.facts if f.name == "Heywood case"}
    assert resting and resting <= {"a", "twin"}
    assert "Heywood case" in summary(run) and "Heywood" in run.description.table("columns").note
    page = shown(write(run, tmp_path / "r.html", shareable=True, hide=tuple(resting)))
    assert not any(f">{name}<" in page for name in resting)


def test_experts_tell_coefficients_and_odds(runs: dict[str, Any]) -> None:
    """Dalal, Fowlkes & Hoadley (1989), R's glm: 15.0429 and -.2322, so a degree takes a fifth of the odds away."""
    run = runs["experts"]
    table = run.description.table("coefficients")
    assert table.rows == ("(intercept)", "temperature") and table.columns == ("expert 0",)
    np.testing.assert_allclose(table.values[:, 0], [15.0429016, -0.2321627], rtol=1e-6)
    np.testing.assert_allclose(values(run, "odds_ratios"), [[0.79282]], atol=1e-5)
    sd = np.std(run_data("temperature"))
    np.testing.assert_allclose(values(run, "scaled_odds_ratios"), [[np.exp(-0.2321627 * sd)]], rtol=1e-5)
    assert run.description.facts == (
        Fact("target", "distress", "distress"),
        Fact("class whose odds are told", "1", "distress", 1),
    )


def run_data(name: str) -> np.ndarray[Any, Any]:
    return np.asarray(o_rings().data[name], float)


def test_a_gate_has_its_last_expert_as_reference() -> None:
    run = unseen.fit(LogisticExperts(2, target="y"), {"x": np.arange(40.0), "y": np.arange(40) % 3 > 0}, restarts=1)
    gate = run.description.table("gate")
    assert gate.columns == ("expert 0", "expert 1") and gate.rows == ("(intercept)", "x")
    np.testing.assert_array_equal(gate.values, np.column_stack([run.params["gate"][0], [0, 0]]))


def test_a_model_that_says_nothing_has_the_shapes_of_its_parameters() -> None:
    told = Linkage().description(Params(rates=[[1.0, 2.0]], t=0.5))
    assert told.count == 0 and dict(told.shapes) == {"rates": (1, 2), "t": ()}
    assert told.without({"x"}).shapes == {}


# ---- text, JSON and page


SAID = {
    "mixture": ["Components, heaviest first", "80.1 ± 5.9", "63.9 %"],
    "hmm": ["States, heaviest first", "Transition probabilities", "0.9340", "15.1", "66.1 %", "stationary"],
    "factors": ["Loadings", "noise variance", "communality", "0.5346", "2.443", "0.4072"],
    "experts": ["(intercept)", "15.04", "-0.2322", "Odds ratios", "0.7928", "target: distress"],
}
DRAWN = {
    "mixture": set(),
    "hmm": {"table:transitions", "table:dwell_times"},
    "factors": {"table:correlations"},
    "experts": {"table:scaled_odds_ratios"},
}


def shown(page: Path) -> str:
    """A page without its plotting library."""
    text = page.read_text()
    return text.replace(max(text.split("<script"), key=len), "")


@pytest.mark.parametrize("kind", SAID)
def test_show_and_report_on_the_command_line(kind: str, runs: dict[str, Any], tmp_path: Path) -> None:
    run = runs[kind]
    folder = run.save(tmp_path / "run")
    text = CliRunner().invoke(cli, ["show", str(folder)])
    assert text.exit_code == 0 and max(map(len, text.stdout.splitlines())) <= 100
    assert [w for w in SAID[kind] if w not in text.stdout] == []
    told = json.loads(CliRunner().invoke(cli, ["show", str(folder), "--json"]).stdout)
    assert told["noun"] == run.description.noun and len(told["components"]) == run.description.count
    for table, own in zip(told["tables"], run.description.tables, strict=True):
        np.testing.assert_array_equal(np.array(table["values"], float), own.values)
    data = {"mixture": geyser(), "hmm": earthquakes(), "factors": abilities(), "experts": o_rings()}[kind].data
    rows = tmp_path / "rows.csv"
    names = list(data)
    lines = [",".join(names), *(",".join(map(str, row)) for row in zip(*(data[n] for n in names), strict=True))]
    rows.write_text("\n".join(lines) + "\n")
    done = CliRunner().invoke(cli, ["report", str(folder), str(rows), "-o", str(tmp_path / "r.html")])
    assert done.exit_code == 0, done.output
    page = shown(tmp_path / "r.html")
    for table in run.description.tables:
        assert f"<h3>{table.title}</h3>" in page and all(f"<td>{row}</td>" in page for row in table.rows)


@pytest.mark.parametrize("kind", DRAWN)
def test_what_has_a_scale_is_drawn(kind: str, runs: dict[str, Any]) -> None:
    plots = figures(runs[kind])
    assert {name for name in plots if name.startswith("table:")} == DRAWN[kind]
    for name in DRAWN[kind]:
        (trace,) = plots[name].data
        table = runs[kind].description.table(name.removeprefix("table:"))
        drawn = trace.z if trace.type == "heatmap" else np.array(trace.x)[:, None]
        np.testing.assert_allclose(drawn, table.values, atol=1e-6)


def test_standard_errors_stand_beside_their_numbers(runs: dict[str, Any], tmp_path: Path) -> None:
    table = Table("coefficients", "Coefficients", ("a", "b"), ("x",), np.array([[1.0], [2.0]]),
                  errors=np.array([[0.25], [np.nan]]))  # fmt: skip
    run = runs["experts"]
    other = unseen.fit(o_rings().model, o_rings().data)
    other.__dict__["description"] = Description("expert", 1, tables=(table,), discrete=True)
    assert "1.00 ± 0.25" in summary(other) and "2.000\n" in summary(other)
    assert "1.00 ± 0.25" in shown(write(other, tmp_path / "r.html"))
    assert facts(other)["tables"][0]["errors"] == [[0.25], [None]] and "errors" not in facts(run)["tables"][0]


def test_labels_and_numbers_go_together() -> None:
    with pytest.raises(ModelError, match=r"'t' has values of shape \(1, 2\), but 1 row labels and 1 column labels"):
        Table("t", "T", ("a",), ("b",), np.ones((1, 2)))


# ---- what a page to be passed on leaves out


def test_hidden_columns_and_categories_leave_a_table() -> None:
    confusion = Table("confusion", "Confusion", ("sick", "well"), ("sick", "well"), np.eye(2), Labels.CATEGORIES,
                      Labels.CATEGORIES, Scale.PROBABILITY, column="health")  # fmt: skip
    loadings = Table("loadings", "Loadings", ("a", "b"), ("factor 0",), np.array([[1.0], [2.0]]), Labels.COLUMNS,
                     Labels.PARTS, errors=np.array([[0.1], [0.2]]))  # fmt: skip
    told = Description("class", 2, tables=(confusion, loadings), facts=(Fact("first", "sick", "health", 0),))
    plain = told.numbered()
    assert plain.tables[0].rows == ("category 1", "category 2") and plain.facts[0].value == "category 1"
    left = told.without({"a", "health"})
    assert left.facts == () and [t.name for t in left.tables] == ["loadings"]
    assert left.tables[0].rows == ("b",) and left.tables[0].errors.tolist() == [[0.2]]
    assert told.without({"a", "b", "health"}).tables == ()


def private() -> dict[str, tuple[Any, tuple[str, ...], tuple[str, ...]]]:
    """Per kind: a fit, the columns to hide, and words that the page must not hold."""
    rng = np.random.default_rng(0)
    state = np.repeat([0, 1, 0, 1, 0], 60)
    steps = {"salaryx": rng.poisson(5 + 20 * state).astype(float), "mood": rng.normal(4 * state, 1),
             "doctor": np.array(["Lovelace", "Hopper"])[rng.integers(2, size=300) ^ state]}  # fmt: skip
    parts = {"salaryx": Poisson(), "mood": Gaussian(), "doctor": Categorical()}
    chain = unseen.fit(HMM(unseen.Product(parts), 2), steps, restarts=2)
    factors = unseen.fit(FactorAnalysis(1), {**abilities().data})
    x = rng.normal(size=(300, 2))
    target = np.array(["Hopper", "Lovelace"])[(x[:, 0] + rng.logistic(size=300) > 0).astype(int)]
    experts = unseen.fit(LogisticExperts(2, target="doctor"), {"salaryx": x[:, 0], "mood": x[:, 1], "doctor": target},
                         restarts=1, max_iterations=50)  # fmt: skip
    names, told = ("Lovelace", "Hopper"), experts.description.facts[1].value
    return {
        "hmm": (chain, ("salaryx",), ("salaryx", *names)),
        "factors": (factors, ("vocab",), ("vocab",)),
        "experts": (experts, ("salaryx",), ("salaryx", told)),
        "target": (experts, ("doctor",), ("doctor", "Coefficients</h3>", told)),
    }


@pytest.mark.parametrize("case", ["hmm", "factors", "experts", "target"])
def test_a_shareable_page_holds_no_hidden_column_and_no_category(case: str, tmp_path: Path) -> None:
    run, hidden, words = private()[case]
    whole = shown(write(run, tmp_path / "whole.html"))
    assert all(word in whole for word in words)
    page = shown(write(run, tmp_path / "shared.html", shareable=True, hide=hidden))
    assert [word for word in words if word in page] == []
    assert "in numbers</h2>" in page


def test_states_of_a_few_rows_are_not_described(tmp_path: Path) -> None:
    """The last state is never left, so that in the long run it has all rows: here it has five."""
    counts = np.r_[np.random.default_rng(0).poisson(3, 200), np.full(5, 90)].astype(float)
    run = unseen.fit(HMM(Poisson(), 2), {"n": counts}, restarts=4)
    assert run.description.shares.max() > 0.99
    np.testing.assert_allclose(np.sort(rows_by_part(run)), [5, 200], atol=1e-6)
    with pytest.raises(DataError, match=r"state \d stands for fewer than 20 rows"):
        write(run, tmp_path / "r.html", shareable=True)
    with pytest.raises(DataError, match="a state may stand for fewer than 20 rows, which this run does not say"):
        write(replace(run, occupancy=()), tmp_path / "r.html", shareable=True)
