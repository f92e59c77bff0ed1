"""Families over different columns, independent inside a component: rows of mixed type."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self, final

import numpy as np

from unseen.core.block import Cells, Slot
from unseen.core.events import located
from unseen.core.example import Example
from unseen.core.family import Collect, Family, Floor
from unseen.core.kinds import kind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity, prefixed, unprefixed
from unseen.errors import ModelError
from unseen.numerics.embedding import stacked

Columns = str | tuple[str, ...]


@kind("term")
@dataclass(frozen=True, slots=True)
class Term:
    """One family and the columns it describes; ``name`` prefixes its parameters and statistics."""

    columns: tuple[str, ...]
    family: Family

    @property
    def name(self) -> str:
        return "+".join(self.columns)

    def of(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """This term's entries, without the prefix."""
        return unprefixed(self.name, arrays)

    def under(self, arrays: Mapping[str, Array]) -> dict[str, Array]:
        """The same entries with the prefix before each name."""
        return prefixed(self.name, arrays)


@final
@kind("product")
@dataclass(frozen=True, init=False)
class Product(Family):
    r"""Different families for different columns, independent given the component.

    .. math:: f_k(x) = \prod_t f_{k}^{(t)}(x_{c(t)})

    Parameters
    ----------
    terms : mapping of a column, or of a tuple of columns that depend on each other, to a family
    columns : the same as keywords, one family for each column
    name parameters : those of each family behind its columns' names, such as ``carrier.probabilities``; several
        columns are joined by ``+``, as in ``height+weight.means``

    Raises
    ------
    ModelError
        No term at all, a column that two terms name, or something that is not a family.

    >>> from unseen import Categorical, Gaussian, StudentT
    >>> Product(delay=StudentT(), carrier=Categorical()).wanted
    ('delay', 'carrier')
    >>> Product({("height", "weight"): Gaussian("full"), "sex": Categorical()}).terms[0].name
    'height+weight'

    Source: Hunt & Jorgensen (1999), Austral. & New Zealand J. Statist. 41, 153-171.
    """

    terms: tuple[Term, ...]

    def __init__(
        self,
        terms: Mapping[Columns, Family] | Sequence[Term] | None = None,
        /,
        **columns: Any,
    ) -> None:
        if isinstance(columns.get("terms"), tuple) and terms is None:  # what dataclasses.replace passes on
            terms = columns.pop("terms")
        listed = _terms(terms) + _terms(columns)
        _check(listed)
        object.__setattr__(self, "terms", listed)

    def _each(self, change: Callable[[Term], Family]) -> Self:
        return type(self)(tuple(Term(t.columns, change(t)) for t in self.terms))

    def _cells(self, cells: Sequence[Cells]) -> Iterator[tuple[Term, Sequence[Cells]]]:
        """Each term with the cells of its slots."""
        at = 0
        for t in self.terms:
            count = len(t.family.slots)
            yield t, cells[at : at + count]
            at += count

    def _merge(self, make: Callable[[Term], Mapping[str, Array]]) -> dict[str, Array]:
        return {k: v for t in self.terms for k, v in t.under(make(t)).items()}

    # ---- binding

    @property
    def wanted(self) -> tuple[str, ...]:
        return tuple(c for t in self.terms for c in t.columns)

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(c for t in self.terms for c in t.family.coded(t.columns))

    def bind(self, profile: Profile) -> Self:
        return self._each(lambda t: t.family.bind(profile.select(t.columns)))

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(s for t in self.terms for s in t.family.slots)

    def tile(self, components: int) -> int:
        return min(t.family.tile(components) for t in self.terms)

    @property
    def label(self) -> str:
        grouped: dict[str, list[str]] = {}
        for term in self.terms:
            grouped.setdefault(term.family.label, []).extend(term.columns)
        return "Product(" + "; ".join(f"{name}: {', '.join(c)}" for name, c in grouped.items()) + ")"

    def apart(self, params: Params) -> Iterator[tuple[Family, Params]]:
        for term in self.terms:
            yield from term.family.apart(params.sub(term.name))

    # ---- E-step and M-step

    def prepare(self, params: Params) -> list[Any]:
        return [t.family.prepare(params.sub(t.name)) for t in self.terms]

    def evaluate(self, prepared: list[Any], cells: Sequence[Cells]) -> tuple[Array, Collect]:
        parts = [t.family.evaluate(p, c) for p, (t, c) in zip(prepared, self._cells(cells), strict=True)]
        density = parts[0][0]
        for other, _ in parts[1:]:
            density = density.astype(np.promote_types(density.dtype, other.dtype), copy=False)
            density += other

        def collect(r: Array) -> Sums:
            return {k: v for t, (_, mine) in zip(self.terms, parts, strict=True) for k, v in t.under(mine(r)).items()}

        return density, collect

    def moments(self, sums: Sums, params: Params | None) -> Params:
        arrays: dict[str, Array] = {}
        events: dict[str, int] = {}
        for t in self.terms:
            new = t.family.moments(t.of(sums), None if params is None else params.sub(t.name))
            arrays.update(t.under(new))
            events.update({located(event, t.name): count for event, count in new.events.items()})
        return Params(arrays, events=events)

    # ---- parameters

    def vague(self, components: int) -> Params:
        return Params(self._merge(lambda t: t.family.vague(components)))

    def valid(self, params: Params) -> Validity:
        for t in self.terms:
            checked = t.family.valid(params.sub(t.name))
            if not checked:
                return Validity(f"{t.name}: {checked.broken}")
        return Validity()

    def size(self, params: Params) -> int:
        return sum(t.family.size(params.sub(t.name)) for t in self.terms)

    def prior(self, strength: float, components: int) -> Sums:
        return self._merge(lambda t: t.family.prior(strength, components))

    def log_prior(self, params: Params, prior: Sums) -> float:
        return sum(t.family.log_prior(params.sub(t.name), t.of(prior)) for t in self.terms)

    def anchored(self, params: Params) -> Self:
        return self._each(lambda t: t.family.anchored(params.sub(t.name)))

    def rounding(self, prepared: list[Any]) -> float:
        return sum(t.family.rounding(p) for t, p in zip(self.terms, prepared, strict=True))

    def in_double(self) -> Self:
        finer = self._each(lambda t: t.family.in_double())
        same = all(a.family is b.family for a, b in zip(finer.terms, self.terms, strict=True))
        return self if same else finer

    def spread(self, params: Params) -> Array | None:
        found = [s for t in self.terms if (s := t.family.spread(params.sub(t.name))) is not None]
        return np.min(found, axis=0) if found else None

    def floors(self, params: Params) -> list[Floor]:
        return [floor for t in self.terms for floor in t.family.floors(params.sub(t.name))]

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        found = [v for t, mine in self._cells(cells) if (v := t.family.volume(mine)) is not None]
        return np.sum(found, axis=0) if found else None

    @property
    def ungridded(self) -> tuple[str, ...]:
        return tuple(c for t in self.terms for c in t.family.ungridded)

    @property
    def continuous(self) -> bool:
        return any(t.family.continuous for t in self.terms)

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        return [
            array
            for t, mine in self._cells(cells)
            for array in t.family.mean(params.sub(t.name), mine, responsibilities)
        ]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        return [
            array for t, mine in self._cells(cells) for array in t.family.draw(params.sub(t.name), mine, states, rng)
        ]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        return stacked([t.family.embed(mine) for t, mine in self._cells(cells)])

    def describe(self, params: Params) -> list[dict[str, Any]]:
        return [entry for t in self.terms for entry in t.family.describe(params.sub(t.name))]


