"""The report in a real browser, opened from disk with the network switched off."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unseen
from tests.report_case import EVIL, case_data, case_result
from unseen.report import figures, write
from unseen.report.palette import number

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    if not CHROMIUM.exists():
        pytest.skip(f"{CHROMIUM} is not installed")
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield started
        started.close()


class Visit:
    """A page opened from disk without a network, with everything it complained about or asked for."""

    def __init__(self, browser: Any, path: Path, width: int = 1280) -> None:
        self.complaints: list[str] = []
        self.requests: list[str] = []
        context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
        self.page = context.new_page()
        self.page.on("console", lambda m: self.complaints.append(f"{m.type}: {m.text}"))
        self.page.on("pageerror", lambda e: self.complaints.append(str(e)))
        self.page.on("request", lambda r: self.requests.append(r.url))
        self.page.goto(path.as_uri())
        self.page.wait_for_function("() => document.querySelectorAll('.plot:not(.js-plotly-plot)').length === 0")


@pytest.fixture(scope="module")
def visit(browser: Any, tmp_path_factory: pytest.TempPathFactory) -> Visit:
    return Visit(browser, write(case_result(), tmp_path_factory.mktemp("report"), case_data()))


MARKS = "path.point, .points path, .heatmaplayer image, .bars path, .js-line, .lines path"


def test_every_plot_is_drawn(visit: Visit) -> None:
    plots = visit.page.query_selector_all(".plot")
    assert len(plots) == len(figures(case_result(), case_data()))
    for plot in plots:
        assert len(plot.query_selector_all(MARKS)) > 0, plot.get_attribute("aria-label")
        box = plot.query_selector("svg.main-svg").bounding_box()
        assert box["width"] > 250 and box["height"] > 80


def test_the_browser_has_nothing_to_complain_about_and_asks_for_nothing(visit: Visit) -> None:
    assert visit.complaints == []
    assert [u for u in visit.requests if not u.startswith(("file:", "data:", "blob:"))] == []


def test_names_are_text_in_the_browser(visit: Visit) -> None:
    assert visit.page.title() != "owned"
    ticks = " ".join(t.text_content() for t in visit.page.query_selector_all(".xtick text, .ytick text, .xtitle"))
    assert EVIL[:25] in ticks and "<a href='https" in ticks and "%{x} $x$" in ticks
    assert visit.page.query_selector_all(".plot a[href], .plot svg a") == []


def test_hovering_says_what_a_point_is(visit: Visit) -> None:
    plot = visit.page.query_selector("[data-name=loglik]")
    plot.scroll_into_view_if_needed()
    box = plot.query_selector_all("path.point")[0].bounding_box()
    visit.page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    label = visit.page.wait_for_selector("[data-name=loglik] .hoverlayer .hovertext")
    assert "log-likelihood" in label.text_content()


def test_the_legend_hides_a_component_and_the_menu_changes_columns(visit: Visit) -> None:
    plot = visit.page.query_selector("[data-name=data]")
    plot.scroll_into_view_if_needed()
    hidden = "p => p.data.filter(t => t.visible === 'legendonly').length"
    assert plot.evaluate(hidden) == 0
    plot.query_selector(".legendtoggle").click()
    visit.page.wait_for_function(
        "() => document.querySelector('[data-name=data]').data.some(t => t.visible === 'legendonly')"
    )
    assert plot.evaluate(hidden) == 3  # its points, its ellipse and its number
    before = plot.query_selector(".ytitle").text_content() + plot.query_selector(".xtitle").text_content()
    plot.query_selector(".updatemenu-header").click()
    visit.page.wait_for_selector("[data-name=data] .updatemenu-dropdown-button")
    plot.query_selector_all(".updatemenu-dropdown-button")[1].click()
    visit.page.wait_for_function(
        "old => { const p = document.querySelector('[data-name=data]'); return p.querySelector('.ytitle').textContent"
        " + p.querySelector('.xtitle').textContent !== old; }",
        arg=before,
    )
    assert visit.complaints == []


@pytest.mark.parametrize("width", [400, 1700])
def test_the_page_fits_the_width_of_the_screen(browser: Any, visit: Visit, width: int) -> None:
    other = Visit(browser, Path(visit.page.url.removeprefix("file://")), width)
    assert other.page.evaluate("document.documentElement.scrollWidth") <= width
    widest = max(p.bounding_box()["width"] for p in other.page.query_selector_all(".plot svg.main-svg"))
    assert widest <= min(width, 1240)
    assert other.complaints == []


def test_numbers_can_be_read_without_javascript(browser: Any, tmp_path: Path) -> None:
    context = browser.new_context(java_script_enabled=False, offline=True)
    page = context.new_page()
    page.goto(write(case_result(), tmp_path / "report.html").as_uri())
    text = page.inner_text("main")
    assert number(case_result().bic, 7) in text and "need JavaScript" in text and "component 0" in text


@pytest.mark.parametrize("width", [700, 1280])
def test_the_overview_has_room_for_its_scale_and_its_names(browser: Any, tmp_path: Path, width: int) -> None:
    rng = np.random.default_rng(0)
    group = np.arange(200) % 2
    data = {f"a column with a long name {j}": rng.normal(6 * group, 1) for j in range(12)}
    result = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 2), data, restarts=2)
    page = Visit(browser, write(result, tmp_path / "page.html"), width).page
    plot = page.query_selector("[data-name=overview]")
    plot.scroll_into_view_if_needed()
    frame = plot.query_selector("svg.main-svg").bounding_box()
    texts = plot.query_selector_all(".infolayer text, .xtick text, .ytick text")
    assert len(texts) == 3 + 12 + 2
    for text in texts:
        box = text.bounding_box()
        assert frame["x"] - 1 <= box["x"] and box["x"] + box["width"] <= frame["x"] + frame["width"] + 1
        assert frame["y"] - 1 <= box["y"] and box["y"] + box["height"] <= frame["y"] + frame["height"] + 1
    assert plot.query_selector(".heatmaplayer image").bounding_box()["height"] >= 2 * 20


@pytest.fixture(scope="module")
def described() -> dict[str, Any]:
    """Models whose tables are drawn, with hostile names in them."""
    rng = np.random.default_rng(0)
    factor = rng.normal(size=(200, 2))
    x = factor @ rng.normal(size=(2, 6)) + rng.normal(size=(200, 6))
    columns = dict(zip([EVIL, "%{x} $x$", "c", "d", "e", "f"], x.T, strict=True))
    y = np.where(factor[:, 0] + rng.logistic(size=200) > 0, EVIL, "no")
    few = {EVIL: x[:, 0], "b": x[:, 1], "y": y}
    experts = unseen.fit(unseen.LogisticExperts(2, target="y"), few, restarts=1, max_iterations=30)
    steps = {EVIL: rng.poisson(np.repeat([3, 20, 3, 20], 50)).astype(float)}
    return {
        "factors": unseen.fit(unseen.FactorAnalysis(2), columns),
        "experts": experts,
        "states": unseen.fit(unseen.HMM(unseen.Poisson(), 2), steps, restarts=2),
    }


@pytest.mark.parametrize("kind", ["factors", "experts", "states"])
@pytest.mark.parametrize("width", [400, 1280])
def test_tables_of_every_kind_are_drawn_and_fit(
    browser: Any, described: dict[str, Any], tmp_path: Path, kind: str, width: int
) -> None:
    seen = Visit(browser, write(described[kind], tmp_path / "page.html"), width)
    drawn = [name for name in figures(described[kind]) if name.startswith("table:")]
    for name in drawn:
        plot = seen.page.query_selector(f"[data-name='{name}']")
        plot.scroll_into_view_if_needed()
        assert len(plot.query_selector_all(MARKS)) > 0
        rows = described[kind].description.table(name.removeprefix("table:")).rows
        assert len(plot.query_selector_all(".ytick text")) == len(rows)
    titles = [h.text_content() for h in seen.page.query_selector_all("#tables h3")]
    assert {t.title for t in described[kind].description.tables} <= set(titles)
    assert drawn and seen.page.title() != "owned" and seen.complaints == []
    assert seen.page.evaluate("document.documentElement.scrollWidth") <= width
