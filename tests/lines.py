"""A regression as somebody else writes it: one file, taken into a package of its own by tests/test_sklearn_kinds.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np

from unseen.core.block import Block, Slot
from unseen.core.capabilities import Predictive
from unseen.core.engine import Engine
from unseen.core.kinds import kind
from unseen.core.model import Starting
from unseen.core.option import COLUMN, NUMBER, Option
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Validity


@kind("acme.line")
@dataclass(frozen=True)
class Line(Starting, Predictive):
    r"""A number that goes up and down with others.

    .. math:: y \sim N(\beta^\top (1, x), \sigma^2)
    """

    target: str
    predictors: tuple[str, ...] = ()

    one_start: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("target", COLUMN, "The column of numbers that is predicted.", required=True, target=NUMBER),
    )

    def bind(self, profile: Profile) -> Self:
        return replace(self, predictors=tuple(name for name in profile.names if name != self.target))

    @property
    def slots(self) -> tuple[Slot, ...]:
        return Slot(self.predictors, given=True), Slot((self.target,))

    def start(self, engine: Engine, seed: int) -> Params:
        return Params(beta=np.zeros(1 + len(self.predictors)), variance=[1.0])

    def _design(self, block: Block) -> Array:
        return np.vstack([np.ones(block.rows), block.cells[0].values])

    def predict(self, params: Params, block: Block) -> Array:
        return np.asarray(params["beta"] @ self._design(block))

    def log_density(self, params: Params, block: Block) -> Array:
        squares = (block.cells[1].values[0] - self.predict(params, block)) ** 2
        density = -0.5 * (np.log(2 * np.pi * params["variance"]) + squares / params["variance"])
        return np.where(block.complete(), density, 0.0)

    def expect(self, params: Params, block: Block) -> Stats:
        both = np.vstack([self._design(block), block.cells[1].values])
        w = np.ones(block.rows) if block.weights is None else block.weights
        loglik = float(w @ self.log_density(params, block))
        return Stats({"moments": (both * w) @ both.T}, block.rows, block.weight, loglik)

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        m = stats.sums["moments"]
        beta = np.linalg.solve(m[:-1, :-1], m[:-1, -1])
        return Params(beta=beta, variance=[(m[-1, -1] - beta @ m[:-1, -1]) / m[0, 0]])

    def valid(self, params: Params) -> Validity:
        return Validity("" if params["variance"][0] > 0 else "the variance is not positive")

    def size(self, params: Params) -> int:
        return int(params["beta"].size + 1)
