"""How files are read: what a user said of them, and how the cells of each column were found to be written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from typing import Any

from unseen.core.kinds import kind
from unseen.core.option import COLUMN, FLAG, INTEGER, TEXT, Option
from unseen.errors import DataError, ModelError

#: cells that mean "missing" in a column of words, whatever their case; nothing at all always does
IN_WORDS = frozenset({
    "na", "n/a", "n.a.", "nan", "null", "?", "??", "-", "--", "---", ".", "..", "...", "unknown", "unk", "missing",
    "#n/a", "#na", "<na>", "(blank)", "\u2014", "\u2013",
    "\\n", "#nv",
})  # fmt: skip
#: those that mean it among numbers and dates: "none" is a word like any other elsewhere
USUAL = IN_WORDS | {
    "none", "nil", "nat", "#div/0!", "#value!", "#ref!", "#name?", "#num!", "#null!", "#wert!", "#bezug!", "#zahl!",
    "#valeur!", "n/d", "nd", "n.d.", "k.a.", "s/d", "tbd", "tba",
}  # fmt: skip
#: ``missing=("none",)``: no cell but an empty one is missing unless it is named
NOTHING = "none"

READ = (
    Option("delimiter", TEXT, "What stands between cells: one character, or tab.", optional=True, told="found"),
    Option("decimal", TEXT, "The decimal mark of numbers.", optional=True, choices=(".", ","), told="found"),
    Option("encoding", TEXT, "Of text files, such as latin-1.", optional=True, told="found"),
    Option("skip", INTEGER, "Lines above the header that are no part of the table.", least=0, optional=True,
           told="found"),
    Option("header", FLAG, "Whether the first line names the columns; without one they are column_1, column_2 ...",
           optional=True, told="found"),
    Option("missing", TEXT, "A cell that means missing, or COLUMN=CELL, beside those that usually do (NA, ?, - and the "
           "like); none, or COLUMN=none: not even those.", many=True),
    Option("text", COLUMN, "Read a column as text, whatever it looks like.", many=True),
    Option("number", COLUMN, "Read a column as numbers; a cell that is none is missing.", many=True),
    Option("date", COLUMN, "Read a column as dates or times, which are left out.", many=True),
    Option("sheet", TEXT, "The sheet of a workbook.", optional=True, told="the first"),
    Option("skip_bad", FLAG, "Leave out files that cannot be read and rows of another length, and count them."),
)  # fmt: skip


@kind("reading")
@dataclass(frozen=True, slots=True)
class Reading:
    """What a user said of how files are to be read; None, and nothing, is for the program to find."""

    delimiter: str | None = None
    decimal: str | None = None
    encoding: str | None = None
    skip: int | None = None
    header: bool | None = None
    missing: tuple[str, ...] = ()
    text: tuple[str, ...] = ()
    number: tuple[str, ...] = ()
    date: tuple[str, ...] = ()
    sheet: str | None = None
    skip_bad: bool = False

    def marks(self, column: str) -> tuple[str, ...]:
        """The cells that the user takes for missing in a column."""
        own = [m.removeprefix(f"{column}=") for m in self.missing if m.startswith(f"{column}=")]
        return tuple(m for m in (*own, *(m for m in self.missing if "=" not in m[1:])) if m != NOTHING)

    def usual(self, column: str) -> bool:
        """Whether cells that usually mean missing do in a column."""
        return NOTHING not in self.missing and f"{column}={NOTHING}" not in self.missing

    @property
    def of_columns(self) -> bool:
        """Whether something is said that goes for typed tables, too."""
        return bool(self.missing or self.text or self.number or self.date)

    def only(self, names: Sequence[str]) -> Reading:
        """What is said of these columns and of no others, as new data of a run need not have all of them."""

        def there(some: Sequence[str]) -> tuple[str, ...]:
            return tuple(name for name in some if name in names)

        missing = tuple(m for m in self.missing if not _of_column(m) or _is_named(_of_column(m), names))
        return replace(self, missing=missing, text=there(self.text), number=there(self.number), date=there(self.date))

    def check(self, names: Sequence[str]) -> None:
        """Refuse names of no column.

        Raises
        ------
        DataError
            It says which option names it, and which columns there are.
        """
        of_missing = [column for m in self.missing if (column := _of_column(m)) and not _is_named(column, names)]
        for option, named in (*((o, getattr(self, o)) for o in ("text", "number", "date")), ("missing", of_missing)):
            for name in named:
                if name not in names:
                    raise NoColumn(
                        f"there is no column {name!r} ({option}=[...]; --{option}): the columns are "
                        f"{', '.join(map(repr, names))}",
                        names,
                    )


def _of_column(missing: str) -> str:
    """The column that a cell means missing in; nothing where it does in all."""
    return missing.partition("=")[0] if "=" in missing[1:] else ""


def _is_named(column: str, names: Sequence[str]) -> bool:
    return any(name == column or name.startswith(f"{column}=") for name in names)


class NoColumn(DataError):
    """Something is said of a column that is not there; ``columns`` are."""

    def __init__(self, message: str, columns: Sequence[str]) -> None:
        super().__init__(message)
        self.columns = tuple(columns)


def reading(given: Mapping[str, Any] | Reading | None) -> Reading:
    """The reading that some options say; lists may be one name.

    Raises
    ------
    ModelError
        A value that an option cannot have.

    >>> reading({"missing": "-999", "skip": 2}).missing
    ('-999',)
    """
    if given is None or isinstance(given, Reading):
        return given or Reading()
    if not isinstance(given, Mapping):
        raise ModelError(f"read is a dict of options, such as {{'decimal': ','}}, and no {type(given).__name__}")
    names = [option.name for option in READ]
    for name in given:
        if name not in names:
            near = get_close_matches(str(name), names, 1)
            told = f"the nearest is {near[0]!r}" if near else f"there are {', '.join(names)}"
            raise ModelError(f"read has no option {name!r}; {told}")
    values: dict[str, Any] = {}
    for option in READ:
        value = option.read(given.get(option.name))
        if option.many:
            if isinstance(value, Mapping):
                value = [f"{column}={cell}" for column, cell in value.items()]
            value = (value,) if isinstance(value, (str, int, float)) else tuple(value or ())
            value = tuple(str(v) for v in value)
            for one in value:
                option.check(one)
        elif value is not None:
            option.check(value)
        if value is not None:
            values[option.name] = value
    if values.get("delimiter") in ("tab", "\\t", "TAB"):
        values["delimiter"] = "\t"
    if len(values.get("delimiter", ",")) != 1:
        raise DataError("what stands between cells is one character, or tab (delimiter=';'; --delimiter ';')")
    return Reading(**values)


@kind("notation")
@dataclass(frozen=True, slots=True)
class Notation:
    """How the cells of a column are written, and which of them mean missing.

    ``kind`` is integer, number, boolean, category, date or empty. Numbers have a ``decimal`` mark, perhaps one between
    ``thousands`` and one currency or unit ``before`` or ``after`` them. ``marks`` are the cells that are missing, in
    lower case.
    """

    kind: str
    decimal: str = "."
    thousands: str = ""
    before: str = ""
    after: str = ""
    marks: tuple[str, ...] = ()
    #: how false and true are written
    truths: tuple[str, ...] = ()
    #: what else was found, told beside the column
    note: str = field(default="", compare=False)

    @property
    def plain(self) -> bool:
        """Whether numbers are written as programs write them."""
        return self.decimal == "." and not (self.thousands or self.before or self.after)

    def written(self) -> str:
        """How numbers are written, for a sentence."""
        unit = f" with {(self.before or self.after).strip()}" if self.before or self.after else " without a unit"
        return f"decimal {_NAMES[self.decimal]}{unit}"

    def told(self) -> str:
        """What a user should know of it, in words; nothing for plain numbers and text."""
        parts = []
        if self.decimal == ",":
            parts.append("decimal comma")
        if self.thousands:
            parts.append(f"thousands by {_NAMES.get(self.thousands, repr(self.thousands))}")
        if self.before or self.after:
            parts.append(f"written with {(self.before or self.after).strip()}")
        return "; ".join(parts + [self.note] * bool(self.note))


_NAMES = {",": "comma", ".": "point", " ": "blank", "'": "apostrophe"}


def without_note(notation: Notation) -> Notation:
    """The same notation, as new data of a run is read: what was seen of the old is no news of the new."""
    return replace(notation, note="")


assert {option.name for option in READ} == {f.name for f in fields(Reading)}
