"""A kind of model as somebody else writes it: one file, taken into a package of its own by tests/test_one_file.py."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np

from unseen.core.block import Block, Slot
from unseen.core.capabilities import Completing, Generative
from unseen.core.description import Description
from unseen.core.kinds import kind
from unseen.core.model import Latent
from unseen.core.option import INTEGER, NUMBER, Option
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Validity
from unseen.core.written import learned


@kind("acme.queues")
@dataclass(frozen=True)
class Queues(Latent, Completing, Generative):
    r"""Waiting times at one of K queues.

    .. math:: p(x) = \sum_k \pi_k \prod_j \lambda_{kj} e^{-\lambda_{kj} (x_j - s)}
    """

    queues: int
    shortest: float = 0.0  # s
    columns: tuple[str, ...] = learned(())
    average: Any = learned()

    order: ClassVar[str] = "queues"
    noun: ClassVar[str] = "queue"
    options: ClassVar[tuple[Option, ...]] = (
        Option("queues", INTEGER, "How many queues to try; the best number is kept.", least=1, order=True),
        Option("shortest", NUMBER, "The shortest wait there is.", 0.0, least=0),
    )

    def bind(self, profile: Profile) -> Self:
        return replace(self, columns=profile.names, average=np.array([c.mean for c in profile.columns]))

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns),)

    def _cells(self, block: Block) -> tuple[Array, Array]:
        cells = block.cells[0]
        seen = np.ones(cells.values.shape) if cells.observed is None else cells.observed.astype(float)
        return (cells.values - self.shortest) * seen, seen

    def _ruled_out(self, block: Block) -> Array:
        """The queues that the known label of a row is not, (K, n)."""
        labels = np.full(block.rows, -1) if block.labels is None else block.labels
        return (np.arange(self.queues)[:, None] != labels) & (labels >= 0)

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        x, seen = self._cells(block)
        joint = np.log(params["rates"]) @ seen - params["rates"] @ x + np.log(params["weights"])[:, None]
        joint = np.where(self._ruled_out(block), -np.inf, joint)
        density = np.logaddexp.reduce(joint)
        return np.exp(joint - density), density

    def expect(self, params: Params, block: Block) -> Stats:
        r, density = self.posterior(params, block)
        w = np.ones(block.rows) if block.weights is None else block.weights
        return replace(self.collect(r, block), loglik=float(w @ density))

    def collect(self, r: Array, block: Block) -> Stats:
        x, seen = self._cells(block)
        if block.labels is not None:
            r = np.where(block.labels >= 0, ~self._ruled_out(block), r)
        r = r if block.weights is None else r * block.weights
        return Stats({"counts": r.sum(axis=1), "waits": r @ x.T, "seen": r @ seen.T}, block.rows, block.weight)

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        s = stats.sums
        return Params(weights=s["counts"] / s["counts"].sum(), rates=s["seen"] / s["waits"])

    def vague(self) -> Params:
        rates = np.tile(1 / (self.average - self.shortest), (self.queues, 1))
        return Params(weights=np.full(self.queues, 1 / self.queues), rates=rates)

    def valid(self, params: Params) -> Validity:
        sound = (params["rates"] > 0).all() and np.isfinite(params["rates"]).all() and (params["weights"] >= 0).all()
        return Validity("" if sound else "a rate is not positive")

    def size(self, params: Params) -> int:
        return params["rates"].size + self.queues - 1

    def impute(self, params: Params, block: Block) -> list[Array]:
        _, seen = self._cells(block)
        expected = self.shortest + (1 / params["rates"]).T @ self.posterior(params, block)[0]
        return [np.where(seen > 0, block.cells[0].values, expected)]

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        _, seen = self._cells(block)
        r = self.posterior(params, block)[0]
        queue = (r.cumsum(axis=0) < rng.random(block.rows)).sum(axis=0).clip(0, self.queues - 1)
        drawn = self.shortest + rng.exponential(1 / params["rates"][queue].T)
        return [np.where(seen > 0, block.cells[0].values, drawn)]

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        queue = rng.choice(self.queues, n, p=params["weights"])
        return [self.shortest + rng.exponential(1 / params["rates"][queue].T)], queue

    def description(self, params: Params) -> Description:
        mean = 1 / params["rates"].T
        views = [
            {"column": c, "family": "exponential", "mean": (self.shortest + m).tolist(), "sd": m.tolist()}
            for c, m in zip(self.columns, mean, strict=True)
        ]
        return Description("queue", self.queues, params["weights"], views=views, discrete=True)
