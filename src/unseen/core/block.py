"""What data looks like on its way: a `Frame` as a source reads it, a `Block` as a model meets it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unseen.core.kinds import kind
from unseen.core.patterns import Patterns
from unseen.core.stats import Array

NUMBER, INTEGER, BOOLEAN, CATEGORY, OTHER = "number", "integer", "boolean", "category", "other"
#: a slot of an open vocabulary (workers, items, words): categories without a cap, of whatever kind their column is
INDEX = "index"
#: a column without any value: it could hold anything, so it agrees with every kind
EMPTY = "empty"


def label(value: float) -> str:
    """A number as the name of a category.

    >>> label(3.0), label(0.5)
    ('3', '0.5')
    """
    return str(int(value)) if value.is_integer() else repr(value)


@kind("field")
@dataclass(frozen=True, slots=True)
class Field:
    """Name and kind of one column: number, integer, boolean, category, empty, or other (dates, lists: not modelled)."""

    name: str
    kind: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One column of one block: values (n,), the observed mask (n,) or None when complete.

    Category columns hold int32 codes into their own ``categories``; values under a False mask mean nothing
    (they are finite).
    """

    values: Array
    observed: Array | None = None
    categories: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """Named columns of some rows, cut between units only; ``offsets`` (units + 1,) says where units begin."""

    id: int
    rows: int
    columns: dict[str, Column]
    offsets: Array | None = None


@kind("slot")
@dataclass(frozen=True, slots=True)
class Slot:
    """Columns that are read as one array: numbers (values), categories (codes), or an index (codes, without a cap).

    ``given`` columns are conditioned on, not described: a row of which only those are observed says nothing.
    """

    columns: tuple[str, ...]
    kind: str = NUMBER
    categories: tuple[tuple[str, ...], ...] = ()
    given: bool = False

    @property
    def coded(self) -> bool:
        """Whether its cells are codes into ``categories``."""
        return self.kind in (CATEGORY, INDEX)


@dataclass(frozen=True, slots=True)
class Cells:
    """The columns of one slot over some rows, column by column.

    values   : (d, n), C-contiguous, float64 or float32, or int32 codes; finite everywhere
    observed : (d, n) bool, or None when every cell is observed
    given    : the model conditions on them, so they alone say nothing
    """

    values: Array
    observed: Array | None = None
    given: bool = False
    _known: dict[Any, Any] = field(default_factory=dict, init=False, repr=False, compare=False)

    def rows(self, start: int, stop: int) -> Cells:
        """A view of rows ``start`` to ``stop``."""
        observed = None if self.observed is None else self.observed[:, start:stop]
        return Cells(self.values[:, start:stop], observed, self.given)

    def take(self, order: Array) -> Cells:
        """The rows in another order."""
        return Cells(self.values[:, order], None if self.observed is None else self.observed[:, order], self.given)

    def filled(self, values: Array) -> Array:
        """The cells, (d, n), with new values, (n,) or (d, n), where they are missing."""
        if self.observed is None:
            return self.values
        return np.where(self.observed, self.values, np.asarray(values).astype(self.values.dtype))

    def patterns(self) -> Patterns:
        """Rows grouped by which cells are observed; found once, since cells do not change."""
        found: Patterns = self.derived("patterns", self._group)
        return found

    def _group(self) -> Patterns:
        return Patterns(np.ones(self.values.shape, bool) if self.observed is None else self.observed)

    def derived(self, key: Any, make: Callable[[], Any]) -> Any:
        """What ``make`` finds in these cells, kept under ``key``: cells do not change."""
        found = self._known.get(key)
        if found is None:
            found = self._known.setdefault(key, make())
        return found


