"""What a first look at data suggests for ``unseen.yaml``: rules with room, and the columns that a model can use.

What is written of the data are facts about columns: kinds, shares, ranges that were widened and rounded. Categories
are written only where a column has few of them and each of them many rows.
"""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.core.profile import MAX_CATEGORIES, ColumnProfile, Profile
from unseen.core.reading import Reading
from unseen.core.source import Frames, Source
from unseen.core.tasks import ProfileFrame
from unseen.errors import DataError

#: categories are written out up to so many, and only if each has so many rows
MOST_VALUES, FEWEST_ROWS = 30, 5
#: at most so many bytes of files are looked at, from the newest back
MOST_BYTES = 2 << 30
#: rows that the range of medians is taken from
SAMPLE = 100_000
#: room on either side of a range, as a share of it
ROOM = 0.5
#: share of cells that may lie outside: a single odd cell must not stop a batch
OUTSIDE = 0.001


@dataclass(frozen=True)
class Observed:
    """Rules by column, the columns to model, why others are left out, and what was looked at."""

    rows: int
    files: int
    rules: dict[str, dict[str, Any]]
    columns: tuple[str, ...]
    ignore: tuple[str, ...] = ()
    left: dict[str, str] = field(default_factory=dict)

    @property
    def listed(self) -> tuple[str, ...]:
        """Columns whose categories are written out."""
        return tuple(name for name, rule in self.rules.items() if "values" in rule)


def observe(paths: Sequence[Path], read: Reading | None = None) -> Observed:
    """Look at files, the newest first until there are enough, in one pass for ranges and one for medians.

    Raises
    ------
    DataError
        The files cannot be read, hold no rows, or have no column that a model could use.
    """
    from unseen.sources.files import open_files

    chosen = list(_newest(paths))
    source = open_files(chosen, read=read)
    schema = source.schema()
    fields = tuple(f for f in schema if f.kind not in (OTHER, EMPTY))
    if not fields:
        raise DataError("no column of the data can be used: numbers, booleans and text are what models read")
    profile = _profile(source, fields)
    if not profile.rows:
        raise DataError("the data has no rows: nothing can be learned from it")
    ends = (
        [_profile(open_files(path, read=read), fields) for path in (chosen[0], chosen[-1])]
        if len(chosen) > 1
        else [profile]
    )
    numeric = [f.name for f in fields if f.kind in (NUMBER, INTEGER)]
    still = [name for name in numeric if not _moves([end[name] for end in ends])]
    medians = _medians(source, still)
    known = {c.name: c for c in profile.columns}
    rules = {
        f.name: _rule(f, known.get(f.name), f.name in still, medians.get(f.name)) for f in schema if f.kind != EMPTY
    }
    left = {f.name: why for f in schema if (why := _unusable(f, known.get(f.name)))}
    left |= {name: "goes on from file to file" for name in numeric if name not in still and name not in left}
    left |= _dependent(source, [name for name in numeric if name not in left])
    columns = tuple(f.name for f in schema if f.name not in left)
    # no rule could let these pass: without a value a column has no type, and infinite cells are refused
    ignore = tuple(f.name for f in schema if f.kind == EMPTY or (f.name in known and known[f.name].infinite))
    rules = {name: rule for name, rule in rules.items() if name not in ignore}
    return Observed(profile.rows, len(chosen), rules, columns, ignore, left)


def _newest(paths: Sequence[Path]) -> Iterator[Path]:
    """The last files by order, at least one, until they are large enough; in their order."""
    total, first = 0, len(paths)
    while first and (first == len(paths) or total < MOST_BYTES):
        first -= 1
        total += os.stat(paths[first]).st_size
    yield from paths[first:]


def _profile(source: Source, fields: tuple[Field, ...]) -> Profile:
    from unseen.engines.local import one_pass

    frames = Frames(source, tuple(f.name for f in fields))
    return one_pass(ProfileFrame(fields), frames)


def _moves(ends: Sequence[ColumnProfile]) -> bool:
    """Whether a column goes on from file to file, as a month or a counter does: then no range would hold for long."""
    first, last = ends[0], ends[-1]
    return not last.low < last.high or first.high < last.low or last.high < first.low


def _rule(
    field: Field, known: ColumnProfile | None, still: bool, medians: tuple[float, float] | None
) -> dict[str, Any]:
    rule: dict[str, Any] = {"type": field.kind}
    if known is None:
        return rule
    if field.kind in (NUMBER, INTEGER):
        if still and math.isfinite(known.low) and math.isfinite(known.high - known.low):
            rule |= _range(known.low, known.high, field.kind)
        if medians is not None and medians[0] < medians[1]:
            low, high = outward(medians[0], up=False), outward(medians[1], up=True)
            rule["median"] = [max(low, rule.get("min", low)), min(high, rule.get("max", high))]
    elif field.kind == CATEGORY and _few(known):
        rule |= {"values": sorted(known.values or ()), "outside": OUTSIDE}
    share = known.missing / known.rows
    rule["missing"] = min(1.0, math.ceil(100 * (2 * share + 0.01) - 1e-9) / 100)
    return rule


def _few(known: ColumnProfile) -> bool:
    """Whether categories may be written out: few of them, and none that tells of a handful of rows."""
    rows = (known.values or {}).values()
    return 0 < len(rows) <= MOST_VALUES and min(rows) >= FEWEST_ROWS


def _range(low: float, high: float, kind: str) -> dict[str, Any]:
    """The range with room on both sides; what was never negative stays so."""
    room = ROOM * (high - low)
    least = 0.0 if low >= 0 and low - room < 0 else outward(low - room, up=False)
    most = 0.0 if high <= 0 and high + room > 0 else outward(high + room, up=True)
    if kind == INTEGER:
        least, most = math.floor(least), math.ceil(most)
    return {"min": least, "max": most, "outside": OUTSIDE}


def outward(value: float, up: bool) -> float:
    """A number rounded to two digits, up or down.

    >>> outward(1234.5, up=True), outward(-0.0314, up=False)
    (1300.0, -0.032)
    """
    if not value or not math.isfinite(value):
        return value
    step = 10.0 ** (math.floor(math.log10(abs(value))) - 1)
    whole = (math.ceil if up else math.floor)(value / step)
    return float(f"{whole * step:.6g}") if step else value


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
