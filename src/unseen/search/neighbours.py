"""Starts made of fits that are there already: one component more, one less, or another form of the same.

Whatever the families, a start is the M-step at responsibilities (K, n): those of the neighbour, with one component
divided along its longest axis, two that overlap added up, or the rows that fit worst put aside. The longest axis is
found in the coordinates that families give their cells for geometric starts.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.block import Block, Cells
from unseen.core.engine import Engine
from unseen.core.stats import Array, Params
from unseen.search.race import Start

#: components that are tried for division, and pairs of them for addition
DIVIDED, ADDED = 3, 2
#: rows whose log-density lies so many standard deviations below the mean fit badly
BADLY = 1.0
#: with more coordinates than this their covariances are not worth the time: the longest axis is a coordinate
MOST_COORDINATES = 200


@dataclass(frozen=True)
class Neighbour:
    """A fitted model of the same columns."""

    model: Any
    params: Params

    @property
    def able(self) -> bool:
        """Whether models of its kind can be started from responsibilities of rows that stand alone."""
        needed = ("posterior", "collect", "components", "slots", "family")
        return all(hasattr(self.model, name) for name in needed) and not self.model.unit.many

    def fits(self, model: Any) -> bool:
        """Whether its responsibilities can be those of a start of another model."""
        return self.able and Neighbour(model, self.params).able and _kinds(self.model) == _kinds(model)

    def _own(self, model: Any, block: Block) -> Block:
        """A block of another model as this one reads it: the same columns, in slots of its own."""
        if self.model.slots == model.slots:
            return block
        place = {name: (cells, i) for s, cells in zip(model.slots, block.cells, strict=True)
                 for i, name in enumerate(s.columns)}  # fmt: skip
        return replace(block, cells=tuple(_gathered([place[name] for name in s.columns]) for s in self.model.slots))

    def begin(self, change: Callable[[Block, Array, Array], Array]) -> Start:
        """The start at responsibilities that ``change`` makes of a block (of this model's), (K, n), and log-density."""

        def start(model: Any, engine: Engine, seed: int, prior: Any = None) -> Params:
            def collect(block: Block) -> Any:
                own = self._own(model, block)
                r, density = self.model.posterior(self.params, own)
                return model.collect(change(own, r, density), block)

            return model.maximize(engine.sum(collect).stats.with_prior(prior or {}).in_unit(), model.vague())

        return start

    def as_it_is(self, model: Any, engine: Engine) -> Sequence[Start]:
        """The same components in another form."""
        return [self.begin(lambda block, r, density: r)]

    def one_more(self, model: Any, engine: Engine) -> Sequence[Start]:
        """A component divided, for the few with most scatter along one axis, and the badly fitting rows put aside."""
        seen: Scatter = engine.sum(lambda block: Scatter.of(self.model, self.params, self._own(model, block))).stats
        axes, scatter = seen.axes()
        starts = [self._divided(int(k), axes[k], seen.centres[k]) for k in np.argsort(-scatter)[:DIVIDED]]
        return [*starts, self._put_aside(seen.level)]

    def one_less(self, model: Any, engine: Engine) -> Sequence[Start]:
        """Two components added up, for the pairs that share most of their rows."""
        shared: Array = engine.sum(lambda block: Shared.of(self.model, self.params, self._own(model, block))).stats.rows
        mass = np.diagonal(shared).copy()
        a, b = np.triu_indices(len(mass), 1)
        overlap = shared[a, b] / np.maximum(np.minimum(mass[a], mass[b]), 1e-300)
        return [self._added(int(a[i]), int(b[i])) for i in np.argsort(-overlap, kind="stable")[:ADDED]]

    def _divided(self, k: int, axis: Array, centre: Array) -> Start:
        def change(block: Block, r: Array, density: Array) -> Array:
            beyond = axis @ _filled(self.model.family.embed(block.cells), centre) > 0
            return np.concatenate([np.where((np.arange(len(r)) == k)[:, None], r * beyond, r), r[[k]] * ~beyond])

        return self.begin(change)

    def _put_aside(self, level: float) -> Start:
        def change(block: Block, r: Array, density: Array) -> Array:
            badly = density < level
            return np.concatenate([r * ~badly, badly[None].astype(float)])

        return self.begin(change)

    def _added(self, a: int, b: int) -> Start:
        def change(block: Block, r: Array, density: Array) -> Array:
            out = np.delete(r, b, axis=0)
            out[a] += r[b]
            return out

        return self.begin(change)


def _kinds(model: Any) -> dict[str, str]:
    """What kind of cells each column has."""
    return {name: slot.kind for slot in model.slots for name in slot.columns}


def _gathered(places: Sequence[tuple[Cells, int]]) -> Cells:
    """Single columns of some cells, beside each other."""
    values = np.array([cells.values[i] for cells, i in places])
    if all(cells.observed is None for cells, _ in places):
        return Cells(values)
    seen = [np.ones(values.shape[1], bool) if cells.observed is None else cells.observed[i] for cells, i in places]
    return Cells(values, np.array(seen))


@dataclass(frozen=True, slots=True)
class Scatter:
    """Mass (K,), first (K, m) and second moments (K, m, m), or (K, m) of many coordinates; and of the log-density."""

    mass: Array
    first: Array
    second: Array
    density: Array

    @classmethod
    def of(cls, model: Any, params: Params, block: Block) -> Scatter:
        r, density = model.posterior(params, block)
        if block.weights is not None:
            r = r * block.weights
        z = _filled(model.family.embed(block.cells), None)
        w = r.sum(axis=0)
        sound = np.where(np.isfinite(density), density, 0.0)
        wide = len(z) > MOST_COORDINATES
        second = r @ (z * z).T if wide else np.array([(z * one) @ z.T for one in r])
        return cls(r.sum(axis=1), r @ z.T, second, np.array([w.sum(), w @ sound, w @ sound**2]))

    def __add__(self, other: Scatter) -> Scatter:
        return Scatter(*(getattr(self, n) + getattr(other, n) for n in self.__slots__))

    @property
    def centres(self) -> Array:
        return self.first / np.maximum(self.mass, 1e-300)[:, None]

    def axes(self) -> tuple[Array, Array]:
        """The longest axis of each component, (K, m), and the scatter of its rows along it, (K,)."""
        if self.second.ndim == 2:
            scatter = self.second - self.centres * self.first
            longest = scatter.argmax(axis=1)
            return np.eye(scatter.shape[1])[longest], scatter.max(axis=1)
        values, vectors = np.linalg.eigh(self.second - self.centres[:, :, None] * self.first[:, None])
        return vectors[:, :, -1], values[:, -1]

    @property
    def level(self) -> float:
        """The log-density below which rows fit badly."""
        weight, total, squares = self.density
        mean = total / max(weight, 1e-300)
        return float(mean - BADLY * np.sqrt(max(squares / max(weight, 1e-300) - mean**2, 0.0)))


@dataclass(frozen=True, slots=True)
class Shared:
    """Rows that components share, :math:`\\sum_n r_{an} r_{bn}`, (K, K)."""

    rows: Array

    @classmethod
    def of(cls, model: Any, params: Params, block: Block) -> Shared:
        r, _ = model.posterior(params, block)
        return cls((r if block.weights is None else r * block.weights) @ r.T)

    def __add__(self, other: Shared) -> Shared:
        return Shared(self.rows + other.rows)


def _filled(cells: Cells, centre: Array | None) -> Array:
    """Coordinates less a centre (m,), zero where they are missing."""
    z = cells.values if centre is None else cells.values - centre[:, None]
    return np.asarray(z if cells.observed is None else np.where(cells.observed, z, 0.0), float)
