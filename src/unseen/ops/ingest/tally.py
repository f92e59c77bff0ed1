"""Counts of the cells that break a rule, chunk by chunk: memory stays bounded, and no cell is ever quoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, OTHER
from unseen.ops.ingest.rules import Rule, is_code
from unseen.ops.record import Finding

#: shares are compared with this much room: 0.1 is not exactly one tenth
ROOM = 1e-9


@dataclass
class Progress:
    """How many rows of the partition are still to come."""

    left: int


@dataclass
class Tally:
    """One thing that is counted of one column; called with its cells, it says whether the partition can still pass.

    ``tolerated`` is a share of all cells (``of_all``), else of the observed ones. The answer is exact at the last
    chunk, and a "no" before that stays one: not even flawless rows in the rest would make the share small enough.
    """

    check: str
    column: str
    tolerated: float
    count: Callable[[Any], int]
    says: str
    progress: Progress
    of_all: bool = False
    broken: int = 0
    cells: int = 0
    rows: int = 0

    def __call__(self, cells: Any) -> bool:
        self.rows += len(cells)
        self.cells += len(cells) if self.of_all else int(cells.notna().sum())
        self.broken += self.count(cells)
        most = self.tolerated * (self.cells + self.progress.left)
        return self.broken <= most + ROOM * (1 + most)

    def finding(self, partition: str) -> Finding:
        kind = "cells" if self.of_all else "observed cells"
        counts = f"{self.broken:,} of {self.cells:,} {kind} ({share(self.broken, self.cells)})"
        where = f"column {self.column!r} of {partition!r}"
        return Finding(check=self.check, column=self.column, message=f"{where} {self.says.replace('#', counts)}")


def share(part: int, whole: int) -> str:
    return f"{100 * part / whole if whole else 0:.3g} %"


def tallies(rule: Rule, progress: Progress) -> list[Tally]:
    """All that is counted for one rule; ``#`` in a sentence stands for the counts."""
    out: list[Tally] = []

    def add(check: str, tolerated: float, count: Callable[[Any], int], says: str, of_all: bool = False) -> None:
        out.append(Tally(check, rule.column, tolerated, count, says, progress, of_all))

    if rule.missing < 1:
        says = f"lacks # where its rule allows {100 * rule.missing:.3g} % (missing)"
        add("missing", rule.missing, lambda c: int(c.isna().sum()), says, of_all=True)
    allowed = f"where its rule allows {100 * rule.outside:.3g} % (outside)"
    if rule.values is not None:
        says = f"has # in categories that its rule does not list (values), {allowed}"
        add("categories", rule.outside, _strange(rule.values), says)
    if rule.low is not None or rule.high is not None:
        low = -np.inf if rule.low is None else rule.low
        high = np.inf if rule.high is None else rule.high
        add("range", rule.outside, _where(lambda x: (x < low) | (x > high)), f"has # outside min and max, {allowed}")
    if rule.type not in (CATEGORY, OTHER):
        add("infinite", 0.0, _where(np.isinf), "has # that are infinite: mark them missing or clip them first")
    if rule.whole:
        add("type", 0.0, _where(_fractions), "should hold whole numbers and has fractions in #")
    if rule.median is not None:
        least, most = rule.median
        unit = "its rule says (median), and so do #: has the unit changed?"
        add("median", 0.5, _where(lambda x: x < least), f"has a median below what {unit}")
        add("median", 0.5, _where(lambda x: x > most), f"has a median above what {unit}")
    return out


def _where(holds: Callable[[Any], Any]) -> Callable[[Any], int]:
    """Counts numbers; a comparison with NaN, a gap, does not hold."""
    return lambda cells: int(holds(cells.to_numpy()).sum())


def _fractions(x: Any) -> Any:
    return np.isfinite(x) & (x != np.floor(x))


def _strange(values: tuple[str, ...]) -> Callable[[Any], int]:
    """Counts cells outside of a list; codes that came as numbers are compared as numbers."""
    numbers = [float(v) for v in values if is_code(v)]

    def count(cells: Any) -> int:
        if cells.dtype.name != "category":
            return int((cells.notna() & ~cells.isin(numbers)).sum())
        known = cells.cat.categories.isin(values)
        codes = cells.cat.codes.to_numpy()
        return int((~known[codes[codes >= 0]]).sum()) if len(known) else 0

    return count
