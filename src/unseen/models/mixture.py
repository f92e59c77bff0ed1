"""Finite mixtures of any family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self

import numpy as np

from unseen.core.block import Block, Slot
from unseen.core.family import Collect, Family, empty_cells
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Stats, Sums, Validity, add_sums
from unseen.errors import ModelError
from unseen.numerics.posterior import responsibilities


@dataclass(frozen=True)
class Mixture:
    r"""Finite mixture: each row comes from one of K components of a family.

    .. math:: p(x) = \sum_{k=1}^{K} \pi_k f_k(x), \qquad r_k(x) = \pi_k f_k(x) / p(x)

    Parameters
    ----------
    family : what each component looks like: `Gaussian`, `Categorical`, `Product`, ...
    components : K, at least 1

    A row with a known label counts only through the component of its class; a row with weight w counts as
    w copies. Parameters: ``weights`` (K,) and those of the family.

    Raises
    ------
    ModelError
        K below 1.

    >>> from unseen.families.gaussian import Gaussian
    >>> Mixture(Gaussian("full"), 2).components
    2

    Source: Dempster, Laird & Rubin (1977); McLachlan & Peel (2000), chapter 2.
    """

    family: Family
    components: int

    kind: ClassVar[Kind] = Kind.FREE
    sequential: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not isinstance(self.components, (int, np.integer)) or self.components < 1:
            raise ModelError("a mixture needs at least one component: give a whole number of 1 or more")

    def bind(self, profile: Profile) -> Self:
        return replace(self, family=self.family.bind(profile))

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.family.slots

    # ---- E-step

    @cached_property
    def _memo(self) -> dict[int, tuple[Params, Any]]:
        return {}

    def _prepare(self, params: Params) -> Any:
        """The family's preparation, kept for the blocks that follow at the same (immutable) parameters."""
        known = self._memo.get(0)
        if known is None or known[0] is not params:
            known = (params, self.family.prepare(params))
            self._memo[0] = known
        return known[1]

    def _log_joint(self, prepared: Any, log_weights: Array, tile: Block) -> tuple[Array, Collect]:
        """log pi_k + log f_k(x), with the components a known label rules out at -inf."""
        density, collect = self.family.evaluate(prepared, tile.cells)
        density += log_weights[:, None].astype(density.dtype, copy=False)
        if tile.labels is not None:
            known = tile.labels >= 0
            density[(np.arange(self.components)[:, None] != tile.labels) & known] = -np.inf
        return density, collect

    def expect(self, params: Params, block: Block) -> Stats:
        prepared, log_weights = self._prepare(params), _log(params["weights"])
        sums: Sums = {}
        loglik, zero = 0.0, 0
        for tile in block.tiles(self.family.tile(self.components)):
            r, collect = self._log_joint(prepared, log_weights, tile)
            density = responsibilities(r)
            zero += int((density == -np.inf).sum())
            loglik += _total(density, tile.weights)
            sums = add_sums(sums, _weighted(r, collect, tile.weights))
        return Stats(sums, block.rows, block.weight, loglik, {"zero density": zero} if zero else {})

    def collect(self, r: Array, block: Block) -> Stats:
        """Statistics at given responsibilities (K, n), where no parameters exist yet: what starts are made of."""
        prepared = self.family.prepare(self.family.vague(self.components))
        if block.labels is not None:
            one_hot = np.arange(self.components)[:, None] == block.labels
            r = np.where(block.labels >= 0, one_hot, r)
        sums: Sums = {}
        at = 0
        for tile in block.tiles(self.family.tile(self.components)):
            _, collect = self.family.evaluate(prepared, tile.cells)
            sums = add_sums(sums, _weighted(r[:, at : at + tile.rows].astype(float), collect, tile.weights))
            at += tile.rows
        return Stats(sums, block.rows, block.weight)

    def vague(self) -> Params:
        """Equal components that look like the data as a whole."""
        k = self.components
        return Params({"weights": np.full(k, 1 / k), **self.family.vague(k)})

    # ---- M-step

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        counts = stats.sums["counts"]
        inner = self.family.moments(stats.sums, params)
        return Params({"weights": counts / counts.sum(), **inner}, events=inner.events)

    def valid(self, params: Params) -> Validity:
        w = params["weights"]
        if not np.isfinite(w).all() or (w < 0).any() or abs(w.sum() - 1) > 1e-8:
            return Validity(f"the weights are not a distribution: they sum to {w.sum():.6g}")
        return self.family.valid(params)

    def size(self, params: Params) -> int:
        return self.components - 1 + self.family.size(params)

    def prior(self, strength: float) -> Sums:
        return {
            "counts": np.full(self.components, float(strength)),
            **self.family.prior(strength, self.components),
        }

    def log_prior(self, params: Params, prior: Sums) -> float:
        return float(prior["counts"] @ _log(params["weights"])) + self.family.log_prior(params, prior)

    def anchored(self, params: Params) -> Self:
        """The same mixture with its anchors where these parameters need them."""
        return replace(self, family=self.family.anchored(params))

    def spread(self, params: Params) -> Array | None:
        """Per component, the smallest variance in units of the data's own."""
        return self.family.spread(params)

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The columns the family names, or None for every usable one."""
        return self.family.wanted

    # ---- rows

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Responsibilities (K, n) and log-density (n,) of a block's rows."""
        prepared, log_weights = self._prepare(params), _log(params["weights"])
        out, densities = [], []
        for tile in block.tiles(self.family.tile(self.components)):
            r, _ = self._log_joint(prepared, log_weights, tile)
            densities.append(responsibilities(r).astype(float))
            out.append(r.astype(float))
        return np.concatenate(out, axis=1), np.concatenate(densities)

    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given the observed cells of its row, one array per slot."""
        r, _ = self.posterior(params, block)
        return self.family.mean(params, block.cells, r)

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """One random completion of the missing cells: a component by its responsibility, then the cells."""
        r, _ = self.posterior(params, block)
        states = (r.cumsum(axis=0) < rng.random(block.rows)).sum(axis=0).clip(0, self.components - 1)
        return self.family.draw(params, block.cells, states, rng)

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new rows, one array per slot, and the component of each."""
        states = rng.choice(self.components, size=n, p=params["weights"])
        return self.family.draw(params, empty_cells(self.slots, n), states, rng), states

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """Column profiles of the components in the data's own units."""
        return self.family.describe(params)


def _log(weights: Array) -> Array:
    with np.errstate(divide="ignore"):
        return np.log(weights)


def _weighted(r: Array, collect: Collect, weights: Array | None) -> Sums:
    """Collected statistics at responsibilities times row weights; overwrites ``r``."""
    if weights is not None:
        r *= weights
    return {"counts": r.sum(axis=1, dtype=float), **collect(r)}


def _total(density: Array, weights: Array | None) -> float:
    """Weighted log-likelihood of some rows, summed in double precision; a row of weight zero adds nothing."""
    if weights is None:
        return float(density.sum(dtype=float))
    return float(weights @ np.where(weights > 0, density, 0.0))
