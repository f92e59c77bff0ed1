"""What is summed, and what the sum means: the contract of models, and what a fit may ask of some of them besides.

A model is a frozen dataclass that inherits `Model` and each capability that it has, of those here and of those in
`core/capabilities.py`; nothing is asked of it by looking for methods. A concrete class is final: make a new one out of
parts instead of inheriting from it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import ClassVar, Self

import numpy as np

from unseen.core.block import Block, Cells, Slot
from unseen.core.description import Description
from unseen.core.engine import Engine
from unseen.core.family import Floor
from unseen.core.memo import fields_only
from unseen.core.option import Option
from unseen.core.output import Output, density_output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Stats, Sums, Validity
from unseen.core.unit import Unit
from unseen.errors import ModelError


class Model(ABC):
    """Expected statistics of a block, and the parameters that a sum of them implies."""

    __getstate__ = fields_only

    #: whether statistics may be averaged over time, or mean something only at the parameters they were taken at
    kind: ClassVar[Kind] = Kind.FREE
    #: the thing whose latent variables are independent of the rest: a row, or a bag or sequence of rows
    unit: ClassVar[Unit] = Unit.ROW
    #: the field that says how many components, states or factors it has, which `select` tries numbers of
    order: ClassVar[str] = ""
    #: whether its E-step draws at random or remembers: it then defines ``expect(params, block, at)`` with a `Pass`
    needs_pass: ClassVar[bool] = False
    #: whether every start comes to the same optimum
    one_start: ClassVar[bool] = False
    #: what command line, unseen.yaml and scikit-learn ask for to make one, beside the families of columns
    options: ClassVar[tuple[Option, ...]] = ()

    @abstractmethod
    def bind(self, profile: Profile) -> Self:
        """The model frozen to these columns: anchors, floors and categories fixed for the run."""

    @property
    @abstractmethod
    def slots(self) -> tuple[Slot, ...]:
        """Which columns it reads, grouped as its families want them."""

    @abstractmethod
    def expect(self, params: Params, block: Block) -> Stats:
        """E-step and statistics in one: expected sufficient statistics of the block at ``params``."""

    @abstractmethod
    def maximize(self, stats: Stats, params: Params | None) -> Params:
        """M-step; the old parameters serve frozen parts, generalised EM and empty components."""

    @abstractmethod
    def valid(self, params: Params) -> Validity:
        """Names the first broken invariant, if any."""

    @abstractmethod
    def size(self, params: Params) -> int:
        """The number of free parameters (the degrees of freedom of BIC)."""

    @abstractmethod
    def log_density(self, params: Params, block: Block) -> Array:
        """Log-density of the observed cells of each row, (n,); in a sequence, given the rows before it."""

    # ---- what most models have nothing to say of

    @property
    def number(self) -> int | None:
        """How many components, states or factors it has; None for one that has none."""
        return int(getattr(self, self.order)) if self.order else None

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The columns it insists on, or None for every usable one."""
        return None

    @property
    def index(self) -> tuple[str, ...]:
        """The columns that are open vocabularies: workers, items, words, of any number."""
        return ()

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Which of these columns it reads as codes, so that it has to know each of their values."""
        return ()

    @property
    def ungridded(self) -> tuple[str, ...]:
        """The columns described by a density that lie on no grid."""
        return ()

    def outputs(self) -> tuple[Output, ...]:
        """What it can say of rows, each with the columns that it fills."""
        return (density_output(self),)

    def description(self, params: Params) -> Description:
        """Return what the model says of itself: its parts, tables and facts; by default the shapes of parameters."""
        shapes = {name: array.shape for name, array in params.items()}
        return Description(self.order.removesuffix("s"), self.number or 0, shapes=shapes)

    def anchored(self, params: Params) -> Self:
        """The model with its anchors where these parameters need them."""
        return self

    def in_double(self) -> Self:
        """The same model computing in double precision: itself where it does so already."""
        return self

    def rounding(self, params: Params) -> float:
        """About how far rounding may move a row's log-density."""
        return 0.0

    def spread(self, params: Params) -> Array | None:
        """Per component, the smallest variance in units of the data's own, (K,)."""
        return None

    def floors(self, params: Params) -> list[Floor]:
        """The floors that bind at these parameters, by component and column."""
        return []

    def volume(self, block: Block) -> Array | None:
        """Per row the log of what turns the density of its recorded cells into their probability, (n,)."""
        return None


