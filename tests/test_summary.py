"""The summary says what happened, and its warnings say what to do."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import unseen
from unseen.closing import Closing
from unseen.core.stats import Params
from unseen.core.stop import Outcome
from unseen.numerics.resolution import resting
from unseen.summary import Code, facts, notices, sentence, summary
from unseen.summary.facts import mean_confidence, separation
from unseen.summary.names import model_name
from unseen.summary.sentences import SENTENCES
from unseen.summary.text import number, table

WIDTH = 100


def warnings(result: Any) -> list[str]:
    """What a result warns of, in words."""
    return list(result.warnings)


def flowers(rows: int = 150, seed: int = 0) -> dict[str, Any]:
    """Two groups that differ in a number, a text and a flag; some cells missing."""
    rng = np.random.default_rng(seed)
    group = np.arange(rows) % 3 > 0
    length = np.where(group, rng.normal(50, 4, rows), rng.normal(20, 3, rows))
    length[::10] = np.nan
    colour = np.where(group, rng.choice(["red", "blue"], rows, p=[0.9, 0.1]), "white").astype(object)
    colour[5::15] = None
    return {"length": length, "noise": rng.normal(0, 1, rows), "colour": colour}


@pytest.fixture(scope="module")
def fitted() -> Any:
    model = unseen.Product({("length", "noise"): unseen.Gaussian("diagonal"), "colour": unseen.Categorical()})
    return unseen.select(unseen.Mixture(model, 1), flowers(), (1, 2, 3), restarts=4, finish=4, seed=1)


def line(text: str, begins: str) -> str:
    return next(s.strip() for s in text.splitlines() if s.strip().startswith(begins))


def test_the_summary_holds_every_number(fitted: Any) -> None:
    text = summary(fitted)
    assert fitted.summary() == text
    assert text.startswith("Mixture of 2 x Product(Gaussian(diagonal): length, noise; Categorical: colour)\nconverged:")
    for name, value in (
        ("log-likelihood", fitted.loglik),
        ("AIC", fitted.aic),
        ("BIC", fitted.bic),
        ("ICL", fitted.icl),
    ):
        assert float(line(text, name).removeprefix(name).replace(",", "")) == pytest.approx(value, rel=1e-8)
    assert line(text, "rows").split()[-1] == "150"
    assert line(text, "parameters").split()[-1] == str(fitted.size)
    assert line(text, "cells missing").split()[-2] == f"{100 * 25 / 450:.3g}"
    assert max(map(len, text.splitlines())) <= WIDTH


def test_components_are_sorted_and_in_the_datas_units(fitted: Any) -> None:
    text = summary(fitted)
    shares = [float(x) for x in line(text, "share").removeprefix("share").replace("%", "").split()]
    assert shares == sorted(shares, reverse=True) and sum(shares) == pytest.approx(100, abs=0.5)
    means = [float(x.split("±")[0].split()[-1]) for x in line(text, "length").split("  ") if "±" in x]
    assert means == pytest.approx([50, 20], abs=2)
    colours = flowers()["colour"]
    share = np.mean([c == "white" for c in colours if c is not None])
    assert f"white 100 % x{1 / share:.2g}" in text
    assert line(text, ">").split()[1] == "2"


def test_restarts_are_grouped_by_optimum(fitted: Any) -> None:
    reached = [line(summary(fitted), "Starts: 4, finished 4")]
    reached += [s for s in summary(fitted).splitlines() if " of 4" in s]
    assert sum(int(s.split(" of 4")[0].split()[-1]) for s in reached[1:]) == 4


def test_facts_are_json_and_agree(fitted: Any) -> None:
    told = facts(fitted)
    assert json.loads(json.dumps(told))["bic"] == fitted.bic
    assert [c["weight"] for c in told["components"]] == sorted(fitted.params["weights"], reverse=True)
    assert told["components"][0]["columns"][2]["probabilities"]["red"] > 0.8
    assert [r["components"] for r in told["search"]] == [1, 2, 3]


def test_many_columns_and_components_stay_narrow() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(400, 40)) * 10.0 ** rng.integers(-6, 7, 40)
    x[:200, 7] += 8 * x[:, 7].std()
    result = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 17), x, restarts=1, max_iterations=5)
    text = summary(result)
    assert max(map(len, text.splitlines())) <= WIDTH
    assert "2 lighter components are not shown" in text
    assert "24 of 40 columns that tell the components apart best" in text
    first = next(s for s in text.splitlines() if s.strip().startswith("x"))
    assert max(result.description.views, key=lambda e: separation(result, e))["column"] == first.split()[0]


def test_a_fit_that_did_not_converge_says_so() -> None:
    x = np.random.default_rng(0).normal(size=(200, 2))
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 3), x, restarts=1, max_iterations=2)
    assert "did not converge (hit the cap)" in result.warnings[0] and "raise max_iterations" in result.warnings[0]
    assert summary(result).splitlines()[1].startswith("hit the cap")


def test_every_named_outcome_is_a_warning_but_one(fitted: Any) -> None:
    for name in ("stalled", "hit the cap", "out of time", "fell", "interrupted", "failed"):
        told = warnings(replace(fitted, outcome=Outcome(name, "why")))
        assert told[0] == f"The fit did not converge ({name}): why."
    assert not [w for w in warnings(fitted) if "converge" in w]


def test_equal_rows_bind_the_floor_and_look_spurious() -> None:
    rng = np.random.default_rng(0)
    x = np.concatenate([rng.normal(size=(100, 2)), np.full((4, 2), 9.0) + 1e-9 * rng.normal(size=(4, 2))])
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=2, seed=0)
    told = " ".join(result.warnings)
    assert "variance floor holds" in told and "--prior 1" in told
    assert "spurious" in told
    assert "stands for only 4 rows" in told


def test_columns_that_follow_from_others_are_flat() -> None:
    rng = np.random.default_rng(0)
    a = rng.normal(size=300)
    data = {"a": a, "b": 2 * a + 1e-2 * rng.normal(size=300)}
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data)
    assert any(w.startswith("Nearly flat") and "--covariance diagonal" in w for w in result.warnings)
    data["b"] = 2 * a + 1e-4 * rng.normal(size=300)  # a floor binds, and that is the one thing to say
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), data)
    assert [w.split(" ")[0:2] for w in result.warnings] == [["The", "variance"]]


@pytest.mark.parametrize("family", [unseen.Gaussian("diagonal"), unseen.LogNormal(unseen.Gaussian("diagonal"))])
@pytest.mark.parametrize("columns", [1, 2])
def test_columns_that_vary_alone_are_never_flat(family: Any, columns: int) -> None:
    rng = np.random.default_rng(0)
    x = 10 + np.concatenate([rng.normal(0, 1, (300, columns)), 20 + rng.normal(0, 0.05, (300, columns))])
    result = unseen.fit(unseen.Mixture(family, 2), x, restarts=2)
    assert result.model.spread(result.params).min() < 1e-4
    assert not any("flat" in w for w in result.warnings)


def grid(rows: int = 200) -> Any:
    return np.random.default_rng(0).normal(0, 20, rows).round()


def test_a_floor_of_one_column_and_one_across_columns_are_told_apart() -> None:
    model = unseen.Mixture(unseen.Gaussian(), 1)
    a = grid()
    along = unseen.fit(model, {"a": a, "b": a}, max_iterations=50)
    told = "In component 0 columns follow from each other almost exactly, 'a' most of all: a finding."
    assert told.replace("'a'", "'b'") in along.warnings or told in along.warnings
    assert not any("hardly varies" in w or "flat" in w for w in along.warnings)
    heaps = np.concatenate([np.full(100, 60.0), np.full(100, 90.0), a])
    alone = unseen.fit(unseen.Mixture(unseen.Gaussian(), 3), {"c": heaps}, restarts=3)
    (narrow,) = [w for w in alone.warnings if "hardly varies" in w]
    assert narrow.startswith("Column 'c' hardly varies in component ") and narrow.endswith("; a finding.")
    assert not any("flat" in w for w in alone.warnings)
    tied = unseen.fit(unseen.Mixture(unseen.Gaussian(tied=True), 2), {"a": a, "b": a}, max_iterations=50)
    assert any(w.startswith("In every component columns follow") for w in tied.warnings)


def test_a_column_that_varies_with_a_wider_one_does_not_hardly_vary() -> None:
    # in units of the floors the direction (0.98, -0.2) rests, and yet the first column varies: 25 times its floor
    steps = np.ones(2)
    turn = np.array([[0.98, -np.sqrt(1 - 0.98**2)], [np.sqrt(1 - 0.98**2), 0.98]])
    covariance = turn @ np.diag([1.0, 625.0]) @ turn.T / (2 * np.pi)
    (floor,) = resting(covariance[None], np.full(2, 1 / (2 * np.pi)), steps, ("a", "b"))
    assert (floor.column, floor.kind) == ("a", "grid") and floor.share < 0.1
    (floor,) = resting(np.diag([1.0, 625.0])[None] / (2 * np.pi), np.full(2, 1 / (2 * np.pi)), steps, ("a", "b"))
    assert floor.share == pytest.approx(1)


def test_one_row_is_one_row(fitted: Any) -> None:
    params = Params({**fitted.params, "weights": np.array([149, 1]) / 150})
    assert any("stands for only 1 row: " in w for w in warnings(replace(fitted, params=params)))


def test_unsure_responsibilities_are_told() -> None:
    x = np.random.default_rng(0).normal(size=(300, 1))
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 3), x, start="random", restarts=1, max_iterations=2)
    assert mean_confidence(result) < 0.7
    assert any("hard to assign" in w and "ICL" in w for w in result.warnings)


def test_the_edge_of_the_search_and_its_failures_are_told() -> None:
    x = np.array([[0.0], [0.1], [5.0], [5.1], [9.0], [9.1]])
    result = unseen.select(unseen.Mixture(unseen.Gaussian("spherical"), 1), x, (1, 2, 9), restarts=2)
    told = " ".join(result.warnings)
    assert "With 9 components: failed; 6 rows cannot tell 9 components apart" in told
    edge = unseen.select(
        unseen.Mixture(unseen.Gaussian(tied=True), 1),
        np.repeat([0.0, 30, 60], 40) + np.random.default_rng(0).normal(size=120),
        (1, 2, 3),
        restarts=3,
    )
    assert any("3 components is the largest number tried" in w for w in edge.warnings)


def test_missing_rows_and_columns_are_told() -> None:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(100, 2))
    x[:60, 1] = np.nan
    x[:3] = np.nan
    told = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), x).warnings
    assert any(w.startswith("3 rows have no observed cell") for w in told)
    assert any("'x1' is missing in 60 %" in w for w in told)


def test_rows_of_density_zero_are_told(fitted: Any) -> None:
    told = warnings(replace(fitted, counts={"zero density": 7}))
    assert any(w.startswith("7 rows have density zero") for w in told)


def test_a_single_lucky_start_is_told(fitted: Any) -> None:
    rows = tuple({**r, "objective": -float(i), "hits": 1, "spurious": False} for i, r in enumerate(fitted.restarts))
    assert any("Only 1 of 4 finished starts" in w for w in warnings(replace(fitted, restarts=rows)))
    rows = tuple({**r, "hits": 2} for r in rows)
    assert not any("Only 1 of" in w for w in warnings(replace(fitted, restarts=rows)))


def test_models_without_components_have_a_summary_too() -> None:
    x = np.random.default_rng(0).normal(size=(80, 4))
    result = unseen.fit(unseen.FactorAnalysis(1), x, max_iterations=20)
    text = summary(result)
    assert text.startswith(model_name(result.model)) and "largest responsibility" not in text


@pytest.mark.parametrize(
    ("x", "text"),
    [(0.0, "0.000"), (-1234.5, "-1,234"), (float("inf"), "inf"), (None, "-"), (1e-9, "1.000e-09"), (3e15, "3.000e+15")],
)
def test_numbers_are_short(x: Any, text: str) -> None:
    assert number(x) == text


def test_tables_are_aligned() -> None:
    assert table([["a", "bb"], ["ccc", "d"]]) == ["  a    bb", "  ccc   d"]


def told_of(fitted: Any, *rows: Any) -> list[str]:
    """Warnings of a search with these rows: components, form, log-likelihood, outcome, reason."""
    names = ("components", "form", "loglik", "outcome", "reason")
    made = [{n: v for n, v in zip(names, row, strict=False) if v is not None} for row in rows]
    return warnings(replace(fitted, search=tuple(made)))


def test_a_log_likelihood_that_falls_with_more_components_is_told_once(fitted: Any) -> None:
    rows = [(1, "full", -700.0), (2, "full", -600.0), (3, "full", -610.0), (4, "full", -605.0), (2, "diagonal", -650.0)]
    told = told_of(fitted, *((*row, "converged") for row in rows), (3, "diagonal", -651.0, "converged"))
    (lower,) = [w for w in told if "is lower" in w]
    assert ": 3 against 2 (full), 3 against 2 (diagonal), 4 against 2 (full)." in lower or (
        ": 3 against 2 (full), 4 against 2 (full), 3 against 2 (diagonal)." in lower
    )


@pytest.mark.parametrize(
    "more",
    [
        (3, "diagonal", -610.0, "converged"),
        (3, "full", -610.0, "stopped: cannot win", "it could not have overtaken the best"),
        (3, "full", -600.0 - 1e-6, "converged"),
        (3, "full", -590.0, "converged"),
    ],
    ids=["another form", "stopped early", "less than the tolerance", "higher"],
)
def test_rows_that_cannot_be_compared_are_not(fitted: Any, more: Any) -> None:
    assert not any("is lower" in w for w in told_of(fitted, (2, "full", -600.0, "converged"), more))


def test_the_largest_number_is_one_of_several(fitted: Any) -> None:
    one = [(2, form, -600.0, "converged") for form in ("full", "diagonal")]
    assert not any("largest number" in w for w in told_of(fitted, *one))
    assert any("largest number" in w for w in told_of(fitted, *one, (1, "full", -700.0, "converged")))


def test_the_ordinary_course_of_a_search_is_in_its_table_and_no_warning(fitted: Any) -> None:
    many = "{} parameters are too many for 300 observed cells: fewer than 5 for each"
    rows = [
        (1, "full", -700.0, "converged"),
        (2, "full", -600.0, "converged"),
        (3, "full", -590.0, "stopped: cannot win", "it could not have overtaken the best"),
        (4, "full", None, "not tried", many.format(70)),
        (5, "full", None, "not tried", many.format(90)),
        (6, "full", None, "failed", "the rows ran out"),
        (6, "diagonal", -580.0, "converged", "singular: a variance floor holds component 1 up in column a"),
    ]
    told = told_of(fitted, *rows)
    assert not any("cannot win" in w or "not tried" in w for w in told)
    assert "With 6 components (full): failed; the rows ran out." in told
    assert "With 6 components (diagonal): singular; a variance floor holds component 1 up in column a." in told
    names = ("components", "form", "loglik", "outcome", "reason")
    made = tuple({n: v for n, v in zip(names, row, strict=False) if v is not None} for row in rows)
    text = summary(replace(fitted, search=made))
    assert "not tried [2]" in text and "stopped [1]" in text
    assert "[1] it could not have overtaken the best\n" in text
    assert f"[2] {many.format(70)} (the first of 2)\n" in text
    assert max(map(len, text.splitlines())) <= WIDTH


# ---- values that stand apart


def debts(rows: int = 400) -> dict[str, Any]:
    """Two groups of the same debts, of which one has none in 80 % and the other in 10 % of its rows; ages tell them."""
    rng = np.random.default_rng(0)
    group = np.arange(rows) % 2
    owed = rng.random(rows) < np.where(group, 0.2, 0.9)
    return {"debt": np.where(owed, rng.normal(500, 50, rows).round(), 0.0), "age": rng.normal(25 + 40 * group, 3, rows)}


@pytest.fixture(scope="module")
def owing() -> Any:
    return unseen.fit(unseen.Mixture(unseen.Hurdle(unseen.Gaussian("diagonal")), 2), debts(), restarts=3)


def test_atoms_have_lines_of_their_own_in_the_table_and_in_facts(owing: Any) -> None:
    lines = summary(owing).splitlines()
    place = next(i for i, s in enumerate(lines) if s.strip().startswith("debt"))
    means = [float(x.split()[-1]) for x in lines[place].split(" ±")[:2]]
    assert means == pytest.approx([500, 500], abs=25)
    shares = [float(s.split()[0]) for s in lines[place + 1].split("0 in ")[1:]]
    truth = [100 * np.mean(debts()["debt"][i::2] == 0) for i in range(2)]
    assert sorted(shares) == pytest.approx(sorted(truth), abs=1)
    for component in facts(owing)["components"]:
        (atom,) = component["columns"][0]["atoms"]
        assert atom["value"] == 0 and 0 < atom["share"] < 1
        assert "atom_shares" not in component["columns"][0]
        assert component["columns"][0]["mean"] == pytest.approx(500, abs=25)
    json.dumps(facts(owing))


def test_a_difference_in_atoms_separates(owing: Any) -> None:
    entry = owing.description.views[0]
    assert separation(owing, entry) == pytest.approx(0.7, abs=0.1)  # two components, 0.35 to either side, twice
    same = {**entry, "atom_shares": [[0.5], [0.5]], "mean": [500.0, 500.0]}
    assert separation(owing, same) == 0


def test_a_component_at_an_atom_only_has_no_mean() -> None:
    rng = np.random.default_rng(0)
    data = {
        "debt": np.r_[np.zeros(100), rng.normal(900, 80, 100)],
        "age": np.r_[rng.normal(70, 3, 100), rng.normal(40, 3, 100)],
    }
    result = unseen.fit(unseen.Mixture(unseen.Hurdle(unseen.Gaussian("diagonal")), 2), data, restarts=3)
    line_of_debt = line(summary(result), "debt")
    assert "0 in 100 %" in line_of_debt and line_of_debt.count("±") == 1


def test_zeros_in_excess_are_told_as_such() -> None:
    rng = np.random.default_rng(0)
    data = {"visits": np.where(rng.random(2000) < 0.4, 0, rng.poisson(6, 2000))}
    result = unseen.fit(unseen.Mixture(unseen.ZeroInflated(unseen.Poisson()), 1), data)
    text = summary(result)
    assert "extra 0 in 40 %" in text or "extra 0 in 39 %" in text or "extra 0 in 41 %" in text
    assert float(line(text, "visits").split()[1]) == pytest.approx(6, abs=6 * np.sqrt(6 / 1200))


# ---- how sure the rows are


def test_the_largest_responsibility_is_exact_on_average(fitted: Any) -> None:
    r = fitted.responsibilities(flowers())
    assert fitted.certainty == pytest.approx(r.max(axis=1).mean(), rel=1e-12)
    parts = [Closing(0, 1.0, np.array([2.0]), None, largest) for largest in (1.5, 0.25)]
    assert (parts[0] + parts[1]).largest == 1.75
    old = replace(fitted, certainty=None)
    assert mean_confidence(old) == pytest.approx(fitted.certainty, abs=0.5 / 20)


def test_one_component_is_sure_and_has_no_entropy() -> None:
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), {"a": grid()})
    assert result.certainty == 1 and np.copysign(1, result.entropy) == 1
    text = summary(result)
    assert line(text, "largest").endswith("1.00 on average") and line(text, "entropy").split() == ["entropy", "0"]
    assert facts(result)["entropy"] == 0


@pytest.mark.parametrize("entropy", [-0.0, 1.4e-298, 1e-11])
def test_an_entropy_of_rounding_is_none(fitted: Any, entropy: float) -> None:
    assert line(summary(replace(fitted, entropy=entropy)), "entropy").split() == ["entropy", "0"]


# ---- what the model is called


def test_a_model_says_which_columns_are_logged_or_have_atoms() -> None:
    rng = np.random.default_rng(0)
    data = {"amount": rng.lognormal(0, 1, 99), "debt": np.where(rng.random(99) < 0.5, 0, rng.normal(9, 1, 99))}
    data |= {"age": rng.normal(0, 1, 99), "visits": rng.poisson(2, 99).astype(float)}
    block = unseen.Hurdle(unseen.LogNormal(unseen.Gaussian("full"), logs=("amount",)), atoms={"debt": 0})
    model = unseen.Product({("amount", "debt", "age"): block, "visits": unseen.Poisson()})
    result = unseen.fit(unseen.Mixture(model, 1), data)
    said = "Product(Gaussian(full; log of amount; atoms in debt): amount, debt, age; Poisson: visits)"
    assert model_name(result.model) == f"Mixture of 1 x {said}"
    assert summary(result).replace("\n", " ").startswith(f"Mixture of 1 x {said} ")


@pytest.mark.parametrize(
    ("family", "said"),
    [
        (unseen.Gaussian("factors", factors=1), "Gaussian(1 factor)"),
        (unseen.Gaussian("factors", factors=2, tied=True), "Gaussian(2 factors, tied)"),
        (unseen.LogNormal(), "Gaussian(full; log)"),
        (unseen.LogNormal(logs=tuple("abcdef")), "Gaussian(full; log of a, b, c, d and 2 more)"),
        (unseen.Hurdle(unseen.StudentT()), "StudentT(atoms)"),
        (unseen.ZeroInflated(unseen.Poisson()), "ZeroInflated(Poisson)"),
    ],
)
def test_families_have_short_names(family: Any, said: str) -> None:
    assert model_name(unseen.Mixture(family, 2)) == f"Mixture of 2 x {said}"


def test_a_block_of_logarithms_only() -> None:
    x = {"a": np.array([1.0, 2, 4, 9]), "b": np.array([9.0, 2, 4, 1])}
    result = unseen.fit(unseen.Mixture(unseen.LogNormal(unseen.Gaussian("diagonal")), 1), x)
    assert model_name(result.model) == "Mixture of 1 x Gaussian(diagonal; log of all)"


def test_the_table_of_a_search_is_narrow(fitted: Any) -> None:
    numbers = {"loglik": -1234567.891, "bic": 2471234.567, "icl": 2471234.567, "size": 1234, "seconds": 12.345}
    row = {"components": 12, "form": "tied-factors-3", "outcome": "stopped: others were ahead", **numbers}
    text = summary(replace(fitted, search=({**row, "spurious": True, "reason": "why"}, {**row, "form": "full"})))
    assert "2,471,235" in text and "stopped, spurious [1]" in text
    assert max(map(len, text.splitlines())) <= WIDTH


def test_every_code_has_its_sentence_and_says_what_rests_on() -> None:
    assert list(SENTENCES) == list(Code)
    x = np.r_[np.zeros(20), np.random.default_rng(0).normal(size=60)]
    result = unseen.fit(unseen.Mixture(unseen.Gaussian(), 3), x, restarts=2, max_iterations=2)
    found = notices(result)
    assert [sentence(n) for n in found] == result.warnings and found == result.notices
    told = facts(result)["notices"]
    assert told[0]["code"] == "not_converged" and told[0]["facts"]["outcome"] == "hit the cap"
    assert {n["code"] for n in told} == {n.code.value for n in found}
    few = next(n for n in notices(replace(result, params=Params({**result.params, "weights": [0.01, 0.5, 0.49]})))
               if n.code == Code.FEW_ROWS)  # fmt: skip
    assert few.facts == {"noun": "component", "part": 0, "rows": pytest.approx(0.8)} and "prior" in few.knobs
