"""The rules about cells, held against one partition chunk by chunk: memory stays bounded, no cell is ever quoted.

Pandera is asked so that it answers with names only: its failure cases would hold cells of the data.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from unseen.core.block import CATEGORY, OTHER
from unseen.ops.ingest.chunks import Chunk
from unseen.ops.ingest.rules import Rule, is_code, wrong
from unseen.ops.ingest.shape import beyond, evident, over, percent, share
from unseen.ops.record import Finding

#: cells of a chunk that its part of a median is taken from
KEPT = 1_000
_UNCHECKED = "could not be checked, which counts as broken"


@contextmanager
def quietly() -> Iterator[None]:
    """Without what PySpark, where it is installed, says of pandas whenever Pandera asks whether it is."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", category=FutureWarning, module=r"pyspark\.")
        yield


@quietly()
def cells(
    name: str, rules: Sequence[Rule], rows: int, chunks: Iterable[Chunk], also: Callable[[Chunk], Any]
) -> tuple[Finding, ...]:
    """Findings about the cells of some columns; ``also`` is shown each chunk.

    A check that Pandera could not run, or that did not see every row, counts as broken.
    """
    import pandera.pandas as pa

    counted = {rule.column: tallies(rule, rows) for rule in rules}
    columns = {
        column: pa.Column(checks=[scalar(tally, str(i)) for i, tally in enumerate(tallied)], nullable=True)
        for column, tallied in counted.items()
    }
    schema, refused = pa.DataFrameSchema(columns, strict=True), set()
    for chunk in chunks:
        refused |= complaints(schema, chunk.table[list(counted)])
        also(chunk)
    findings = []
    for column, tallied in counted.items():
        if (column, "") in refused or any(tally.rows != rows for tally in tallied):
            findings.append(wrong("unchecked", name, _UNCHECKED, column))
        else:
            findings += [tally.finding(name) for i, tally in enumerate(tallied) if (column, str(i)) in refused]
    if refused and not findings:
        findings.append(wrong("unchecked", name, _UNCHECKED))
    return tuple(findings)


# ---- Pandera


@quietly()
def scalar(holds: Callable[[Any], bool], name: str) -> Any:
    """A check of a whole column: one truth value, so that there are no failure cases to be formatted."""
    import pandera.pandas as pa

    # Pandera copies its checks deeply before it calls them: objects would count in vain, functions stay themselves
    return pa.Check(lambda cells: holds(cells), name=name, ignore_na=False)


@quietly()
def complaints(schema: Any, table: Any) -> set[tuple[str, str]]:
    """The columns and checks that a table breaks; no check where one could not be run.

    Pandera can be switched off by an environment variable; a gate can not.
    """
    import pandera.pandas as pa
    from pandera.config import ValidationDepth, config_context

    try:
        with config_context(validation_enabled=True, validation_depth=ValidationDepth.SCHEMA_AND_DATA):
            schema.validate(table, lazy=True, inplace=True)
    except pa.errors.SchemaErrors as errors:
        return {
            (
                str(e.schema.name),
                str(getattr(e.check, "name", e.check)) if e.reason_code.name == "DATAFRAME_CHECK" else "",
            )
            for e in errors.schema_errors
        }
    return set()


# ---- what is counted


@dataclass
class Tally:
    """One thing that is counted of one column; called with some of its cells, it says after the last what holds.

    ``tolerated`` is a share of all cells (``of_all``), else of the observed ones: the most that there may be, or the
    least that there must be (``least``), with room for chance. ``#`` in what it ``says`` stands for the counts, ``~``
    for how far the median of some of the cells lies outside of its range.
    """

    column: str
    total: int
    check: str
    tolerated: float
    count: Callable[[Any], int]
    says: str
    of_all: bool = False
    least: bool = False
    #: the range of a median, of which is said how far it lies outside
    range: tuple[float, float] | None = None
    kept: list[Any] = field(default_factory=list)
    broken: int = 0
    cells: int = 0
    rows: int = 0

    def __call__(self, cells: Any) -> bool:
        self.rows += len(cells)
        self.cells += len(cells) if self.of_all else int(cells.notna().sum())
        self.broken += self.count(cells)
        if self.range is not None:
            self.kept.append(cells.to_numpy(float)[:: max(1, len(cells) // KEPT)])
        if self.rows < self.total:
            return True
        if not self.least:
            return not over(self.broken, self.tolerated * self.cells)
        return not (self.broken < self.tolerated * self.cells and evident(self.broken, self.cells, self.tolerated))

    def finding(self, partition: str) -> Finding:
        kind = "cells" if self.of_all else "observed cells"
        counts = f"{self.broken:,} of {self.cells:,} {kind} ({share(self.broken, self.cells)})"
        return wrong(self.check, partition, self.says.replace("#", counts).replace("~", self._beyond()), self.column)

    def _beyond(self) -> str:
        values = np.concatenate(self.kept) if self.kept else np.empty(0)
        values = values[np.isfinite(values)]
        return beyond(float(np.median(values)), *self.range) if self.range is not None and len(values) else ""


def tallies(rule: Rule, rows: int) -> list[Tally]:
    """All that is counted for one rule about so many rows."""
    tally = partial(Tally, rule.column, rows)
    out = []
    if rule.missing < 1:
        says = f"lacks # where its rule allows {percent(rule.missing)} (missing)"
        out.append(tally("missing", rule.missing, _gaps, says, of_all=True))
    if rule.missing_min > 0:
        says = f"lacks only # where its rule expects {percent(rule.missing_min)} (missing_min): were gaps filled?"
        out.append(tally("missing_min", rule.missing_min, _gaps, says, of_all=True, least=True))
    allowed = f"where its rule allows {percent(rule.outside)} (outside)"
    if rule.values is not None:
        says = f"has # in categories that its rule does not list (values), {allowed}"
        out.append(tally("categories", rule.outside, partial(_strange, rule.values), says))
    if rule.low is not None or rule.high is not None:
        low = -np.inf if rule.low is None else rule.low
        high = np.inf if rule.high is None else rule.high
        says = f"has # outside min and max, {allowed}"
        out.append(tally("range", rule.outside, _where(lambda x: (x < low) | (x > high)), says))
    if rule.type not in (CATEGORY, OTHER):
        says = "has # that are infinite: mark them missing or clip them first"
        out.append(tally("infinite", 0.0, _where(np.isinf), says))
    if rule.whole:
        says = "should hold whole numbers and has fractions in #"
        out.append(tally("type", 0.0, _where(lambda x: np.isfinite(x) & (x != np.floor(x))), says))
    if rule.median is not None:
        least, most = rule.median
        unit = "what its rule says (median)~, and so do #: has the unit changed?"
        for side, holds in (("below", lambda x: x < least), ("above", lambda x: x > most)):
            out.append(tally("median", 0.5, _where(holds), f"has a median {side} {unit}", range=rule.median))
    return out


def _gaps(cells: Any) -> int:
    return int(cells.isna().sum())


def _where(holds: Callable[[Any], Any]) -> Callable[[Any], int]:
    """Counts numbers; a comparison with NaN, a gap, does not hold."""
    return lambda cells: int(holds(cells.to_numpy()).sum())


def _strange(values: tuple[str, ...], cells: Any) -> int:
    """Cells outside of a list; codes that came as numbers are compared as numbers."""
    if cells.dtype.name != "category":
        return int((cells.notna() & ~cells.isin([float(v) for v in values if is_code(v)])).sum())
    categories = cells.cat.categories
    return int(cells.isin(categories[~categories.isin(values)]).sum())
