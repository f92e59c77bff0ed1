"""Tables of text with types: the cells are read once where they are what the first of them seem to be."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Generator, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

from unseen.arrow.damage import NotInEncoding
from unseen.arrow.inference import NUMBERS, Guess
from unseen.arrow.libraries import pa, pq
from unseen.arrow.output import no_space
from unseen.arrow.texts import Left, TextTable
from unseen.core.reading import Notation, Reading
from unseen.errors import DataError

#: rows of a row group of the temporary copy
GROUP = 131_072
#: batches of cells that are read before they are asked for
AHEAD = 3


class BadTable(DataError):
    """One of several tables that cannot be read to its end."""

    def __init__(self, table: TextTable, why: str) -> None:
        super().__init__(why)
        self.table = table


class Typed:
    """The columns of text tables of the same columns, as one table in memory or in a temporary file.

    ``guesses`` say what each column is; ``table`` is None where the values are in the file at ``spool``.
    """

    def __init__(
        self,
        tables: Sequence[TextTable],
        reading: Reading,
        known: Mapping[str, Notation],
        *,
        loose: bool = False,
        spool: Path,
        memory_bytes: int,
    ) -> None:
        self.tables, self.reading, self.spool, self.memory_bytes = tables, reading, spool, memory_bytes
        self.guesses = {name: Guess(name, reading, known.get(name), loose) for name in tables[0].names}
        whole = self._read()
        for guess in self.guesses.values():
            guess.settle()
        if not whole or any(guess.again for guess in self.guesses.values()):
            self.guesses = {name: guess.anew() for name, guess in self.guesses.items()}
            self._read()

    def counts(self, name: str) -> bool:
        """Whether a column counts the rows one by one; of what is in a file, that is not looked at."""
        if self.table is None or self.table.num_rows < 3 or self.table.column(name).null_count:
            return False
        numbers = self.table.column(name).to_numpy()
        return bool((numbers[1:] - numbers[:-1] == 1).all() and numbers[0] in (0, 1))

    def _read(self) -> bool:
        """Take all cells in, and keep them; whether every column kept its type from the first written row on."""
        self.table, self.left = None, Left()
        kept: list[list[Any]] = []
        size, spooled = 0, None
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool, ExitStack() as stack:
            for cells in stack.enter_context(closing(_ahead(self._cells()))):
                kept.append(list(pool.map(Guess.take, self.guesses.values(), cells)))
                size += sum(8 * len(values) for values in kept[-1])
                if spooled is None and size > self.memory_bytes:
                    spooled = _Spool(stack, self.spool, self._schema())
                if spooled is not None:
                    spooled.write(kept, self._schema())
                    kept = []
        if spooled is None:
            self.table = _joined(kept, self._schema())
        return spooled is None or spooled.whole

    def _cells(self) -> Iterator[list[Any]]:
        """The columns of every table, in the order of the first, batch by batch."""
        for table in self.tables:
            places = [table.names.index(name) for name in self.guesses]
            try:
                for batch in table.batches(self.left, skip_bad=self.reading.skip_bad):
                    yield [batch.column(j) for j in places]
            except NotInEncoding:
                raise
            except DataError as error:
                if len(self.tables) == 1:
                    raise
                raise BadTable(table, f"{error}; or leave such files out (skip_bad=True; --skip-bad)") from None

    def _schema(self) -> Any:
        return pa.schema([(name, guess.type()) for name, guess in self.guesses.items()])


class _Spool:
    """A temporary Parquet file of columns whose types were found; it stops where one of them changes.

    Rows are written by a thread of its own, while others are read.
    """

    def __init__(self, stack: ExitStack, path: Path, schema: Any) -> None:
        self.schema, self.whole, self.waiting = schema, True, list[Any]()
        stack.enter_context(no_space("the temporary copy of a text file (its place is set by TMPDIR)"))
        words = [f.name for f in schema if pa.types.is_dictionary(f.type)]
        self.writer = stack.enter_context(
            pq.ParquetWriter(path, schema, compression="none", use_dictionary=words, write_statistics=False)
        )
        self.thread = stack.enter_context(ThreadPoolExecutor(1))
        self.written: Future[None] = self.thread.submit(lambda: None)
        stack.callback(self._write, [], 0)
        stack.callback(lambda: self.written.result())

    def write(self, kept: Sequence[Sequence[Any]], schema: Any) -> None:
        self.whole = self.whole and schema.equals(self.schema)
        self.written.result()
        if self.whole:
            self.written = self.thread.submit(self._write, kept, GROUP)

    def _write(self, kept: Sequence[Sequence[Any]], least: int) -> None:
        """Write what waits and these rows, once they are as many as make a row group."""
        self.waiting += [_joined([values], self.schema) for values in kept]
        if self.whole and self.waiting and sum(table.num_rows for table in self.waiting) >= least:
            self.writer.write_table(pa.concat_tables(self.waiting), row_group_size=GROUP)
            self.waiting = []


def _ahead(items: Iterator[Any]) -> Generator[Any, None, None]:
    """The items of an iterator, a few of which a thread makes before they are asked for."""
    with ThreadPoolExecutor(1) as pool:
        made = deque(pool.submit(next, items, None) for _ in range(AHEAD))
        while (item := made.popleft().result()) is not None:
            made.append(pool.submit(next, items, None))
            yield item


def _joined(kept: Sequence[Sequence[Any]], schema: Any) -> Any:
    """Batches of columns as one table of their last types."""
    columns = [pa.chunked_array([_as(values[j], f.type) for values in kept], f.type) for j, f in enumerate(schema)]
    return pa.table(columns, schema=schema)


def _as(values: Any, type_: Any) -> Any:
    if values.type == type_:
        return values
    # text among numbers, and the other way round, is read again in a moment
    other = pa.types.is_dictionary(type_) != pa.types.is_dictionary(values.type)
    if other or values.null_count == len(values) or pa.types.is_null(type_):
        return pa.nulls(len(values), type_)
    return values.cast(type_, safe=False)


def numbers_in(name: str, texts: list[str], reading: Reading) -> dict[str, float]:
    """The numbers that some texts are in their notation, by the text; those that are none are not among them."""
    guess = Guess(name, reading)
    values = guess.take(pa.array([text or None for text in texts], pa.string()))
    if guess.how.kind not in NUMBERS:
        return {}
    return {text: float(v) for text, v in zip(texts, values.to_pylist(), strict=True) if v is not None}
