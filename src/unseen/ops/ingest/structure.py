"""Columns before cells: whether they have names, which are there, which hold something else than they should."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from unseen.arrow.formats import TEXT
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.ops.ingest.cells import EXTRA, FAILED, MISSING, complaints, scalar, unchecked
from unseen.ops.ingest.rules import Rule, Rules
from unseen.ops.record import Finding

#: a type that stands for each kind in a table without rows
_TYPES = {
    NUMBER: "float64",
    INTEGER: "int64",
    BOOLEAN: "bool",
    CATEGORY: "category",
    OTHER: "datetime64[ns]",
    EMPTY: "object",
}
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
    import pandas as pd

    here = {f.name: f for f in fields if f.name not in rules.ignore}
    wanted = set(rules.names)
    if wanted and not wanted & set(here):
        return (_strangers(name, here, wanted),)
    others = tuple(n for n in here if n not in wanted) if rules.others is None else rules.others
    table = pd.DataFrame({n: pd.Series(dtype=_TYPES[f.kind]) for n, f in here.items()})
    schema = _schema(rules, others)
    new = [n for n in here if n not in wanted and n not in others]
    gone = [n for n in rules.names if n not in here]
    findings = []
    for reason, column, _ in complaints(schema, table):
        if reason == MISSING:
            findings.append(_missing(name, column, new or [n for n in here if n not in wanted]))
        elif reason == EXTRA:
            findings.append(_extra(name, column, gone or list(rules.names)))
        elif reason == FAILED:
            findings.append(_retyped(name, next(r for r in rules.columns if r.column == column), here[column]))
        else:
            findings.append(unchecked(name, column))
    return tuple(findings)


def _schema(rules: Rules, others: Sequence[str]) -> Any:
    import pandera.pandas as pa

    columns = {rule.column: pa.Column(checks=[scalar(_typed(rule), "type")], nullable=True) for rule in rules.columns}
    columns |= {name: pa.Column(nullable=True, required=False) for name in others}
    return pa.DataFrameSchema(columns, strict=True)


def _typed(rule: Rule) -> Callable[[Any], bool]:
    allowed = {_TYPES[kind] for kind in (*rule.kinds, EMPTY)}
    return lambda cells: cells.dtype.name in allowed


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


def _strangers(name: str, here: dict[str, Field], wanted: set[str]) -> Finding:
    """A file without a header has cells where names should be: none of them may be repeated."""
    message = (
        f"{name!r} has none of the {len(wanted)} columns it should have, and {len(here)} others: is it the right "
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
