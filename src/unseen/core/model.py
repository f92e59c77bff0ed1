"""What is summed, and what the sum means."""

from __future__ import annotations

from typing import Any, ClassVar, Protocol, Self, runtime_checkable

import numpy as np

from unseen.core.block import Block, Slot
from unseen.core.profile import Profile
from unseen.core.stats import Array, Kind, Params, Stats, Sums, Validity
from unseen.core.unit import Unit
from unseen.errors import ModelError


@runtime_checkable
class Model(Protocol):
    """Expected statistics of a block, and the parameters that a sum of them implies."""

    kind: ClassVar[Kind]
    #: the thing whose latent variables are independent of the rest: a row, or a bag or sequence of rows
    unit: ClassVar[Unit]

    def bind(self, profile: Profile) -> Self:
        """The model frozen to these columns: anchors, floors and categories fixed for the run."""
        ...

    @property
    def slots(self) -> tuple[Slot, ...]:
        """Which columns it reads, grouped as its families want them."""
        ...

    def expect(self, params: Params, block: Block) -> Stats:
        """E-step and statistics in one: expected sufficient statistics of the block at ``params``."""
        ...

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        """M-step; the old parameters serve frozen parts, generalised EM and empty components."""
        ...

    def valid(self, params: Params) -> Validity:
        """Names the first broken invariant, if any."""
        ...

    def size(self, params: Params) -> int:
        """The number of free parameters (the degrees of freedom of BIC)."""
        ...


class Penalised(Model, Protocol):
    """Models that also take a conjugate prior, for MAP instead of maximum likelihood."""

    def prior(self, strength: float) -> Sums:
        """Pseudo-statistics worth ``strength`` rows for each component, drawn from the data as a whole."""
        ...

    def log_prior(self, params: Params, prior: Sums) -> float:
        """Log-density of the conjugate prior that the pseudo-statistics stand for, up to a constant."""
        ...


class Latent(Model, Protocol):
    """Models with discrete latent states can also be started from given responsibilities."""

    def collect(self, responsibilities: Array, block: Block) -> Stats:
        """Statistics of a block at given responsibilities (K, n)."""
        ...


@runtime_checkable
class Dense(Protocol):
    """Models that say the log-density of rows without responsibilities."""

    def log_density(self, params: Params, block: Block) -> Array:
        """Log-density of the observed cells of each row, (n,)."""
        ...


@runtime_checkable
class Assigning(Protocol):
    """Models that say which component or state a row comes from."""

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Responsibilities (K, n) and log-density (n,) of a block's rows."""
        ...


@runtime_checkable
class Completing(Protocol):
    """Models that say what missing cells may be."""

    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given the observed ones, one (d, n) array per slot."""
        ...

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """One random completion of the missing cells."""
        ...


@runtime_checkable
class Generative(Protocol):
    """Models of whole rows: they can make new ones."""

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new rows, one array per slot, and the latent variables behind them."""
        ...


@runtime_checkable
class Anchored(Protocol):
    """Models whose moments are taken about a point that may be moved to where accuracy needs it."""

    def anchored(self, params: Params) -> Self:
        """The model with its anchors where these parameters need them."""
        ...


def order_name(model: Any) -> str:
    """The field that says how many components, states or factors a model has."""
    return str(getattr(model, "order", "components"))


def order_of(model: Any) -> int | None:
    """How many components, states or factors a model has; None for one that has none."""
    found = getattr(model, order_name(model), None)
    return None if found is None else int(found)


def row_density(model: Any, params: Params, block: Block) -> Array:
    """Log-density of the observed cells of each row of a block, (n,), whatever the kind of model."""
    if isinstance(model, Dense):
        return model.log_density(params, block)
    if isinstance(model, Assigning):
        return model.posterior(params, block)[1]
    raise ModelError(f"{type(model).__name__} has no log density of rows: give it log_density(params, block) -> (n,)")
