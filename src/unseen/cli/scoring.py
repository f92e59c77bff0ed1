"""Log-densities of rows summed, with what there is to say of rows that no component can have."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from unseen.core.block import Block, Cells
from unseen.core.model import Model
from unseen.core.stats import Array, Params
from unseen.core.unit import Unit
from unseen.fitted import ratio
from unseen.numerics.segments import segment_sums
from unseen.search.holdout import HeldOut

#: rows of a block that are looked at for the column which makes them impossible
LOOKED_AT = 200


@dataclass
class Scored:
    """Sums of log-densities: of all rows, and of those that are possible."""

    model: Model
    params: Params
    rows: int = 0
    empty: int = 0
    impossible: int = 0
    possible: HeldOut = HeldOut(0.0, 0.0, 0.0)
    columns: set[str] = field(default_factory=set)
    #: sums and rows of bags, whose rows share their log-density
    bags: list[tuple[Array, Array]] = field(default_factory=list)

    def add(self, block: Block) -> None:
        """Score the rows of one block."""
        density = self.model.log_density(self.params, block)
        bad = ~np.isfinite(density)
        seen = block.seen()
        good = density[~bad if seen is None else seen & ~bad]
        self.rows, self.empty = self.rows + block.rows, self.empty + block.all_missing()
        self.impossible += int(bad.sum())
        self.possible += HeldOut(float(len(good)), float(good.sum()), float(good @ good))
        if self.model.unit is Unit.BAG and block.offsets is not None:
            counted = ~bad if seen is None else seen & ~bad
            rows = segment_sums(counted.astype(float), block.offsets)
            sums = segment_sums(np.where(counted, density, 0.0), block.offsets)
            self.bags.append((sums[rows > 0], rows[rows > 0]))
        # not where a row depends on those before it, or a column on one that is taken as given
        alone = block.offsets is None and not self.model.unit.many and not any(slot.given for slot in self.model.slots)
        if bad.any() and alone:
            self.columns |= impossible_columns(self.model, self.params, block.take(np.flatnonzero(bad)[:LOOKED_AT]))

    @property
    def mean(self) -> float:
        """Mean log-density per row: minus infinity as soon as one is impossible."""
        return -np.inf if self.impossible else self.possible.mean

    @property
    def error(self) -> float:
        """Standard error of the mean, NaN where there is none."""
        return float("nan") if self.impossible else self._error

    @property
    def _error(self) -> float:
        """The same over what is possible: bags differ from each other, their rows do not tell how much."""
        if not self.bags:
            return self.possible.standard_error
        sums, rows = (np.concatenate(parts) for parts in zip(*self.bags, strict=True))
        return ratio(sums, rows)[1]

    def facts(self) -> dict[str, Any]:
        """The numbers, for machines."""
        some = self.possible if self.possible.weight else None
        return {
            "rows": self.rows,
            "rows_all_missing": self.empty,
            "mean": self.mean,
            "se": self.error,
            "rows_impossible": self.impossible,
            "columns_impossible": sorted(self.columns),
            "mean_possible": some and some.mean,
            "se_possible": some and self._error,
        }

    def why(self) -> str:
        """What makes rows impossible, in one sentence."""
        one = self.impossible == 1
        told = f"{self.impossible:,} row{'s' * (not one)} {'has' if one else 'have'} density zero: a value in "
        told += f"{'it' if one else 'them'} is impossible under every component"
        if self.columns:
            names = ", ".join(map(repr, sorted(self.columns)))
            told += f" (column{'s' * (len(self.columns) > 1)} {names})"
        if not self.possible.weight:
            return told
        others = f"{self.possible.mean:.6f} ± {self._error:.6f} over the other {self.others:,}"
        return f"{told}; the mean is {others} row{'s' * (self.others > 1)}"

    @property
    def others(self) -> int:
        """The number of rows that are possible."""
        return self.rows - self.impossible - self.empty


def impossible_columns(model: Model, params: Params, block: Block) -> set[str]:
    """Columns of which some cell of these rows is impossible by itself, whatever the other cells are."""
    found = set()
    for s, slot in enumerate(model.slots):
        for j, name in enumerate(slot.columns):
            density = model.log_density(params, replace(block, cells=_only(block.cells, s, j)))
            if np.isneginf(density).any():
                found.add(name)
    return found


def _only(cells: tuple[Cells, ...], slot: int, column: int) -> tuple[Cells, ...]:
    """The cells with all columns but one missing."""
    out = []
    for s, c in enumerate(cells):
        seen: Array = np.zeros(c.values.shape, bool)
        if s == slot:
            seen[column] = True if c.observed is None else c.observed[column]
        out.append(Cells(c.values, seen))
    return tuple(out)
