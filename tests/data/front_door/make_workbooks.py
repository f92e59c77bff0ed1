"""Writes the workbooks beside it, as people's spreadsheets are: needs openpyxl, xlwt and msoffcrypto-tool."""

from __future__ import annotations

import io
import random
from collections.abc import Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import msoffcrypto
import xlwt
from openpyxl import Workbook
from openpyxl.styles import Font
from openpyxl.worksheet.worksheet import Worksheet

HERE = Path(__file__).parent
ROWS = 60
DICE = random.Random(5)
AGES = [DICE.randrange(18, 80) for _ in range(ROWS)]
HEIGHTS = [round(DICE.gauss(170, 9), 1) for _ in range(ROWS)]
VISITS = [sum(DICE.random() < 0.3 for _ in range(10)) for _ in range(ROWS)]
CITIES = [DICE.choice(["Lyon", "Oslo", "Turin"]) for _ in range(ROWS)]
HEAD = ["age", "height", "visits", "city"]
RECORDS = [list(record) for record in zip(AGES, HEIGHTS, VISITS, CITIES, strict=True)]
WHEN = datetime(2024, 5, 6, 7, 8, 9)


def with_holes(cells: list[Any], mark: Any) -> list[Any]:
    return [mark if i % 9 == 4 else cell for i, cell in enumerate(cells)]


def fill(sheet: Worksheet, *rows: list[Any]) -> Worksheet:
    for row in rows:
        sheet.append(row)
    return sheet


def with_column(name: str, cells: list[Any], form: str | None = None) -> Callable[[Workbook], None]:
    def make(book: Workbook) -> None:
        sheet = fill(book.active, [*HEAD, name], *([*r, c] for r, c in zip(RECORDS, cells, strict=True)))
        for row in range(2, ROWS + 2):
            if form:
                sheet.cell(row, 5).number_format = form

    return make


def plain(book: Workbook) -> None:
    fill(book.active, HEAD, *RECORDS)


def two_headers(book: Workbook) -> None:
    sheet = fill(book.active, ["person", None, "care", None], ["age", "height", "visits", "city"], *RECORDS)
    sheet.merge_cells("A1:B1")
    sheet.merge_cells("C1:D1")


def header_and_units(book: Workbook) -> None:
    fill(book.active, HEAD, ["years", "cm", None, None], *RECORDS)


def title_above(book: Workbook) -> None:
    sheet = fill(book.active, ["Survey of health, 2024"], ["Ministry of Health"], [], HEAD, *RECORDS)
    sheet.merge_cells("A1:D1")
    sheet["A1"].font = Font(bold=True, size=16)


def moved(book: Workbook) -> None:
    for at, row in enumerate([HEAD, *RECORDS], 4):
        for offset, cell in enumerate(row):
            book.active.cell(at, 3 + offset, cell)


def several_sheets(book: Workbook) -> None:
    book.active.title = "people"
    plain(book)
    fill(book.create_sheet("prices"), ["item", "price"], *([f"w{i % 4}", h] for i, h in enumerate(HEIGHTS)))
    fill(book.create_sheet("notes"), ["about it"], ["made by hand"])


def notes_first(book: Workbook) -> None:
    fill(book.active, ["about it"], ["made by hand"])
    book.active.title = "READ ME"
    fill(book.create_sheet("people"), HEAD, *RECORDS)


def hidden_first(book: Workbook) -> None:
    fill(book.active, ["secret"], *([i] for i in range(9)))
    book.active.sheet_state = "hidden"
    fill(book.create_sheet("people"), HEAD, *RECORDS)
    book.active = 1


def merged_groups(book: Workbook) -> None:
    sheet = fill(book.active, ["ward", *HEAD], *([None, *record] for record in RECORDS))
    for at in range(0, ROWS, 10):
        sheet.cell(at + 2, 1, "ABC"[at // 10 % 3])
        sheet.merge_cells(start_row=at + 2, end_row=at + 11, start_column=1, end_column=1)


def totals_below(book: Workbook) -> None:
    fill(book.active, HEAD, *RECORDS, ["Total", round(sum(HEIGHTS), 1), sum(VISITS), None])


def holes_and_blank_rows(book: Workbook) -> None:
    fill(book.active, HEAD)
    for i, record in enumerate(RECORDS):
        book.active.append([None if i % 9 == 4 else record[0], *record[1:]])
    book.active.cell(ROWS + 20, 6).font = Font(bold=True)


def nothing(book: Workbook) -> None:
    book.active.title = "nothing"


def formulas(book: Workbook) -> None:
    fill(book.active, [*HEAD, "twice"], *([*r, f"=A{i}*2"] for i, r in enumerate(RECORDS, 2)))


DAYS = [date(2021, 1, 1) + timedelta(days=17 * i % 900) for i in range(ROWS)]
BOOKS: dict[str, Callable[[Workbook], None]] = {
    "plain": plain,
    "two_headers": two_headers,
    "header_and_units": header_and_units,
    "title_above": title_above,
    "moved": moved,
    "several_sheets": several_sheets,
    "notes_first": notes_first,
    "hidden_first": hidden_first,
    "merged_groups": merged_groups,
    "totals_below": totals_below,
    "holes_and_blank_rows": holes_and_blank_rows,
    "nothing": nothing,
    "formulas": formulas,
    "dates": with_column("day", DAYS, "dd.mm.yyyy"),
    "dates_with_times": with_column("at", [datetime.combine(d, time(8, i % 60)) for i, d in enumerate(DAYS)]),
    "times": with_column("at", [time(i % 24, i) for i in range(ROWS)]),
    "dates_as_text": with_column("day", [f"{d:%d.%m.%Y}" for d in DAYS]),
    "numbers_as_text": with_column("score", [f"{h:.1f}" for h in reversed(HEIGHTS)], "@"),
    "decimal_commas_as_text": with_column("score", [f"{h:.1f}".replace(".", ",") for h in reversed(HEIGHTS)], "@"),
    "numbers_with_words": with_column("score", with_holes(HEIGHTS[::-1], "ill")),
    "numbers_with_markers": with_column("score", with_holes(HEIGHTS[::-1], "n/a")),
    "errors": with_column("score", with_holes(with_holes(HEIGHTS[::-1], "#DIV/0!")[::-1], "#N/A")),
    "truth": with_column("member", [v > 2 for v in VISITS]),
    "percent": with_column("share", [round(h / 250, 3) for h in reversed(HEIGHTS)], "0.0%"),
    "money": with_column("price", [round(h * 31, 2) for h in reversed(HEIGHTS)], '"$"#,##0.00'),
    "zip_as_text": with_column("zip", [f"{2100 + v:05d}" for v in VISITS], "@"),
    "zip_as_number": with_column("zip", [2100 + v for v in VISITS], "00000"),
    "line_breaks": with_column("note", [f"{c}\nby train" for c in CITIES]),
}


def written(make: Callable[[Workbook], None]) -> bytes:
    book = Workbook()
    make(book)
    book.properties.created = book.properties.modified = WHEN
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def main() -> None:
    for name, make in BOOKS.items():
        (HERE / f"{name}.xlsx").write_bytes(written(make))
    made = io.BytesIO()
    msoffcrypto.OfficeFile(io.BytesIO(written(plain))).encrypt("open sesame", made)
    (HERE / "password.xlsx").write_bytes(made.getvalue())
    old = xlwt.Workbook()
    sheet = old.add_sheet("people")
    for at, row in enumerate([HEAD, *RECORDS]):
        for column, cell in enumerate(row):
            sheet.write(at, column, cell)
    old.save(str(HERE / "old.xls"))


if __name__ == "__main__":
    main()
