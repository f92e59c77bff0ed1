"""The rules about cells, held against one partition chunk by chunk: memory stays bounded, no cell is ever quoted.

Pandera is asked so that it answers with names only: its failure cases would hold cells of the data.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, OTHER
from unseen.ops.ingest.chunks import Chunk
from unseen.ops.ingest.repeats import ROOM
from unseen.ops.ingest.rules import Rule, is_code
from unseen.ops.ingest.shape import evident, share
from unseen.ops.record import Finding

MISSING, EXTRA, BROKEN, FAILED = "missing", "extra", "broken", "failed"
_REASONS = {"COLUMN_NOT_IN_DATAFRAME": MISSING, "COLUMN_NOT_IN_SCHEMA": EXTRA, "DATAFRAME_CHECK": FAILED}


def cells(
    name: str, rules: Sequence[Rule], rows: int, chunks: Iterable[Chunk], also: Callable[[Chunk], Any]
) -> tuple[Finding, ...]:
    """Findings about the cells of some columns; ``also`` is shown each chunk.

    A check that Pandera could not run, or that did not see every row, counts as broken.
    """
    import pandera.pandas as pa

    progress = Progress(rows)
    counted = {rule.column: tallies(rule, progress) for rule in rules}
    columns = {
        column: pa.Column(checks=[scalar(tally, str(i)) for i, tally in enumerate(tallied)], nullable=True)
        for column, tallied in counted.items()
    }
    schema, refused = pa.DataFrameSchema(columns, strict=True), set()
    for chunk in chunks:
        progress.left -= len(chunk.table)
        for reason, column, check in complaints(schema, chunk.table[list(counted)]):
            refused.add((column, check if reason == FAILED else ""))
        also(chunk)
    findings = []
    for column, tallied in counted.items():
        if (column, "") in refused or any(tally.rows != rows for tally in tallied):
            findings.append(unchecked(name, column))
        else:
            findings += [tally.finding(name) for i, tally in enumerate(tallied) if (column, str(i)) in refused]
    if refused and not findings:
        findings.append(unchecked(name, None))
    return tuple(findings)


# ---- Pandera


def scalar(holds: Callable[[Any], bool], name: str) -> Any:
    """A check of a whole column: one truth value, so that there are no failure cases to be formatted."""
    import pandera.pandas as pa

    # Pandera copies its checks deeply before it calls them: objects would count in vain, functions stay themselves
    return pa.Check(lambda cells: holds(cells), name=name, ignore_na=False)


def complaints(schema: Any, table: Any) -> list[tuple[str, str, str]]:
    """What a table breaks: (missing, extra, failed or broken; column; check), all of it at once.

    Pandera can be switched off by an environment variable; a gate can not.
    """
    import pandera.pandas as pa
    from pandera.config import ValidationDepth, config_context

    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(table, lazy=True, inplace=True)
    except pa.errors.SchemaErrors as errors:
        return [_complaint(error) for error in errors.schema_errors]
    return []


def _complaint(error: Any) -> tuple[str, str, str]:
    reason = _REASONS.get(error.reason_code.name, BROKEN)
    if reason in (MISSING, EXTRA):
        return reason, str(error.failure_cases), reason
    return reason, str(error.schema.name), str(getattr(error.check, "name", error.check))


def unchecked(name: str, column: str | None) -> Finding:
    """A rule that could not be applied is a rule that was not kept."""
    where = f"column {column!r} of {name!r}" if column else repr(name)
    return Finding(check="unchecked", column=column, message=f"{where} could not be checked, which counts as broken")


# ---- what is counted


@dataclass
class Progress:
    """How many rows of the partition are still to come."""

    left: int


@dataclass
class Tally:
    """One thing that is counted of one column; called with its cells, it says whether the partition can still pass.

    ``tolerated`` is a share of all cells (``of_all``), else of the observed ones. The answer is exact at the last
    chunk, and a "no" before that stays one: not even flawless rows in the rest would make the share small enough.
    Where it is the least that there must be (``least``), the answer is at the end, with room for chance.
    """

    check: str
    column: str
    tolerated: float
    count: Callable[[Any], int]
    says: str
    progress: Progress
    of_all: bool = False
    least: bool = False
    broken: int = 0
    cells: int = 0
    rows: int = 0

    def __call__(self, cells: Any) -> bool:
        self.rows += len(cells)
        self.cells += len(cells) if self.of_all else int(cells.notna().sum())
        self.broken += self.count(cells)
        most = self.tolerated * (self.cells + self.progress.left)
        if self.least:
            fewer = not self.progress.left and self.broken < most
            return not (fewer and evident(self.broken, self.cells, self.tolerated))
        return self.broken <= most + ROOM * (1 + most)

    def finding(self, partition: str) -> Finding:
        kind = "cells" if self.of_all else "observed cells"
        counts = f"{self.broken:,} of {self.cells:,} {kind} ({share(self.broken, self.cells)})"
        where = f"column {self.column!r} of {partition!r}"
        return Finding(check=self.check, column=self.column, message=f"{where} {self.says.replace('#', counts)}")


def tallies(rule: Rule, progress: Progress) -> list[Tally]:
    """All that is counted for one rule; ``#`` in a sentence stands for the counts."""
    out: list[Tally] = []

    def add(check: str, tolerated: float, count: Callable[[Any], int], says: str, **how: bool) -> None:
        out.append(Tally(check, rule.column, tolerated, count, says, progress, **how))

    if rule.missing < 1:
        says = f"lacks # where its rule allows {100 * rule.missing:.3g} % (missing)"
        add("missing", rule.missing, _gaps, says, of_all=True)
    if rule.missing_min > 0:
        says = f"lacks only # where its rule expects {100 * rule.missing_min:.3g} % (missing_min): were gaps filled?"
        add("missing_min", rule.missing_min, _gaps, says, of_all=True, least=True)
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


def _gaps(cells: Any) -> int:
    return int(cells.isna().sum())


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
