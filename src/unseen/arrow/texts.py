"""Tables every cell of which is text: what delimited text, sheets and objects of JSON are before types are found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from unseen.arrow.columns import names_once
from unseen.arrow.hive import NONE
from unseen.arrow.libraries import pa
from unseen.arrow.place import Place
from unseen.arrow.spelled import Spelling


@dataclass
class Left:
    """What reading left out, rows of another length where that was asked for and repeated headers, and what it read."""

    uneven: int = 0
    headers: int = 0
    rows: int = 0


@dataclass(frozen=True)
class TextTable:
    """A file as a table of text.

    ``columns`` are its own, ``written`` their names as they stand in the file: nothing where there is no name.
    ``cells(left, raw, skip_bad)`` gives arrays for them, batch by batch. ``about`` is what is to be told of single
    columns; of values that are not modelled, why.
    """

    place: Place
    columns: tuple[str, ...]
    written: tuple[str, ...]
    cells: Callable[[Left, bool, bool], Iterator[list[Any]]]
    notes: tuple[str, ...] = ()
    spelling: Spelling = Spelling()
    about: Mapping[str, str] = field(default_factory=dict)
    #: the rows as the objects that they are
    objects: Callable[[], Iterator[dict[str, Any]]] | None = None
    #: the same table in the encoding that its bytes beyond the first are in
    recoded: Callable[[], TextTable] | None = None

    def __post_init__(self) -> None:
        names_once(self.names, f" in {self.place.called!r}")

    @property
    def names(self) -> tuple[str, ...]:
        """All columns, those that the names of folders say behind the file's own."""
        return (*self.columns, *dict(self.place.keys))

    @property
    def written_names(self) -> tuple[str, ...]:
        return (*self.written, *dict(self.place.keys))

    @property
    def schema(self) -> Any:
        return pa.schema([(name, pa.string()) for name in self.names])

    def batches(self, left: Left | None = None, *, raw: bool = False, skip_bad: bool = False) -> Iterator[Any]:
        """Record batches in order; cells of nothing are null unless they are ``raw``, which keeps all as it is."""
        left = left or Left()
        known = [None if value in NONE else value for _, value in self.place.keys]
        for columns in self.cells(left, raw, skip_bad):
            left.rows += len(columns[0])
            keys = [pa.repeat(pa.scalar(value, pa.string()), len(columns[0])) for value in known]
            yield pa.record_batch([*columns, *keys], names=list(self.names))


def text_array(cells: Any, raw: bool) -> Any:
    """Some cells, those of nothing null unless they are ``raw``."""
    return pa.array([cell or ("" if raw else None) for cell in cells], pa.string())
