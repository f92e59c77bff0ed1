"""Types of the columns of text files, from every cell of them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.columns import DATES
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER, Field

A_NUMBER = r"^\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*$"
A_DATE = r"^\s*(\d{4}-\d\d?-\d\d?|\d\d?[/.]\d\d?[/.]\d{4})([T ].*)?$"
TRUTH = frozenset(("true", "false", "True", "False", "TRUE", "FALSE"))
DATE = "date"
#: so few whole numbers, each seen twice or more, may be the codes of categories
CODES = 50


@dataclass
class Guess:
    """The narrowest kind that holds every cell of a column so far: integer, number, boolean, date, else text.

    ``numbers`` and ``texts`` count the cells that look like one or the other once a column has both, so that a
    number column with a stray word in it is told from a column of words.
    """

    name: str
    kind: str = EMPTY
    numbers: int = 0
    texts: int = 0
    first_text: int = 0
    codes: set[str] | None = field(default_factory=set)
    watching: bool = True
    #: whether some whole numbers begin with zeros: they are codes, and 007 is not 7
    padded: bool = False

    def see(self, cells: Any, before: int) -> None:
        """Take in some cells, text with nulls; ``before`` rows came before them."""
        values = cells.drop_null()
        if not len(values):
            return
        if self.kind == EMPTY:
            self.kind = next(k for k in (INTEGER, NUMBER, BOOLEAN, DATE, CATEGORY) if _fits(k, values))
        elif self.kind == INTEGER and not _fits(INTEGER, values):
            self.kind = NUMBER if _fits(NUMBER, values) else CATEGORY
        elif not _fits(self.kind, values):
            self.kind = CATEGORY
        if self.kind in (INTEGER, NUMBER) and _padded(values):
            self.kind, self.padded = CATEGORY, True
        if self.kind in (INTEGER, NUMBER):
            self._count_numbers(values)
        elif self.kind == CATEGORY and self.watching:
            self._count_both(cells, values, before)

    def _count_numbers(self, values: Any) -> None:
        self.numbers += len(values)
        if self.kind == NUMBER:
            self.codes = None
        self._note_codes(values)

    def _count_both(self, cells: Any, values: Any, before: int) -> None:
        import pyarrow.compute as pc

        numeric = pc.match_substring_regex(cells, A_NUMBER)
        found = pc.sum(numeric).as_py() or 0
        if found < len(values) and not self.texts:
            self.first_text = before + pc.index(numeric, False).as_py() + 1
        self.numbers, self.texts = self.numbers + found, self.texts + len(values) - found
        self._note_codes(cells.filter(pc.fill_null(numeric, False)))
        self.watching = 10 * self.numbers > self.texts  # words with a rare number in them: not looked at again

    def _note_codes(self, values: Any) -> None:
        if self.codes is None or not len(values):
            return
        self.codes.update(str(v).strip() for v in values.unique().slice(0, CODES + 1).to_pylist())
        if len(self.codes) > CODES or not all(c.lstrip("+-").isdigit() for c in self.codes):
            self.codes = None

    @property
    def broken(self) -> str:
        """Why the column must not be used as it is, or nothing."""
        few = self.padded or (self.codes is not None and 2 * len(self.codes) <= self.numbers)
        if self.kind != CATEGORY or self.numbers < self.texts or not self.texts or few:
            return ""
        more = f" and in {self.texts - 1:,} more" if self.texts > 1 else ""
        return (
            f"column {self.name!r} looks numeric but has text at data row {self.first_text:,}{more}: correct or "
            f"empty such cells, leave the column out (ignore=[{self.name!r}]; --ignore {self.name}), or in Python "
            f"name it in the argument text=[{self.name!r}] of Csv"
        )

    def field(self) -> Field:
        return Field(self.name, OTHER, DATES) if self.kind == DATE else Field(self.name, self.kind)

    def type(self) -> Any:
        """The Arrow type to read the column as; dates stay the text they are."""
        import pyarrow as pa

        types = {EMPTY: pa.null(), INTEGER: pa.int64(), NUMBER: pa.float64(), BOOLEAN: pa.bool_()}
        return types.get(self.kind, pa.string())


def _padded(values: Any) -> bool:
    """Whether a whole number among some text begins with a zero that is not all of it."""
    import pyarrow.compute as pc

    begins = values.filter(pc.starts_with(values, "0"))
    return bool(len(begins)) and bool(pc.any(pc.match_substring_regex(begins, r"^0\d+$")).as_py())


def _fits(kind: str, values: Any) -> bool:
    """Whether text without nulls reads as this kind."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if kind == CATEGORY:
        return True
    if kind == BOOLEAN:
        return TRUTH.issuperset(values.unique().slice(0, 7).to_pylist())
    if kind == DATE:
        matched = pc.match_substring_regex(values.slice(0, 1), A_DATE)[0].as_py()
        return matched and pc.all(pc.match_substring_regex(values, A_DATE)).as_py()
    to = pa.int64() if kind == INTEGER else pa.float64()
    # a failed cast costs much more than a good one, so a few cells go first
    return all(_casts(part, to) or _casts(pc.utf8_trim_whitespace(part), to) for part in (values.slice(0, 64), values))


def _casts(values: Any, to: Any) -> bool:
    import pyarrow as pa

    try:
        values.cast(to)
        return True
    except pa.ArrowInvalid:
        return False
