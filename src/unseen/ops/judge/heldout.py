"""The rows that judge: a share of the newest partition, never trained on."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unseen.core.block import Block
from unseen.core.encoding import Encoded
from unseen.core.source import Part, Source
from unseen.core.stats import Array
from unseen.errors import DataError
from unseen.search.holdout import SPLIT_STEP, Share, Split

# a search by held-out rows splits the training rows again, maybe with the same seed: its draws must not be these
JUDGE_STEP = SPLIT_STEP - 1
#: units that are drawn together; the place of a unit in its partition decides, never the blocks it is read in
CHUNK = 16_384


class HoldOut:
    """A share of the units (rows, or sequences) of the newest partition, drawn by the seed alone.

    A row's place in its partition decides, so the same rows are held out whatever the engine, the size of the
    blocks, the columns of the model, and the older partitions that the rows are read together with.

    Parameters
    ----------
    source : all partitions, the newest one last
    newest_path : file (or folder) of the newest partition; None takes all of the source for it
    share : of the units of that partition, between 0 and 1
    seed : of the draw

    Raises
    ------
    DataError
        The newest partition is too small to hold anything out, or is not the end of the source.
    ModelError
        A share that is not between 0 and 1.

    >>> from unseen.sources.arrays import Arrays
    >>> source = Arrays(np.zeros((10, 1)))
    >>> int(HoldOut(source, share=0.2).mask(source.manifest()[0]).sum())
    2
    """

    def __init__(
        self, source: Source, newest_path: str | Path | None = None, share: float = 0.2, seed: int = 0
    ) -> None:
        self.source, self.split = source, Split(share, seed, JUDGE_STEP)
        parts = source.manifest()
        begins = np.cumsum([0, *(p.rows for p in parts)])
        first_row = 0 if newest_path is None else int(begins[-1]) - _rows(Path(newest_path), source)
        if first_row < 0:
            raise DataError("the newest partition has more rows than all of the data that is read: start again")
        self._lengths = {p.id: _unit_lengths(source, p) for p in parts}
        counts = [p.rows if (u := self._lengths[p.id]) is None else len(u) for p in parts]
        self._begins = dict(zip((p.id for p in parts), np.cumsum([0, *counts]).tolist(), strict=False))
        self._first = sum(self._units_before(p, first_row - int(b)) for p, b in zip(parts, begins, strict=False))
        self._units = sum(counts) - self._first
        if not sum(self.split.count(min(CHUNK, self._units - a)) for a in range(0, self._units, CHUNK)):
            what = "rows" if source.unit is None and not getattr(source, "whole", False) else "sequences"
            raise DataError(
                f"no {what} can be held out: the newest partition has {self._units:,} of its own, and at least one of "
                "two must be left to train on; make partitions larger"
            )

    def mask(self, part: Part) -> Array:
        """The held-out rows of one block, (rows,) bool, in the order of the source."""
        lengths = self._lengths[part.id]
        begin = self._begins[part.id] - self._first
        if lengths is None:
            return self._drawn(begin, begin + part.rows)
        return np.repeat(self._drawn(begin, begin + len(lengths)), lengths)

    def training(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The blocks without the rows that judge."""
        return Share(encoded, self, held=False)

    def held(self, encoded: Encoded | Share) -> Sequence[Block]:
        """The rows that judge, in the order of the source where the encoding keeps it."""
        return Share(encoded, self, held=True)

    def _drawn(self, begin: int, end: int) -> Array:
        """Which units are held out, by their place in the newest partition; those before it never are."""
        out = np.zeros(end - begin, bool)
        for start in range(max(begin, 0) // CHUNK * CHUNK, end, CHUNK):
            chunk = self.split.rows(start // CHUNK, min(CHUNK, self._units - start))
            a, b = max(start, begin), min(start + len(chunk), end)
            out[a - begin : b - begin] = chunk[a - start : b - start]
        return out

    def _units_before(self, part: Part, row: int) -> int:
        """Units of a block that begin before one of its rows: one that begins there belongs to what is older."""
        lengths = self._lengths[part.id]
        if lengths is None:
            return min(max(row, 0), part.rows)
        return int((np.cumsum(lengths) - lengths < row).sum())


def _unit_lengths(source: Source, part: Part) -> Array | None:
    """Rows of each unit of a block, or None where every row is one."""
    if source.unit is None and not getattr(source, "whole", False):
        return None
    offsets = source.read(part, ()).offsets
    return None if offsets is None else np.diff(offsets)


def _rows(path: Path, source: Source) -> int:
    """The rows of the files of a partition."""
    from unseen.arrow.delimited import batches, dialect_of
    from unseen.arrow.files import opened
    from unseen.arrow.rowgroups import RowGroups
    from unseen.sources.files import format_of, listed

    files = listed([path])
    if isinstance(source, RowGroups) and [p.resolve() for p in files] != [
        p.resolve() for p in source.paths[-len(files) :]
    ]:
        raise DataError(f"the newest partition {path.name!r} is not the last of the files that are read")
    return sum(
        sum(opened(file).groups)
        if format_of(file) == "parquet"
        else sum(batch.num_rows for batch in batches(dialect_of(file)))
        for file in files
    )
