"""How far apart files come: by dates in their names, by a column of dates, or by when they were written."""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

from unseen.core.reading import Reading
from unseen.ops.ingest.intake import opened

#: 2024-01, 2024-01-15, 20240115, 2024_01_15T06, 2024; what follows a year must be a month or no digit at all
_DATE = re.compile(
    r"(?<!\d)((?:19|20)\d\d)(?:([-_.]?)(0[1-9]|1[0-2])(?:\2(0[1-9]|[12]\d|3[01])(?:[T_-]?([01]\d|2[0-3]))?)?)?(?!\d)"
)
_QUARTER = re.compile(r"(?<!\d)((?:19|20)\d\d)[-_.]?[qQ]([1-4])(?!\d)")
#: files that lie closer than this were copied, not delivered
COPIED = timedelta(minutes=10)


@dataclass(frozen=True)
class Spacing:
    """The usual time between two files, and what tells it."""

    usual: timedelta
    by: str

    @property
    def max_age_hours(self) -> int:
        """How old the newest may be: half of the usual time longer than that, so that a late file wakes nobody."""
        return max(1, round(self.usual.total_seconds() / 3600 * 1.5))


def spacing(paths: Sequence[Path], source: Any, dates: Sequence[str], read: Reading | None = None) -> Spacing | None:
    """What the files tell of the time between them; nothing where they do not."""
    if len(paths) < 2:
        return None
    usual = _usual([named(path.name) for path in paths])
    if usual is not None:
        return Spacing(usual, "the dates in the names of the files")
    for column in dates:
        usual = _usual([_newest(path, column, read) for path in paths])
        if usual is not None:
            return Spacing(usual, f"the dates of column {column!r}")
    usual = _usual([datetime.fromtimestamp(os.stat(path).st_mtime) for path in paths])
    return None if usual is None else Spacing(usual, "when the files were written")


def named(name: str) -> datetime | None:
    """The date in a name, if there is one.

    >>> named("visits_2024-03.csv"), named("part-0007.csv")
    (datetime.datetime(2024, 3, 1, 0, 0), None)
    """
    if quarter := _QUARTER.search(name):
        return datetime(int(quarter[1]), 3 * int(quarter[2]) - 2, 1)
    found = _DATE.search(name)
    if found is None:
        return None
    year, _, month, day, hour = found.groups()
    try:
        return datetime(int(year), int(month or 1), int(day or 1), int(hour or 0))
    except ValueError:  # the 31st of a short month
        return None


def _usual(times: Sequence[datetime | None]) -> timedelta | None:
    """The longest of the ordinary gaps; nothing where a time is not known, goes back, or is that of a copy."""
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        return None
    gaps = sorted(b - a for a, b in pairwise(known))
    middle = gaps[len(gaps) // 2]
    if gaps[0] <= timedelta(0) or middle < COPIED:
        return None
    return max(gap for gap in gaps if gap <= 1.5 * middle)


def _newest(path: Path, column: str, read: Reading | None) -> datetime | None:
    """The last date of a column in a file."""
    import pandas as pd

    source: Any = opened(path, read)
    parts = [part for part in source.manifest() if part.rows]
    if not parts:
        return None
    dates = pd.to_datetime(pd.Series(source.table(parts[-1]).column(column).to_pandas()), errors="coerce", utc=True)
    last = dates.max()
    return None if pd.isna(last) else last.to_pydatetime().replace(tzinfo=None)
