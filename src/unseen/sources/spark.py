"""Spark DataFrames: blocks that lie in a cluster, and stay there."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import accumulate
from typing import Any

import numpy as np

from unseen.arrow.columns import fields_of, frame_of, is_text, unit_codes
from unseen.arrow.libraries import pa
from unseen.core.block import Field, Frame
from unseen.core.source import Part, no_unit, unit_missing
from unseen.core.stats import Array
from unseen.errors import DataError

#: rows of a block where nobody says how many
ROWS = 32_768
#: partitions for each core
AT_ONCE = 2
#: the order of rows in the data, while those of one unit are put together
ORDER = "(order)"


class SparkTable:
    """The rows of a Spark DataFrame, packed into blocks once and kept by the cluster, in memory or on its disks.

    Rows of one unit are put together by one shuffle before, in the order they have; no pass needs another.

    Parameters
    ----------
    data : ``pyspark.sql.DataFrame``
    unit : the column that names the unit (sequence, item, user) of each row; ``whole=True`` makes all rows one unit
    block_rows : rows per block

    Raises
    ------
    DataError
        The DataFrame is one of Spark Connect, its columns cannot be read, or it lacks the unit's.
    """

    #: where its blocks are summed
    engine = "spark"

    def __init__(
        self, data: Any, *, unit: str | None = None, whole: bool = False, block_rows: int | None = None
    ) -> None:
        self.unit, self.whole = unit, whole
        self.fields = tuple(fields_of(_arrow_schema(data)))
        if unit is not None and unit not in data.columns:
            raise DataError(no_unit(unit))
        self._here: dict[int, bytes] = {}
        self._rdd = self._packed(data, block_rows or ROWS)
        found = self._rdd.mapPartitions(_sizes).collect()
        self._parts = tuple(Part(i, rows) for i, (rows, _) in enumerate(pair for part in found for pair in part))
        self._begins = tuple(accumulate((len(part) for part in found), initial=0))[:-1]
        if missing := sum(lost for part in found for _, lost in part):
            raise DataError(unit_missing(unit or "", missing))

    def _packed(self, data: Any, rows: int) -> Any:
        from pyspark import StorageLevel
        from pyspark.sql import functions as F

        if self.whole:
            data = data.coalesce(1)
        elif self.unit is not None:
            data = data.withColumn(ORDER, F.monotonically_increasing_id())
            data = data.repartition(F.col(_quoted(self.unit))).sortWithinPartitions(_quoted(self.unit), _quoted(ORDER))
        packed = data.mapInArrow(Pack(self.unit, self.whole, rows), "rows long, missing long, frame binary")
        rdd = packed.rdd.map(_plain)
        enough = AT_ONCE * rdd.context.defaultParallelism  # a pass pays for each partition, however small
        rdd = rdd.coalesce(enough) if rdd.getNumPartitions() > enough else rdd
        return rdd.persist(StorageLevel.MEMORY_AND_DISK)

    # ---- where they lie

    def lying(self, numbers: Mapping[int, int]) -> tuple[Any, tuple[int, ...]]:
        """Elements (number, (id, frame)) of chosen blocks where they lie, and the first number in each partition."""
        begins, ids = self._begins, sorted(numbers)
        firsts = tuple(bisect_right(ids, begin - 1) for begin in begins)
        return self._rdd.mapPartitionsWithIndex(Numbered(begins, dict(numbers))), firsts

    def meets(self, id: int, frame: bytes) -> None:
        """Say, where a block lies, which it is: what is read next is this one."""
        self._here = {id: frame}

    def __reduce__(self) -> Any:
        return _arrived, (self.unit, self.whole, self.fields, self._parts)

    # ---- the source

    def schema(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        return self._parts

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        table, offsets = unpacked(self._here[part.id] if part.id in self._here else self._fetched(part.id))
        return frame_of(table.select(list(columns)), part.id, columns, offsets)

    def _fetched(self, id: int) -> bytes:
        """A block brought to this machine."""
        partition = bisect_right(self._begins, id) - 1
        found = self._rdd.context.runJob(self._rdd, Nth(id - self._begins[partition]), [partition])
        return bytes(found[0])

    def fingerprint(self) -> dict[str, str | int]:
        digest = hashlib.sha256()
        for part in self._rdd.mapPartitions(_digests).collect():
            digest.update(part.encode())
        return {"format": "spark", "rows": sum(p.rows for p in self._parts), "sha256": digest.hexdigest()}


def _arrived(unit: str | None, whole: bool, fields: tuple[Field, ...], parts: tuple[Part, ...]) -> SparkTable:
    """What a source is where its blocks lie: it reads those that it is told of."""
    source = SparkTable.__new__(SparkTable)
    source.unit, source.whole, source.fields, source._parts, source._here = unit, whole, fields, parts, {}
    return source


def _arrow_schema(data: Any) -> Any:
    from pyspark.sql.pandas.types import to_arrow_schema

    if "connect" in type(data).__module__:
        raise DataError("a DataFrame of Spark Connect cannot be summed over: use a session of the cluster itself")
    try:
        return to_arrow_schema(data.schema)
    except Exception as error:
        raise DataError(
            f"the DataFrame has columns that Arrow cannot hold ({type(error).__name__}): drop them"
        ) from None


def _quoted(name: str) -> str:
    return "`" + name.replace("`", "``") + "`"


# ---- what executors do


class Pack:
    """Rows of one partition, batch by batch, as blocks that end between units."""

    def __init__(self, unit: str | None, whole: bool, rows: int) -> None:
        self.unit, self.whole, self.rows = unit, whole, rows

    def __call__(self, batches: Iterable[Any]) -> Iterator[Any]:
        waiting: list[Any] = []
        for batch in batches:
            waiting.append(pa.Table.from_batches([batch]))
            while not self.whole and sum(t.num_rows for t in waiting) > self.rows:
                table = pa.concat_tables(waiting)
                stop = self._stop(table)
                if not stop:
                    break
                yield self._block(table.slice(0, stop))
                waiting = [table.slice(stop)]
        if waiting and (table := pa.concat_tables(waiting)).num_rows:
            yield self._block(table)

    def _stop(self, table: Any) -> int:
        """Rows of the next block: as many as wanted, or more or fewer so that it ends between units."""
        if self.unit is None:
            return self.rows
        names = table.column(self.unit).to_numpy(zero_copy_only=False)
        ends = np.flatnonzero(names[1:] != names[:-1]) + 1
        return int(ends[ends <= self.rows][-1:].sum() or ends[:1].sum())

    def _block(self, table: Any) -> Any:
        offsets, missing = None, 0
        if self.unit is not None and (missing := table.column(self.unit).null_count) == 0:
            codes = unit_codes(table.column(self.unit), self.unit)
            offsets = np.flatnonzero(np.concatenate([[True], codes[1:] != codes[:-1], [True]]))
        elif self.whole:
            offsets = np.array([0, table.num_rows])
        table = table.drop_columns([c for c in (self.unit, ORDER) if c in table.column_names])
        frame = packed(table, offsets)
        return pa.RecordBatch.from_pydict({"rows": [table.num_rows], "missing": [missing], "frame": [frame]})


def packed(table: Any, offsets: Array | None) -> bytes:
    """A table and where its units begin as bytes; text as codes."""
    for i, field in enumerate(table.schema):
        if is_text(field.type):
            table = table.set_column(i, field.name, table.column(i).combine_chunks().dictionary_encode())
    table = table.combine_chunks().replace_schema_metadata(
        None if offsets is None else {b"offsets": np.asarray(offsets, "<i8").tobytes()}
    )
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def unpacked(frame: bytes) -> tuple[Any, Array | None]:
    """What `packed` was given."""
    with pa.ipc.open_stream(pa.py_buffer(frame)) as reader:
        table = reader.read_all()
    found = (table.schema.metadata or {}).get(b"offsets")
    return table, None if found is None else np.frombuffer(found, "<i8")


def _plain(row: Any) -> tuple[int, int, bytes]:
    return int(row[0]), int(row[1]), bytes(row[2])


def _sizes(rows: Iterable[Any]) -> Iterator[list[tuple[int, int]]]:
    yield [(count, missing) for count, missing, _ in rows]


def _digests(rows: Iterable[Any]) -> Iterator[str]:
    yield "".join(hashlib.sha256(frame).hexdigest() for _, _, frame in rows)


class Numbered:
    """Blocks of a partition that are wanted, each with its number."""

    def __init__(self, begins: tuple[int, ...], numbers: dict[int, int]) -> None:
        self.begins, self.numbers = begins, numbers

    def __call__(self, partition: int, rows: Iterable[Any]) -> Iterator[Any]:
        for id, (_, _, frame) in enumerate(rows, self.begins[partition]):
            if id in self.numbers:
                yield self.numbers[id], (id, frame)


class Nth:
    """One block of a partition."""

    def __init__(self, place: int) -> None:
        self.place = place

    def __call__(self, rows: Iterable[Any]) -> Iterator[bytes]:
        for i, (_, _, frame) in enumerate(rows):
            if i == self.place:
                yield frame
