"""Blocks of an Arrow table in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.arrow.columns import frame_of, readable, unit_codes
from unseen.core.block import OTHER, Column, Field, Frame
from unseen.core.source import Part, cut, grouping, no_unit
from unseen.core.stats import Array
from unseen.errors import DataError

HASH_ROWS = 65_536


class InMemory:
    """Rows in memory cut into blocks, those of one unit side by side."""

    unit: str | None
    fields: tuple[Field, ...]

    def _cut(self, rows: int, key: Array | None, block_rows: int | None, whole: bool) -> Array | None:
        """Say where blocks begin; returns the order that the rows have to be put in, or None if they stay."""
        self.whole = whole
        self._order = None if key is None else grouping(key)
        self._cuts = cut(rows, block_rows, key if key is None or self._order is None else key[self._order], whole)
        return self._order

    def schema(self) -> tuple[Field, ...]:
        return tuple(f for f in self.fields if f.name != self.unit)

    def manifest(self) -> tuple[Part, ...]:
        return tuple(Part(i, stop - start, (start, stop)) for i, (start, stop, _) in enumerate(self._cuts))

    def places(self, part: Part) -> Array | None:
        """Where the rows of a block stood before those of one unit were put together, or None where they were."""
        start, stop, _ = self._cuts[part.id]
        return None if self._order is None else self._order[start:stop]


class TableBlocks(InMemory):
    """A table cut into blocks, units side by side; ``broken`` maps columns that must not be used to the reason."""

    def __init__(
        self,
        table: Any,
        *,
        unit: str | None = None,
        whole: bool = False,
        block_rows: int | None = None,
        fields: Sequence[Field],
        broken: Mapping[str, str],
    ) -> None:
        self.unit, self.fields, self.broken = unit, tuple(fields), broken
        if unit is not None and unit not in table.column_names:
            raise DataError(no_unit(unit))
        key = None if unit is None else unit_codes(table.column(unit), unit)
        order = self._cut(table.num_rows, key, block_rows, whole)
        if order is not None:
            from unseen.arrow.regroup import taken  # and with it all that writes files, which arrays have no need of

            table = taken(table, order)
        self.arrow = table

    @property
    def missing(self) -> dict[str, int]:
        """Cells without a value, of columns that no model reads."""
        return {f.name: self.arrow.column(f.name).null_count for f in self.fields if f.kind == OTHER}

    @property
    def arrow_schema(self) -> Any:
        return self.arrow.schema

    def table(self, part: Part) -> Any:
        """Every column of a block, in the types it came in."""
        start, stop, _ = self._cuts[part.id]
        return self.arrow.slice(start, stop - start)

    def read(self, part: Part, columns: Sequence[str]) -> Frame:
        readable(self.broken, columns)
        return frame_of(self.table(part).select(list(columns)), part.id, columns, self._cuts[part.id][2])

    def read_all(self, part: Part, columns: Sequence[str]) -> tuple[Frame, Any]:
        """A block's frame, and all of its columns as they came."""
        return self.read(part, columns), self.table(part)

    def fingerprint(self) -> dict[str, str | int]:
        """Hash of what a model can see: names, kinds and cells, whatever library held them."""
        digest = hashlib.sha256()
        used = [f for f in self.fields if f.kind != OTHER and f.name not in self.broken]
        digest.update("".join(f"{f.name}\0{f.kind}\0" for f in used).encode())
        for start in range(0, self.arrow.num_rows, HASH_ROWS):
            part = self.arrow.slice(start, HASH_ROWS)
            for name, cells in frame_of(part, 0, [f.name for f in used]).columns.items():
                if cells.categories:
                    cells = _in_order(cells)
                digest.update("\0".join([name, *cells.categories, ""]).encode())
                digest.update(np.ascontiguousarray(cells.values).data)
                if cells.observed is not None:
                    digest.update(np.packbits(cells.observed).data)
        return {"format": "table", "rows": self.arrow.num_rows, "sha256": digest.hexdigest()}


def _in_order(cells: Column) -> Column:
    """The same cells with categories by alphabet and none unused, so that a hash does not see their history."""
    used, codes = np.unique(cells.values, return_inverse=True)
    categories = np.array([cells.categories[i] for i in used], object)
    order = np.argsort(categories)
    return Column(np.argsort(order)[codes].astype(np.int32), cells.observed, tuple(categories[order]))
