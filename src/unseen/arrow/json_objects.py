"""JSON objects, one a line or in one array, as a table of text: keys are columns, those inside objects with a point."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unseen.arrow.columns import names_once
from unseen.arrow.delimited import Left
from unseen.arrow.formats import LINES
from unseen.arrow.libraries import pa
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling
from unseen.arrow.unpacked import encoding_of, head_of, text_of
from unseen.core.objects import NESTED
from unseen.core.reading import Reading
from unseen.errors import DataError

#: rows of a batch
BATCH = 32_768


@dataclass(frozen=True, slots=True)
class Objects:
    """A file of JSON objects, all keys of which are columns."""

    place: Place
    encoding: str
    array: bool
    keys: tuple[str, ...]
    #: what is to be told of single columns
    about: Mapping[str, str]
    notes: tuple[str, ...] = ()
    spelling: Spelling = Spelling()

    @property
    def names(self) -> tuple[str, ...]:
        return (*self.keys, *(key for key, _ in self.place.keys))

    @property
    def written_names(self) -> tuple[str, ...]:
        return self.names

    def objects(self) -> Iterator[dict[str, Any]]:
        """The rows as the objects that they are."""
        return (row for _, row in _objects(self.place, self.encoding, self.array, as_written=False))

    def batches(self, left: Left | None = None, *, raw: bool = False, skip_bad: bool = False) -> Iterator[Any]:
        """Record batches of the file, every column as text; what is null or not there is null unless it is ``raw``."""
        rows: list[dict[str, str]] = []

        def batch() -> Any:
            folder = dict(self.place.keys)
            cells = [[row.get(key) for row in rows] for key in self.keys]
            cells += [[value or None] * len(rows) for value in folder.values()]
            columns = [pa.array([c or ("" if raw else None) for c in column], pa.string()) for column in cells]
            return pa.record_batch(columns, names=list(self.names))

        for row in _rows(self.place, self.encoding, self.array):
            rows.append({key: _text(value) for key, value in row.items()})
            if len(rows) == BATCH:
                yield batch()
                _count(left, rows)
        if rows:
            yield batch()
            _count(left, rows)


def objects_of(place: Place, asked: Reading) -> Objects:
    """The columns of a file of JSON objects: every key that one of them has.

    Raises
    ------
    DataError
        A line is no object, or no JSON; it says which.
    """
    head = head_of(place)
    encoding = encoding_of(place, head, asked.encoding)
    text = head.decode(encoding, "replace").lstrip("\ufeff \t\r\n")
    # lines of objects, or one value that goes over all lines
    array = not place.name.lower().removesuffix(".gz").endswith(LINES) and not _is_object(text.partition("\n"))
    keys: dict[str, None] = {}
    about: dict[str, str] = {}
    for row in _rows(place, encoding, array):
        for key, value in row.items():
            keys.setdefault(key)
            if isinstance(value, list):
                about[key] = NESTED
            elif type(value) is str and value[:1].isdigit():
                about.setdefault(key, "numbers written as text")
    if not keys:
        raise DataError(f"{place.called!r} has no rows: no object with a key in it")
    names_once((*keys, *(key for key, _ in place.keys)), f" in {place.called!r}")
    inside = [key for key in keys if "." in key]
    notes = [f"keys inside objects stand behind a point, as in {inside[0]!r}"] if inside else []
    return Objects(place, encoding, array, tuple(keys), about, tuple(notes))


class _Twice(Exception):
    """A key that one object has twice."""


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) < len(pairs):
        keys = [key for key, _ in pairs]
        raise _Twice(next(key for key in keys if keys.count(key) > 1))
    return made


class _Number(str):
    """A number as it is written."""


def _is_object(lines: tuple[str, str, str]) -> bool:
    """Whether the first of several lines is an object by itself."""
    first, _, rest = lines
    try:
        return bool(rest.strip()) and isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


def _rows(place: Place, encoding: str, array: bool) -> Iterator[dict[str, Any]]:
    return (_flat(place, row, where) for where, row in _objects(place, encoding, array))


def _objects(place: Place, encoding: str, array: bool, as_written: bool = True) -> Iterator[tuple[str, Any]]:
    """Where each object of a file stands, and the object; numbers as they are written, or as numbers."""
    how: dict[str, Any] = {"parse_int": _Number, "parse_float": _Number} if as_written else {}
    stream, below = text_of(place, encoding)
    with below:
        lines = io.TextIOWrapper(stream, encoding="utf-8-sig", errors="strict", newline="\n")
        try:
            if array:
                yield from ((f"entry {i:,}", row) for i, row in enumerate(_listed(place, lines, how), 1))
                return
            for number, line in enumerate(lines, 1):
                if line.strip():
                    yield f"line {number:,}", _parsed(place, line, number, how)
        except UnicodeDecodeError:
            raise DataError(
                f"{place.called!r} is not {encoding} text: say what it is written in (encoding='latin-1'; "
                "--encoding latin-1)"
            ) from None


def _parsed(place: Place, line: str, number: int, how: dict[str, Any]) -> Any:
    try:
        return json.loads(line, **how, object_pairs_hook=_once)
    except _Twice as twice:
        raise DataError(
            f"{place.called!r} has the key {str(twice)!r} twice in line {number:,}: one would be lost"
        ) from None
    except (ValueError, RecursionError):
        raise DataError(
            f"{place.called!r} is no JSON in line {number:,}: each line has to be one whole object"
        ) from None


def _listed(place: Place, lines: Any, how: dict[str, Any]) -> Sequence[Any]:
    try:
        text = "".join(iter(lambda: lines.read(1 << 20), ""))
        found = json.loads(text, **how, object_pairs_hook=_once)
    except _Twice as twice:
        raise DataError(f"{place.called!r} has the key {str(twice)!r} twice in one object: one would be lost") from None
    except (ValueError, RecursionError) as error:
        line = f" (line {error.lineno:,})" if isinstance(error, json.JSONDecodeError) else ""
        raise DataError(f"{place.called!r} is no JSON{line}: it may have been cut short") from None
    if isinstance(found, list):
        return found
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
    if isinstance(value, bool):
        return "true" if value else "false"
    if value is None:
        return ""
    return json.dumps(value, ensure_ascii=False) if isinstance(value, list) else str(value)


def _count(left: Left | None, rows: list[dict[str, str]]) -> None:
    if left is not None:
        left.rows += len(rows)
    rows.clear()
