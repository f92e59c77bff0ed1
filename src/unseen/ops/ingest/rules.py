"""What a partition must look like: from ``unseen.yaml``, else from the champion, else from the first partition.

Columns are held against it here, before cells: whether they have names, which are there, which hold something else.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from difflib import get_close_matches
from pathlib import Path

from unseen.arrow.formats import TEXT
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.core.encoding import Encoding
from unseen.core.reading import Notation
from unseen.ops.config import Settings
from unseen.ops.config.data import ColumnRule
from unseen.ops.record import Finding

#: raised whenever the gate learns to find something new, so that what passed before is looked at again
EDITION = 2
NUMERIC = (BOOLEAN, INTEGER, NUMBER)
KINDS = (*NUMERIC, CATEGORY, OTHER)
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


@dataclass(frozen=True, slots=True)
class Rule:
    """What one column must look like; ``kinds`` may hold it (a column without any value always may)."""

    column: str
    type: str
    kinds: tuple[str, ...]
    #: fractions are no numbers of this column
    whole: bool = False
    low: float | None = None
    high: float | None = None
    values: tuple[str, ...] | None = None
    missing: float = 1.0
    missing_min: float = 0.0
    outside: float = 0.0
    common: float = 1.0
    median: tuple[float, float] | None = None
    spread: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Rules:
    """The rules of all columns; ``others`` may be there too (None: any column), ``ignore`` is not looked at.

    ``content`` are the columns by which a row is told again under another date or number.
    """

    columns: tuple[Rule, ...]
    others: tuple[str, ...] | None = ()
    ignore: tuple[str, ...] = ()
    min_rows: int = 1
    max_rows: int | None = None
    duplicates: float = 1.0
    repeats: float = 1.0
    content: tuple[str, ...] = ()

    @property
    def id(self) -> str:
        """Changes when anything does that decides whether a partition passes."""
        said = {"edition": EDITION, **asdict(self)}
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def names(self) -> tuple[str, ...]:
        return tuple(rule.column for rule in self.columns)


def rules_of(settings: Settings, champion: Encoding | None, first: Sequence[Field]) -> Rules:
    """The rules for a batch whose first partition has these columns.

    Columns that the champion does not read are no news if the first partition has them already.
    """
    schema, ignore = settings.schema_, tuple(sorted(set(settings.data.ignore)))
    others: Iterable[str] = ()
    if schema.columns:
        columns = [_declared(name, rule) for name, rule in schema.columns.items()]
    elif champion is not None:  # what it reads as categories stays whole numbers if it is numbers
        codes = {name for slot in champion.slots if slot.coded for name in slot.columns}
        columns = [_like(f, whole=f.name in codes and f.kind in NUMERIC) for f in champion.fields]
        others = (f.name for f in first)
    else:
        columns = [_like(f) for f in first]
    known = {rule.column: rule for rule in columns if rule.column not in ignore}
    sides = _side(settings)
    content = settings.model.columns or [name for name, rule in known.items() if rule.type != OTHER]
    known |= {rule.column: rule for rule in sides if rule.column not in schema.columns}
    return Rules(
        tuple(known.values()),
        None if schema.extra == "ignore" else tuple(sorted(set(others) - set(known) - set(ignore))),
        ignore,
        schema.min_rows,
        schema.max_rows,
        schema.duplicates,
        schema.repeats,
        tuple(sorted(set(content) - {rule.column for rule in sides})) if schema.repeats < 1 else (),
    )


def _declared(name: str, rule: ColumnRule) -> Rule:
    """The rule of a column as ``unseen.yaml`` states it.

    Whole numbers with gaps often come as floats, flags as 0 and 1, and codes of categories as numbers.
    """
    kinds = {
        "number": (INTEGER, NUMBER),
        "integer": (INTEGER, NUMBER),
        "boolean": NUMERIC,
        "category": (INTEGER, CATEGORY) if rule.values and all(map(is_code, rule.values)) else (CATEGORY,),
        "other": (OTHER,),
    }[rule.type]
    boolean = rule.type == "boolean"
    return Rule(
        name,
        rule.type,
        kinds,
        whole=boolean or rule.type == "integer",
        low=0.0 if boolean else rule.min,
        high=1.0 if boolean else rule.max,
        values=None if rule.values is None else tuple(sorted(rule.values)),
        **{key: getattr(rule, key) for key in ("missing", "missing_min", "outside", "common", "median", "spread")},
    )


def is_code(value: str) -> bool:
    """Whether a category may as well be stored as a whole number."""
    return value.strip().lstrip("+-").isdecimal()


def _like(field: Field, whole: bool = False) -> Rule:
    """A rule by kind alone: numbers may change how they are stored, and an empty column may turn out as anything."""
    if field.kind in NUMERIC:
        return Rule(field.name, field.kind, NUMERIC, whole=whole)
    return Rule(field.name, field.kind, KINDS if field.kind == EMPTY else (field.kind,))


def _side(settings: Settings) -> list[Rule]:
    """The columns of the unit, of which every row has to name one, of weights, and of labels."""
    unit, weights, labels = settings.model.unit, settings.data.weights, settings.data.labels
    sides = []
    if unit is not None:
        sides.append(Rule(unit, OTHER, KINDS, missing=0.0))
    if weights is not None:
        sides.append(Rule(weights, NUMBER, (INTEGER, NUMBER, BOOLEAN), low=0.0, missing=0.0))
    if labels is not None:
        sides.append(Rule(labels, CATEGORY, (*NUMERIC, CATEGORY)))
    return sides


# ---- what breaks them


def wrong(check: str, partition: str, said: str, column: str | None = None) -> Finding:
    """A finding about a partition, or a column of it, in one sentence."""
    where = repr(partition) if column is None else f"column {column!r} of {partition!r}"
    return Finding(check=check, column=column, message=f"{where} {said}")


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
        if column in here and here[column] not in (EMPTY, *rule.kinds):
            said = f"should hold {_WORDS[rule.type]} and holds {_WORDS[here[column]]}"
            found.append(wrong("type", name, said, column))
    return tuple(found)


def _extra(column: str, known: Iterable[str]) -> str:
    near = get_close_matches(column, known, n=1)
    hint = f" (the nearest known name is {near[0]!r})" if near else ""
    return f"is in no rule{hint}: declare it in schema.columns, list it in data.ignore, or set schema.extra: ignore"


def apart(
    together: Sequence[Field], rules: Rules, written: Iterable[tuple[str, Mapping[str, Notation]]]
) -> tuple[Finding, ...]:
    """Columns whose numbers cannot be read as one, with the partitions that write them otherwise than most do.

    ``written`` says how each partition by itself writes its columns; it is asked for only where something is wrong.
    """
    kinds = {f.name: f.kind for f in together}
    broken = [rule.column for rule in rules.columns if rule.type in NUMERIC and kinds.get(rule.column) == OTHER]
    found, known = [], list(written) if broken else []
    for column in broken:
        ways = {name: how[column] for name, how in known if column in how and how[column].kind in NUMERIC}
        units = len({(way.before, way.after) for way in ways.values()}) > 1
        most = Counter(way.written() for way in ways.values()).most_common(1)
        for name, way in ways.items():
            if (here := way.written()) != most[0][0]:
                why = "another currency or unit? Bring it to one" if units else "bring it to one way of writing"
                found.append(
                    wrong("type", name, f"is written with {here}, and in others with {most[0][0]}: {why}", column)
                )
    return tuple(found)


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