def _terms(given: Any) -> tuple[Term, ...]:
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        return tuple(given)
    return tuple(Term((c,) if isinstance(c, str) else tuple(c), family) for c, family in given.items())


def _check(terms: tuple[Term, ...]) -> None:
    if not terms:
        raise ModelError("a product needs at least one column with a family, such as Product(age=Gaussian())")
    for t in terms:
        if not t.columns:
            raise ModelError("a term of the product names no column")
        if not isinstance(t.family, Family):
            given = t.family if isinstance(t.family, type) else type(t.family)
            raise ModelError(
                f"column {t.name!r} is given {given.__name__}, which is not a family that was made: write for example "
                "Gaussian() or Categorical()"
            )
    names = [c for t in terms for c in t.columns]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise ModelError(
            f"column {', '.join(map(repr, twice))} is named twice in the product: give each column one family"
        )


def example() -> Example:
    """Seven pathologists on 118 slides, carcinoma (1) or not (0): latent classes by two families at once."""
    from unseen import Bernoulli, Categorical, Mixture

    seen = (
        "0000000:34 0000100:2 0100000:6 0100001:1 0100100:4 0100101:5 1000000:2 1010101:1 "
        "1100000:2 1100001:1 1100100:2 1100101:7 1100111:1 1101001:1 1101101:2 1101111:3 "
        "1110101:13 1110111:5 1111101:10 1111111:16 "
    )
    patterns = [p.split(":") for p in seen.split()]
    rows = np.array([[int(c) for c in p] for p, n in patterns for _ in range(int(n))])
    low, high = [0.9, 0.1, 0.8, 0.2, 1.0, 0.0], [0.1, 0.9, 0.1, 0.9, 0.3, 0.7]
    return Example(
        model=Mixture(Product({("A", "B", "C"): Categorical(), ("D", "E", "F", "G"): Bernoulli()}), 2),
        params=Params(
            {
                "weights": [0.5, 0.5],
                "A+B+C.probabilities": [low, high],
                "D+E+F+G.probabilities": [[0.01, 0.2, 0.01, 0.1], [0.6, 0.9, 0.4, 0.9]],
            }
        ),
        data={name: rows[:, j] for j, name in enumerate("ABCDEFG")},
        loglik=-317.256837,
        answer={"weights": [0.50121, 0.49879]},
        options={"restarts": 3, "tol": 1e-11, "max_iterations": 5000},
        source="Agresti (2002), Categorical Data Analysis, table 13.1; maximum by poLCA 1.6",
    )
