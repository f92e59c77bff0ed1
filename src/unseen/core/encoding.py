"""From the frames of a source to the blocks of a model: one place where names become arrays."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from unseen.core.block import EMPTY, INDEX, OTHER, Block, Cells, Column, Field, Frame, Slot, label
from unseen.core.kinds import kind
from unseen.core.lazy import Lazy
from unseen.core.patterns import Patterns
from unseen.core.reading import Notation, Reading, without_note
from unseen.core.source import Source
from unseen.core.stats import Array
from unseen.errors import DataError, SchemaError


@kind("encoding")
@dataclass(frozen=True, slots=True)
class Encoding:
    """How frames become blocks: the slots of the model, the weight and label columns, the classes.

    ``unknown`` says what to do with a category that was not there at fit time: ``"refuse"`` or ``"missing"``.
    ``unit`` names the column that tells sequences apart, where the fit had one. What a model describes given other
    columns may be absent when it scores: that is to be predicted.
    ``grouped`` is for the fit: rows and sequences that say nothing are left out, and, where each row is a unit, rows
    with the same missing cells are put next to each other.
    """

    fields: tuple[Field, ...]
    slots: tuple[Slot, ...]
    weights: str | None = None
    labels: str | None = None
    classes: tuple[str, ...] = ()
    unknown: str = "refuse"
    grouped: bool = False
    unit: str | None = None
    #: columns that the data may lack and does: every cell of them is missing
    absent: tuple[str, ...] = ()
    #: what was said of how the fit's files are read, and how their columns were written: new ones are read so
    reading: Reading = Reading()
    notations: Mapping[str, Notation] = field(default_factory=dict, compare=False)
    _codes: dict[str, dict[str, int]] = field(default_factory=dict, compare=False)

    def columns(self) -> tuple[str, ...]:
        """Every column that has to be read."""
        extra = tuple(c for c in (self.weights, self.labels) if c is not None)
        return tuple(f.name for f in self.fields if f.name not in self.absent) + extra

    def written(self) -> dict[str, Notation]:
        """How the columns of new text files are read: as those of the fit were, or at least as what they were."""
        known = {f.name: self.notations.get(f.name, Notation(f.kind)) for f in self.fields}
        return {name: without_note(how) for name, how in known.items() if how.kind != EMPTY}

    def without(self, schema: Sequence[Field]) -> Encoding:
        """The same encoding for data that lacks what the model describes given the other columns."""
        if not any(slot.given for slot in self.slots):
            return self
        found = {f.name for f in schema}
        told = [name for slot in self.slots if not slot.given for name in slot.columns]
        return replace(self, absent=tuple(name for name in told if name not in found))

    def check(self, schema: Sequence[Field]) -> tuple[str, ...]:
        """Hold the schema of new data against the fit's; returns the names of extra columns, which are ignored.

        Raises
        ------
        SchemaError
            A column is missing or has changed its kind. Order does not matter: columns go by name.
        """
        found = {f.name: f for f in schema}
        missing = [f.name for f in self.fields if f.name not in found and f.name not in self.absent]
        if missing:
            raise SchemaError(
                f"the data has no column {', '.join(map(repr, missing))}, which the model was fitted on; "
                f"it has {', '.join(map(repr, found))}"
            )
        # what is an index goes by its names, whatever type they have: 7 and "7" are one worker
        index = {name for slot in self.slots if slot.kind == INDEX for name in slot.columns}
        for f in self.fields:
            if f.name not in self.absent and f.name not in index and not _same_kind(f.kind, found[f.name].kind):
                raise SchemaError(
                    f"column {f.name!r} was {f.kind} when the model was fitted and is {found[f.name].kind} now: "
                    "convert it, or fit again"
                )
        wanted = set(self.columns())
        return tuple(name for name in found if name not in wanted)

    def encode(self, frame: Frame) -> Block:
        """The block of a frame."""
        weights = self._weights(frame)
        block = Block(
            frame.id,
            tuple(self._cells(slot, frame, weights) for slot in self.slots),
            frame.rows,
            weights,
            self._labels(frame),
            frame.offsets,
        )
        if not self.grouped:
            return block
        block = self._telling(block)
        if block.offsets is None and any(c.observed is not None for c in block.cells):
            masks = [c.observed for c in block.cells if c.observed is not None]
            block = block.take(Patterns(np.concatenate(masks)).order)
        return block

    def _telling(self, block: Block) -> Block:
        """The block without rows of which neither a cell nor a label is known, or without such sequences."""
        seen = block.telling()
        if seen is None or any(slot.given for slot in self.slots):  # a regression counts its rows itself
            return block
        if block.offsets is not None:
            inside = np.diff(np.append(0, np.cumsum(seen))[block.offsets]) > 0
            seen = np.repeat(inside, np.diff(block.offsets))
        return block.keep(seen)

    def _cells(self, slot: Slot, frame: Frame, weights: Array | None) -> Cells:
        columns = [_missing(frame.rows) if n in self.absent else frame.columns[n] for n in slot.columns]
        if slot.coded:
            columns = [
                self._recode(name, column, categories, weights, "an entry" if slot.kind == INDEX else "a category")
                for name, column, categories in zip(slot.columns, columns, slot.categories, strict=True)
            ]
            dtype: type = np.int32
        else:
            dtype = np.float32 if all(c.values.dtype == np.float32 for c in columns) else np.float64
        values: Array = np.empty((len(columns), frame.rows), dtype)
        observed = None
        if any(c.observed is not None for c in columns):
            observed = np.ones((len(columns), frame.rows), bool)
        for j, (name, column) in enumerate(zip(slot.columns, columns, strict=True)):
            values[j] = column.values
            if column.observed is not None and observed is not None:
                observed[j] = column.observed
                values[j][~column.observed] = 0
            if dtype is not np.int32 and not np.isfinite(values[j]).all():
                raise DataError(
                    f"column {name!r} has infinite values: mark them missing (missing=['inf']; --missing inf) or clip "
                    "them first"
                )
        return Cells(values, observed, slot.given)

    def _recode(
        self,
        name: str,
        column: Column,
        categories: tuple[str, ...],
        weights: Array | None = None,
        what: str = "a category",
    ) -> Column:
        """Codes into the fit's categories; one that only a row of weight zero has counts as missing."""
        table = self._codes.get(name)
        if table is None:
            table = self._codes.setdefault(name, {c: i for i, c in enumerate(categories)})
        if column.categories:
            local, codes = column.categories, column.values
        else:
            seen = slice(None) if column.observed is None else column.observed
            distinct, inverse = np.unique(column.values[seen], return_inverse=True)
            local = tuple(label(float(v)) for v in distinct)
            codes = np.zeros(len(column.values), np.int32)
            codes[seen] = inverse
        lookup = np.array([table.get(c, -1) for c in local] or [-1], np.int32)
        fresh = lookup[codes] if len(codes) else np.empty(0, np.int32)
        unknown = fresh < 0
        if column.observed is not None:
            unknown &= column.observed
        refused = unknown if weights is None else unknown & (weights > 0)
        if refused.any() and self.unknown == "refuse":
            raise SchemaError(
                f"column {name!r} has {what} that was not there when the model was fitted, in "
                f"{int(refused.sum()):,} rows: treat such cells as missing "
                "(unknown='missing'; --unknown missing), or fit again"
            )
        if unknown.any():
            return Column(np.maximum(fresh, 0), ~unknown if column.observed is None else column.observed & ~unknown)
        return Column(np.maximum(fresh, 0), column.observed)

    def _weights(self, frame: Frame) -> Array | None:
        return None if self.weights is None else np.asarray(frame.columns[self.weights].values, float)

    def _labels(self, frame: Frame) -> Array | None:
        if self.labels is None:
            return None
        column = frame.columns[self.labels]
        recoded = replace(self, unknown="missing")._recode(self.labels, column, self.classes)
        known = np.ones(frame.rows, bool) if column.observed is None else column.observed
        seen = np.ones(frame.rows, bool) if recoded.observed is None else recoded.observed
        if (known & ~seen).any():
            raise DataError(
                f"label column {self.labels!r} has a value that is not among the classes, in "
                f"{int((known & ~seen).sum()):,} rows: leave unknown labels empty"
            )
        return np.where(known & seen, recoded.values, -1).astype(np.int64)


