"""Columns before cells: whether they have names, which are there, which hold something else than they should."""

from __future__ import annotations

import re
from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from unseen.arrow.formats import TEXT
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.ops.ingest.rules import Rule, Rules
from unseen.ops.record import Finding

_WORDS = {
    NUMBER: "numbers",
    INTEGER: "whole numbers",
    BOOLEAN: "true and false",
    CATEGORY: "text",
    OTHER: "dates or other values that are not modelled",
    EMPTY: "nothing",
}


def structure(name: str, fields: Sequence[Field], rules: Rules) -> tuple[Finding, ...]:
    """What is wrong with the columns of a partition, by their names."""
    here = {f.name: f for f in fields if f.name not in rules.ignore}
    known = {rule.column: rule for rule in rules.columns}
    if known and not set(known) & set(here):
        return (_strangers(name, here, len(known)),)
    strange = [column for column in here if column not in known]
    new = [] if rules.others is None else [column for column in strange if column not in rules.others]
    gone = [column for column in known if column not in here]
    return (
        *(_extra(name, column, gone or list(known)) for column in new),
        *(_missing(name, column, new or strange) for column in gone),
        *(
            _retyped(name, r, here[r.column])
            for r in rules.columns
            if r.column in here and not r.holds(here[r.column].kind)
        ),
    )


def _missing(name: str, column: str, new: Sequence[str]) -> Finding:
    near = get_close_matches(column, new, n=1)
    hint = f"; {near[0]!r} is there instead: was it renamed?" if near else ""
    return Finding(check="missing_column", column=column, message=f"column {column!r} is missing in {name!r}{hint}")


def _extra(name: str, column: str, known: Sequence[str]) -> Finding:
    near = get_close_matches(column, known, n=1)
    hint = f" (the nearest known name is {near[0]!r})" if near else ""
    message = (
        f"column {column!r} of {name!r} is in no rule{hint}: declare it in schema.columns, list it in data.ignore, "
        "or set schema.extra: ignore"
    )
    return Finding(check="extra_column", column=column, message=message)


def _retyped(name: str, rule: Rule, field: Field) -> Finding:
    message = f"column {rule.column!r} of {name!r} should hold {_WORDS[rule.type]} and holds {_WORDS[field.kind]}"
    return Finding(check="type", column=rule.column, message=message)


def _strangers(name: str, here: dict[str, Field], wanted: int) -> Finding:
    """A file without a header has cells where names should be: none of them may be repeated."""
    message = (
        f"{name!r} has none of the {wanted} columns it should have, and {len(here)} others: is it the right "
        "file, and do names stand in its first line?"
    )
    return Finding(check="columns", message=message)


# ---- names that are no names

# numbers, dates, telephone and card numbers, nothing at all; and addresses
_CELL = re.compile(r"[\d\s.,:;/+()_-]*|.*@.*", re.DOTALL)


def headless(path: Path, names: Sequence[str], trusted: Sequence[str]) -> tuple[Finding, ...]:
    """A finding if the header of a text file looks like data; none of it is repeated.

    Names that ``unseen.yaml`` or the champion knows may look as they like.
    """
    if not path.name.lower().endswith(TEXT):
        return ()
    if not any(_CELL.fullmatch(name) for name in set(names) - set(trusted)):
        return ()
    message = (
        f"the first line of {path.name!r} looks like data, not like the names of columns: put the names there, or "
        "declare the columns in schema.columns if these are their names"
    )
    return (Finding(check="header", message=message),)


_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def discreet(message: str, known: Sequence[str]) -> str:
    """A sentence without quoted names that are not known, because they might be cells.

    >>> discreet("column names are duplicated: 'Ada Lovelace'", ["born"])
    'column names are duplicated: (a name)'
    """
    allowed = {repr(name) for name in known}
    return _QUOTED.sub(lambda found: found[0] if found[0] in allowed else "(a name)", message)
