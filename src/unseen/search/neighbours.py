"""Starts made of fits that are there already: one component more, one less, or another form of the same.

Whatever the families, a start is the M-step at responsibilities (K, n): those of the neighbour, with one component
divided along its longest axis, two that overlap added up, or the rows that fit worst put aside. The longest axis is
found in the coordinates that families give their cells for geometric starts.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeGuard

import numpy as np

from unseen.core.block import Block, Cells
from unseen.core.capabilities import Structured
from unseen.core.engine import Engine
from unseen.core.model import Latent, Model
from unseen.core.stats import Array, Params, Stats
from unseen.search.kept import Fit, Place
from unseen.search.restarts import Proposals
from unseen.search.running import Start
from unseen.search.scatter import Scatter, filled

#: what is made of a neighbour for a model on the blocks of an engine
How = Callable[["Neighbour", Any, Any], Sequence[Start]]

#: starts that are drawn by default: alone, beside those from neighbours, and beside those where neighbours win
ALONE, BESIDE, BESIDE_NEIGHBOURS = 10, 4, 2
#: components that are tried for division, and pairs of them for addition
DIVIDED, ADDED = 3, 2


def lends(model: Model) -> TypeGuard[Structured]:
    """Whether responsibilities of a model can start another: its rows stand alone, under families of columns."""
    return isinstance(model, Structured) and not model.unit.many


@dataclass(frozen=True)
class Neighbour:
    """A fitted model of the same columns."""

    model: Structured
    params: Params

    def fits(self, model: Model) -> bool:
        """Whether its responsibilities can be those of a start of another model."""
        return lends(self.model) and lends(model) and _kinds(self.model) == _kinds(model)

    def own(self, model: Model, block: Block) -> Block:
        """A block of another model as this one reads it: the same columns, in slots of its own."""
        if self.model.slots == model.slots:
            return block
        place = {name: (cells, i) for s, cells in zip(model.slots, block.cells, strict=True)
                 for i, name in enumerate(s.columns)}  # fmt: skip
        return replace(block, cells=tuple(_gathered([place[name] for name in s.columns]) for s in self.model.slots))

    def begin(self, change: Change) -> Start:
        """The start at responsibilities that ``change`` makes of a block (of this model's), (K, n), and log-density."""

        def start(model: Latent, engine: Engine, seed: int, prior: Any = None) -> Params:
            stats = engine.total(Collect(self, model, change))
            return model.maximize(stats.with_prior(prior or {}).in_unit(), model.vague())

        return start

    def as_it_is(self, model: Model, engine: Engine) -> Sequence[Start]:
        """The same components in another form."""
        return [self.begin(Same())]

    def one_more(self, model: Model, engine: Engine) -> Sequence[Start]:
        """A component divided, for the few with most scatter along one axis, and the badly fitting rows put aside."""
        seen = engine.total(MeasureScatter(self, model))
        axes, scatter = seen.axes()
        longest = np.argsort(-scatter)[:DIVIDED]
        starts = [self.begin(Divide(self.model, int(k), axes[k], seen.centres[k])) for k in longest]
        return [*starts, self.begin(PutAside(seen.level))]

    def one_less(self, model: Model, engine: Engine) -> Sequence[Start]:
        """Two components added up, for the pairs that share most of their rows."""
        shared = engine.total(MeasureShared(self, model))
        mass = np.diagonal(shared).copy()
        a, b = np.triu_indices(len(mass), 1)
        overlap = shared[a, b] / np.maximum(np.minimum(mass[a], mass[b]), 1e-300)
        return [self.begin(AddUp(int(a[i]), int(b[i]))) for i in np.argsort(-overlap, kind="stable")[:ADDED]]


def combined(pairs: Sequence[tuple[Fit | None, How]]) -> Proposals | None:
    """The starts that each of some fits is made into, as it says beside it; None where there is nothing to go by."""
    found = [(f.result.model, f.result.params, how) for f, how in pairs if f is not None]
    known = [(Neighbour(model, params), how) for model, params, how in found if lends(model)]
    if not known:
        return None

    def proposals(model: Any, engine: Any) -> Sequence[Start]:
        return [start for near, how in known if near.fits(model) for start in how(near, model, engine)]

    return proposals


def beside(fits: Mapping[Place, Fit], drawn: Mapping[Place, int], place: Place) -> tuple[Proposals | None, int]:
    """Starts from the fits beside a place, and how many to draw beside them; ``drawn`` is how many were elsewhere."""
    k, form = place
    others = [fits[p] for p in fits if p[0] == k and p[1] != form]
    same = min(others, key=lambda f: f.rank) if others and form else None
    before = fits.get((k - 1, form))
    near: list[tuple[Fit | None, How]] = [
        (before, Neighbour.one_more),
        (fits.get((k + 1, form)), Neighbour.one_less),
        (same, Neighbour.as_it_is),
    ]
    proposals = combined(near)
    if proposals is None:
        return None, ALONE
    # where the start that won last was a neighbour's, drawn ones are there for the surprise
    settled = before is not None and (same is not None or _won(before, drawn.get(before.place, ALONE)))
    return proposals, BESIDE_NEIGHBOURS if settled else BESIDE


def _won(fit: Fit, drawn: int) -> bool:
    """Whether the start that won was a neighbour's: none of the first, which were drawn."""
    best = max(fit.result.restarts, key=lambda r: float(r["objective"]))
    return bool(best["start"] >= drawn)


class Change(Protocol):
    """Responsibilities of a start, made of those of the neighbour."""

    def __call__(self, block: Block, r: Array, density: Array) -> Array:
        """Responsibilities (K, n) from a block, the neighbour's (K', n), and its log-density (n,)."""
        ...


@dataclass(frozen=True, slots=True)
class Same:
    """The neighbour's own."""

    def __call__(self, block: Block, r: Array, density: Array) -> Array:
        return r


@dataclass(frozen=True, slots=True)
class Divide:
    """Component ``k`` divided where its longest axis (m,) crosses its centre (m,)."""

    model: Structured
    k: int
    axis: Array
    centre: Array

    def __call__(self, block: Block, r: Array, density: Array) -> Array:
        beyond = self.axis @ filled(self.model.embed(block), self.centre) > 0
        split = np.where((np.arange(len(r)) == self.k)[:, None], r * beyond, r)
        return np.concatenate([split, r[[self.k]] * ~beyond])


@dataclass(frozen=True, slots=True)
class PutAside:
    """Rows of a log-density below ``level`` in a component of their own."""

    level: float

    def __call__(self, block: Block, r: Array, density: Array) -> Array:
        badly = density < self.level
        return np.concatenate([r * ~badly, badly[None].astype(float)])


@dataclass(frozen=True, slots=True)
class AddUp:
    """Component ``b`` added to component ``a``."""

    a: int
    b: int

    def __call__(self, block: Block, r: Array, density: Array) -> Array:
        out = np.delete(r, self.b, axis=0)
        out[self.a] += r[self.b]
        return out


# ---- tasks: the blocks are those of ``model``, which the neighbour reads in its own way


@dataclass(frozen=True, slots=True)
class Collect:
    """The statistics of ``model`` at changed responsibilities."""

    neighbour: Neighbour
    model: Latent
    change: Change

    def __call__(self, block: Block) -> Stats:
        own = self.neighbour.own(self.model, block)
        r, density = self.neighbour.model.posterior(self.neighbour.params, own)
        stats: Stats = self.model.collect(self.change(own, r, density), block)
        return stats


@dataclass(frozen=True, slots=True)
class MeasureScatter:
    """How the neighbour's components scatter."""

    neighbour: Neighbour
    model: Model

    def __call__(self, block: Block) -> Scatter:
        own = self.neighbour.own(self.model, block)
        return Scatter.of(self.neighbour.model, self.neighbour.params, own)


@dataclass(frozen=True, slots=True)
class MeasureShared:
    r"""Rows that the neighbour's components share, :math:`\sum_n r_{an} r_{bn}`, (K, K)."""

    neighbour: Neighbour
    model: Model

    def __call__(self, block: Block) -> Array:
        r, _ = self.neighbour.model.posterior(self.neighbour.params, self.neighbour.own(self.model, block))
        return (r if block.weights is None else r * block.weights) @ r.T


def _kinds(model: Model) -> dict[str, str]:
    """What kind of cells each column has."""
    return {name: slot.kind for slot in model.slots for name in slot.columns}


def _gathered(places: Sequence[tuple[Cells, int]]) -> Cells:
    """Single columns of some cells, beside each other."""
    values = np.array([cells.values[i] for cells, i in places])
    if all(cells.observed is None for cells, _ in places):
        return Cells(values)
    seen = [np.ones(values.shape[1], bool) if cells.observed is None else cells.observed[i] for cells, i in places]
    return Cells(values, np.array(seen))