def _missing(rows: int) -> Column:
    return Column(np.zeros(rows), np.zeros(rows, bool))


def _same_kind(before: str, now: str) -> bool:
    numeric = {"number", "integer", "boolean"}
    return before == now or now == EMPTY or (before in numeric and now in numeric)


def usable(schema: Sequence[Field]) -> tuple[Field, ...]:
    """The columns that a model can read: everything but dates, lists and other kinds."""
    return tuple(f for f in schema if f.kind != OTHER)


class Encoded(Lazy[Block]):
    """The encoded blocks of a source as a lazy sequence: each access reads and encodes."""

    def __init__(self, source: Source, encoding: Encoding) -> None:
        self.source, self.encoding, self.parts = source, encoding, source.manifest()

    def __len__(self) -> int:
        return len(self.parts)

    def over(self, source: Source) -> Encoded:
        """The blocks of another source in the same encoding."""
        return Encoded(source, self.encoding)

    def at(self, index: int) -> Block:
        return self.encoding.encode(self.source.read(self.parts[index], self.encoding.columns()))


class Joined(Lazy[Block]):
    """Blocks of several sources one after the other, numbered anew; each access reads and encodes."""

    def __init__(self, several: Sequence[Encoded]) -> None:
        self.several = tuple(several)
        self._places = [(i, j) for i, blocks in enumerate(self.several) for j in range(len(blocks))]

    def __len__(self) -> int:
        return len(self._places)

    def at(self, index: int) -> Block:
        i, j = self._places[index]
        return replace(self.several[i][j], id=index)
