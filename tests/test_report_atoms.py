"""Values that stand apart, such as 83 % zeros, in the report."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from unseen.report import figures, write
from unseen.report.sample import covariances
from unseen.report.shareable import Shareable, without
from unseen.report.tables import components, numbers
from unseen.report.view import View

ROWS, CODE = 600, 4321.0


def people() -> dict[str, Any]:
    """Two groups told apart by how many of them have no debt, 20 and 80 %; 5 % of the weights are a code."""
    rng = np.random.default_rng(0)
    group = np.arange(ROWS) % 2
    height = rng.normal(170, 10, ROWS)
    weight = (70 + 0.9 * (height - 170) + rng.normal(0, 5, ROWS)).round()
    weight[rng.random(ROWS) < 0.1] = CODE
    debt = np.where(rng.random(ROWS) < np.where(group, 0.2, 0.8), 0.0, rng.normal(500, 50, ROWS))
    return {"weight": weight, "height": height, "debt": debt, "team": np.array(["red", "blue"])[group]}


@pytest.fixture(scope="module")
def fitted() -> Any:
    block = unseen.Hurdle(unseen.Gaussian(), atoms={"weight": CODE, "debt": 0})
    model = unseen.Product({("weight", "height", "debt"): block, "team": unseen.Categorical()})
    return unseen.fit(unseen.Mixture(model, 2), people(), restarts=4)


def test_the_card_draws_the_rest_and_lists_the_atoms(fitted: Any) -> None:
    view = View(fitted)
    entry = view.profiles[0]
    figure = figures(fitted)["profile:weight"]
    assert [t.x[0] for t in figure.data] == pytest.approx([70, 70], abs=3)
    words = [a.text for a in figure.layout.annotations]
    assert [w.split(" in ")[0] for w in words] == ["4,321", "4,321"]
    shares = [float(w.split(" in ")[1].removesuffix("&#37;")) / 100 for w in words]
    assert shares == pytest.approx([entry["atom_shares"][k][0] for k in view.order], abs=0.006)
    assert figures(fitted)["profile:height"].layout.annotations == ()


def test_what_differs_most_sets_a_component_apart(fitted: Any) -> None:
    view = View(fitted)
    table = components(view)
    assert "close to the average row everywhere" not in table
    for k in range(2):
        (zeros,) = [m for m in view.marks(k) if m.startswith("debt 0: ")]
        assert f"(average {100 * np.mean(people()['debt'] == 0):.0f}%)" in zeros
    assert view.separation(view.profiles[2]) > 0.25 > view.separation(view.profiles[1])
    same = {**view.profiles[2], "atom_shares": [[0.5], [0.5]], "mean": [500.0, 500.0]}
    assert view.separation(same) == pytest.approx(0, abs=1e-20)
    assert "0 in " in numbers(view)


def test_ellipses_are_those_of_the_rest(fitted: Any) -> None:
    view = View(fitted)
    found = covariances(view, view.profiles[:2])
    name = next(n for n in fitted.params if n.endswith("rest.covariances"))
    np.testing.assert_allclose(found, fitted.params[name][:, :2, :2], rtol=1e-8)


def test_a_component_at_an_atom_only_has_no_dot() -> None:
    data = {
        "debt": np.r_[np.zeros(100), np.random.default_rng(0).normal(900, 80, 100)],
        "age": np.repeat([70, 40], 100),
    }
    data["age"] = data["age"] + np.random.default_rng(1).normal(0, 3, 200)
    result = unseen.fit(unseen.Mixture(unseen.Hurdle(unseen.Gaussian("diagonal")), 2), data, restarts=3)
    figure = figures(result)["profile:debt"]
    assert sum(t.x[0] is None for t in figure.data) == 1
    assert np.isfinite(figure.layout.xaxis.range).all()
    view = View(result)
    debt, at = view.profiles[0], int(np.argmax(np.ravel(view.profiles[0]["atom_shares"])))
    assert view.centre(debt)[at] == 0 and view.centre(debt)[1 - at] == pytest.approx(900, abs=50)
    assert (covariances(view, view.profiles)[at, 0] == 0).all()
    lines = figures(result, data)["data"].data[2:4]
    column = "x" if figures(result, data)["data"].layout.xaxis.title.text == "debt" else "y"
    assert set(lines[view.order.index(at)][column]) == {0.0}


def test_a_page_to_pass_on_names_no_single_value(fitted: Any, tmp_path: Path) -> None:
    private = write(fitted, tmp_path / "page.html").read_text()
    assert "4,321" in private
    shared = write(fitted, tmp_path / "page.html", shareable=True).read_text()
    assert "4,321" not in shared and "value 1 in " in shared
    assert Shareable(without(fitted, ())).atoms(Shareable(fitted).profiles[0], 0).startswith("value 1 in ")
