"""What a first look at data suggests for ``unseen.yaml``: rules with room, and the columns that a model can use.

What is written of the data are facts about columns: kinds, shares, ranges that were widened and rounded. Categories
are written only where a column has few of them and each of them many rows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.core.profile import MAX_CATEGORIES, ColumnProfile, Profile
from unseen.core.reading import Reading
from unseen.core.source import Frames, Source, how_read
from unseen.core.tasks import ProfileFrame
from unseen.errors import DataError
from unseen.ops.ingest.intake import opened, units_in
from unseen.ops.ingest.learned import STRANGE, Look, column_rule, outside, outward, row_rules, value_range
from unseen.ops.ingest.spacing import Spacing, spacing

#: categories are written out up to so many, and only if each has so many rows
MOST_VALUES, FEWEST_ROWS = 30, 5
#: at most so many bytes of files are looked at, from the newest back, and so many files
MOST_BYTES, MOST_FILES = 1 << 30, 24
#: partitions to train on, where there will be so many: fits of windows that hardly overlap differ by chance alone by
#: more than may be lost, and a window of years is slow to follow
LEAST_WINDOW, WINDOW = 6, 12
#: part of the range from the first to the last decile that a median may lie outside of it: seasons move medians
ROOM = 0.5
#: rows that the range of medians is taken from
SAMPLE = 100_000


@dataclass(frozen=True)
class Observed:
    """Rules of columns and of rows, the columns to model, why others are left out, and what was looked at."""

    rows: int
    files: int
    newest_rows: int
    rules: dict[str, dict[str, Any]]
    row_rules: dict[str, float]
    columns: tuple[str, ...]
    ignore: tuple[str, ...]
    left: dict[str, str]
    #: partitions to train on, nothing where one file is no ground to say
    window: int | None
    spacing: Spacing | None
    #: columns of tables with types that hold numbers as text, with those that are said to
    numbers: tuple[str, ...] = ()
    #: why older files were not looked at
    apart: str = ""
    #: units (sequences, items, users) of the newest file, where rows belong together
    newest_units: int | None = None

    @property
    def judging(self) -> int:
        """What the newest file has to be held out: units, or else rows."""
        return self.newest_rows if self.newest_units is None else self.newest_units

    @property
    def listed(self) -> tuple[str, ...]:
        """Columns whose categories are written out."""
        return tuple(name for name, rule in self.rules.items() if "values" in rule)


def observe(
    paths: Sequence[Path], read: Reading | None = None, named: Sequence[str] = (), unit: str | None = None
) -> Observed:
    """Look at files, the newest first until there are enough, together and one by one.

    Parameters
    ----------
    named : columns that the kind of model names, which are modelled whatever they look like
    unit : the column that says which rows belong together

    Raises
    ------
    DataError
        The files cannot be read, hold no rows, or have no column that a model could use.
    """
    chosen, apart = _alike(paths[_start(paths) :], read)
    source = opened(chosen, read, infer=True)
    numbers = () if how_read(source)[1] else how_read(source)[0].number
    read = replace(read or Reading(), number=numbers) if numbers else read
    schema = source.schema()
    fields = tuple(f for f in schema if f.kind not in (OTHER, EMPTY))
    if not fields:
        raise DataError("no column of the data can be used: numbers, booleans and text are what models read")
    profile = _profile(source, fields)
    if not profile.rows:
        raise DataError("the data has no rows: nothing can be learned from it")
    ends = [profile]
    if len(chosen) > 1:
        ends = [_profile(opened(path, read), fields) for path in (chosen[0], chosen[-1])]
    known = {c.name: c for c in profile.columns}
    numeric = [f.name for f in fields if f.kind in (NUMBER, INTEGER)]
    counting = _counters(source, [f.name for f in fields if f.kind == INTEGER])
    moving = [f.name for f in fields if f.name in counting or _moves(f.kind, [end[f.name] for end in ends])]
    left = {f.name: why for f in schema if (why := _unusable(f, known.get(f.name)))}
    for name in moving:
        left.setdefault(name, "counts rows" if name in counting else "goes on from file to file")
    left |= _dependent(source, [name for name in numeric if name not in left])
    for column in {*named, unit} - {f.name for f in schema} - {None}:
        raise DataError(f"there is no column {column!r}; the columns are {', '.join(repr(f.name) for f in schema)}")
    left = {name: why for name, why in left.items() if name not in named and name != unit}
    columns = tuple(f.name for f in schema if f.name not in left and f.name != unit)
    # no rule could let these pass: without a value a column has no type, and infinite cells are refused
    ignore = tuple(f.name for f in schema if f.kind == EMPTY or (f.name in known and known[f.name].infinite))
    ruled = [f for f in schema if f.name not in ignore and f.name != unit]
    every = [Look(opened(path, read), [f.name for f in ruled], columns) for path in chosen]
    looks = [seen for seen in every if seen.rows]
    medians = _medians(source, [name for name in numeric if name not in moving])
    window = None if len(paths) == 1 else min(max(len(chosen if apart else paths), LEAST_WINDOW), WINDOW)
    return Observed(
        rows=profile.rows,
        files=len(chosen),
        newest_rows=every[-1].rows,
        newest_units=None if unit is None else units_in(opened(chosen[-1], read), unit),
        rules={f.name: _rule(f, known.get(f.name), f.name not in moving, medians.get(f.name), looks) for f in ruled},
        row_rules=row_rules(looks, window or 1, bool(columns)),
        columns=columns,
        ignore=ignore,
        left=left,
        window=window,
        spacing=spacing(chosen, source, [f.name for f in schema if f.kind == OTHER], read),
        numbers=numbers,
        apart=apart,
    )


def _start(paths: Sequence[Path]) -> int:
    """Where the last files by order begin, at least one, until they are large enough."""
    total, first = 0, len(paths)
    while first and (first == len(paths) or total < MOST_BYTES) and len(paths) - first < MOST_FILES:
        first -= 1
        total += os.stat(paths[first]).st_size
    return first


def _alike(paths: Sequence[Path], read: Reading | None) -> tuple[Sequence[Path], str]:
    """The newest files that have the same columns, and why the one before them is not among them."""
    newest: set[str] = set()
    for i in reversed(range(len(paths))):
        here = {f.name for f in opened(paths[i], read).schema()}
        newest = newest or here
        if here != newest:
            ways = [("lacks", newest - here), ("has", here - newest)]
            said = " and ".join(f"{way} {', '.join(map(repr, sorted(names)))}" for way, names in ways if names)
            return paths[i + 1 :], f"{paths[i].name!r} {said}, which the files after it do not share"
    return paths, ""


def _profile(source: Source, fields: tuple[Field, ...]) -> Profile:
    from unseen.engines.local import one_pass

    return one_pass(ProfileFrame(fields), Frames(source, tuple(f.name for f in fields)))


def _moves(kind: str, ends: Sequence[ColumnProfile]) -> bool:
    """Whether a column goes on from file to file, as a month or a counter does: then no range would hold for long."""
    first, last = ends[0], ends[-1]
    if kind == CATEGORY:
        alone = len(ends) == 1 and len(first.values or ()) == 1  # a file's own label, for all that is known
        return alone or (len(ends) > 1 and not set(first.values or ()) & set(last.values or ()))
    if kind not in (NUMBER, INTEGER):
        return False
    return not last.low < last.high or first.high < last.low or last.high < first.low


def _counters(source: Source, names: Sequence[str]) -> list[str]:
    """Whole numbers that rise by the same step from row to row."""
    part = next(part for part in source.manifest() if part.rows)
    if not names or part.rows < MOST_VALUES:
        return []
    steps = {name: np.diff(column.values) for name, column in source.read(part, names).columns.items()}
    return [name for name, step in steps.items() if np.median(step) and (step == np.median(step)).mean() > 0.9]


def _rule(
    field: Field, known: ColumnProfile | None, still: bool, medians: tuple[float, float] | None, looks: Sequence[Look]
) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": field.kind}
    if known is None:
        return rule
    if field.kind in (NUMBER, INTEGER):
        if still and math.isfinite(known.low) and math.isfinite(known.high - known.low):
            rule |= value_range(known.low, known.high, field.kind, looks)
        if medians is not None and medians[0] < medians[1]:
            room = ROOM * (medians[1] - medians[0])
            low, high = outward(medians[0] - room, up=False), outward(medians[1] + room, up=True)
            rule["median"] = [max(low, rule.get("min", low)), min(high, rule.get("max", high))]
    elif field.kind == CATEGORY and still:
        seen = known.values or {}
        if 0 < len(seen) <= MOST_VALUES and min(seen.values()) >= FEWEST_ROWS:
            rule |= {"values": sorted(seen), "outside": outside(looks, STRANGE)}
    return rule | column_rule(field.kind, field.name, looks, still)


def _medians(source: Source, names: Sequence[str]) -> dict[str, tuple[float, float]]:
    """The first and the last decile of each column, from blocks across the data: a median hardly leaves that range."""
    parts = source.manifest()
    chosen = sorted({round(i) for i in np.linspace(0, len(parts) - 1, min(8, len(parts)))})
    seen: dict[str, list[Any]] = {name: [] for name in names}
    for i in chosen if names else ():
        frame = source.read(parts[i], names)
        for name, column in frame.columns.items():
            values = column.values if column.observed is None else column.values[column.observed]
            seen[name].append(np.asarray(values[: SAMPLE // len(chosen)], float))
    joined = {name: np.concatenate(pieces) for name, pieces in seen.items()}
    usable = {name: x for name, x in joined.items() if len(x) >= MOST_VALUES and np.isfinite(x).all()}
    return {name: (float(np.quantile(x, 0.1)), float(np.quantile(x, 0.9))) for name, x in usable.items()}


def _unusable(field: Field, known: ColumnProfile | None) -> str:
    """Why no model can read a column, or nothing."""
    if field.kind == EMPTY or (known is not None and known.missing == known.rows):
        return "no value at all"
    if known is None:
        return field.note or "no number, boolean or text"
    if field.kind == CATEGORY:
        if known.values is None or len(known.values) > MAX_CATEGORIES:
            return f"more than {MAX_CATEGORIES:,} categories"
        if len(known.values) == 1:
            return "constant"
        return "hardly two rows share a category" if 2 * len(known.values) > known.rows - known.missing else ""
    if known.infinite:
        return "infinite values"
    return "" if known.variance > 0 else "constant"


def _dependent(source: Source, names: list[str]) -> dict[str, str]:
    """Columns that follow exactly from others, which would make a full covariance singular."""
    from unseen.numerics.dependence import dependent
    from unseen.plan import complete_rows

    if len(names) < 2:
        return {}
    found, _ = dependent(complete_rows(source, names))
    return {names[j]: f"follows from {', '.join(names[i] for i in others)}" for j, others in found.items()}
