"""Runbooks: a page for every failure mode, links of alerts that lead to one, and commands that exist."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import click
import pytest

from tests.ops.watch_case import settings
from unseen.cli.shell import COMMANDS, cli
from unseen.core.stop import CAP
from unseen.ops.config import load
from unseen.ops.doctor import Case, diagnose
from unseen.ops.record import FitFacts, Outcome, Record
from unseen.ops.watch.modes import MODES, alerts, rule

FOLDER = Path(__file__).parents[2] / "docs" / "runbooks"
PAGES = {id: FOLDER / f"{mode.page}.md" for id, mode in MODES.items()}
SECTIONS = (
    "What you see", "What the alert means", "Confirm", "Mitigate now", "Fix for good", "How it is prevented",
)  # fmt: skip
FENCED = re.compile(r"^```text\n(.*?)^```$", re.S | re.M)
INLINE = re.compile(r"`(unseen [^`\n]*)`")
KEY = re.compile(r"`((?:data|schema|model|fit|validate|gates|drift|slo|limits|retries|privacy|metrics)\.[a-z_]+)")


def commands(text: str) -> list[str]:
    """The command lines in blocks and in sentences."""
    lines = [line for block in FENCED.findall(text) for line in block.splitlines()]
    assert all(line.startswith("unseen ") for line in lines), lines
    return lines + INLINE.findall(text)


def parsed(line: str) -> None:
    """Parse a command line as the shell would, without running it."""
    _, name, *words = shlex.split(line)
    assert name in COMMANDS, f"there is no command {name!r}: {line}"
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    if words:  # a command that is only mentioned needs no arguments
        command.make_context(name, words, resilient_parsing=False)


@pytest.mark.parametrize("mode", MODES)
def test_every_mode_has_its_page(mode: str) -> None:
    text = PAGES[mode].read_text(encoding="utf-8")
    title, *sections = re.findall(r"^#+ (.*)$", text, re.M)
    assert title.replace("-", " ") == f"{mode} {MODES[mode].name.replace('-', ' ').capitalize()}"
    assert [s for s in sections if s in SECTIONS] == list(SECTIONS)
    assert len(text.splitlines()) < 60, "it is read at three in the morning"


def test_links_of_alerts_lead_to_a_page_that_names_them(tmp_path: Path) -> None:
    s = settings(tmp_path, alerts={"runbooks": f"{FOLDER}/"})
    index = (FOLDER / "README.md").read_text()
    named = set()
    for alert, about in alerts():
        link = rule(alert, about, s)["annotations"]["runbook_url"].removeprefix("file://")
        for mode in [about] if about else MODES.values():
            page = Path(link.replace("{{ $labels.mode }}", mode.page))
            assert page.exists(), f"{alert.name} links to {page}"
        if "$labels" not in link:
            assert f"`{alert.name}`" in page.read_text(), f"{page.name} does not say what {alert.name} means"
            row = next(line for line in index.splitlines() if f"({page.name})" in line)
            assert f"`{alert.name}`" in row
        named.add(alert.name)
    said = set(re.findall(r"`(Unseen[A-Z]\w+)`", "".join(p.read_text() for p in FOLDER.glob("*.md"))))
    assert said == named


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.stem)
def test_every_command_in_the_pages_exists_and_its_options_parse(path: Path) -> None:
    found = commands(path.read_text(encoding="utf-8"))
    assert found
    for line in found:
        parsed(line)


@pytest.mark.parametrize("line", ["unseen cure", "unseen retrain --harder", "unseen promote NAME --to champion"])
def test_a_command_that_does_not_exist_is_caught(line: str) -> None:
    with pytest.raises((AssertionError, click.UsageError)):
        parsed(line)


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.md")), ids=lambda p: p.stem)
def test_links_and_keys_of_the_pages_exist(path: Path, tmp_path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for link in re.findall(r"\]\(([^)]+)\)", text):
        assert (FOLDER / link).exists(), link
    (tmp_path / "unseen.yaml").write_text("name: m\ndata: {path: x}\n")
    known = load(tmp_path / "unseen.yaml", {}).model_dump(by_alias=True)
    for key in KEY.findall(text):
        section, name = key.split(".")
        assert name in known[section], f"{path.name} names {key}"


def test_the_doctor_suggests_commands_that_exist() -> None:
    fit = FitFacts(
        outcome=CAP, components=3, iterations=1000, loglik=-1.0, bic=2.0, seed=0, seconds=1.0, floors=2,
        smallest_share=0.1,
    )  # fmt: skip
    record = Record(id="r", name="m", started="2026-01-01", outcome=Outcome.UNFIT, fit=fit)
    for case in (Case("r", record, around=False), Case("r", record, settings=settings(Path("nowhere")), around=False)):
        for found in diagnose(case):
            assert (FOLDER / Path(found.runbook).name).exists()
            line = found.command.partition("unseen ")[2].partition(", or")[0]
            parsed(f"unseen {line}" if line else "unseen retrain")
