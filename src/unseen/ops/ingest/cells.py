"""The rules about cells, held against one partition with Pandera."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from unseen.ops.ingest.chunks import Chunk
from unseen.ops.ingest.complaints import FAILED, complaints, scalar, unchecked
from unseen.ops.ingest.rules import Rule
from unseen.ops.ingest.tally import Progress, Tally, tallies
from unseen.ops.record import Finding


def cells(
    name: str, rules: Sequence[Rule], rows: int, chunks: Iterable[Chunk], also: Callable[[Any], Any]
) -> tuple[Finding, ...]:
    """Findings about the cells of some columns; ``also`` is shown the keys of each chunk.

    A check that Pandera could not run, or that did not see every row, counts as broken.
    """
    progress = Progress(rows)
    counted = {rule.column: tallies(rule, progress) for rule in rules}
    schema = _schema(counted)
    refused = set()
    for chunk in chunks:
        progress.left -= len(chunk.table)
        for reason, column, check in complaints(schema, chunk.table[list(counted)]):
            refused.add((column, check if reason == FAILED else ""))
        also(chunk.keys)
    findings = []
    for column, tallied in counted.items():
        if (column, "") in refused or any(tally.rows != rows for tally in tallied):
            findings.append(unchecked(name, column))
        else:
            findings += [tally.finding(name) for i, tally in enumerate(tallied) if (column, str(i)) in refused]
    if refused and not findings:
        findings.append(unchecked(name, None))
    return tuple(findings)


def _schema(counted: dict[str, list[Tally]]) -> Any:
    import pandera.pandas as pa

    return pa.DataFrameSchema(
        {
            column: pa.Column(checks=[scalar(tally, str(i)) for i, tally in enumerate(tallied)], nullable=True)
            for column, tallied in counted.items()
        },
        strict=True,
    )
