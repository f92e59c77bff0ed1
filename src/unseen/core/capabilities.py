"""What some models can do: describe columns by families, complete and make rows, predict, decode, project."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import ClassVar, Self, TypeVar

import numpy as np

from unseen.core.block import Block, Cells, Slot
from unseen.core.family import Family, Floor
from unseen.core.model import Assigning, Latent, Model
from unseen.core.stats import Array, Params
from unseen.errors import ModelError

C = TypeVar("C", bound=Model)


class Structured(Latent):
    """Latent structures over a family of observations, which say of columns what the family says."""

    family: Family
    geometric: ClassVar[bool] = True

    def embed(self, block: Block) -> Cells:
        return self.family.embed(block.cells)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.family.slots

    @property
    def wanted(self) -> tuple[str, ...] | None:
        return self.family.wanted

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return self.family.coded(columns)

    @property
    def ungridded(self) -> tuple[str, ...]:
        return self.family.ungridded

    def anchored(self, params: Params) -> Self:
        return self._with(self.family.anchored(params))

    def in_double(self) -> Self:
        family = self.family.in_double()
        return self if family is self.family else self._with(family)

    def rounding(self, params: Params) -> float:
        return self.family.rounding(self.family.prepare(params))

    def spread(self, params: Params) -> Array | None:
        return self.family.spread(params)

    def floors(self, params: Params) -> list[Floor]:
        return self.family.floors(params)

    def volume(self, block: Block) -> Array | None:
        return self.family.volume(block.cells)

    def _with(self, family: Family) -> Self:
        return replace(self, family=family)  # type: ignore[type-var]


class Completing(Model):
    """Models that say what missing cells may be."""

    @abstractmethod
    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given the observed ones, one (d, n) array per slot."""

    @abstractmethod
    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """One random completion of the missing cells."""


class Generative(Model):
    """Models of whole rows: they can make new ones."""

    #: rows of each unit that is made
    rows_per_unit: int = 1

    @abstractmethod
    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new rows, one array per slot, and the latent variables behind them."""


class Mixing(Assigning):
    r"""Rows are drawn from components in shares of their own, which say nothing of what the components are.

    With other shares w the log-density of a row is :math:`\log p(x) + \log \sum_k (w_k / \pi_k) \, r_k(x)`.
    """

    @abstractmethod
    def shares(self, params: Params) -> Array:
        r"""The shares of the components, :math:`\pi` (K,)."""

    @abstractmethod
    def with_shares(self, params: Params, shares: Array) -> Params:
        """The same components in other shares (K,)."""


class Predictive(Model):
    """Regressions: they say what to expect of a target given other columns."""

    @abstractmethod
    def predict(self, params: Params, block: Block) -> Array:
        """Expected target of each row given the predictors alone, (n,): the probability of the second class."""


class Uncertain(Predictive):
    """Regressions whose predictions have variances."""

    @abstractmethod
    def predictive(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Expected target of each row and its variance, (n,) both, given the other rows of its unit."""

    def predict(self, params: Params, block: Block) -> Array:
        return self.predictive(params, block)[0]


class Judging(Assigning):
    """Models with a discrete latent variable of each unit, whose values are those of a column."""

    @abstractmethod
    def truth(self, params: Params, block: Block) -> Array:
        """Posterior of the class of each unit, (C, U)."""


class Decoding(Model):
    """Models with hidden states in an order."""

    @abstractmethod
    def viterbi(self, params: Params, block: Block) -> tuple[Array, Array]:
        """The most probable path of states (n,), and its log-probability for each sequence."""


class Projecting(Model):
    """Models with continuous latent variables."""

    @abstractmethod
    def scores(self, params: Params, block: Block) -> Array:
        """Posterior mean of the latent variables given the observed cells, (q, n); of bags (q, U)."""


def able(model: Model, capability: type[C], what: str) -> C:
    """Return the model as one that has a capability.

    Raises
    ------
    ModelError
        It has not: "HMM has no ``what``".
    """
    if not isinstance(model, capability):
        raise ModelError(f"{type(model).__name__} has no {what}")
    return model
