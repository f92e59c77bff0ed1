"""Where blocks come from: one file, one format; `open_source` finds the right one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unseen.arrow.place import on_disk as on_disk
from unseen.core.masked import as_array
from unseen.core.reading import Notation, Reading, reading
from unseen.core.source import Source, how_read
from unseen.errors import DataError, ModelError
from unseen.sources.marked import Marked, with_numbers


def open_source(
    data: Any,
    weights: Any = None,
    labels: Any = None,
    *,
    unit: str | None = None,
    whole: bool = False,
    block_rows: int | None = None,
    read: Reading | Mapping[str, Any] | None = None,
    known: Mapping[str, Notation] | None = None,
    infer: bool = False,
) -> tuple[Source, str | None, str | None]:
    """The source of some data, and the names of its weight and label columns.

    ``read`` is what a user says of how files are written, ``known`` how the columns were that a model was fitted to.
    ``infer`` numbers that stand as text in tables with types: for those who tell what was decided.
    Weights and labels may be column names, or arrays, which join the data as columns of their own.

    Raises
    ------
    DataError
        Nothing here can read this kind of data.
    """
    roles, known, asked = {"weights": weights, "labels": labels}, known or {}, reading(read)
    arrays = {role: v for role, v in roles.items() if v is not None and not isinstance(v, str)}
    extra = {f"({role})": as_array(v) if role == "weights" else v for role, v in arrays.items()}
    source = _source(data, {"unit": unit, "whole": whole, "block_rows": block_rows}, extra, asked, known)
    if source is not data and not how_read(source)[1]:  # what has types may be said to be something else
        asked = with_numbers(source, asked, known) if infer or known else asked
        source = Marked(source, asked) if asked.of_columns else source
    weight, label = (f"({role})" if role in arrays else name for role, name in roles.items())
    return source, weight, label


def _source(
    data: Any, cuts: dict[str, Any], extra: dict[str, Any], read: Reading, known: Mapping[str, Notation]
) -> Any:
    if all(hasattr(data, name) for name in ("manifest", "read", "schema")) and not hasattr(data, "column_names"):
        if extra:
            raise ModelError("a source brings its own columns: name the weight and label columns instead")
        return data
    if on_disk(data):
        from unseen.sources.files import open_files

        if extra:
            raise ModelError("name the weight and label columns of a file instead of passing arrays")
        return open_files(data, **cuts, read=read, known=known)
    if type(data).__module__.startswith("pyspark.sql"):
        from unseen.sources.spark import SparkTable

        if extra:
            raise ModelError("name the weight and label columns of a Spark DataFrame instead of passing arrays")
        return SparkTable(data, **cuts)
    from unseen.arrow.convert import cannot_read, in_types_of_their_own, is_table

    if is_table(data) or in_types_of_their_own(data):
        from unseen.sources.frames import Frames

        return Frames(data, **cuts, extra=extra)
    from unseen.core.given import arrays_of
    from unseen.sources.arrays import Arrays

    arrays = arrays_of(data)
    if arrays is None:
        raise DataError(cannot_read(data))
    return Arrays(arrays, **cuts, extra=extra)
