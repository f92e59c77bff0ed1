"""Parquet files before they are read: what is in them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, TypeVar

from unseen.arrow.columns import names_once
from unseen.arrow.libraries import pa, pq
from unseen.arrow.place import Place
from unseen.errors import DataError

#: bytes read ahead of the decoder: a column chunk is never in memory as a whole
BUFFER = 1 << 18
#: files of a store that are looked at at the same time
AT_ONCE = 16

Looked = TypeVar("Looked")


@dataclass(frozen=True, slots=True)
class ParquetFile:
    """A file as it was when it was opened: rows per row group, Arrow schema, columns of nulls."""

    place: Place
    groups: tuple[int, ...]
    schema: Any
    hollow: frozenset[str] = frozenset()

    def open(self, text: Sequence[str] = (), columns: Sequence[str] = ()) -> Any:
        """A reader of its own for the calling thread; ``text`` names columns to read as dictionaries.

        Raises
        ------
        DataError
            The file has changed since the first look at it.
        """
        # what a store sends, it should send in few long pieces
        options = {"pre_buffer": not self.place.local, "buffer_size": BUFFER if self.place.local else 0}
        return pq.ParquetFile(self.place.open(), read_dictionary=list(text) or None, **options)


def opened(place: Place) -> ParquetFile:
    """The footer of a Parquet file.

    Raises
    ------
    DataError
        There is no such file, it is empty, not Parquet, cut short, or its footer is damaged.
    """
    try:
        with place.open() as raw, pq.ParquetFile(raw, pre_buffer=False) as file:
            meta, schema = file.metadata, file.schema_arrow
            groups = tuple(meta.row_group(g).num_rows for g in range(meta.num_row_groups))
            hollow = _hollow(meta)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError):
        refuse_other(place, b"PAR1", "Parquet")
        raise DataError(
            f"{place.called!r} starts as a Parquet file but its footer is missing or damaged: it was probably cut "
            "short while it was written or copied; make it again"
        ) from None
    names_once(schema.names, f" in {place.called!r}")
    return ParquetFile(place, groups, schema, hollow)


def refuse_other(place: Place, magic: bytes, called: str) -> None:
    """Say of a file that is not what its name says that it is empty, or something else."""
    head = place.head(len(magic))
    if not head:
        raise DataError(f"{place.called!r} is empty: it holds no bytes at all") from None
    if head != magic:
        raise DataError(
            f"{place.called!r} is not a {called} file: if it is text, give it a name that ends in .csv or .tsv"
        ) from None


def each(
    places: Sequence[Place], look: Callable[[Place], Looked], skipped: list[str] | None = None
) -> dict[Place, Looked]:
    """What a first look at each file finds; with ``skipped``, files that are refused are told there and left out."""

    def told(place: Place) -> Looked | DataError:
        try:
            return look(place)
        except DataError as error:
            if skipped is None:
                raise
            return error

    if all(p.local for p in places):
        found = list(map(told, places))
    else:  # a store takes its time for every answer
        with ThreadPoolExecutor(AT_ONCE) as pool:
            found = list(pool.map(told, places))
    bad = [f"{p.called!r} is left out: {x}" for p, x in zip(places, found, strict=True) if isinstance(x, DataError)]
    if skipped is not None:
        skipped += bad
    return {p: x for p, x in zip(places, found, strict=True) if not isinstance(x, DataError)}


def _hollow(meta: Any) -> frozenset[str]:
    """Columns that hold nulls only, as far as the footer says."""
    names = set()
    for j in range(meta.num_columns if meta.num_row_groups else 0):
        chunks = (meta.row_group(g).column(j) for g in range(meta.num_row_groups))
        if all(c.is_stats_set and c.statistics.null_count == c.num_values for c in chunks):
            names.add(meta.schema.column(j).path)
    return frozenset(names)
