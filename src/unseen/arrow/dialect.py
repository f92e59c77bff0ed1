"""How a text file is laid out: encoding, what stands between cells, quotes, header."""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

from unseen.arrow.layout import BODY, REMARKS, Layout, layout, left_above
from unseen.arrow.libraries import library, pa
from unseen.arrow.notation import notation_of
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling
from unseen.arrow.unpacked import HEAD, Unpacked, encoding_of, head_of, not_in, said_otherwise, text_of
from unseen.core.block import INTEGER, NUMBER
from unseen.core.reading import Reading
from unseen.errors import DataError

DELIMITERS = (",", ";", "\t", "|", ":", "~", "^", " ")
#: a run of blanks between cells, and blanks between the delimiter and a quote
BLANKS, BLANK = "blanks", re.compile(r'"[^"\n]*"|[ \t]+')
SPACED = re.compile(r'"[^"\n]*"|(?<=[,;|\t]) +(?=")')
#: those that other text is full of
ODD = (":", " ", "~", "^")
#: characters that the delimiter is found in
SNIFFED = 20_000
#: rows that the header is found in
ROWS = 200


@dataclass(frozen=True, slots=True)
class Dialect:
    """A text file and how to read it: ``skip`` physical lines stand above its first row of data.

    ``header`` are the cells of the header as they are written, none where there is no header.
    """

    place: Place
    spelling: Spelling
    skip: int
    names: tuple[str, ...]
    header: tuple[str, ...]
    #: what makes text such as readers know it, where runs of blanks stand between cells or blanks beside delimiters
    plain: Callable[[str], str] | None
    notes: tuple[str, ...]

    @property
    def encoding(self) -> str:
        return self.spelling.encoding


def dialect_of(place: Place, asked: Reading, known: Sequence[str] = ()) -> Dialect:
    """The dialect of a text file; ``known`` are names of columns that it has, if it has a header.

    Raises
    ------
    DataError
        Empty, no text, or duplicated names.
    """
    head = head_of(place)
    return _laid_out(place, head, encoding_of(place, head, asked.encoding), asked, known)


def _laid_out(place: Place, head: bytes, encoding: str, asked: Reading, known: Sequence[str]) -> Dialect:
    whole = len(head) < HEAD or not head.rstrip().count(b"\n")
    text = _text_of(place, head, encoding, whole, "strict" if asked.encoding else "replace")
    notes = [] if encoding in ("utf-8", "utf-8-sig") or asked.encoding else [f"read as {encoding}"]
    notes += [told] if (told := said_otherwise(place)) else []
    above, delimiter = asked.skip or 0, asked.delimiter
    text = "".join(text.splitlines(keepends=True)[above:]) if above else text
    sep = re.match(r"\"?sep=(.)\"?\r?\n", text, re.IGNORECASE)
    if sep is not None:
        above, delimiter, text = above + 1, delimiter or sep[1], text[sep.end() :]
    delimiter, quote, escape = _sniffed(place, text, delimiter)
    if asked.decimal == delimiter:
        raise DataError(
            f"{place.called!r} has {delimiter!r} between its cells, so it cannot be the decimal mark (decimal='.'; "
            "--decimal . or --delimiter)"
        )
    plain = tabbed if delimiter == BLANKS else None
    if quote == '"' and any(not m[0].startswith('"') for m in SPACED.finditer(text[:SNIFFED])):
        plain = plain or close_up
    newline = "\r\n" if "\r\n" in text else "\n"
    spelling = Spelling("\t" if delimiter == BLANKS else delimiter, quote, escape, newline, encoding)
    rows, ends = _rows(plain(text) if plain else text, spelling, complete=whole)
    if not rows:
        raise DataError(f"{place.called!r} has no rows: {asked.skip:,} lines were skipped (skip; --skip)")
    found = layout(rows, asked, known)
    if asked.delimiter is None and not sep and (alone := _one_column(rows, found, text)):
        return _laid_out(place, head, encoding, replace(asked, delimiter=alone), known)
    notes += [*left_above(ends[found.before - 1] if found.before else 0), *found.notes]
    skip = above + (ends[found.above - 1] if found.above else 0)
    return Dialect(place, spelling, skip, found.names, found.header, plain, tuple(notes))


def _text_of(place: Place, head: bytes, encoding: str, whole: bool, errors: str) -> str:
    """The first lines of a file."""
    try:
        text = codecs.getincrementaldecoder(encoding)(errors).decode(head, whole).lstrip("\ufeff")
    except UnicodeError as error:
        line = head[: getattr(error, "start", 0)].count(b"\n") + 1
        raise DataError(not_in(place, encoding, f" (first in line {line:,})")) from None
    if not whole:
        text = text[: max(text.rfind("\n"), text.rfind("\r")) + 1]
    if not text.strip():
        raise DataError(f"{place.called!r} has no rows: it is empty")
    return text


