"""Tables of text with types: the cells are read once where they are what the first of them seem to be."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Full, Queue
from threading import Event, Thread
from typing import Any, Protocol

from unseen.arrow.damage import NotInEncoding
from unseen.arrow.delimited import Left
from unseen.arrow.inference import NUMBERS, Guess
from unseen.arrow.libraries import pa, pq
from unseen.arrow.output import no_space
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling
from unseen.core.reading import Notation, Reading
from unseen.errors import DataError

#: rows of a row group of the temporary copy
GROUP = 131_072


class BadTable(DataError):
    """One of several tables that cannot be read to its end."""

    def __init__(self, table: TextTable, why: str) -> None:
        super().__init__(why)
        self.table = table


class TextTable(Protocol):
    """A table every cell of which is text."""

    @property
    def place(self) -> Place: ...

    @property
    def names(self) -> tuple[str, ...]: ...

    @property
    def written_names(self) -> tuple[str, ...]:
        """The names as they stand in the file, nothing where there is no name."""
        ...

    @property
    def notes(self) -> tuple[str, ...]: ...

    @property
    def about(self) -> Mapping[str, str]:
        """What is to be told of single columns; of values that are not modelled, why."""
        ...

    @property
    def spelling(self) -> Spelling: ...

    def batches(self, left: Left | None = None, *, raw: bool = False, skip_bad: bool = False) -> Iterator[Any]:
        """Record batches in order; cells of nothing are null unless they are ``raw``, which keeps all as it is."""
        ...


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
        self.left = Left()
        self.table: Any = None
        whole = self._read()
        for guess in self.guesses.values():
            guess.settle()
        if not whole or any(guess.again for guess in self.guesses.values()):
            self.guesses = {name: guess.anew() for name, guess in self.guesses.items()}
            self.left = Left()
            self._read()

    def counts(self, name: str) -> bool:
        """Whether a column counts the rows one by one; of what is in a file, that is not looked at."""
        if self.table is None or self.table.num_rows < 3:
            return False
        values = self.table.column(name)
        if values.null_count:
            return False
        numbers = values.to_numpy()
        return bool((numbers[1:] - numbers[:-1] == 1).all() and numbers[0] in (0, 1))

    def _read(self) -> bool:
        """Take all cells in, and keep them; whether every column kept its type from the first written row on."""
        self.table = None
        names = list(self.guesses)
        kept: list[list[Any]] = []
        size, spooled = 0, None
        with ThreadPoolExecutor(os.cpu_count() or 1) as pool, ExitStack() as stack:
            for cells in stack.enter_context(ahead(self._cells(names))):
                values = list(pool.map(lambda g, c: g.take(c), self.guesses.values(), cells))
                if spooled is None:
                    kept.append(values)
                    size += sum(8 * len(v) for v in values)
                    if size > self.memory_bytes:
                        spooled = _Spool(stack, self.spool, self._schema())
                if spooled is not None:
                    for some in kept or [values]:
                        spooled.write(some, self._schema())
                    kept = []
        if spooled is None:
            self.table = _joined(kept, self._schema())
        return spooled is None or spooled.whole

    def _cells(self, names: Sequence[str]) -> Iterator[list[Any]]:
        for table in self.tables:
            places = [table.names.index(name) for name in names]
            for batch in self._batches(table):
                yield [batch.column(j) for j in places]

    def _batches(self, table: TextTable) -> Iterator[Any]:
        try:
            yield from table.batches(self.left, skip_bad=self.reading.skip_bad)
        except NotInEncoding:
            raise
        except DataError as error:
            if len(self.tables) > 1:
                raise BadTable(table, f"{error}; or leave such files out (skip_bad=True; --skip-bad)") from None
            raise

    def _schema(self) -> Any:
        return pa.schema([(name, guess.type()) for name, guess in self.guesses.items()])


class _Spool:
    """A temporary Parquet file of columns whose types were found; it stops where one of them changes.

    Rows are written by a thread of its own, while others are read.
    """

    def __init__(self, stack: ExitStack, path: Path, schema: Any) -> None:
        self.schema, self.whole, self.rows = schema, True, 0
        self.waiting: list[Any] = []
        stack.enter_context(no_space("the temporary copy of a text file (its place is set by TMPDIR)"))
        self.writer = stack.enter_context(
            pq.ParquetWriter(path, schema, compression="none", use_dictionary=_words(schema), write_statistics=False)
        )
        stack.callback(self._end)
        self.thread = stack.enter_context(ThreadPoolExecutor(1))
        self.written: Future[None] | None = None

    def _end(self) -> None:
        if self.written is not None:
            self.written.result()
        self.flush()

    def write(self, values: Sequence[Any], schema: Any) -> None:
        self.whole = self.whole and schema.equals(self.schema)
        if not self.whole:
            return
        if self.written is not None:
            self.written.result()
        self.written = self.thread.submit(self._write, values, schema)

    def _write(self, values: Sequence[Any], schema: Any) -> None:
        self.waiting.append(_joined([values], schema))
        self.rows += len(values[0])
        if self.rows >= GROUP:
            self.flush()

    def flush(self) -> None:
        if self.waiting and self.whole:
            self.writer.write_table(pa.concat_tables(self.waiting), row_group_size=GROUP)
        self.waiting, self.rows = [], 0


@contextmanager
def ahead(items: Iterator[Any], most: int = 3) -> Iterator[Iterator[Any]]:
    """The items of an iterator, a few of which a thread makes before they are asked for."""
    made: Queue[tuple[bool, Any]] = Queue(most)
    over = Event()

    def put(ends: bool, item: Any) -> None:
        while not over.is_set():
            with suppress(Full):
                made.put((ends, item), timeout=0.1)
                return

    def make() -> None:
        try:
            for item in items:
                put(False, item)
                if over.is_set():
                    return
            put(True, None)
        except BaseException as error:  # told where the items are taken
            put(True, error)

    def given() -> Iterator[Any]:
        while True:
            ends, item = made.get()
            if not ends:
                yield item
            elif item is None:
                return
            else:
                raise item

    thread = Thread(target=make, daemon=True)
    thread.start()
    try:
        yield given()
    finally:
        over.set()
        thread.join()


def _words(schema: Any) -> list[str]:
    return [f.name for f in schema if pa.types.is_dictionary(f.type)]


def _joined(kept: Sequence[Sequence[Any]], schema: Any) -> Any:
    """Batches of columns as one table of their last types."""
    columns = [
        pa.chunked_array([_as(values[j], field.type) for values in kept], field.type) for j, field in enumerate(schema)
    ]
    return pa.table(columns, schema=schema)


def _as(values: Any, type_: Any) -> Any:
    if values.type == type_:
        return values
    if values.null_count == len(values) or pa.types.is_null(type_):
        return pa.nulls(len(values), type_)
    if pa.types.is_dictionary(type_) != pa.types.is_dictionary(values.type):  # read again in a moment
        return pa.nulls(len(values), type_)
    return values.cast(type_, safe=False)


def numbers_in(name: str, texts: list[str], reading: Reading) -> dict[str, float]:
    """The numbers that some texts are in their notation, by the text; those that are none are not among them."""
    guess = Guess(name, reading)
    values = guess.take(pa.array([text or None for text in texts], pa.string()))
    if guess.how.kind not in NUMBERS:
        return {}
    return {text: float(v) for text, v in zip(texts, values.to_pylist(), strict=True) if v is not None}
