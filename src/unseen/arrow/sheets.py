"""A sheet of a workbook as a table of text."""

from __future__ import annotations

import datetime
from collections.abc import Iterator, Sequence
from typing import Any

from unseen.arrow.layout import layout, left_above
from unseen.arrow.libraries import library
from unseen.arrow.place import Place
from unseen.arrow.texts import Left, TextTable, text_array
from unseen.core.reading import Reading
from unseen.errors import DataError

#: rows of a batch
BATCH = 65_536


def sheet_of(place: Place, asked: Reading, known: Sequence[str] = ()) -> TextTable:
    """The sheet of a workbook that is asked for, else the first that can be seen.

    Raises
    ------
    DataError
        No workbook, one that is protected by a password, no sheet of that name, or one without rows.
    """
    try:
        with place.open() as file:
            book = library("python_calamine").CalamineWorkbook.from_filelike(file)
        sheets = {
            s.name: str(s.visible).endswith(".Visible") for s in book.sheets_metadata if "WorkSheet" in str(s.typ)
        }
        name = _chosen(place, sheets, asked.sheet)
        sheet = book.get_sheet_by_name(name)
        rows, down = _filled(sheet), any(bottom > top for (top, _), (bottom, _) in sheet.merged_cell_ranges or ())
    except DataError:
        raise
    except Exception as error:  # its own, of many kinds
        raise DataError(_why(place, error)) from None
    skip = asked.skip or 0
    rows = [row for row in rows[skip:] if any(cell.strip() for cell in row)]
    if not rows:
        raise DataError(
            f"sheet {name!r} of {place.called!r} has no rows: another can be named (sheet='...'; --sheet NAME)"
        )
    found = layout(rows, asked, known)
    below = rows[found.above :]
    others = "" if len(sheets) == 1 or asked.sheet else f", the first of {len(sheets)} (sheet='...'; --sheet NAME)"
    told = [f"sheet {name!r} of a workbook{others}", *left_above(found.before)]
    told += [*["merged cells are filled downwards"] * down, *found.notes]

    def cells(left: Left, raw: bool, skip_bad: bool) -> Iterator[list[Any]]:
        for start in range(0, len(below), BATCH):
            yield [text_array(column, raw) for column in zip(*below[start : start + BATCH], strict=True)]

    return TextTable(place, found.names, found.header or found.names, cells, tuple(told))


def _chosen(place: Place, sheets: dict[str, bool], asked: str | None) -> str:
    if asked is not None:
        if asked not in sheets:
            names = ", ".join(map(repr, sheets))
            raise DataError(f"{place.called!r} has no sheet {asked!r}; it has {names} (sheet='...'; --sheet NAME)")
        return asked
    found = next((name for name, seen in sheets.items() if seen), next(iter(sheets), None))
    if found is None:
        raise DataError(f"{place.called!r} has no sheet with cells")
    return found


def _filled(sheet: Any) -> list[list[str]]:
    """All cells as text; those that are merged downwards have the value of the first of them."""
    rows = [[_text(cell) for cell in row] for row in sheet.to_python(skip_empty_area=False)]
    for (top, left), (bottom, _) in sheet.merged_cell_ranges or ():
        for i in range(top + 1, min(bottom, len(rows) - 1) + 1):
            if left < len(rows[i]):
                rows[i][left] = rows[top][left]
    width = max((j + 1 for row in rows for j, cell in enumerate(row) if cell), default=0)
    first = min((j for row in rows for j, cell in enumerate(row) if cell), default=0)
    return [row[first:width] for row in rows]


def _text(cell: Any) -> str:
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float) and cell.is_integer() and abs(cell) < 2**53:
        return str(int(cell))
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat().removesuffix("T00:00:00")
    return "" if cell is None else str(cell)


def _why(place: Place, error: Exception) -> str:
    with place.open() as file:
        head = file.read(1 << 20)
    if "assword" in str(error) or "EncryptedPackage".encode("utf-16-le") in head:
        return f"{place.called!r} is protected by a password: save it without one"
    return f"{place.called!r} cannot be read as a workbook: it was cut short or damaged ({type(error).__name__})"
