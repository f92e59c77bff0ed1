"""Where the table begins in rows of text: lines above it, its header, the names of its columns."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from unseen.arrow.notation import looks_like_date, notation_of
from unseen.core.block import BOOLEAN, INTEGER, NUMBER
from unseen.core.reading import USUAL, Reading

NUMERIC, WORD, GAP = "numeric", "word", "gap"
#: a column is numeric if so much of what is in it is
MOSTLY = 0.8
#: how remarks above a table begin
REMARKS = ("#", "%", "//")
#: rows that are looked at below the header
BODY = 100
#: cells that are looked at in all, where a table is wide
CELLS = 20_000

Rows = Sequence[Sequence[str]]


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows above the first of data, and above the header; names, the header as it is written, what is told of it."""

    above: int
    before: int
    names: tuple[str, ...]
    header: tuple[str, ...]
    notes: tuple[str, ...]


def layout(rows: Rows, asked: Reading, known: Sequence[str] = ()) -> Layout:
    """Find the header of a table; ``known`` are the names of its columns where a model was fitted to such a table.

    >>> found = layout([["made in May", ""], ["age", "sex"], ["41", "m"], ["38", "f"]], Reading())
    >>> found.above, found.names
    (2, ('age', 'sex'))
    """
    width = Counter(len(r) for r in rows[-BODY:]).most_common(1)[0][0]
    notes = []
    start = 0 if asked.skip is not None else _start(rows, width)
    head = list(rows[start])
    some = min(BODY, max(5, CELLS // width))
    body = [r for r in rows[start + 1 : start + 1 + some] if len(r) == width]
    if len(head) < width and body and not any(cell.strip() for r in body for cell in r[len(head) :]):
        head += [""] * (width - len(head))  # rows end in delimiters, and the header does not
    if len(head) == width + 1 and not head[-1].strip():
        head = head[:-1]
    elif body and len(head) == width - 1:  # the header of R's tables names no row names
        head = ["", *head]
        notes.append("the header has one name less than the rows have cells: the first are row names")
    if not _is_header(head, body, asked, known):
        names = tuple(f"column_{j + 1}" for j in range(len(head)))
        if asked.header is None:
            notes.append("no header: the first line is data (header=True; --header if it names the columns)")
        return Layout(start, start, names, (), tuple(notes))
    if asked.header is None and not any(_is_numeric(_column(body, j)) for j in range(len(head))):
        notes.append("the first line is taken for the header (header=False; --no-header if it is data)")
    above = start + 1
    below = list(body[0]) if len(body) > 1 and asked.header is None else head
    if below != head and len(below) == len(head) and _is_second(below, body[1:]):
        head, told = _of_two(head, below)
        notes.append(told)
        above += 1
    names = tuple(cell.strip().strip("\ufeff") or f"column_{j + 1}" for j, cell in enumerate(head))
    return Layout(above, start, names, tuple(head), tuple(notes))


def left_above(lines: int) -> list[str]:
    """What is told of lines above the header."""
    return [f"{lines} line{'s' * (lines > 1)} above the header left out"] if lines else []


def _start(rows: Rows, width: int) -> int:
    """The first row that is as long as most, and no title with nothing beside it."""
    if width == 1:
        marks = next((i for i, r in enumerate(rows) if not r[0].startswith("#")), 0)
        return marks if marks < len(rows) else 0
    for i, row in enumerate(rows):
        if row[0].lstrip().startswith(REMARKS) and i + 2 < len(rows) and _is_second(rows[i + 1], rows[i + 2 :]):
            continue  # a remark that happens to have as many cells
        there = sum(bool(cell.strip()) for cell in row)
        last = i + 1 >= len(rows)
        ends = not last and len(row) < width and not any(c.strip() for c in rows[i + 1][len(row) :])
        near = abs(len(row) - width) <= 1 or ends
        if last or (there > (width > 2) and near and len(rows[i + 1]) in (width, width + 1)):
            return i if not last else 0
    return 0


def _is_second(row: Sequence[str], body: Rows) -> bool:
    """Whether a row below the header is one, too: words over numbers, no number over any, no cell that comes again."""
    below = [_column(body, j) for j in range(len(row))]
    if any(_measured(c.strip()) or (c.strip() and c in column) for c, column in zip(row, below, strict=True)):
        return False
    over = _over_numbers(row, below)
    return WORD in over and NUMERIC not in over


def _over_numbers(row: Sequence[str], below: Sequence[Sequence[str]]) -> list[str]:
    """What the cells of a row are that stand over columns of numbers."""
    return [_kind(cell.strip()) for cell, column in zip(row, below, strict=True) if _is_numeric(column)]


def _measured(cell: str) -> bool:
    """Whether a cell says something of a measurement: ``<0.5``, or an error of a spreadsheet."""
    return bool(re.match(r"[<>\u2264\u2265~]=?\s*\d|#\S", cell))


def _of_two(upper: Sequence[str], lower: Sequence[str]) -> tuple[list[str], str]:
    """The names that two lines make: those of the lower one where the upper only groups them, else both."""
    names = [cell.strip() for cell in lower]
    groups = [cell.strip() for cell in upper]
    if all(names) and len(set(names)) == len(names) and (not all(groups) or len(set(groups)) < len(groups)):
        told = (
            "two header lines: the upper one groups the columns, and is left out (header=True; --header if it is alone)"
        )
        return names, told
    told = "two header lines, joined (header=True; --header if the second is data)"
    return [f"{a} {b}".strip() for a, b in zip(_filled(upper), names, strict=True)], told


def _is_header(head: Sequence[str], body: Rows, asked: Reading, known: Sequence[str]) -> bool:
    if asked.header is not None:
        return asked.header
    cells = [cell.strip() for cell in head]
    if set(known) & set(cells):
        return True
    columns = [_column(body, j) for j in range(len(cells))]
    if WORD in _over_numbers(cells, columns):
        return True
    years = [_is_year(cell) and not all(map(_is_year, column)) for cell, column in zip(cells, columns, strict=True)]
    no_years = [j for j, year in enumerate(years) if not year]
    if not any(cells) or NUMERIC in _over_numbers([cells[j] for j in no_years], [columns[j] for j in no_years]):
        return False
    others = [row for row in body if list(row) != list(head)]
    again = any(cell and cell in (c.strip() for c in _column(others, j)) for j, cell in enumerate(cells))
    return any(years) or not again or len(body) < 2


def _column(rows: Rows, j: int) -> list[str]:
    return [row[j] for row in rows if j < len(row)]


def _is_year(cell: str) -> bool:
    return bool(re.fullmatch(r"(?:18|19|20|21)\d\d", cell.strip()))


def _is_numeric(cells: Sequence[str]) -> bool:
    kinds = [k for cell in cells if (k := _kind(cell.strip())) != GAP]
    return bool(kinds) and kinds.count(NUMERIC) >= MOSTLY * len(kinds)


def _kind(cell: str) -> str:
    if cell.lower() in USUAL or not cell:
        return GAP
    if looks_like_date(cell):
        return NUMERIC
    how = notation_of([cell])
    return NUMERIC if how.kind in (INTEGER, NUMBER, BOOLEAN) or how.note else WORD


def _filled(head: Sequence[str]) -> list[str]:
    """A header line in which a cell stands for those that follow it and are empty."""
    out: list[str] = []
    for cell in head:
        out.append(cell.strip() or (out[-1] if out else ""))
    return out
