"""Input columns and new ones written block by block, so that memory does not grow with the rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from unseen.arrow.fill import as_float, filled, fitting
from unseen.arrow.libraries import pa
from unseen.arrow.output import table_writer
from unseen.arrow.rawrows import fills_as_text, raw_schema, rows_of
from unseen.arrow.regroup import reorder
from unseen.core.blas import one_blas_thread
from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, Block, Field, Frame
from unseen.core.encoding import Encoding
from unseen.core.exact import EXACT
from unseen.core.output import Output
from unseen.core.source import Part, input_places
from unseen.errors import DataError

Progress = Callable[[int], Any] | None
Fills = Mapping[str, tuple[Any, Any]]


def assigned_schema(source: Any, path: Path, outputs: Sequence[Output], data: Sequence[Field], prefix: str) -> Any:
    """The input's schema, as it goes to that file, followed by what a model says of rows."""
    types = {INTEGER: pa.int32(), CATEGORY: pa.string(), BOOLEAN: pa.bool_()}
    new = []
    for output in outputs:
        for name, kind in output.kinds(data):
            whole = kind == INTEGER and name in output.categories
            new.append(pa.field(f"{prefix}{name}", pa.int64() if whole else types.get(kind, pa.float64())))
    schema = raw_schema(source) if rows_of(source, path) is not None else source.arrow_schema
    return _joined([], schema, new)


def imputed_schema(source: Any, path: Path, encoding: Encoding, fractional: set[str], drawn: bool, prefix: str) -> Any:
    """The input's schema with types that hold the completed values, after a column that numbers the draws."""
    text = rows_of(source, path) is not None
    schema = raw_schema(source) if text else _completed(source, encoding, fractional)
    return _joined([pa.field(f"{prefix}draw", pa.int32())], schema, []) if drawn else schema


def _joined(before: list[Any], schema: Any, behind: list[Any]) -> Any:
    """The schema of a table with new columns on either side, none of which may be there already."""
    for field in (*before, *behind):
        if field.name in schema.names:
            told = "give the new columns another prefix (--prefix)"
            raise DataError(f"the input already has a column {field.name!r}: {told}")
    return fitting(pa.schema([*before, *schema, *behind], metadata=schema.metadata), schema)


def _completed(source: Any, encoding: Encoding, fractional: set[str]) -> Any:
    schema = before = source.arrow_schema
    gappy = _widened(source, [n for n in schema.names if n in fractional])
    slots = {n: CATEGORY if s.coded else s.kind for s in encoding.slots for n in s.columns}
    for i, field in enumerate(schema):
        if field.name in slots:
            schema = schema.set(i, field.with_type(_roomy(field.type, slots[field.name], field.name in gappy)))
    return fitting(schema, before)


def _roomy(type_: Any, kind: str, fractional: bool) -> Any:
    if pa.types.is_null(type_):
        return pa.string() if kind == CATEGORY else pa.float64()
    if pa.types.is_dictionary(type_) and type_.index_type.bit_width == 8:
        return pa.dictionary(pa.int16(), type_.value_type, type_.ordered)
    return pa.float64() if fractional else type_


def _widened(source: Any, names: Sequence[str]) -> set[str]:
    """Which columns of whole numbers become floats: those with a missing cell, unless floats cannot hold the others."""
    gaps, exact = set(), set()
    for part in source.manifest() if names else ():
        for name, cells in source.read(part, names).columns.items():
            if cells.observed is not None:
                gaps.add(name)
            if len(cells.values) and abs(cells.values).max() >= EXACT:
                exact.add(name)
    return gaps - exact


def write_blocks(
    source: Any,
    encoding: Encoding,
    path: Path,
    schema: Any,
    more: Callable[[Block], Iterable[Sequence[Any]]],
    progress: Progress = None,
) -> int:
    """Write the rows of the input, and beside them the columns that ``more(block)`` gives for a few rows at a time."""
    names, rows = encoding.columns(), rows_of(source, path)
    new = pa.schema(list(schema)[len(source.arrow_schema) :])

    def pieces(part: Part) -> Iterator[Any]:
        frame, table = source.read_all(part, names) if rows is None else (source.read(part, names), None)
        start = 0
        for columns in more(encoding.encode(frame)):
            beside = pa.table(columns, names=new.names).cast(new)
            if table is not None:
                before = table.slice(start, len(columns[0]))
                beside = pa.table([*before.columns, *beside.columns], names=schema.names).cast(schema)
            start += len(columns[0])
            yield beside

    with one_blas_thread(), table_writer(path, schema, getattr(source, "spelling", None)) as write:
        if rows is None:
            return _in_order(source, pieces, schema, write, progress)
        return _in_order(source, pieces, new, lambda table: write(rows.beside(table, schema)), progress)


def _in_order(source: Any, pieces: Callable[[Part], Iterable[Any]], schema: Any, write: Any, progress: Progress) -> int:
    """Write the tables that ``pieces`` makes of each block, with rows in the order of the input."""
    parts = source.manifest()
    total = sum(part.rows for part in parts)

    def placed() -> Iterator[tuple[Any, Any]]:
        for part in parts:
            places, at = input_places(source, part), 0
            for piece in pieces(part):
                yield piece, None if places is None else places[at : at + piece.num_rows]
                at += piece.num_rows
            if progress is not None:
                progress(part.rows)

    if parts and input_places(source, parts[0]) is not None:
        reorder(placed(), total, lambda table: write(table.cast(schema)))
    else:
        for piece, _ in placed():
            write(piece)
    return total


def write_completed(
    source: Any,
    encoding: Encoding,
    path: Path,
    schema: Any,
    rounds: Sequence[tuple[int, Callable[[Frame], Fills]]],
    progress: Progress = None,
) -> int:
    """Write every block completed by the fills of each round, one round after the other."""
    names = encoding.columns()
    cells = pa.schema([(name, pa.string()) for name in names])

    def written(write: Any, number: int, fill: Callable[[Frame], Fills]) -> int:
        rows = rows_of(source, path)

        def pieces(part: Part) -> Iterator[Any]:
            if rows is None:
                frame, table = source.read_all(part, names)
                yield _complete(table, fill(frame), schema, number)
            else:
                frame = source.read(part, names)
                yield fills_as_text(fill(frame), frame.rows, names, source.notations)

        if rows is None:
            return _in_order(source, pieces, schema, write, progress)
        return _in_order(source, pieces, cells, lambda new: write(rows.completed(new, schema, number)), progress)

    with one_blas_thread(), table_writer(path, schema, getattr(source, "spelling", None)) as write:
        return sum(written(write, number, fill) for number, fill in rounds)


def _complete(table: Any, fills: Fills, schema: Any, number: int) -> Any:
    columns = {name: table.column(name) for name in table.column_names}
    for name, (rows, values) in fills.items():
        columns[name] = filled(name, columns[name], rows, values)
    for field in schema:
        if field.name not in columns:
            columns[field.name] = pa.repeat(pa.scalar(number, field.type), table.num_rows)
        elif columns[field.name].type != field.type:
            array = columns[field.name]
            columns[field.name] = (as_float(array) if pa.types.is_floating(field.type) else array).cast(field.type)
    return pa.table([columns[name] for name in schema.names], schema=schema)
