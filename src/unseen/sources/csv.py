"""CSV and TSV files, plain or gzipped."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from unseen.arrow.delimited import batches, dialect_of, whole_table
from unseen.arrow.digest import file_digest
from unseen.arrow.inference import Guess
from unseen.arrow.output import no_space
from unseen.arrow.rowgroups import RowGroups
from unseen.arrow.table import TableBlocks
from unseen.core.block import Field, Frame
from unseen.core.source import Part
from unseen.errors import DataError


class Csv:
    """Text files with a header. The kind of a column is inferred from all of its cells.

    Empty cells, NA, N/A, NaN, nan, NULL, null, n/a, #N/A and #NA are missing, in text columns too. A column that is
    mostly numbers but has text in it is refused when it is used, unless its numbers are few whole ones that repeat:
    those may be codes. Dates are kept as the text they are and not modelled.

    The file is read twice: once for the kinds, once for the values. Those are kept in memory if they are small,
    else written once to a temporary Parquet file, removed at exit, from which blocks are read as from `Parquet`.

    Parameters
    ----------
    paths : one path or several with the same columns; names that end in .gz are decompressed, .tsv has tabs
    unit : the column that names the unit (sequence, item, user) of each row; rows of one unit are put side by side, in
        the order they have. ``whole=True`` makes all rows one unit
    block_rows : rows per block
    text : columns to read as text whatever they look like
    known_text : the same, of columns that may not be there: those that were text when a model was fitted
    memory_bytes : values beyond this size, at 8 bytes each, go to the temporary file

    Raises
    ------
    DataError
        No such file, no header, duplicated names, rows of different length, not UTF-8, files whose columns differ.
    RunError
        No space left for the temporary file.
    """

    def __init__(
        self,
        paths: str | Path | Sequence[str | Path],
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        text: Sequence[str] = (),
        known_text: Sequence[str] = (),
        memory_bytes: int = 256 << 20,
    ) -> None:
        self.unit, self.whole = unit, whole
        many: Any = [paths] if isinstance(paths, (str, Path)) else paths
        self._dialects = [dialect_of(Path(p)) for p in many]
        self._check_names(text)
        guesses, rows = self._infer({*text, *known_text} & set(self._dialects[0].names))
        kinds = {name: guess.type() for name, guess in guesses.items()}
        options: dict[str, Any] = {
            "unit": unit,
            "whole": whole,
            "block_rows": block_rows,
            "fields": [g.field() for g in guesses.values()],
            "broken": {name: g.broken for name, g in guesses.items() if g.broken},
        }
        self._rows = rows
        self._blocks: TableBlocks | RowGroups
        if 8 * rows * len(kinds) <= memory_bytes:
            self._blocks = TableBlocks(whole_table(self._dialects, kinds), **options)
        else:
            self._spool = tempfile.TemporaryDirectory(prefix="unseen-")
            path = Path(self._spool.name) / "table.parquet"
            self._write(path, kinds)
            self._blocks = RowGroups([path], **options)
            self.paths = self._blocks.paths

    def _check_names(self, text: Sequence[str]) -> None:
        first = self._dialects[0]
        for other in self._dialects[1:]:
            for name in sorted(set(first.names) ^ set(other.names)):
                has, lacks = (first, other) if name in first.names else (other, first)
                raise DataError(
                    f"column {name!r} is in {has.path.name!r} but not in {lacks.path.name!r}: files that are "
                    "read together need the same columns"
                )
        for name in text:
            if name not in first.names:
                raise DataError(f"there is no column {name!r} to read as text")

    def _infer(self, text: set[str]) -> tuple[dict[str, Guess], int]:
        guesses = {name: Guess(name) for name in self._dialects[0].names}
        for name in text:
            guesses[name].kind, guesses[name].watching = "category", False
        rows = 0
        for dialect in self._dialects:
            for batch in batches(dialect):
                for name, guess in guesses.items():
                    guess.see(batch.column(name), rows)
                rows += batch.num_rows
        return guesses, rows

    def _write(self, path: Path, kinds: dict[str, Any]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        schema = pa.schema(kinds)
        what = "the temporary Parquet copy of a CSV file (its place is set by TMPDIR)"
        with no_space(what), pq.ParquetWriter(path, schema) as writer:
            for dialect in self._dialects:
                for batch in batches(dialect, kinds):
                    writer.write_batch(batch.select(schema.names))

    # ---- the source

    def schema(self) -> tuple[Field, ...]:
        return self._blocks.schema()

    def manifest(self) -> tuple[Part, ...]:
        return self._blocks.manifest()

    def places(self, part: Part) -> Any:
        """Where the rows of a block stood before those of one unit were put together, or None where they were."""
        return self._blocks.places(part)

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        return self._blocks.read(part, columns)

    def table(self, part: Part) -> Any:
        """Every column of a block as an Arrow table."""
        return self._blocks.table(part)

    def read_all(self, part: Part, columns: Sequence[str]) -> tuple[Frame, Any]:
        """A block's frame, and all of its columns as an Arrow table."""
        return self._blocks.read_all(part, columns)

    @property
    def arrow_schema(self) -> Any:
        return self._blocks.arrow_schema

    def fingerprint(self) -> dict[str, str | int]:
        return {"format": "csv", "rows": self._rows, **file_digest([d.path for d in self._dialects])}