def _one_column(rows: Sequence[Sequence[str]], found: Layout, text: str) -> str:
    """A delimiter that leaves one column, where one name stands over lines that only seem to have several cells.

    Numbers with a decimal comma do, and words with commas in them.
    """
    if len(rows[0]) != 1 or len(rows) < 3 or len(rows[1]) == 1 or rows[0][0].startswith(REMARKS):
        return ""
    lines = [line.strip() for line in text.splitlines()[1:BODY] if line.strip()]
    whole = notation_of(lines)
    if whole.kind in (INTEGER, NUMBER) or (found.before == 1 and not found.header):
        return next((c for c in "\t;|" if c not in text), "")
    return ""


def _sniffed(place: Place, text: str, delimiter: str | None) -> tuple[str, str, str]:
    """What stands between cells, the quote and what escapes it, as most of some lines have them."""
    sample = text[:SNIFFED]
    sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    if delimiter is None and "\t" in sample and place.name.lower().partition(".")[2].startswith(("tsv", "tab")):
        delimiter = "\t"
    try:
        found = library("clevercsv").Sniffer().sniff(sample, delimiters=[delimiter] if delimiter else list(DELIMITERS))
    except Exception:  # its own errors, and those of odd text: then the usual is all there is
        found = None
    between = delimiter or (found.delimiter if found is not None else "") or ","
    if between == " " and (delimiter is None or re.search(r"\S  +\S", sample)):
        between = BLANKS
    if delimiter is None and between in ODD and (likelier := _steady(sample)):
        between = likelier
    quote = (found.quotechar if found is not None else "") or '"'
    return between, quote, (found.escapechar if found is not None else "") or ""


def close_up(text: str) -> str:
    """Text without the blanks between a delimiter and a quote.

    >>> close_up('"a, b", "3"')
    '"a, b","3"'
    """
    return SPACED.sub(lambda m: m[0] if m[0].startswith('"') else "", text)


def _steady(sample: str) -> str:
    """A common delimiter that stands in each line equally often, or nothing."""
    lines = [re.sub(r'"[^"\n]*"', "", line) for line in sample.splitlines()[:BODY] if line.strip()]
    for candidate in ",;\t|":
        counts = {line.count(candidate) for line in lines}
        if len(counts) == 1 and counts != {0}:
            return candidate
    return ""


def tabbed(text: str) -> str:
    """Text with each run of blanks between cells as one tab.

    >>> tabbed('18.0   8  "chevrolet malibu"')
    '18.0\\t8\\t"chevrolet malibu"'
    """
    lines = (line.strip(" \t") for line in text.split("\n"))
    return "\n".join(BLANK.sub(lambda m: m[0] if m[0].startswith('"') else "\t", line) for line in lines)


def cells_of(lines: Any, how: Spelling, strict: bool = False) -> Any:
    """The rows of some lines by Python's own reader: slow, and it knows at which line it is."""
    csv.field_size_limit(1 << 30)
    return csv.reader(
        lines,
        delimiter=how.delimiter,
        quotechar=how.quote,
        escapechar=how.escape or None,
        doublequote=not how.escape,
        strict=strict,
    )


def _rows(text: str, how: Spelling, complete: bool) -> tuple[list[list[str]], list[int]]:
    """The first rows that hold a cell, and the physical line that each ends at."""
    reader = cells_of(io.StringIO(text, newline=""), how)
    found = [*islice(((row, reader.line_num) for row in reader if any(row)), ROWS)]
    if not complete and 1 < len(found) < ROWS:
        found.pop()
    return [row for row, _ in found], [end for _, end in found]


def text_stream(dialect: Dialect) -> tuple[Any, Unpacked]:
    """A stream of the text of a file in UTF-8, laid out such as readers know it, and the bytes below it."""
    stream, below = text_of(dialect.place, dialect.encoding)
    rest, made = b"", dialect.plain
    if made is None:
        return stream, below

    def lines(piece: Any) -> bytes:
        nonlocal rest
        whole, newline, rest = (rest + piece.to_pybytes()).rpartition(b"\n") if piece else (rest, b"", b"")
        return made((whole + newline).decode("utf-8", "surrogateescape")).encode("utf-8", "surrogateescape")

    return pa.TransformInputStream(stream, lines), below
