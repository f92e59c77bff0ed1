"""An example bound to its data, and comparisons that say what differed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.adding import add_in_tree
from unseen.core.block import Block
from unseen.core.example import Example
from unseen.core.stats import Array, Params, Stats
from unseen.problem import Problem, pose
from unseen.sources import open_source


@dataclass(frozen=True, slots=True)
class Setting:
    """A bound model, valid parameters, and all the data as one block."""

    example: Example
    problem: Problem
    model: Any
    params: Params
    block: Block

    @property
    def loose(self) -> bool:
        """Whether the order of rows means nothing, so cells may be hidden here and there."""
        return not self.model.unit.ordered

    def taken(self, order: Array) -> Block:
        """The units in another order, some of them several times or not at all."""
        return self.block.take_units(order)

    def lengths(self) -> Array:
        """Rows of each unit, (units,)."""
        return np.ones(self.block.rows, int) if self.block.offsets is None else np.diff(self.block.offsets)


@dataclass(frozen=True, slots=True)
class AllRows:
    """A block as it is."""

    def __call__(self, block: Block) -> Block:
        return block


def set_up(example: Example) -> Setting:
    """Bind the example's model to its data, all rows in one block."""
    options = dict(example.options)
    sides = {k: options.get(k) for k in ("weights", "labels")}
    source, weights, labels = open_source(
        example.data,
        sides["weights"],
        sides["labels"],
        unit=options.get("unit"),
        whole=example.model.unit.ordered and options.get("unit") is None,
        block_rows=10**9,
    )
    problem = pose(
        example.model, source, weights=weights, labels=labels, ignore=options.get("ignore", ()), engine="memory"
    )
    assert len(problem.engine) == 1, "the example's data was cut into several blocks"
    (block,) = problem.engine.rows(AllRows(), problem.profile.rows)
    return Setting(example, problem, problem.model, example.params, block)


def sum_of(model: Any, params: Params, blocks: list[Block]) -> Stats:
    """Statistics of several blocks, added in order."""
    total: Stats = add_in_tree(model.expect(params, b) for b in blocks)
    return total


def same_stats(a: Stats, b: Stats, rtol: float = 1e-9) -> None:
    """Both sums agree, name by name."""
    assert a.sums.keys() == b.sums.keys(), f"different statistics: {sorted(a.sums)} and {sorted(b.sums)}"
    close(a.loglik, b.loglik, rtol, "log-likelihood")
    close(a.weight, b.weight, rtol, "weight")
    for name in a.sums:
        close(a.sums[name], b.sums[name], rtol, f"statistic {name!r}")


def same_params(a: Params, b: Params, rtol: float = 1e-9) -> None:
    """Both parameters agree, name by name."""
    assert list(a) == list(b), f"different parameters: {list(a)} and {list(b)}"
    for name in a:
        close(a[name], b[name], rtol, f"parameter {name!r}")


def close(a: Any, b: Any, rtol: float, what: str) -> None:
    """Equal up to ``rtol`` of the largest entry."""
    a, b = np.asarray(a, float), np.asarray(b, float)
    assert a.shape == b.shape, f"{what}: shapes {a.shape} and {b.shape}"
    scale = 1.0 + max(np.abs(a).max(initial=0), np.abs(b).max(initial=0))
    worst = np.abs(a - b).max(initial=0) / scale
    assert worst <= rtol, f"{what} differs by {worst:.3g} of its size, more than {rtol:g}"
