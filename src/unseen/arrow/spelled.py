"""Tables written as delimited text: cells in quotes only where they need them, packed and encoded as asked."""

from __future__ import annotations

import codecs
from dataclasses import dataclass
from typing import Any

from unseen.arrow.columns import is_text
from unseen.arrow.formats import PACKS, packing_of
from unseen.arrow.libraries import pa, pc
from unseen.errors import RunError

#: what pyarrow packs by
PACKING = ("gzip", "zstd", "bz2")
TABBED = (".tsv", ".tab")
TEXT = (".csv", ".txt", ".psv", *TABBED)


@dataclass(frozen=True, slots=True)
class Spelling:
    """What a text file is written with: what stands between cells, the quote, how lines end, the encoding."""

    delimiter: str = ","
    quote: str = '"'
    #: what stands before a quote inside quotes; nothing: it is doubled
    escape: str = ""
    newline: str = "\n"
    encoding: str = "utf-8"


def packing(name: str) -> tuple[str, str]:
    """The ending of a file's name, in lower case and without that of its packing, and how it is packed.

    >>> packing("Rows.CSV.gz"), packing("rows.parquet")
    (('.csv', 'gzip'), ('.parquet', ''))
    """
    packed = how if (how := PACKS.get(packing_of(name), "")) in PACKING else ""
    stem = name.lower().removesuffix(packing_of(name) if packed else "")
    return "." + stem.rpartition(".")[2] if "." in stem else "", packed


class _Kept:
    """A file that is written to and left open."""

    closed = False

    def __init__(self, file: Any) -> None:
        self.write, self.flush = file.write, file.flush

    def close(self) -> None:
        self.flush()


def packed_file(file: Any, packed: str) -> Any:
    """A stream into a file that packs what is written if that is asked for, and is closed before the file is."""
    kept = _Kept(file)
    return pa.CompressedOutputStream(pa.PythonFile(kept, mode="w"), packed) if packed else kept


class TextTables:
    """A writer of tables as lines of text, the names of their columns first."""

    def __init__(self, file: Any, schema: Any, packed: str, how: Spelling) -> None:
        self._out, self.how = packed_file(file, packed), how
        self._encoder = codecs.getincrementalencoder(how.encoding)()
        self.write_table(pa.table([pa.array([n]) for n in schema.names], names=[str(i) for i in range(len(schema))]))

    def write_table(self, table: Any) -> None:
        for batch in table.combine_chunks().to_batches(max_chunksize=65_536):
            lines = _lines(batch, self.how)
            if self.how.encoding not in ("utf-8", "ascii"):
                try:
                    lines = self._encoder.encode(lines.decode())
                except UnicodeEncodeError:
                    raise RunError(
                        f"a cell cannot be written in {self.how.encoding}, which the input is in: write .parquet"
                    ) from None
            self._out.write(lines)

    def close(self) -> None:
        self._out.close()


def _lines(batch: Any, how: Spelling) -> bytes:
    if not batch.num_columns:
        return b""
    rows = pc.binary_join_element_wise(*(_cells(column, how) for column in batch.columns), _large(how.delimiter))
    ended = pc.binary_join_element_wise(rows, _large(""), _large(how.newline))
    return bytes(ended.buffers()[2])


def _large(text: str) -> Any:
    return pa.scalar(text, pa.large_string())


def _cells(column: Any, how: Spelling) -> Any:
    """The cells of a column as text, in quotes where they need them; nothing is null."""
    text = column.cast(pa.large_string())
    if pa.types.is_dictionary(column.type) or is_text(column.type):
        pattern = "".join("\\" + c if c in r"\^]-" else c for c in how.delimiter + how.quote + how.escape) + "\r\n"
        odd = pc.match_substring_regex(text, f"[{pattern}]|^[\\s]|[\\s]$" if how.delimiter == " " else f"[{pattern}]")
        if pc.any(odd).as_py():
            if how.escape:
                text = pc.replace_substring(text, how.escape, how.escape * 2)
            inside = pc.replace_substring(text, how.quote, (how.escape or how.quote) + how.quote)
            quoted = pc.binary_join_element_wise(_large(how.quote), inside, _large(how.quote), _large(""))
            text = pc.if_else(odd, quoted, text)
    return pc.fill_null(text, "")
