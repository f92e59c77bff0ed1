"""Rows that repeat each other: inside a partition, from one to the next, and partitions that hold the same ones."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np

from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.ingest.partitions import Partition
from unseen.ops.ingest.rules import Rules, wrong
from unseen.ops.ingest.shape import evident, over, percent, share
from unseen.ops.record import Finding


class RowHashes:
    """64 bits per row, and a digest that knows no order of rows.

    Hashes of whole rows are kept where duplicates are to be counted; those of the columns of ``content``, by which a
    row is told again under another date or number, where rows are to be found again.
    """

    def __init__(self, keep: bool, content: Sequence[str] = ()) -> None:
        self.keep, self.content, self.rows, self._sums = keep, list(content), 0, np.zeros(2, np.uint64)
        self._whole: list[Any] = []
        self._content: list[Any] = []

    def add(self, chunk: Any) -> None:
        hashes = hashed(chunk)
        self.rows += len(hashes)
        # sums wrap around; the second one is of scrambled bits, so that both agree only for the same rows
        scrambled = (hashes ^ (hashes >> np.uint64(31))) * np.uint64(0x9E3779B97F4A7C15)
        self._sums += np.array([hashes.sum(dtype=np.uint64), scrambled.sum(dtype=np.uint64)])
        if self.keep:
            self._whole.append(hashes)
        if self.content:
            self._content.append(hashed(chunk[self.content]))

    def digest(self, columns: Sequence[str]) -> str:
        said = "\0".join([str(self.rows), *(f"{s:016x}" for s in self._sums.tolist()), *sorted(columns)])
        return hashlib.sha256(said.encode()).hexdigest()[:32]

    @property
    def whole_rows(self) -> Any:
        return np.concatenate([np.empty(0, np.uint64), *self._whole])

    @property
    def contents(self) -> Any:
        return np.concatenate([np.empty(0, np.uint64), *self._content])


def hashed(table: Any) -> Any:
    """64 bits for each row of a table."""
    from pandas.util import hash_pandas_object

    return hash_pandas_object(table, index=False).to_numpy()


def repeated(hashes: Any) -> int:
    """Rows that are exactly like one before them."""
    return len(hashes) - len(np.unique(hashes))


def again(hashes: Any, earlier: Iterable[Any]) -> int:
    """Rows that stand before, among themselves or in any of the earlier ones."""
    fresh = np.unique(hashes)
    for before in earlier:
        fresh = fresh[~np.isin(fresh, before)]
    return len(hashes) - len(fresh)


def duplicates(name: str, hashes: RowHashes, rules: Rules) -> tuple[Finding, ...]:
    """Whether more rows repeat an earlier one than may."""
    count, rows = repeated(hashes.whole_rows), hashes.rows
    if not over(count, rules.duplicates * rows):
        return ()
    said = f"{count:,} of {rows:,} rows of {name!r} ({share(count, rows)}) repeat an earlier row exactly"
    message = f"{said}; schema.duplicates allows {percent(rules.duplicates)}"
    return (Finding(check="duplicates", message=message),)


def repeats(
    name: str, hashes: Any, earlier: Iterable[Any], rules: Rules, where: str = "an earlier partition"
) -> Finding | None:
    """Whether more rows stand before, in the partition or in earlier ones, than may."""
    count, rows = again(hashes, earlier), len(hashes)
    if count <= rules.repeats * rows or not evident(count, rows, rules.repeats):
        return None
    message = (
        f"{count:,} of {rows:,} rows of {name!r} ({share(count, rows)}) stand before, in {where} or "
        f"in it, under whichever date or number; schema.repeats allows {percent(rules.repeats)}"
    )
    return Finding(check="repeats", message=message)


def same_rows(partitions: Sequence[Partition], digests: Mapping[str, str]) -> dict[str, Finding]:
    """Partitions that hold the rows of an earlier one: the same bytes, or the same rows in any order and format."""
    findings, seen = dict[str, Finding](), dict[str, str]()
    for partition in partitions:
        keys = [key for key in (partition.id, digests.get(partition.name)) if key]
        before = next((seen[key] for key in keys if key in seen), None)
        if before is not None:
            said = f"holds the same rows as {before!r}: one of them is in the wrong place"
            findings[partition.name] = wrong("same_rows", partition.name, said)
        for key in keys:
            seen.setdefault(key, partition.name)
    return findings


class Contents:
    """Hashes of the rows of partitions by some columns, a file for each: a partition is not read again for them."""

    def __init__(self, folder: Path, columns: Sequence[str]) -> None:
        self.folder, self.columns = folder, hashlib.sha256("\0".join(columns).encode()).hexdigest()[:16]

    def _place(self, id: str) -> Path:
        return self.folder / f"{id[:32]}-{self.columns}.npy"

    def get(self, id: str) -> Any | None:
        """What was kept, if it is whole."""
        try:
            kept = np.load(self._place(id), allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None
        return kept if kept.dtype == np.uint64 and kept.ndim == 1 else None

    def put(self, id: str, hashes: Any) -> None:
        """Keep them whole or not at all; a full disk only means that the work is done again next time."""
        content = io.BytesIO()
        np.save(content, hashes)
        with suppress(RegistryError):
            files.write(self._place(id), content.getvalue())

    def forget(self, ids: Iterable[str]) -> None:
        """Let go of all but some."""
        stay = {self._place(id) for id in ids}
        for file in self.folder.glob("*.npy"):
            if file not in stay:
                with suppress(OSError):
                    file.unlink()
