"""Finite mixtures of any family."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import Block
from unseen.core.capabilities import Completing, Generative, Mixing, Structured
from unseen.core.description import Description
from unseen.core.equality import by_value, hash_by_value
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Family, empty_cells
from unseen.core.kinds import kind
from unseen.core.memo import once_per_params
from unseen.core.model import Penalised
from unseen.core.option import COMPONENTS, Option
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Sums, Validity, accumulate
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics.compiled import EXPONENTIAL, softmax_kernel, worthwhile
from unseen.numerics.posterior import responsibilities


@final
@kind("mixture")
@dataclass(frozen=True)
class Mixture(Structured, Penalised, Mixing, Completing, Generative):
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
    rows: int = learned(0, compare=False)  # of the data it is bound to

    __eq__, __hash__ = by_value, hash_by_value

    order: ClassVar[str] = "components"
    options: ClassVar[tuple[Option, ...]] = (COMPONENTS,)

    def __post_init__(self) -> None:
        if not isinstance(self.components, (int, np.integer)) or self.components < 1:
            raise ModelError("a mixture needs at least one component: give a whole number of 1 or more")

    def bind(self, profile: Profile) -> Self:
        return replace(self, family=self.family.bind(profile), rows=profile.rows)

    # ---- E-step

    @once_per_params
    def _prepare(self, params: Params) -> Any:
        """The family's preparation, kept for the blocks that follow at the same parameters."""
        return self.family.prepare(params)

    @cached_property
    def _blank(self) -> Params:
        return self.vague()

    @property
    def _columns(self) -> int:
        """Columns of the widest part."""
        return max((len(slot.columns) for slot in self.slots), default=0)

    @property
    def _compiled(self) -> bool:
        return worthwhile(EXPONENTIAL * self.rows * self.components)

    def _log_joint(self, prepared: Any, log_weights: Array, tile: Block) -> tuple[Array, Collect]:
        """log pi_k + log f_k(x), with the components a known label rules out at -inf."""
        density, collect = self.family.evaluate(prepared, tile.cells)
        density += log_weights[:, None].astype(density.dtype, copy=False)
        if tile.labels is not None:
            known = tile.labels >= 0
            density[(np.arange(self.components)[:, None] != tile.labels) & known] = -np.inf
        return density, collect

    def expect(self, params: Params, block: Block) -> Stats:
        return self._expect(params, block)

    def with_posterior(self, params: Params, block: Block) -> tuple[Stats, Array]:
        """The statistics, and the responsibilities (K, n) behind them, in one E-step."""
        kept: list[Array] = []
        stats = self._expect(params, block, kept)
        return stats, np.concatenate(kept, axis=1)

    def _expect(self, params: Params, block: Block, kept: list[Array] | None = None) -> Stats:
        prepared, log_weights = self._prepare(params), _log(params["weights"])
        sums: Sums = {}
        loglik, zero = 0.0, 0
        for tile in block.tiles(self.family.tile(self.components)):
            r, collect = self._log_joint(prepared, log_weights, tile)
            density = responsibilities(r, self._compiled and softmax_kernel(self._columns, r.dtype))
            zero += int((density == -np.inf).sum())
            loglik += _total(density, tile.weights)
            if kept is not None:
                kept.append(r.astype(float))
            accumulate(sums, _weighted(r, collect, tile.weights))
        return Stats(sums, block.rows, block.weight, loglik, {EventKind.ZERO_DENSITY: zero} if zero else {})

    def collect(self, r: Array, block: Block) -> Stats:
        """Statistics at given responsibilities (K, n), where no parameters exist yet: what starts are made of."""
        prepared = self._prepare(self._blank)
        if block.labels is not None:
            one_hot = np.arange(self.components)[:, None] == block.labels
            r = np.where(block.labels >= 0, one_hot, r)
        sums: Sums = {}
        at = 0
        for tile in block.tiles(self.family.tile(self.components)):
            _, collect = self.family.evaluate(prepared, tile.cells)
            accumulate(sums, _weighted(r[:, at : at + tile.rows].astype(float), collect, tile.weights))
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

    def rounding(self, params: Params) -> float:
        return self.family.rounding(self._prepare(params))

    def shares(self, params: Params) -> Array:
        return params["weights"]

    def with_shares(self, params: Params, shares: Array) -> Params:
        return Params({**params, "weights": shares}, events=params.events)

    # ---- rows

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Responsibilities (K, n) and log-density (n,) of a block's rows."""
        prepared, log_weights = self._prepare(params), _log(params["weights"])
        out, densities = [], []
        for tile in block.tiles(self.family.tile(self.components)):
            r, _ = self._log_joint(prepared, log_weights, tile)
            densities.append(
                responsibilities(r, self._compiled and softmax_kernel(self._columns, r.dtype)).astype(float)
            )
            out.append(r.astype(float))
        return np.concatenate(out, axis=1), np.concatenate(densities)

    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given the observed cells of its row, one array per slot."""
        alone = self.components == 1
        r = np.ones((1, block.rows)) if alone else self.posterior(params, block)[0]
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

    def description(self, params: Params) -> Description:
        """Return the components with their shares and what each column looks like in them, in the data's own units."""
        views, floors = self.family.describe(params), self.family.floors(params)
        return Description("component", self.components, params["weights"], views=views, discrete=True, floors=floors)


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


def example() -> Example:
    """Minutes between 272 eruptions of Old Faithful: two normal components."""
    from unseen import Gaussian

    waiting = (
        "79 54 74 62 85 55 88 85 51 85 54 84 78 47 83 52 62 84 52 79 51 47 78 69 74 83 55 76 78 79 73 77 66 "
        "80 74 52 48 80 59 90 80 58 84 58 73 83 64 53 82 59 75 90 54 80 54 83 71 64 77 81 59 84 48 82 60 92 "
        "78 78 65 73 82 56 79 71 62 76 60 78 76 83 75 82 70 65 73 88 76 80 48 86 60 90 50 78 63 72 84 75 51 "
        "82 62 88 49 83 81 47 84 52 86 81 75 59 89 79 59 81 50 85 59 87 53 69 77 56 88 81 45 82 55 90 45 83 "
        "56 89 46 82 51 86 53 79 81 60 82 77 76 59 80 49 96 53 77 77 65 81 71 70 81 93 53 89 45 86 58 78 66 "
        "76 63 88 52 93 49 57 77 68 81 81 73 50 85 74 55 77 83 83 51 78 84 46 83 55 81 57 76 84 77 81 87 77 "
        "51 78 60 82 91 53 78 46 77 84 49 83 71 80 49 75 64 76 53 94 55 76 50 82 54 75 78 79 78 78 70 79 70 "
        "54 86 50 90 54 54 77 79 64 75 47 86 63 85 82 57 82 67 74 54 83 73 73 88 80 71 83 56 79 78 84 58 83 "
        "43 60 75 81 46 90 46 74 "
    )
    means, sd = np.array([[80.091097], [54.614899]]), np.array([5.867707, 5.871256])
    return Example(
        model=Mixture(Gaussian(), 2),
        params=Params(weights=[0.64, 0.36], means=means, covariances=sd[:, None, None] ** 2),
        data={"waiting": np.array([int(minutes) for minutes in waiting.split()])},
        loglik=-1034.001750,
        answer={"means": means, "covariances": sd[:, None, None] ** 2},
        options={"restarts": 2, "tol": 1e-11},
        source="Azzalini & Bowman (1990), Applied Statistics 39, 357-365; maximum by mclust 6.0 and mixtools 2.0",
    )