@dataclass(frozen=True, slots=True)
class Block:
    """Rows as a model meets them: one `Cells` per slot, and what is known of each row.

    weights : (n,) float64 or None, one for all rows of a unit        labels : (n,) int, -1 where unknown, or None
    offsets : (units + 1,) or None when every row is a unit of its own
    order   : (n,) positions in the source's block if rows were reordered, else None
    """

    id: int
    cells: tuple[Cells, ...]
    rows: int
    weights: Array | None = None
    labels: Array | None = None
    offsets: Array | None = None
    order: Array | None = None

    @property
    def units(self) -> int:
        """The number of things whose latent variables are independent of the rest."""
        return self.rows if self.offsets is None else len(self.offsets) - 1

    @property
    def bounds(self) -> Array:
        """Where units begin, and where the last ends, (units + 1,)."""
        return np.arange(self.rows + 1) if self.offsets is None else self.offsets

    def by_row(self, of_units: Array) -> Array:
        """What is said of units, (..., units), said of each of their rows, (..., rows)."""
        return of_units if self.offsets is None else np.repeat(of_units, np.diff(self.offsets), axis=-1)

    def complete(self) -> Array:
        """Which rows have all of their cells observed, (n,)."""
        masks = [c.observed.all(axis=0) for c in self.cells if c.observed is not None]
        out: Array = np.all([np.ones(self.rows, bool), *masks], axis=0)
        return out

    @property
    def unit_weights(self) -> Array | None:
        """Weights of the units, (units,), or None: the rows of a unit have one weight."""
        if self.weights is None or self.offsets is None:
            return self.weights
        some = np.diff(self.offsets) > 0
        out = np.zeros(len(some))
        out[some] = self.weights[self.offsets[:-1][some]]
        return out

    @property
    def weight(self) -> float:
        """Total weight of the rows; without weights each row counts once."""
        return float(self.rows if self.weights is None else self.weights.sum())

    def part(self, start: int, stop: int) -> Block:
        """A view of rows ``start`` to ``stop``; only where every row is a unit."""
        return replace(
            self,
            cells=tuple(c.rows(start, stop) for c in self.cells),
            rows=stop - start,
            weights=None if self.weights is None else self.weights[start:stop],
            labels=None if self.labels is None else self.labels[start:stop],
            order=None if self.order is None else self.order[start:stop],
        )

    def tiles(self, size: int) -> Iterator[Block]:
        """Even parts of at most ``size`` rows, small enough to stay in a processor cache."""
        pieces = max(1, -(-self.rows // size))
        if pieces == 1:  # itself, so that what its cells know of their patterns is kept
            yield self
            return
        cuts = [self.rows * i // pieces for i in range(pieces + 1)]
        for start, stop in zip(cuts, cuts[1:], strict=False):
            yield self.part(start, stop)

    def take(self, order: Array) -> Block:
        """The rows in another order; only where every row is a unit, or where units keep their places."""
        return replace(
            self,
            cells=tuple(c.take(order) for c in self.cells),
            rows=len(order),
            weights=None if self.weights is None else self.weights[order],
            labels=None if self.labels is None else self.labels[order],
            order=order if self.order is None else self.order[order],
        )

    def take_units(self, order: Array) -> Block:
        """The units in another order, some of them several times or not at all."""
        if self.offsets is None:
            return self.take(order)
        lengths = np.diff(self.offsets)[order]
        offsets = np.append(0, np.cumsum(lengths))
        rows = np.repeat(self.offsets[:-1][order] - offsets[:-1], lengths) + np.arange(offsets[-1])
        return replace(self.take(rows), offsets=offsets)

    def keep(self, kept: Array) -> Block:
        """The rows under a mask (n,); where rows belong to units, the mask keeps or drops whole units."""
        if kept.all():
            return self
        rows = self.take(np.flatnonzero(kept))
        if self.offsets is None:
            return rows
        lengths = np.diff(np.append(0, np.cumsum(kept))[self.offsets])
        return replace(rows, offsets=np.append(0, np.cumsum(lengths[lengths > 0])))

    def seen(self) -> Array | None:
        """Which rows have an observed cell that the model describes, given all that it takes as given, (n,).

        None where every row has one. A vote of nobody knows whom, or a rating of nobody knows what, says nothing.
        """
        masks = [c.observed for c in self.cells if not c.given]
        out = np.ones(self.rows, bool)
        if all(m is not None for m in masks):
            out = np.any([m.any(axis=0) for m in masks if m is not None], axis=0)
        for c in self.cells:
            if c.given and c.observed is not None:
                out = out & c.observed.all(axis=0)
        return None if out.all() else out

    def telling(self) -> Array | None:
        """Which rows say something, (n,): a cell is observed or the label is known; None where every row does."""
        seen = self.seen()
        if seen is None or self.labels is None:
            return seen
        out: Array = seen | (self.labels >= 0)
        return None if out.all() else out

    def all_missing(self) -> int:
        """How many rows have no observed cell at all."""
        seen = self.seen()
        return 0 if seen is None else int(self.rows - seen.sum())


def rng(seed: int, step: int, block: int) -> np.random.Generator:
    """The generator of one block at one step: the same draws on every engine."""
    return np.random.default_rng([seed, step, block])


def category_values(names: Sequence[str], kind: str | None) -> Array:
    """Categories as values: text, or numbers where the column held numbers; without a kind, by their look."""
    if kind is None:
        kind = INTEGER if names and all(_whole(n) for n in names) else CATEGORY
    if kind == CATEGORY:
        return np.array(names, object)
    numbers = np.array([float(n) for n in names])
    return numbers.astype(np.int64) if (numbers == np.floor(numbers)).all() else numbers


def _whole(text: str) -> bool:
    return text.lstrip("-").isdigit() and str(int(text)) == text
