"""What the names of folders say of the rows in them: ``year=2023/carrier=AA``."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any
from urllib.parse import unquote

from unseen.arrow.libraries import pa, pc
from unseen.arrow.place import Place

#: how such folders write that a key is missing
MISSING = "__HIVE_DEFAULT_PARTITION__"
NONE = (MISSING, "")

_WHOLE = re.compile(r"0|-?[1-9][0-9]{0,18}")


def keys_of(folders: Iterable[str]) -> tuple[tuple[str, str], ...]:
    """Keys and values in the names of folders, the outermost first; characters that were escaped are themselves again.

    >>> keys_of(["data", "year=2023", "city=New%20York"])
    (('year', '2023'), ('city', 'New York'))
    """
    pairs = (name.partition("=") for name in folders)
    return tuple({unquote(key): unquote(value) for key, sep, value in pairs if sep and key}.items())


def key_schema(places: Sequence[Place]) -> Any:
    """The columns that keys make: whole numbers where every value is one, else text; nulls where none is known.

    A code with leading zeros is text, as it is in a column.

    >>> at = [Place("a", "a", 1, 0, (("year", "2023"), ("month", "01"))), Place("b", "b", 1, 0, (("year", MISSING),))]
    >>> print(key_schema(at))
    year: int64
    month: string
    """
    pairs = [pair for place in places for pair in place.keys]
    return pa.schema([(key, _type({v for k, v in pairs if k == key and v not in NONE})) for key in dict(pairs)])


def key_array(place: Place, field: Any, rows: int) -> Any:
    """The value that a file's folders give a key, once for each row."""
    value = dict(place.keys).get(field.name, MISSING)
    if value in NONE:
        return pa.nulls(rows, field.type)
    return pa.repeat(pc.cast(pa.scalar(value), field.type), rows)


def _type(values: set[str]) -> Any:
    if not values:
        return pa.null()
    whole = all(_WHOLE.fullmatch(v) and -(2**63) <= int(v) < 2**63 for v in values)
    return pa.int64() if whole else pa.string()
