"""What the page of the report may hold, what it says, and how it is written."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
import resource
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
import unseen.models
from tests.report_case import EVIL, case_data, case_result, case_single
from unseen.core.stop import Outcome
from unseen.errors import RunError
from unseen.report import figures, write
from unseen.report.pages import policy
from unseen.report.palette import number
from unseen.report.tables import tiles
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


class Reader(HTMLParser):
    """Tags with their attributes, and the text outside of scripts and styles."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.inside = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self.inside = tag

    def handle_endtag(self, tag: str) -> None:
        self.inside = ""

    def handle_data(self, data: str) -> None:
        if self.inside not in ("script", "style"):
            self.text.append(data)


def read(path: Path) -> tuple[Reader, str]:
    page = Reader()
    page.feed(path.read_text(encoding="utf-8"))
    return page, " ".join(" ".join(page.text).split())


def test_the_page_asks_nobody_for_anything(result: Any, data: dict[str, np.ndarray], tmp_path: Path) -> None:
    page, _ = read(write(result, tmp_path / "report.html", data))
    asking = [(tag, a) for tag, a in page.tags if any(k in a for k in ("src", "srcset", "action", "background"))]
    assert asking == []
    assert [a["href"] for tag, a in page.tags if "href" in a] == ["data:,"]
    scripts = [a for tag, a in page.tags if tag == "script"]
    assert sum(a.get("type") != "application/json" for a in scripts) == 2
    rule = next(a["content"] for tag, a in page.tags if a.get("http-equiv") == "Content-Security-Policy")
    assert rule is not None and rule.startswith("default-src 'none'; script-src 'sha256-")
    assert policy("a") != policy("b")


def test_hostile_names_stay_text(result: Any, data: dict[str, np.ndarray], tmp_path: Path) -> None:
    path = write(result, tmp_path / "report.html", data)
    page, text = read(path)
    assert EVIL not in path.read_text(encoding="utf-8")
    assert EVIL[:20] in text and not any(tag == "a" for tag, _ in page.tags)
    for spec in re.findall(r'<script type="application/json"[^>]*>(.*?)</script>', path.read_text("utf-8")):
        assert "<script" not in json.dumps(json.loads(spec)) and "<a href" not in json.dumps(json.loads(spec))


def test_the_page_says_what_it_holds(result: Any, data: dict[str, np.ndarray], tmp_path: Path) -> None:
    marked = {**data, "noise": np.where(np.arange(90) == 5, 61.237, data["noise"])}
    path, text = (lambda p: (p, read(p)[1]))(write(result, tmp_path / "with.html", marked))
    assert "This page shows 90 sampled rows of the data" in text and "61.237" in path.read_text("utf-8")
    path, text = (lambda p: (p, read(p)[1]))(write(result, tmp_path / "without.html"))
    assert "This page shows no rows of the data" in text and "61.237" not in path.read_text("utf-8")
    for fact in (number(result.loglik, 7), number(result.bic, 7), number(result.icl, 7), "3 components", "converged"):
        assert fact in text


def test_warnings_are_shown_as_they_are_and_their_absence_is_said(result: Any, tmp_path: Path) -> None:
    warned, calm = replace(result), replace(result)
    warned.__dict__["warnings"] = ["use more <restarts>"]
    calm.__dict__["warnings"] = []
    assert "One warning use more <restarts>" in read(write(warned, tmp_path / "a.html"))[1]
    assert "No warnings" in read(write(calm, tmp_path / "b.html"))[1]


@pytest.mark.parametrize("name, tone", [("converged", "good"), ("hit the cap", "warn"), ("failed", "bad")])
def test_the_outcome_has_its_sentence_and_tone(single: Any, tmp_path: Path, name: str, tone: str) -> None:
    ended = replace(single, outcome=Outcome(name, "raise <this> knob"))
    page, text = read(write(ended, tmp_path / "report.html"))
    assert ("span", {"class": f"badge {tone}"}) in page.tags
    assert f"{name} The" in text and "raise <this> knob." in text


def test_a_single_component_gets_sensible_empty_states(single: Any, tmp_path: Path) -> None:
    assert {"confidence", "missing", "criteria", "restarts", "overview"}.isdisjoint(figures(single))
    _, text = read(write(single, tmp_path / "report.html"))
    for sentence in ("nothing to be unsure of", "No cell of the data is missing", "was given, not searched for"):
        assert sentence in text


@pytest.mark.parametrize("name", [m.name for m in pkgutil.iter_modules(unseen.models.__path__)])
def test_every_model_has_a_report(name: str, tmp_path: Path) -> None:
    case = importlib.import_module(f"unseen.models.{name}").example()
    fitted = unseen.fit(case.model, case.data, **{**case.options, "restarts": 1, "max_iterations": 5})
    _, text = read(write(fitted, tmp_path / "report.html", case.data))
    assert type(case.model).__name__ in text and "How the fit went" in text


def test_a_report_of_a_huge_number_of_columns_stays_readable(tmp_path: Path) -> None:
    x = np.random.default_rng(0).normal(size=(60, 40))
    fitted = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 2), x, restarts=1, max_iterations=5)
    path = write(fitted, tmp_path / "report.html", x)
    assert "16 more columns are not drawn one by one" in read(path)[1]
    assert path.stat().st_size < 8_000_000


# ---- writing


def test_a_folder_gets_a_page_with_a_name_of_its_own(single: Any, tmp_path: Path) -> None:
    assert write(single, tmp_path) == tmp_path / "report.html"


def test_a_missing_folder_is_one_sentence(single: Any, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="could not be written to .*nowhere.*No such file"):
        write(single, tmp_path / "nowhere" / "report.html")


def test_a_full_disk_leaves_the_old_page_and_nothing_else(single: Any, tmp_path: Path) -> None:
    target = tmp_path / "report.html"
    target.write_text("old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, hard))
    try:
        with pytest.raises(RunError, match="the report could not be written"):
            write(single, target)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert target.read_text() == "old" and list(tmp_path.iterdir()) == [target]


def test_the_seconds_are_those_of_the_whole_search() -> None:
    searched, single = case_result(), case_single()
    total = sum(row["seconds"] for row in searched.search)
    assert total > searched.seconds
    assert f"<b>{number(total, 2)}</b><span>seconds, whole search</span>" in tiles(View(searched))
    assert f"<b>{number(single.seconds, 2)}</b><span>seconds</span>" in tiles(View(single))
