"""The report for people who may not see the data."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from unseen.errors import DataError, ModelError
from unseen.report import write
from unseen.report.shareable import Shareable, without

PEOPLE = ("Ada Lovelace", "Grace Hopper", "Mary Somerville")


def result(rows: int = 300, flat: bool = False) -> Any:
    rng = np.random.default_rng(0)
    group = np.arange(rows) % 3
    data = {
        "income": rng.normal(size=rows) + 8 * group,
        "height": rng.normal(size=rows),
        "doctor": np.array(PEOPLE)[group],
    }
    data["income"][rng.random(rows) < 0.1] = np.nan
    if flat:
        data["income"] = np.where(group == 0, 1.0, data["income"])
    terms = {("income", "height"): unseen.Gaussian(), "doctor": unseen.Categorical()}
    return unseen.fit(unseen.Mixture(unseen.Product(terms), 3), data, restarts=3)


def page(folder: Path, fitted: Any, **options: Any) -> str:
    whole = write(fitted, folder / "page.html", **options).read_text()
    library = max(whole.split("<script"), key=len)
    return whole.replace(library, "")


def test_categories_have_numbers_and_hidden_columns_are_gone(tmp_path: Path) -> None:
    fitted = result(flat=True)
    assert any("income" in event for t in fitted.trace for event in t.events), "a floor that names its column"
    private = page(tmp_path, fitted)
    assert PEOPLE[0] in private and "income" in private
    shared = page(tmp_path, fitted, shareable=True, hide=("income",))
    assert not any(word in shared for word in (*PEOPLE, "Lovelace", "income"))
    assert "category 3" in shared and "height" in shared and "variance floor" in shared
    assert "it holds no row of the data and no name of a category" in shared


def test_what_was_left_out_of_the_fit_and_the_data_itself_are_not_named() -> None:
    fitted = result()
    fitted.options["ignored"] = ["salary", "age"]
    seen = without(fitted, ("income",))
    assert seen.options["ignored"] == ["salary", "age"] and seen.fingerprint == {}
    assert [e["column"] for e in Shareable(seen).profiles] == ["height", "doctor"]
    assert without(fitted, ()).profile.names == fitted.profile.names


def test_small_groups_are_not_described(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="fewer than 20 rows"):
        write(result(30), tmp_path / "page.html", shareable=True)
    assert not (tmp_path / "page.html").exists()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"hide": ("income",)}, "from shareable reports only"),
        ({"shareable": True, "data": {"income": [1.0]}}, "shows no rows"),
        ({"shareable": True, "hide": ("age",)}, "no column 'age' to hide"),
    ],
)
def test_what_does_not_go_together(tmp_path: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(ModelError, match=said):
        write(result(), tmp_path / "page.html", **options)
