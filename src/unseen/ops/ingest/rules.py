"""What a partition must look like: from ``unseen.yaml``, else from the champion, else from the first partition."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass

from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.core.encoding import Encoding
from unseen.ops.config import Settings
from unseen.ops.config.data import ColumnRule
from unseen.ops.record import Finding

#: raised whenever the gate learns to find something new, so that what passed before is looked at again
EDITION = 2
NUMERIC = (BOOLEAN, INTEGER, NUMBER)
KINDS = (*NUMERIC, CATEGORY, OTHER)


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

    def holds(self, kind: str) -> bool:
        return kind == EMPTY or kind in self.kinds


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
