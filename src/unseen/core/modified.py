"""Families that are made of another one: what they do not change, the family inside answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

from unseen.core.block import Cells, Slot
from unseen.core.family import Family, Floor, Form
from unseen.core.stats import Array, Params


class Modified(Family):
    """A family that changes some of what one inner family says of the same columns.

    All else is the inner family's answer, at its own parameters (`inner_params`) and cells (`inner_cells`).
    """

    inner: Family

    def inner_params(self, params: Params) -> Params:
        """The inner family's own parameters: all of them, where they keep their names."""
        return params

    def inner_cells(self, cells: Sequence[Cells]) -> Sequence[Cells]:
        """What the inner family sees of the cells."""
        return cells

    def _with(self, inner: Family) -> Self:
        return replace(self, inner=inner)  # type: ignore[type-var]

    # ---- before there are parameters

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.inner.slots

    @property
    def continuous(self) -> bool:
        return self.inner.continuous

    @property
    def ungridded(self) -> tuple[str, ...]:
        return self.inner.ungridded

    @property
    def core(self) -> Family:
        return self.inner.core

    @property
    def covariances(self) -> Form | None:
        return self.inner.covariances

    def tile(self, components: int) -> int:
        return self.inner.tile(components)

    def in_double(self) -> Self:
        inner = self.inner.in_double()
        return self if inner is self.inner else self._with(inner)

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        return self.inner.volume(self.inner_cells(cells))

    # ---- at given parameters

    def size(self, params: Params) -> int:
        return self.inner.size(self.inner_params(params))

    def anchored(self, params: Params) -> Self:
        return self._with(self.inner.anchored(self.inner_params(params)))

    def spread(self, params: Params) -> Array | None:
        return self.inner.spread(self.inner_params(params))

    def floors(self, params: Params) -> list[Floor]:
        return self.inner.floors(self.inner_params(params))