class Penalised(Model):
    """Models that also take a conjugate prior, for MAP instead of maximum likelihood."""

    @abstractmethod
    def prior(self, strength: float) -> Sums:
        """Pseudo-statistics worth ``strength`` rows for each component, drawn from the data as a whole."""

    @abstractmethod
    def log_prior(self, params: Params, prior: Sums) -> float:
        """Log-density of the conjugate prior that the pseudo-statistics stand for, up to a constant."""


class Starting(Model):
    """Models that draw starts of their own."""

    @abstractmethod
    def start(self, engine: Engine, seed: int) -> Params:
        """Parameters to begin with: a function of the data and the seed."""


class Assigning(Model):
    """Models with a discrete latent variable: they say which component or state a row comes from."""

    #: the name of its values, and of the column that holds the most probable one
    noun: ClassVar[str] = "component"

    @property
    def cardinality(self) -> int:
        """How many values the latent variable has, K."""
        return self.number or 1

    @abstractmethod
    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Responsibilities (K, n) and log-density (n,) of a block's rows."""

    def with_posterior(self, params: Params, block: Block) -> tuple[Stats, Array]:
        """The statistics, and the responsibilities (K, n) behind them."""
        return self.expect(params, block), self.posterior(params, block)[0]

    def in_parts(self, params: Params, block: Block, meet: Callable[[int, Array], None]) -> Stats:
        """The statistics; meanwhile ``meet`` is told the responsibilities (K, m) of rows from one on, all of them once.

        Where a unit may be long, its responsibilities need not be in memory all at once.
        """
        stats, r = self.with_posterior(params, block)
        meet(0, r)
        return stats

    def log_density(self, params: Params, block: Block) -> Array:
        """Log-density of the observed cells of each row, (n,); in a sequence, given the rows before it."""
        return self.posterior(params, block)[1]

    def description(self, params: Params) -> Description:
        return replace(super().description(params), noun=self.noun, count=self.cardinality, discrete=True)

    def outputs(self) -> tuple[Output, ...]:
        """The most probable component of each row, the log-density, and responsibilities."""

        def of(params: Params, block: Block) -> list[Array]:
            r, density = self.posterior(params, block)
            return [r.argmax(axis=0).astype(np.int32), density, *r]

        each = [(f"responsibility_{k}", "number") for k in range(self.cardinality)]
        return (Output("assignment", ((self.noun, "integer"), ("log_density", "number"), *each), of),)


class Latent(Assigning):
    """Models that can be started from given responsibilities, and whose classes labels may name."""

    @abstractmethod
    def collect(self, responsibilities: Array, block: Block) -> Stats:
        """Statistics of a block at given responsibilities (K, n); a known label rules out all classes but its own."""

    @abstractmethod
    def vague(self) -> Params:
        """Equal components that look like the data as a whole."""

    #: whether rows have coordinates, so that starts can be centres of clusters
    geometric: ClassVar[bool] = False

    def embed(self, block: Block) -> Cells:
        """Coordinates of rows for geometric starts, of comparable scales (m, n), with their observed mask."""
        raise ModelError(f"{type(self).__name__} gives rows no coordinates for starts: take start='random'")


def responsibilities(model: Model, params: Params, block: Block) -> tuple[Array, Array]:
    """Responsibilities (K, n), all one where there is no discrete latent variable, and log-density (n,) of rows."""
    if isinstance(model, Assigning):
        return model.posterior(params, block)
    return np.ones((1, block.rows)), model.log_density(params, block)


def latent_classes(model: Model) -> int:
    """How many values the discrete latent variable of a model has; 1 where there is none."""
    return model.cardinality if isinstance(model, Assigning) else 1
