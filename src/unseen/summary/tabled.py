"""The tables and facts of a description as plain text."""

from __future__ import annotations

import textwrap

import numpy as np

from unseen.core.description import Description, plural
from unseen.core.table import Scale, Table
from unseen.summary.words import WIDTH, mean_and_sd, number, probability, short, side_by_side, table

MOST_ROWS, MOST_COLUMNS = 30, 15


def tables(told: Description) -> str:
    """Return every table of a description one below the other, its facts first; empty where it has none."""
    known = [f"{name}: {value}" for name, value in facts(told)]
    said = [
        line for text in known for line in textwrap.wrap(text, WIDTH - 2, initial_indent="  ", subsequent_indent="    ")
    ]
    parts = ["\n".join([f"The {plural(told.noun)}", *said])] if said else []
    return "\n\n".join([*parts, *("\n".join(_lines(t)) for t in told.tables)])


def facts(told: Description) -> list[tuple[str, str]]:
    """Return the simple facts of a description by name, and the shapes of parameters that nothing else is said of."""
    shapes = [(f"parameter {name}", " x ".join(map(str, s)) or "one number") for name, s in told.shapes.items()]
    return [*((f.name, f.value) for f in told.facts), *shapes]


def cell(t: Table, i: int, j: int) -> str:
    """Return one number of a table as text, with its standard error where it has one."""
    value = float(t.values[i, j])
    if t.errors is not None and np.isfinite(t.errors[i, j]):
        return mean_and_sd(value, float(t.errors[i, j]))
    return probability(value) if t.scale == Scale.PROBABILITY else number(value)


def _lines(t: Table) -> list[str]:
    """A table with its title and note; columns that do not fit stand below the others."""
    rows, columns = range(len(t.rows))[:MOST_ROWS], range(len(t.columns))[:MOST_COLUMNS]
    names = [short(t.rows[i]) for i in rows]
    cells = {j: [short(t.columns[j]), *(cell(t, i, j) for i in rows)] for j in columns}
    lines = [t.title]
    for chunk in side_by_side(
        {j: max(map(len, column)) for j, column in cells.items()}, WIDTH - 2 - max(map(len, names))
    ):
        lines += table([["", *(cells[j][0] for j in chunk)], *(
            [name, *(cells[j][i] for j in chunk)] for i, name in enumerate(names, 1)
        )])  # fmt: skip
    left = [f"{len(t.rows) - len(rows)} more rows"] if len(t.rows) > len(rows) else []
    left += [f"{len(t.columns) - len(columns)} more columns"] if len(t.columns) > len(columns) else []
    if left:
        lines.append(f"  ({' and '.join(left)} are not shown: use --json)")
    return [*lines, *textwrap.wrap(t.note, WIDTH - 2, initial_indent="  ", subsequent_indent="  ")]
