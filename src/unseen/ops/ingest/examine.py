"""One partition against the rules: its size, its columns, its cells, its repeated rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from unseen.core.block import CATEGORY, EMPTY, OTHER
from unseen.ops.ingest.cells import cells
from unseen.ops.ingest.chunks import chunks, mixed
from unseen.ops.ingest.repeats import RowHashes, duplicates
from unseen.ops.ingest.rules import Rule, Rules
from unseen.ops.ingest.state import Known
from unseen.ops.ingest.structure import structure
from unseen.ops.record import Finding

_MEND = ": correct or empty such cells, or list the column in data.ignore"


def examine(name: str, source: Any, rules: Rules) -> tuple[Known, tuple[Finding, ...]]:
    """What is known of a partition after one pass, and all that is wrong with it."""
    fields = tuple(source.schema())
    kinds = {f.name: f.kind for f in fields if f.name not in rules.ignore}
    rows = sum(part.rows for part in source.manifest())
    found = (*_size(name, rows, rules), *structure(name, fields, rules))
    found = _with_mixed(name, source, rules, kinds, found)
    wrong = {finding.column for finding in found}
    inside = [_fitting(r, kinds[r.column]) for r in rules.columns if r.column in kinds and r.column not in wrong]
    hashes = RowHashes(keep=rules.duplicates < 1)
    if rows and inside:
        found += cells(name, inside, rows, chunks(source, tuple(kinds)), hashes.add)
        found += duplicates(name, hashes, rules)
    digest = hashes.digest(tuple(kinds)) if hashes.rows else ""
    known = Known(name=name, rows=rows, fields=tuple((f.name, f.kind) for f in fields), passed={rules.id: digest})
    return known, found


def _size(name: str, rows: int, rules: Rules) -> tuple[Finding, ...]:
    if rows < rules.min_rows:
        message = f"{name!r} has {rows:,} rows; schema.min_rows is {rules.min_rows:,}"
    elif rules.max_rows is not None and rows > rules.max_rows:
        message = f"{name!r} has {rows:,} rows; schema.max_rows is {rules.max_rows:,}"
    else:
        return ()
    return (Finding(check="rows", message=message),)


def _with_mixed(
    name: str, source: Any, rules: Rules, kinds: Mapping[str, str], found: tuple[Finding, ...]
) -> tuple[Finding, ...]:
    """Findings with what a text file knows of columns that hold numbers and text: where the text is."""
    texts = [r.column for r in rules.columns if kinds.get(r.column) == CATEGORY]
    reasons = {column: reason for column, reason in mixed(source, texts).items() if reason}
    kept = tuple(f for f in found if f.check != "type" or f.column not in reasons)
    said = (
        Finding(check="type", column=column, message=f"{name!r}: {reason.partition(': correct')[0]}{_MEND}")
        for column, reason in reasons.items()
    )
    return (*kept, *said)


def _fitting(rule: Rule, kind: str) -> Rule:
    """Of a column without any value only that can be told."""
    if kind != EMPTY:
        return rule
    return replace(rule, type=OTHER, whole=False, low=None, high=None, values=None, median=None)
