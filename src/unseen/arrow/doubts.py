"""What is said of columns that may be numbers or not, with the options that decide it: never which cells they hold."""

from __future__ import annotations

import shlex


def looks_numeric(name: str, strange: int, share: float, first: int) -> str:
    """A column of numbers with a few cells that are none, the first of them in that row."""
    quoted = shlex.quote(name)
    return (
        f"column {name!r} looks numeric but has text in {strange:,} of its cells ({100 * share:.2g} %), first at data "
        f"row {first:,}: say which cell means missing (missing=[...]; --missing CELL), make all of them missing "
        f"(number=[{name!r}]; --number {quoted}), read it as text (text=[{name!r}]; --text {quoted}), or leave it out "
        f"(ignore=[{name!r}]; --ignore {quoted})"
    )


def written_otherwise(name: str, how: str) -> str:
    """A column that is not written as the fit's was."""
    return (
        f"column {name!r} is written otherwise than when the model was fitted ({how}): bring it to one way of writing, "
        f"or say that it is right (number=[{name!r}]; --number {shlex.quote(name)})"
    )


def taken_for_codes(name: str) -> str:
    """A column of few numbers and some words."""
    told = f"number=[{name!r}]; --number {shlex.quote(name)} if the words mean missing"
    return f"few numbers beside words: taken for codes ({told})"
