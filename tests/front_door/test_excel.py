"""Workbooks as people keep them: headers of two lines, titles, several sheets, dates, numbers as text, passwords."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from tests.front_door.zoo import (
    DATES,
    LEFT_OUT,
    NUMBERS,
    WHOLE,
    Case,
    each,
    judge,
    levels,
    out,
    read,
    real,
    refused,
    want,
    whole,
)
from unseen.cli.shell import cli

BOOKS = Path(__file__).parents[1] / "data" / "front_door"
PEOPLE = {"age": whole(), "height": real(), "visits": whole(), "city": levels()}
SCORE = {**PEOPLE, "score": real()}
ABOVE, SHEET = "skip|above|title", "sheet"


def book(name: str, columns: dict[str, Any], *options: str, file: str | None = None, **more: Any) -> Case:
    made = (BOOKS / f"{name}.xlsx").read_bytes()
    more.setdefault("rows", 60)
    file = file or f"{name}.xlsx"
    return read(" ".join((name, "as", file, *options)), made, columns, *options, file=file, **more)


def no_book(name: str, *words: str, file: str | None = None, **more: Any) -> Case:
    file = file or f"{name}.xlsx"
    made = (BOOKS / f"{name}.xlsx").read_bytes()
    return refused(" ".join((name, "as", file, "refused", *more.get("options", ()))), made, *words, file=file, **more)


READ = [
    book("plain", PEOPLE, only=True),
    book("plain", PEOPLE, file="PLAIN.XLSX", only=True),
    book("two_headers", PEOPLE, told=("header|above|skip|two",)),
    book("two_headers", PEOPLE, "--skip", "1", only=True),
    book("header_and_units", {"age years": whole(), "height cm": real()}, told=("two header lines",)),
    book("title_above", PEOPLE, told=(ABOVE,), only=True),
    book("title_above", PEOPLE, "--skip", "3", only=True),
    book("moved", PEOPLE, only=True),
    book("several_sheets", PEOPLE, told=(SHEET, "people"), only=True),
    book("several_sheets", {"item": levels(), "price": real()}, "--sheet", "prices", only=True),
    book("several_sheets", PEOPLE, "--sheet", "people", only=True),
    book("notes_first", PEOPLE, "--sheet", "people", only=True),
    book("hidden_first", PEOPLE, told=(SHEET,), only=True),
    book("merged_groups", {**PEOPLE, "ward": want("category", missing=None)}, told=("merge",)),
    book("holes_and_blank_rows", {**PEOPLE, "age": whole(missing=7)}, only=True),
    book("dates", {**PEOPLE, "day": want(DATES, "date", family=LEFT_OUT)}, only=True),
    book("dates_with_times", {**PEOPLE, "at": want(DATES, "date|time", family=LEFT_OUT)}, only=True),
    book("times", {**PEOPLE, "at": want(DATES, "time", family=LEFT_OUT)}, only=True),
    book("dates_as_text", {**PEOPLE, "day": want(DATES, "date", family=LEFT_OUT)}, only=True),
    book("numbers_as_text", SCORE, only=True),
    book("decimal_commas_as_text", {**PEOPLE, "score": real("comma")}, only=True),
    book("numbers_with_markers", {**PEOPLE, "score": real("missing", missing=7)}, only=True),
    book("numbers_with_words", {**PEOPLE, "score": real("missing", missing=7)}, "--number", "score", only=True),
    book("numbers_with_words", {**PEOPLE, "score": real("missing", missing=7)}, "--missing", "ill", only=True),
    book("errors", {**PEOPLE, "score": want("number", missing=14)}, only=True),
    book("truth", {**PEOPLE, "member": want("boolean", family="bernoulli")}, only=True),
    book("percent", {**PEOPLE, "share": real()}, only=True),
    book("money", {**PEOPLE, "price": want(WHOLE, family=NUMBERS)}, only=True),
    book("zip_as_text", {**PEOPLE, "zip": levels()}, only=True),
    book("zip_as_number", {**PEOPLE, "zip": want(None, family=None)}, only=True),
    book("line_breaks", {**PEOPLE, "note": want("category", family=None)}, only=True),
    book("formulas", {**PEOPLE, "twice": out("formula|empty|no value", kind="empty", missing=60)}),
    book("plain", PEOPLE, file="plain.csv", told=("excel|xlsx|workbook",)),
]  # fmt: skip

REFUSED = [
    no_book("password", "password|encrypted|protected"),
    no_book("password", "password|encrypted|protected", file="password.csv"),
    no_book("nothing", "empty|no row|no data"),
    no_book("totals_below", "age", "--missing|--number", secret=("Total",)),
    no_book("numbers_with_words", "score", "--missing", "--number", "--text", secret=("ill\"",)),
    no_book("several_sheets", "people", "prices", "notes", "--sheet", options=("--sheet", "peolpe")),
    refused("a sheet of a file of text", b"a,b\n1,2\n3,4\n", "--sheet", options=("--sheet", "people"), code=(2, 3)),
    refused("a workbook, cut", (BOOKS / "plain.xlsx").read_bytes()[:-200], "xlsx|workbook|damaged|cut|zip",
            file="t.xlsx"),
    refused("nothing that is named .xlsx", b"", "empty", file="t.xlsx"),
]  # fmt: skip

CASES: list[Case] = [*READ, *REFUSED]


@each(CASES)
def test_excel(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)


def test_an_old_workbook_is_read_or_named(tmp_path: Path) -> None:
    path = tmp_path / "old.xls"
    path.write_bytes((BOOKS / "old.xls").read_bytes())
    result = CliRunner().invoke(cli, ["columns", str(path), "--json"])
    if result.exit_code == 0:
        assert json.loads(result.stdout)["rows"] == 60
    else:
        assert result.exit_code == 3
        assert "xls" in result.output.replace(str(path), "")


@pytest.mark.parametrize("name", sorted(path.name for path in BOOKS.glob("*.xlsx")))
def test_workbooks_are_small(name: str) -> None:
    assert (BOOKS / name).stat().st_size < 20_000
