"""Parameters and statistics: different types, and `Model.maximize` is the only road between them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum
from typing import Any, Self

import numpy as np

from unseen.core.kinds import kind

Array = np.ndarray[Any, np.dtype[Any]]


class Kind(Enum):
    """Whether statistics keep their meaning away from the parameters they were taken at.

    FREE statistics may be averaged over time (stepwise, incremental EM); BOUND ones mean something
    only at the parameters they were taken at (gradients).
    """

    FREE = "free"
    BOUND = "bound"


class Params(Mapping[str, Array]):
    """Named, read-only parameter arrays; the parts of a product are prefixed, as in ``carrier.probabilities``.

    >>> p = Params(weights=[0.4, 0.6], **{"plan.rates": [1.0, 2.0]})
    >>> list(p.sub("plan"))
    ['rates']
    """

    __slots__ = ("_arrays", "events")

    def __init__(
        self,
        arrays: Mapping[str, Any] | None = None,
        /,
        *,
        events: Mapping[str, int] | None = None,
        **named: Any,
    ) -> None:
        self._arrays: dict[str, Array] = {}
        # what the M-step had to do beyond the formula, counted: floors that bound, components kept as they were
        self.events: dict[str, int] = {str(event): count for event, count in (events or {}).items()}
        for name, value in {**(arrays or {}), **named}.items():
            array = np.array(value, dtype=None if getattr(value, "dtype", None) is not None else np.float64)
            array.flags.writeable = False
            self._arrays[name] = array

    def __reduce__(self) -> tuple[Any, ...]:
        """Arrays that come out of a pickle are read-only, too."""
        return _params, (self._arrays, self.events)

    def __getitem__(self, name: str) -> Array:
        return self._arrays[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._arrays)

    def __len__(self) -> int:
        return len(self._arrays)

    def __repr__(self) -> str:
        return f"Params({', '.join(f'{k}{list(v.shape)}' for k, v in self._arrays.items())})"

    def shaped(self, **shapes: tuple[int, ...]) -> Validity:
        """Whether the parameters of these names are there, in these shapes and finite."""
        for name, shape in shapes.items():
            if name not in self or self[name].shape != shape:
                return Validity(f"{name} is missing or does not have shape {shape}")
            if not np.isfinite(self[name]).all():
                return Validity(f"{name} is not finite")
        return Validity()

    def sub(self, prefix: str) -> Params:
        """The parameters under ``prefix.``, without the prefix."""
        part = Params.__new__(Params)  # the arrays are this object's own and read-only: no need of copies
        part._arrays = unprefixed(prefix, self._arrays)
        part.events = {}
        return part

    def under(self, prefix: str) -> dict[str, Array]:
        """The same arrays with ``prefix.`` before each name."""
        return prefixed(prefix, self._arrays)

    def vector(self) -> Array:
        """All parameters in one float64 vector, in the order of their names."""
        return np.concatenate([np.asarray(v, float).ravel() for v in self._arrays.values()])

    def from_vector(self, vector: Array) -> Params:
        """Parameters of the same shapes, read from a vector made by `vector`."""
        out, at = {}, 0
        for name, like in self._arrays.items():
            out[name] = vector[at : at + like.size].reshape(like.shape)
            at += like.size
        return Params(out)


def _params(arrays: dict[str, Array], events: dict[str, int]) -> Params:
    return Params(arrays, events=events)


Sums = dict[str, Array]


def prefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The same arrays with ``prefix.`` before each name."""
    return {f"{prefix}.{name}": array for name, array in arrays.items()}


def unprefixed(prefix: str, arrays: Mapping[str, Array]) -> dict[str, Array]:
    """The arrays whose names begin with ``prefix.``, without it."""
    head = prefix + "."
    return {name[len(head) :]: array for name, array in arrays.items() if name.startswith(head)}


def add_sums(a: Sums, b: Sums) -> Sums:
    """``a + b`` name by name; a name that only one side has is kept."""
    out = dict(a)
    for name, value in b.items():
        out[name] = out[name] + value if name in out else value
    return out


def accumulate(total: Sums, part: Sums) -> None:
    """``total += part`` name by name, in place: the arrays of ``total`` must belong to the caller."""
    for name, value in part.items():
        if name in total:
            total[name] += value
        else:
            total[name] = np.array(value, dtype=float)


@kind("stats")
@dataclass(frozen=True, slots=True)
class Stats:
    r"""Expected statistics of some units: a sum, so two of them add.

    sums    : named float64 arrays whose size never depends on the number of rows
    units   : units seen (rows, sequences, ...)
    weight  : total weight of the units
    loglik  : weighted observed-data log-likelihood at the parameters of the E-step
    counts  : counted events: rows all missing, rows of density zero, ...
    """

    sums: Sums = field(default_factory=dict)
    units: int = 0
    weight: float = 0.0
    loglik: float = 0.0
    counts: dict[str, int] = field(default_factory=dict)

    def __add__(self, other: Stats) -> Stats:
        counts = dict(self.counts)
        for name, value in other.counts.items():
            counts[name] = counts.get(name, 0) + value
        return Stats(
            add_sums(self.sums, other.sums),
            self.units + other.units,
            self.weight + other.weight,
            self.loglik + other.loglik,
            counts,
        )

    def __sub__(self, other: Stats) -> Stats:
        return self + other.scaled(-1.0, counts=-1)

    def scaled(self, factor: float, counts: int = 0) -> Stats:
        """Every sum times ``factor``; counted events are dropped unless ``counts`` says otherwise."""
        return Stats(
            {k: v * factor for k, v in self.sums.items()},
            self.units * (counts or 1),
            self.weight * factor,
            self.loglik * factor,
            {k: v * counts for k, v in self.counts.items()} if counts else {},
        )

    def with_prior(self, prior: Sums) -> Stats:
        """The statistics with pseudo-counts added: what turns maximum likelihood into MAP."""
        return replace(self, sums=add_sums(self.sums, prior)) if prior else self

    def in_unit(self) -> Stats:
        """The same sums in a unit of weight in which all rows together weigh 512 to 1,024: what an M-step is given.

        The unit is a power of two, so ratios of sums keep their bits; and what an M-step takes for nothing (a component
        that lost its rows) is a share of the whole, whatever unit the row weights came in.
        """
        if not 0 < self.weight < math.inf:
            return self
        return self.scaled(math.ldexp(1.0, 10 - math.frexp(self.weight)[1]), counts=1)

    @property
    def objective(self) -> float:
        """Log-likelihood per unit of weight."""
        return self.loglik / self.weight if self.weight else float("nan")


@dataclass(frozen=True, slots=True)
class Validity:
    """Whether parameters keep every invariant of their model, and if not, which one is broken."""

    broken: str = ""

    def __bool__(self) -> bool:
        return not self.broken

    def also(self, other: Validity) -> Self | Validity:
        """The first broken invariant of the two."""
        return self if self.broken else other
