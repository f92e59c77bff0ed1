"""Observation distributions: K stacked distributions of one kind over some columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from unseen.core.block import Cells, Slot
from unseen.core.equality import by_value, hash_by_value
from unseen.core.memo import fields_only
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity

Collect = Callable[[Array], Sums]


@dataclass(frozen=True, slots=True)
class Floor:
    """A floor that binds: in which component and column, and whether the data itself sets it.

    ``kind`` is ``"grid"`` where the floor is the resolution of the recorded numbers, so that the likelihood of a cell
    is bounded by 1 and a constant component is a finding, ``"variance"`` where nothing in the data bounds it, or
    ``"noise"`` for a column that factors explain.
    ``share`` is how much of the floor is the column's own: 1 where its own variance rests on it, less where that of a
    combination of columns does, of which the named one has most.
    """

    component: int
    column: str
    kind: str
    share: float = 1.0


@dataclass(frozen=True, slots=True)
class Form:
    """How columns vary together: ``"full"``, ``"diagonal"``, ``"spherical"``, ``"factors"``, ``"common"``."""

    covariance: str
    tied: bool = False
    factors: int = 0


class Family(ABC):
    """K stacked distributions over the columns of one or more slots.

    A latent structure calls `prepare` once per parameters, `evaluate` once per tile of rows, and hands the
    posterior weights R (K, n) to the collector that `evaluate` returned; `moments` turns the sum of what
    was collected into parameters. A family never sees where its rows come from.
    """

    __getstate__ = fields_only

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if "__eq__" not in cls.__dict__:  # before a dataclass makes its own, which cannot compare arrays
            cls.__eq__, cls.__hash__ = by_value, hash_by_value  # type: ignore[method-assign, assignment]

    @property
    def continuous(self) -> bool:
        """Whether it describes its numbers by a density, not by probabilities of single values."""
        return False

    @property
    def ungridded(self) -> tuple[str, ...]:
        """The columns described by a density that lie on no grid: their cells have no probability."""
        return ()

    @property
    def label(self) -> str:
        """What it is called in a line, with its form and what is inside: ``Gaussian(full)``."""
        return type(self).__name__

    @property
    def core(self) -> Family:
        """The family inside all that stands around it, such as atoms or logarithms."""
        return self

    @property
    def covariances(self) -> Form | None:
        """The form of its covariances; None where columns have none."""
        return None

    def apart(self, params: Params) -> Iterator[tuple[Family, Params]]:
        """Families of columns that are independent of each other inside a component, with their parameters."""
        yield self, params

    @property
    def wanted(self) -> tuple[str, ...] | None:
        """The columns it insists on, or None for every column it is given."""
        return None

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        """Which of these columns it reads as codes, so that it has to know each of their values."""
        return ()

    @abstractmethod
    def bind(self, profile: Profile) -> Self:
        """The family frozen to these columns: anchors, floors, categories. Raises DataError if unsuitable."""

    @property
    @abstractmethod
    def slots(self) -> tuple[Slot, ...]:
        """The slots it reads, in order; only after `bind`."""

    def prepare(self, params: Params) -> Any:
        """Whatever depends on the parameters alone (natural parameters, Cholesky factors)."""
        return params

    @abstractmethod
    def evaluate(self, prepared: Any, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        """Log-density of the observed cells, (K, n), and the collector R (K, n) -> expected statistics."""

    @abstractmethod
    def vague(self, components: int) -> Params:
        """Parameters at which every component looks like the data as a whole: where starts begin."""

    @abstractmethod
    def moments(self, sums: Sums, params: Params | None) -> Params:
        """M-step: parameters from the summed statistics; counted events go into ``Params.events``.

        They are in a unit in which all rows together weigh 512 to 1,024: a threshold on them is a share of the whole.
        """

    @abstractmethod
    def valid(self, params: Params) -> Validity:
        """Names the first broken invariant."""

    @abstractmethod
    def size(self, params: Params) -> int:
        """The number of free parameters."""

    @abstractmethod
    def prior(self, strength: float, components: int) -> Sums:
        """Conjugate pseudo-statistics: ``strength`` rows per component that look like the data as a whole."""

    @abstractmethod
    def log_prior(self, params: Params, prior: Sums) -> float:
        """Log prior density of ``params`` under those pseudo-statistics, up to a constant."""

    @abstractmethod
    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        """Conditional expectation of every cell given the observed ones: one (d, n) array per slot.

        Observed cells come back as they are; for category slots the result is the most probable code.
        """

    @abstractmethod
    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        """Random completion of the missing cells given the observed ones and each row's state (n,)."""

    @abstractmethod
    def embed(self, cells: Sequence[Cells]) -> Cells:
        """Coordinates for geometric starts: comparable scales, (m, n), with their observed mask."""

    @abstractmethod
    def describe(self, params: Params) -> list[dict[str, Any]]:
        """Per column, what each component looks like in the data's own units.

        Each entry: ``column``, ``family``, and lists over components: ``mean`` and ``sd`` for numbers, or
        ``categories`` with ``probabilities`` (K lists). Where values of a column stand apart, ``mean`` and ``sd`` are
        those of the others, ``atoms`` the values with ``atom_shares`` (K lists), and ``overall_mean`` and
        ``overall_sd`` are of all together.
        """

    def anchored(self, params: Params) -> Self:
        """The family with its anchors moved to where these parameters need them for accuracy."""
        return self

    def tile(self, components: int) -> int:
        """Rows per tile that keep the family's temporaries in cache."""
        return tile_rows(64)

    def rounding(self, prepared: Any) -> float:
        """About how far rounding may move a row's log-density: what lies below is no change of the objective."""
        return 0.0

    def in_double(self) -> Self:
        """The family computing in double precision from now on: itself where it does so already."""
        return self

    def spread(self, params: Params) -> Array | None:
        """Per component the smallest variance in units of the data's own, (K,): near 0 is a singularity."""
        return None

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        r"""Sum of :math:`\log h` over the observed cells that have a density and lie on a grid of step h, (n,).

        Added to the log-density of a row it gives the log-probability of its recorded cells; None is 0 everywhere.
        """
        return None

    def floors(self, params: Params) -> list[Floor]:
        """The floors that bind at these parameters, by component and column."""
        return []


def within(label: str, more: str) -> str:
    """A family's label with one thing more inside its parentheses.

    >>> within("Gaussian(full)", "log of income")
    'Gaussian(full; log of income)'
    """
    return f"{label[:-1]}; {more})" if label.endswith(")") else f"{label}({more})"


def few(names: Sequence[str], most: int = 4) -> str:
    """Some names, and how many more there are."""
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def tile_rows(features: int) -> int:
    """Rows per tile when each row becomes so many numbers.

    Fewer rows would stay in a nearer cache; more rows make fewer, longer NumPy calls, between which threads wait for
    the interpreter. About ten megabytes were fastest on two cores (1.7 times a quarter of that).
    """
    return min(max(1_300_000 // features, 1024), 16_384)


def unset(*_: Any) -> Any:
    """What an unbound family answers."""
    raise RuntimeError("the family is not bound to columns yet: unseen.fit does that, or call bind(profile)")


def empty_cells(slots: Sequence[Slot], rows: int) -> list[Cells]:
    """Cells with nothing observed: what `draw` completes when it samples from scratch."""
    return [
        Cells(
            np.zeros((len(s.columns), rows), np.int32 if s.kind == "category" else float),
            np.zeros((len(s.columns), rows), bool),
        )
        for s in slots
    ]
