"""Columns before cells: whether they have names, which are there, which hold something else than they should."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from pathlib import Path

from unseen.arrow.formats import TEXT
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.ops.ingest.rules import Rules, wrong
from unseen.ops.record import Finding

_WORDS = {
    NUMBER: "numbers",
    INTEGER: "whole numbers",
    BOOLEAN: "true and false",
    CATEGORY: "text",
    OTHER: "dates or other values that are not modelled",
    EMPTY: "nothing",
}
# cells, not names: numbers, dates, telephone and card numbers, nothing at all; and addresses
_CELL = re.compile(r"[\d\s.,:;/+()_-]*|.*@.*", re.DOTALL)
_QUOTED = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")


def structure(name: str, fields: Sequence[Field], rules: Rules) -> tuple[Finding, ...]:
    """What is wrong with the columns of a partition, by their names."""
    here = {f.name: f.kind for f in fields if f.name not in rules.ignore}
    known = {rule.column: rule for rule in rules.columns}
    if known and not set(known) & set(here):  # a file without a header has cells there: none of them may be repeated
        said = f"has none of the {len(known)} columns it should have, and {len(here)} others"
        return (wrong("columns", name, f"{said}: is it the right file, and do names stand in its first line?"),)
    strange = [column for column in here if column not in known]
    new = [] if rules.others is None else [column for column in strange if column not in rules.others]
    gone = [column for column in known if column not in here]
    found = [wrong("extra_column", name, _extra(column, gone or known), column) for column in new]
    for column in gone:
        near = get_close_matches(column, new or strange, n=1)
        hint = f"; {near[0]!r} is there instead: was it renamed?" if near else ""
        message = f"column {column!r} is missing in {name!r}{hint}"
        found.append(Finding(check="missing_column", column=column, message=message))
    for column, rule in known.items():
        if column in here and not rule.holds(here[column]):
            said = f"should hold {_WORDS[rule.type]} and holds {_WORDS[here[column]]}"
            found.append(wrong("type", name, said, column))
    return tuple(found)


def _extra(column: str, known: Iterable[str]) -> str:
    near = get_close_matches(column, known, n=1)
    hint = f" (the nearest known name is {near[0]!r})" if near else ""
    return f"is in no rule{hint}: declare it in schema.columns, list it in data.ignore, or set schema.extra: ignore"


def headless(path: Path, names: Sequence[str], trusted: Sequence[str]) -> tuple[Finding, ...]:
    """A finding if the header of a text file looks like data; none of it is repeated.

    Names that ``unseen.yaml`` or the champion knows may look as they like.
    """
    if not path.name.lower().endswith(TEXT) or not any(map(_CELL.fullmatch, set(names) - set(trusted))):
        return ()
    message = (
        f"the first line of {path.name!r} looks like data, not like the names of columns: put the names there, or "
        "declare the columns in schema.columns if these are their names"
    )
    return (Finding(check="header", message=message),)


def discreet(message: str, known: Sequence[str]) -> str:
    """A sentence without quoted names that are not known, because they might be cells.

    >>> discreet("column names are duplicated: 'Ada Lovelace'", ["born"])
    'column names are duplicated: (a name)'
    """
    allowed = {repr(name) for name in known}
    return _QUOTED.sub(lambda found: found[0] if found[0] in allowed else "(a name)", message)
