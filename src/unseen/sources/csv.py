"""Text files and whatever else is a table of text: CSV and its kin, packed or not."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from itertools import chain
from pathlib import Path
from typing import Any

from unseen.arrow.agreement import together
from unseen.arrow.damage import NotInEncoding
from unseen.arrow.delimited import delimited
from unseen.arrow.digest import file_digest
from unseen.arrow.inference import Guess
from unseen.arrow.json_objects import objects_of
from unseen.arrow.place import places_of
from unseen.arrow.rowgroups import RowGroups
from unseen.arrow.sheets import sheet_of
from unseen.arrow.spelled import Spelling
from unseen.arrow.table import TableBlocks
from unseen.arrow.texts import TextTable
from unseen.arrow.typed import BadTable, Typed
from unseen.core.block import INTEGER, NUMBER, OTHER, Field
from unseen.core.objects import NESTED
from unseen.core.reading import Notation, Reading, reading
from unseen.errors import DataError

#: what opens a file of each kind
TABLES = {"text": delimited, "sheet": sheet_of, "json": objects_of}


class Csv:
    """Text files. What stands between cells, the header and the kind of each column are found in them, and told.

    A file is read once where its columns are what their first cells seem to be, else twice. Its values are kept in
    memory if they are small, else in a temporary Parquet file, removed at exit, from which blocks are read as from
    `Parquet`. What is written of new columns beside the old ones goes back to the text itself: `raw`.

    Parameters
    ----------
    paths : one path or several with the same columns; gz, zst, bz2, xz and zip with one file are unpacked
    unit : the column that names the unit (sequence, item, user) of each row; rows of one unit are put side by side, in
        the order they have. ``whole=True`` makes all rows one unit
    block_rows : rows per block
    read : what is known of how the files are written: `unseen.core.reading.Reading`, or its fields by name
    known : how columns were written that a model was fitted to: new ones are read so
    kind : ``"text"``, ``"sheet"`` of a workbook, or ``"json"``: objects, one a line or in an array
    memory_bytes : values beyond this size, at 8 bytes each, go to the temporary file

    Raises
    ------
    DataError
        No such file, no text, duplicated names, rows of different length, a quote that is not closed, files whose
        columns differ.
    RunError
        No space left for the temporary file.
    """

    #: blocks lie in this process, or in a file that goes with it
    shared = False

    def __init__(
        self,
        paths: Any,
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        read: Reading | Mapping[str, Any] | None = None,
        known: Mapping[str, Notation] | None = None,
        kind: str = "text",
        memory_bytes: int = 256 << 20,
    ) -> None:
        self._kind, self.unit, self.whole, self.reading = kind, unit, whole, reading(read)
        places = places_of(paths)
        if self.reading.sheet is not None and kind != "sheet":
            raise DataError(f"{places[0].called!r} is no workbook, and has no sheets (sheet; --sheet)")
        names, look = tuple(known or ()), TABLES[kind]
        found = together(places, lambda place: look(place, self.reading, names), self.reading.skip_bad)
        self.tables, self.skipped = list[TextTable](found.files), found.skipped
        if known:
            self.reading = self.reading.only(self.tables[0].names)
        self.reading.check(self.tables[0].names)
        self._folder = tempfile.TemporaryDirectory(prefix="unseen-")
        spool = Path(self._folder.name) / "table.parquet"
        try:
            typed = self._typed(known or {}, spool, memory_bytes)
        except BaseException:
            self._folder.cleanup()
            raise
        self._rows, self._left = typed.left.rows, typed.left
        #: cells without a value, by the columns
        self.missing = {name: guess.missing for name, guess in typed.guesses.items()}
        self.notations = {name: guess.notation() for name, guess in typed.guesses.items()}
        fields = [self._field(guess, typed) for guess in typed.guesses.values()]
        broken = {name: g.broken for name, g in typed.guesses.items() if g.broken}
        cuts: dict[str, Any] = {"unit": unit, "whole": whole, "block_rows": block_rows}
        held = RowGroups(spool, fields=fields, broken=broken, **cuts) if typed.table is None else None
        self._blocks: Any = held or TableBlocks(typed.table, fields=fields, broken=broken, **cuts)

    def _typed(self, known: Mapping[str, Notation], spool: Path, memory_bytes: int) -> Typed:
        loose = self.reading.decimal == "," or any(t.spelling.delimiter == ";" for t in self.tables)
        try:
            return Typed(self.tables, self.reading, known, loose=loose, spool=spool, memory_bytes=memory_bytes)
        except BadTable as bad:
            if not self.reading.skip_bad:
                raise
            self.skipped += (f"{bad.table.place.called!r} is left out: {str(bad).partition('; or leave')[0]}",)
            self.tables = [table for table in self.tables if table is not bad.table]
        except NotInEncoding:
            if self.reading.encoding is not None or not any(table.recoded for table in self.tables):
                raise
            self.tables = [table.recoded() if table.recoded is not None else table for table in self.tables]
        return self._typed(known, spool, memory_bytes)

    def _field(self, guess: Guess, typed: Typed) -> Field:
        """A column, with what its table tells of it."""
        found, table = guess.field(), self.tables[0]
        about = table.about.get(guess.name, "")
        if about == NESTED:
            return Field(guess.name, OTHER, about)
        if about and found.kind in (INTEGER, NUMBER):
            found = replace(found, note="; ".join(part for part in (about, found.note) if part))
        unnamed = table.written_names[table.names.index(guess.name)].strip() == ""
        if unnamed and found.kind == INTEGER and typed.counts(guess.name):
            return Field(guess.name, OTHER, "left out: a counter of rows without a name")
        return found

    @property
    def told(self) -> tuple[str, ...]:
        """What a user should know of how the files were read."""
        notes = list(dict.fromkeys(note for table in self.tables for note in table.notes))
        if self._left.headers:
            notes.append(f"the header is repeated, and left out, in {_rows(self._left.headers)}")
        if self._left.uneven:
            notes.append(f"of another length, and left out: {_rows(self._left.uneven)}")
        return tuple(notes)

    # ---- the source

    def __getattr__(self, name: str) -> Any:
        """What blocks there are, and how they are read, is as those of a table or of the temporary file."""
        if name == "_blocks":  # before there are any
            raise AttributeError(name)
        return getattr(self._blocks, name)

    def raw(self) -> Iterator[Any]:
        """The rows in the order of the files, every cell as the text that it is there."""
        names = self.tables[0].names
        for table in self.tables:
            order = [table.names.index(name) for name in names]
            for batch in table.batches(raw=True, skip_bad=self.reading.skip_bad):
                yield batch.select(order)

    @property
    def objects(self) -> Callable[[], Iterator[dict[str, Any]]] | None:
        """What gives the rows as the objects that they are, with what their folders' names say, where they are some."""
        made = [table.objects for table in self.tables if table.objects is not None]
        return (lambda: chain.from_iterable(objects() for objects in made)) if made else None

    @property
    def raw_names(self) -> tuple[str, ...]:
        """The names of the columns as the first file writes them."""
        return self.tables[0].written_names

    @property
    def spelling(self) -> Spelling:
        """How rows are written that are to look like those of the files."""
        return self.tables[0].spelling

    def fingerprint(self) -> dict[str, str | int]:
        return {"format": "csv", "rows": self._rows, **file_digest([t.place for t in self.tables])}


def _rows(count: int) -> str:
    return f"{count:,} row{'s' * (count != 1)}"
