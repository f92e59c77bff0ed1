"""What comes out of one column ``c`` that stands beside a column ``x`` of numbers, whatever held the two."""

from __future__ import annotations

from datetime import date

import pytest

from tests.tabular import cells
from unseen.errors import DataError
from unseen.sources import open_source

DATES = ("other", "dates and times are not modelled")
DURATIONS = ("other", "durations are not modelled")
NESTED = ("other", "lists and other nested values are not modelled")
BYTES = ("other", "bytes are not modelled")
COMPLEX = "column 'c' holds complex numbers: give their real and imaginary parts"
DAY = date(2020, 2, 29)

NUMBERS, WHOLE, TRUTH = ("number", [1.5, None, 2.0]), ("integer", [1, None, 2]), ("boolean", [1, None, 0])
TEXT = ("category", ["a", None, "b"])
LONG = "read as text: whole numbers of more than 64 bits"


def strange(kind: str) -> tuple[str, str]:
    """What is said of values of a type that no model knows."""
    return "other", f"values of type {kind} are not modelled"


def what_comes_out(source, name: str = "c"):
    """Kind and cells of a column, or kind and the beginning of its note."""
    (found,) = (f for f in source.schema() if f.name == name)
    if found.kind == "other":
        return found.kind, found.note.partition(":")[0]
    return (found.kind, cells(source, name), *([found.note] if found.note else []))


def check(data, expected) -> None:
    source, _, _ = open_source(data)
    if isinstance(expected, str):
        with pytest.raises(DataError, match=expected):
            source.read(source.manifest()[0], ["c"])
    else:
        assert what_comes_out(source) == expected
    assert what_comes_out(source, "x") == ("number", [1.5, None, 2.5])
    assert source.fingerprint()
