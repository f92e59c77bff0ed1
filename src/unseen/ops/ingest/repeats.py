"""Rows that repeat each other: inside a partition, and partitions that hold the same ones."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from unseen.ops.ingest.partitions import Partition
from unseen.ops.ingest.rules import Rules
from unseen.ops.ingest.tally import ROOM, share
from unseen.ops.record import Finding


class RowHashes:
    """64 bits per row, kept only where duplicates are to be counted, and a digest that knows no order of rows."""

    def __init__(self, keep: bool) -> None:
        self.keep, self.rows, self._sums = keep, 0, np.zeros(2, np.uint64)
        self._kept: list[Any] = []

    def add(self, chunk: Any) -> None:
        from pandas.util import hash_pandas_object

        if not chunk.shape[1]:
            return
        hashes = hash_pandas_object(chunk, index=False).to_numpy()
        self.rows += len(hashes)
        # sums wrap around; the second one is of scrambled bits, so that both agree only for the same rows
        scrambled = (hashes ^ (hashes >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        self._sums += np.array([hashes.sum(dtype=np.uint64), scrambled.sum(dtype=np.uint64)])
        if self.keep:
            self._kept.append(hashes)

    def digest(self, columns: Sequence[str]) -> str:
        said = "\0".join([str(self.rows), *(f"{s:016x}" for s in self._sums.tolist()), *sorted(columns)])
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    def repeated(self) -> int:
        """Rows that are exactly like one before them."""
        ordered = np.sort(np.concatenate(self._kept)) if self._kept else np.empty(0, np.uint64)
        return int((ordered[1:] == ordered[:-1]).sum())


def duplicates(name: str, hashes: RowHashes, rules: Rules) -> tuple[Finding, ...]:
    """Whether more rows repeat an earlier one than may."""
    repeated, most = hashes.repeated(), rules.duplicates * hashes.rows
    if repeated <= most + ROOM * (1 + most):
        return ()
    message = (
        f"{repeated:,} of {hashes.rows:,} rows of {name!r} ({share(repeated, hashes.rows)}) repeat an earlier row "
        f"exactly; schema.duplicates allows {100 * rules.duplicates:.3g} %"
    )
    return (Finding(check="duplicates", message=message),)


def same_rows(partitions: Sequence[Partition], digests: dict[str, str]) -> tuple[Finding, ...]:
    """Partitions that hold the rows of an earlier one: the same bytes, or the same rows in any order and format."""
    findings, seen = [], dict[str, str]()
    for partition in partitions:
        keys = [key for key in (partition.id, digests.get(partition.name)) if key]
        before = next((seen[key] for key in keys if key in seen), None)
        if before is not None:
            message = f"{partition.name!r} holds the same rows as {before!r}: one of them is in the wrong place"
            findings.append(Finding(check="same_rows", message=message))
        for key in keys:
            seen.setdefault(key, partition.name)
    return tuple(findings)
