"""Which numbers an argument may be."""

from __future__ import annotations

import math
from numbers import Integral, Real
from typing import Any, cast

from unseen.errors import ModelError

#: arguments by what they may be: kind, least, whether the least itself is allowed, whether there may be none
_LIMITS: dict[str, tuple[type, float, bool, bool]] = {
    "restarts": (Integral, 1, True, True),
    "seed": (Integral, 0, True, False),
    "prior": (Real, 0, True, False),
    "tol": (Real, 0, True, False),
    "max_iterations": (Integral, 1, True, False),
    "max_seconds": (Real, 0, False, True),
    "short": (Integral, 0, True, False),
    "finish": (Integral, 1, True, True),
    "workers": (Integral, 1, True, True),
    "block_rows": (Integral, 1, True, True),
    "every": (Integral, 1, True, True),
}


def _within(value: Any, kind: type, least: float, itself: bool) -> bool:
    if not isinstance(value, kind) or isinstance(value, bool):
        return False
    number = cast(float, value)
    return math.isfinite(number) and (number > least or (itself and number == least))


def check_numbers(**given: Any) -> None:
    """Refuse numbers that an argument cannot be, before any data is read.

    Raises
    ------
    ModelError
        Names the argument, and what it may be.
    """
    for name, value in given.items():
        kind, least, itself, optional = _LIMITS[name]
        if value is None and optional:
            continue
        if not _within(value, kind, least, itself):
            bound = f"{least:g} or more" if itself else f"above {least:g}"
            none = ", or None" if optional else ""
            what = "a whole number" if kind is Integral else "a finite number"
            raise ModelError(f"{name}={value!r} cannot be: take {bound}, {what}{none}")


def check_count(name: str, value: Any, least: int) -> None:
    """Refuse what is no number of rows or draws."""
    if not _within(value, Integral, least, True):
        raise ModelError(f"{name}={value!r} cannot be: take {least} or more, a whole number")
