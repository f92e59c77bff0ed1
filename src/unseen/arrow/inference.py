"""What the columns of text files are, from every cell of them."""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.arrow.cells import (
    cast,
    cast_as,
    in_words,
    numbers_among_others,
    trimmed,
    why_text,
    without_marks,
    without_numbers,
    without_words,
)
from unseen.arrow.libraries import pa, pc
from unseen.arrow.notation import DATE, NEARLY, TWO_WAYS, UNITS, notation_of, otherwise
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field
from unseen.core.objects import DATES
from unseen.core.reading import IN_WORDS, USUAL, Notation, Reading

#: different cells that a notation is found in
SAMPLE = 2000
#: so few whole numbers beside words may be the codes of categories
CODES = 50
NUMBERS = (INTEGER, NUMBER)
#: so few different numbers beside words are codes
LEVELS = 12
#: so few different words among numbers are remarks rather than codes
FEW = 3
#: beside these a minus is no missing cell
SIGNS = frozenset(("+", "++", "+++", "+/-"))
INFINITE = frozenset(("inf", "-inf", "+inf", "infinity", "-infinity"))
#: words that mean missing to some and are a category here: told
DOUBTFUL = frozenset(("none", "nil"))


@dataclass
class Guess:
    """What a column is as far as it was seen: `take` cells in, in order, and `settle` it at the end.

    ``again`` says that cells taken in earlier have to be read anew, because later ones showed how they are written.
    """

    name: str
    reading: Reading
    known: Notation | None = None
    loose: bool = False
    #: whether `known` is what all cells were found to be: nothing is looked for any more
    final: bool = False
    how: Notation = field(init=False)
    again: bool = False
    #: cells: all, of nothing, of each mark, numbers, and other things among numbers with the first of their rows
    rows: int = 0
    nothing: int = 0
    marked: Counter[str] = field(default_factory=Counter)
    numbers: int = 0
    strange: int = 0
    first_strange: int = 0
    words: set[str] = field(default_factory=set)
    codes: set[float] | None = field(default_factory=set)
    sample: dict[str, None] = field(default_factory=dict)
    broken: str = ""

    def __post_init__(self) -> None:
        said = {CATEGORY: self.reading.text, NUMBER: self.reading.number, DATE: self.reading.date}
        self.forced = next((kind for kind, names in said.items() if self.name in names), "")
        how = self.known or Notation(EMPTY)
        self.how = replace(how, kind=self.forced) if self.forced and not self.final else how
        self.own = frozenset(m.lower() for m in self.reading.marks(self.name))
        self.marks = (USUAL if self.reading.usual(self.name) else frozenset()) | self.own
        self.in_words = (IN_WORDS if self.reading.usual(self.name) else frozenset()) | self.own

    # ---- taking cells in

    def take(self, cells: Any) -> Any:
        """Take in some cells, text in which nothing is null; returns them as what the column seems to be."""
        before, self.rows = self.rows, self.rows + len(cells)
        self.nothing += cells.null_count
        if cells.null_count == len(cells):
            return cells
        if not self.sample and not self.final:
            if self.known is not None and self.how.kind in NUMBERS and not self.forced:
                self._compare(cells)
            elif self.how.kind == EMPTY or self.forced == NUMBER:
                self._look(cells)
        if self.how.kind in NUMBERS:
            return self._numbers(cells, before)
        return self._truths(cells) if self.how.kind == BOOLEAN else self._words(cells)

    def _see(self, cells: Any) -> None:
        """Add some of the cells to the sample that notations are found in."""
        distinct = pc.unique(trimmed(cells.drop_null())).to_pylist()
        some = distinct[:: max(1, len(distinct) // SAMPLE)]
        self.sample.update(dict.fromkeys(c for c in some if c and c.lower() not in self.marks | INFINITE))

    def _compare(self, cells: Any) -> None:
        """Hold the writing of new cells against the fit's: another unit, or marks that changed places, is refused.

        What only became more, as decimals among whole numbers, is no change.
        """
        self._see(cells.slice(0, 10 * SAMPLE))
        if found := otherwise(self.how, list(self.sample), self.loose):
            self.broken = _written_otherwise(self.name, found)

    def _look(self, cells: Any) -> None:
        """Find the notation in some of the cells, beside those that told it before."""
        self._see(cells)
        decimal = self.reading.decimal
        how = notation_of(list(self.sample), decimal, self.loose)
        if self.forced == NUMBER and how.kind not in NUMBERS:
            numeric = [c for c in self.sample if notation_of([c.lstrip("0") or c], decimal).kind in NUMBERS]
            how = notation_of(numeric, decimal, self.loose)
            whole = numeric and not any("." in cell for cell in self.sample)
            how = how if how.kind in NUMBERS else Notation(INTEGER if whole else NUMBER)
        same = how.plain and self.how.plain and {how.kind, self.how.kind} <= {*NUMBERS, EMPTY}
        self.again |= not same and self.how.kind != EMPTY and how != self.how
        self.how = how

    def _numbers(self, cells: Any, before: int) -> Any:
        """The numbers of some cells; null where they mean missing, and where they are none."""
        values = cast(cells) if self.how.plain and not self.own else None
        if values is not None and not self._coded(cells, values):
            return self._counted(values)
        plain = trimmed(cells)
        rest = self._without(without_marks(plain, self.marks))
        values = cast_as(rest, self.how)
        if values is None and self._look_again(rest):
            values = cast_as(rest, self.how)
        if values is None:
            values, odd = numbers_among_others(rest, self.how)
            self._note_strange(plain, odd, before)
        if code := self._coded(rest, values):
            self.how, self.again = Notation(CATEGORY, note=code), True
            return self._words(cells)
        return self._counted(values)

    def _without(self, found: tuple[Any, Mapping[str, int]]) -> Any:
        """Cells with null for those that mean missing, which are counted."""
        self.marked.update(found[1])
        return found[0]

    def _look_again(self, rest: Any) -> bool:
        """Whether the cells show another way of writing than was found before."""
        if self.final or len(self.sample) > 4 * SAMPLE:
            return False
        before, again = self.how, self.again
        self._look(rest)
        if self.how.kind not in NUMBERS:  # what share of the cells are none is decided at the end
            self.how, self.again = before, again
        return self.how != before

    def _coded(self, cells: Any, values: Any) -> str:
        """Why some whole numbers are names rather, if they are: 007, +4479..., more than 15 digits."""
        numbers = self.known is not None and self.known.kind in NUMBERS
        return "" if self.final or self.forced == NUMBER or numbers else why_text(cells, values)

    def _counted(self, values: Any) -> Any:
        """The numbers with null for those that mean missing, counted."""
        values = self._without(without_numbers(values, self.own))
        self.numbers += len(values) - values.null_count
        whole = self.how.kind == INTEGER and pa.types.is_floating(values.type)
        if whole and not pc.all(pc.equal(values, pc.floor(values))).as_py():
            self.how = replace(self.how, kind=NUMBER)
        if self.codes is not None and self.how.kind == INTEGER:
            self.codes.update(pc.unique(values).drop_null().slice(0, CODES + 1).to_pylist())
        if self.codes is not None and (len(self.codes) > CODES or self.how.kind == NUMBER):
            self.codes = None
        return values

    def _note_strange(self, cells: Any, odd: Any, before: int) -> None:
        if not self.strange and (at := pc.index(odd, True).as_py()) >= 0:
            self.first_strange = before + at + 1
        strange = cells.filter(odd)
        self.strange += len(strange)
        if len(self.words) <= CODES:
            self.words.update(pc.unique(strange).slice(0, CODES + 1).to_pylist())

    def _truths(self, cells: Any) -> Any:
        rest = pc.utf8_lower(self._without(without_marks(trimmed(cells), self.marks)))
        if not pc.all(pc.is_in(rest.drop_null(), pa.array(["true", "false"])), min_count=0).as_py():
            self.how, self.again = Notation(CATEGORY), True
            return self._words(cells)
        return pc.equal(rest, "true")

    def _words(self, cells: Any) -> Any:
        """Text in a dictionary, null where a word means missing."""
        coded, lower = in_words(cells)
        if not SIGNS.isdisjoint(lower):
            self.in_words -= {"-", "--", "---"}  # beside a plus a minus is a value
        if len(self.words) <= CODES:
            self.words.update(word for word in lower[: CODES + 1] if word)
        marks = self.marks if self.how.kind == DATE else self.in_words
        return self._without(without_words(coded, lower, marks | {""}))

    # ---- the end

    def settle(self) -> None:
        """Decide at the end of the cells: numbers among which other things stand are words, and doubtful ones.

        ``broken`` says then why the column must not be used as it is.
        """
        if self.how.kind not in NUMBERS or not self.strange or self.forced == NUMBER:
            return
        share = self.strange / (self.strange + self.numbers)
        coded = self.codes is not None and 2 * len(self.codes) <= self.numbers
        if self.known is None and coded and len(self.codes or ()) <= LEVELS:  # cylinders are 4, 6, 8 or rotary
            self.how, self.again = Notation(CATEGORY, note=_taken_for_codes(self.name)), True
            return
        few = share <= 1 - NEARLY or (len(self.words) <= FEW and not coded)
        if share <= 0.5 and (few or self.known is not None):
            self.broken = _looks_numeric(self.name, self.strange, share, self.first_strange)
        words = list(self.words)
        others = notation_of(words) if share <= 0.5 and not self.broken and len(words) > FEW else Notation(CATEGORY)
        same = (others.before.strip(), others.after.strip()) == (self.how.before.strip(), self.how.after.strip())
        note = "" if others.kind not in NUMBERS else TWO_WAYS if same else UNITS
        self.how, self.again = Notation(CATEGORY, note=note), True

    @property
    def missing(self) -> int:
        """Cells without a value."""
        strange = self.strange if self.how.kind in NUMBERS else 0
        return self.nothing + sum(self.marked.values()) + strange

    def anew(self) -> Guess:
        """A guess that reads all cells again as this one came to see them."""
        made = Guess(self.name, self.reading, replace(self.how, marks=()), self.loose, final=True)
        made.broken = self.broken
        return made

    def notation(self) -> Notation:
        """How the column is written, as new data is to be read."""
        return replace(self.how, marks=tuple(sorted({m.lower() for m, n in self.marked.items() if n})))

    def told(self) -> str:
        """What a user should know of how the column was read."""
        parts = [self.how.told()] if self.how.told() else []
        taken = {m: n for m, n in self.marked.items() if n}
        if taken:
            listed = ", ".join(f"{m!r} in {n:,}" for m, n in sorted(taken.items(), key=lambda p: -p[1])[:4])
            parts.append(f"missing: {listed} cell{'s' * (sum(taken.values()) != 1)}")
        if self.forced == NUMBER and self.strange:
            parts.append(f"missing: {self.strange:,} that are no numbers")
        if self.how.kind == CATEGORY and not self.forced:
            for word in sorted(self.words & DOUBTFUL)[:1]:
                mark = f"{self.name}={word.title()}"
                parts.append(f"{word!r} is a category (missing=[{mark!r}]; --missing {mark} if it means missing)")
        return "; ".join(parts)

    def field(self) -> Field:
        told = self.told()
        if self.how.kind == DATE:
            return Field(self.name, OTHER, DATES + (f"; {told}" if told else ""))
        if told.startswith("left out: "):
            return Field(self.name, OTHER, told)
        return Field(self.name, self.how.kind, told)

    def type(self) -> Any:
        """The Arrow type of what `take` gives."""
        types = {EMPTY: pa.null(), INTEGER: pa.int64(), NUMBER: pa.float64(), BOOLEAN: pa.bool_()}
        return types.get(self.how.kind, pa.dictionary(pa.int32(), pa.string()))


# ---- what is said of doubtful columns, with the options that decide: never which cells they hold


def _option(option: str, name: str) -> str:
    """An option with a column, as the interfaces spell it."""
    return f"{option}=[{name!r}]; --{option} {shlex.quote(name)}"


def _looks_numeric(name: str, strange: int, share: float, first: int) -> str:
    """A column of numbers with a few cells that are none, the first of them in that row."""
    return (
        f"column {name!r} looks numeric but has text in {strange:,} of its cells ({100 * share:.2g} %), first at data "
        f"row {first:,}: say which cell means missing (missing=[...]; --missing CELL), make all of them missing "
        f"({_option('number', name)}), read it as text ({_option('text', name)}), or leave it out "
        f"({_option('ignore', name)})"
    )


def _written_otherwise(name: str, how: str) -> str:
    """A column that is not written as the fit's was."""
    return (
        f"column {name!r} is written otherwise than when the model was fitted ({how}): bring it to one way of writing, "
        f"or say that it is right ({_option('number', name)})"
    )


def _taken_for_codes(name: str) -> str:
    """A column of few numbers and some words."""
    return f"few numbers beside words: taken for codes ({_option('number', name)} if the words mean missing)"
