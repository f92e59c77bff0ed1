"""Python objects in a column: which are missing, what the others are, and what a refusal says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from datetime import date, time, timedelta
from decimal import Context, Decimal
from fractions import Fraction
from typing import Any

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER
from unseen.core.stats import Array

DATES = "dates and times are not modelled: derive numbers from them"
DURATIONS = "durations are not modelled: give them as numbers, of seconds or days"
NESTED = "lists and other nested values are not modelled: flatten them to columns"
BYTES = "bytes are not modelled: decode them to text or numbers"
LONG = "read as text: whole numbers of more than 64 bits"

#: what the types of a column come to
TRUTH, REAL, COMPLEX, TEXT, REST = "truth values", "numbers", "complex numbers", "text", "other objects"


def absent(value: Any) -> bool:
    """None, NaN in any type, and the NA and NaT of pandas.

    >>> absent(None), absent(Decimal("NaN")), absent("")
    (True, True, False)
    """
    if value is None or (isinstance(value, (float, np.floating, Decimal)) and value != value):
        return True
    return type(value).__name__ in ("NAType", "NaTType") or (isinstance(value, np.datetime64) and bool(np.isnat(value)))


def gaps(values: Collection[Any]) -> Array:
    """Which cells are missing, (n,)."""
    plain = all(issubclass(t, (str, int, type(None))) for t in set(map(type, values)))
    return np.array([v is None if plain else absent(v) for v in values], bool)


def types_of(values: Collection[Any]) -> Counter[type]:
    """How many present cells there are of each type."""
    found = Counter(map(type, values))
    for kind in list(found):
        if kind is type(None) or kind.__name__ in ("NAType", "NaTType"):
            del found[kind]
        elif issubclass(kind, (float, np.floating, Decimal, np.datetime64)):  # one of them may be missing
            found[kind] = sum(type(v) is kind and not absent(v) for v in values)
    return +found


def families_of(types: Iterable[type]) -> set[str]:
    """What some types are: truth values, numbers, complex numbers, text, or other objects."""
    return {_family(t) for t in types}


def _family(kind: type) -> str:
    if issubclass(kind, (bool, np.bool_)):
        return TRUTH
    if issubclass(kind, (int, float, np.integer, np.floating, Decimal, Fraction)):
        return REAL
    if issubclass(kind, (complex, np.complexfloating)):
        return COMPLEX
    return TEXT if issubclass(kind, str) else REST


def kind_of_objects(values: Array) -> tuple[str, str]:
    """Kind of a column of Python objects, and a note where they are not what they seem or cannot be modelled.

    What mixes text with other things, or holds complex numbers, is told to be numbers: that is refused when it is
    read, and not passed over.
    """
    types = types_of(values)
    families = families_of(types)
    if not families:
        return EMPTY, ""
    if families == {TRUTH}:
        return BOOLEAN, ""
    if families == {TEXT}:
        return CATEGORY, ""
    if families <= {TRUTH, REAL}:
        if all(issubclass(t, (int, np.integer)) and t is not bool for t in types) and too_long(values):
            return CATEGORY, LONG
        whole = not types.keys() & {Decimal, Fraction} and all(_whole(v) for v in values if not absent(v))
        return (INTEGER if whole else NUMBER), ""
    return (OTHER, note_of(types)) if families == {REST} else (NUMBER, "")


def _whole(value: Any) -> bool:
    try:
        return float(value).is_integer()
    except OverflowError:
        return True


def too_long(values: Iterable[Any]) -> bool:
    """Whether some whole numbers take more than 64 bits, so that no float tells them from their neighbours."""
    present = [int(v) for v in values if not absent(v)]
    low, high = min(present, default=0), max(present, default=0)
    return high >= 2**64 or low < -(2**63) or (low < 0 and high >= 2**63)


def note_of(types: Iterable[type]) -> str:
    """Why objects of some types are not modelled."""
    for family, note in (
        ((date, time, np.datetime64), DATES),
        ((timedelta, np.timedelta64), DURATIONS),
        ((bytes, bytearray, memoryview), BYTES),
        ((list, tuple, dict, set, frozenset, np.ndarray), NESTED),
    ):
        if all(issubclass(t, family) for t in types):
            return note
    names = ", ".join(sorted({t.__name__ for t in types})[:3])
    return f"values of type {names} are not modelled: convert them to numbers or text"


def numbers_of(values: Array) -> Array:
    """The cells as floats, NaN where they are missing.

    Raises
    ------
    ValueError, TypeError
        One of them is no number.
    """
    return np.array([np.nan if absent(v) else _float(v) for v in values], float)


def _float(value: Any) -> float:
    if isinstance(value, (str, bytes)):
        raise TypeError("text is no number")
    try:
        return float(value)
    except OverflowError:  # as float arithmetic has it
        return float("inf") if value > 0 else float("-inf")


def cannot_be_read(name: str, values: Collection[Any]) -> str:
    """What is said of a column of objects that is neither numbers, nor truth values, nor text."""
    types = types_of(values)
    way = f"or leave the column out (ignore=[{name!r}]; --ignore {name})"
    families = families_of(types)
    if families == {COMPLEX} or families == {COMPLEX, REAL}:
        return holds_complex(name)
    if families == {REST}:
        return f"column {name!r} cannot be read: {note_of(types)}, {way}"
    told = ", ".join(f"{count:,} {kind.__name__}" for kind, count in types.most_common(3))
    return (
        f"column {name!r} mixes numbers with text or other objects ({told}): make it one type, mark what is not a "
        f"number as missing, {way}"
    )


def holds_complex(name: str) -> str:
    """What is said of complex numbers."""
    return (
        f"column {name!r} holds complex numbers: give their real and imaginary parts as columns of their own, or leave "
        f"the column out (ignore=[{name!r}]; --ignore {name})"
    )


def like(values: Array, new: Array) -> list[Any]:
    """New cells as objects of the type that the present ones have, where that can hold them.

    Decimals are rounded to the finest place that one of them has.

    >>> like(np.array([Decimal("1.25"), None], object), np.array([2.3333]))
    [Decimal('2.33')]
    """
    types = types_of(values)
    whole = new.dtype != object and bool((new == np.round(new)).all())
    if types and all(issubclass(t, (bool, np.bool_)) for t in types) and whole and np.isin(new, (0, 1)).all():
        return [bool(v) for v in new]
    integers = types and all(issubclass(t, (int, np.integer)) and not issubclass(t, bool) for t in types)
    if integers and (whole or new.dtype == object):
        return [int(v) for v in new]
    if types and all(issubclass(t, Decimal) for t in types) and new.dtype != object:
        places = [v.as_tuple().exponent for v in values if not absent(v)]
        return [rounded(v, -min((p for p in places if isinstance(p, int)), default=0)) for v in new]
    return [str(v) for v in new] if new.dtype == object else [float(v) for v in new]


def rounded(value: float, places: int) -> Decimal:
    """A number as a decimal with so many places.

    >>> rounded(2.675, 2), rounded(1234.5, -2)
    (Decimal('2.68'), Decimal('1.2E+3'))
    """
    return Decimal(repr(float(value))).quantize(Decimal(1).scaleb(-places), context=Context(prec=999))
