"""JSON objects, one a line or in one array, as a table of text: keys are columns, those inside objects with a point."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from unseen.arrow.formats import LINES, is_object
from unseen.arrow.place import Place
from unseen.arrow.texts import Left, TextTable, text_array
from unseen.arrow.unpacked import encoding_of, head_of, not_in, text_of
from unseen.core.objects import NESTED
from unseen.core.reading import Reading
from unseen.errors import DataError

#: rows of a batch
BATCH = 32_768


def objects_of(place: Place, asked: Reading, known: Sequence[str] = ()) -> TextTable:
    """A file of JSON objects, all keys of which are columns; what is null or not there is a cell of nothing.

    Raises
    ------
    DataError
        A line is no object, or no JSON; it says which.
    """
    head = head_of(place)
    encoding = encoding_of(place, head, asked.encoding)
    first, _, rest = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n").partition("\n")
    # lines of objects, or one value that goes over all lines
    lines = place.name.lower().removesuffix(".gz").endswith(LINES) or (bool(rest.strip()) and is_object(first))
    keys: dict[str, None] = {}
    about: dict[str, str] = {}
    for row in _rows(place, encoding, lines):
        for key, value in row.items():
            keys.setdefault(key)
            if isinstance(value, list):
                about[key] = NESTED
            elif type(value) is str and value[:1].isdigit():
                about.setdefault(key, "numbers written as text")
    if not keys:
        raise DataError(f"{place.called!r} has no rows: no object with a key in it")
    inside = [key for key in keys if "." in key]
    notes = [f"keys inside objects stand behind a point, as in {inside[0]!r}"] if inside else []

    def cells(left: Left, raw: bool, skip_bad: bool) -> Iterator[list[Any]]:
        rows = _rows(place, encoding, lines)
        while some := [{key: _text(value) for key, value in row.items()} for row in islice(rows, BATCH)]:
            yield [text_array((row.get(key) for row in some), raw) for key in keys]

    def objects() -> Iterator[dict[str, Any]]:
        folder = dict(place.keys)
        return (row | folder for _, row in _objects(place, encoding, lines, as_written=False))

    return TextTable(place, tuple(keys), tuple(keys), cells, tuple(notes), about=about, objects=objects)


class _Twice(Exception):
    """A key that one object has twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, value in pairs:
        if key in made:
            raise _Twice(key)
        made[key] = value
    return made


class _Number(str):
    """A number as it is written."""


def _rows(place: Place, encoding: str, lines: bool) -> Iterator[dict[str, Any]]:
    return (_flat(place, row, where) for where, row in _objects(place, encoding, lines))


def _objects(place: Place, encoding: str, lines: bool, as_written: bool = True) -> Iterator[tuple[str, Any]]:
    """Where each object of a file stands, and the object; numbers as they are written, or as numbers."""
    stream, below = text_of(place, encoding)
    with below:
        text = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="\n")
        try:
            if not lines:
                whole = "".join(iter(lambda: text.read(1 << 20), ""))
                rows = _listed(_parsed(place, whole, 0, as_written))
                yield from ((f"entry {i:,}", row) for i, row in enumerate(rows, 1))
            for number, line in enumerate(text, 1):
                if line.strip():
                    yield f"line {number:,}", _parsed(place, line, number, as_written)
        except UnicodeDecodeError:
            raise DataError(not_in(place, encoding)) from None


def _parsed(place: Place, text: str, line: int, as_written: bool) -> Any:
    """The value that a line is, or with line 0 the whole file."""
    how: dict[str, Any] = {"parse_int": _Number, "parse_float": _Number} if as_written else {}
    try:
        return json.loads(text, **how, object_pairs_hook=_once)
    except _Twice as twice:
        where = f"line {line:,}" if line else "one object"
        raise DataError(f"{place.called!r} has the key {str(twice)!r} twice in {where}: one would be lost") from None
    except (ValueError, RecursionError) as error:
        where = f" in line {line or getattr(error, 'lineno', 1):,}"
        why = "each line has to be one whole object" if line else "it may have been cut short"
        raise DataError(f"{place.called!r} is no JSON{where}: {why}") from None


def _listed(found: Any) -> list[Any]:
    if not isinstance(found, dict):
        return found if isinstance(found, list) else [found]
    inside = [v for v in found.values() if isinstance(v, list) and v and all(isinstance(row, dict) for row in v)]
    return inside[0] if len(inside) == 1 else [found]  # as services answer: {"status": ..., "data": [...]}


def _flat(place: Place, row: Any, where: str) -> dict[str, Any]:
    """An object without objects inside it: their keys stand behind a point."""
    if not isinstance(row, dict):
        raise DataError(f"{place.called!r} holds something else than an object in {where}: rows are objects with keys")
    out: dict[str, Any] = {}
    for key, value in row.items():
        if isinstance(value, dict):
            out |= {f"{key}.{inner}": v for inner, v in _flat(place, value, where).items()}
        else:
            out[key] = value
    return out


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    return json.dumps(value, ensure_ascii=False)
