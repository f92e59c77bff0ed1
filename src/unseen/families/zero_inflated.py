"""Counts with more zeros than their family has: each component has a share of rows that could be nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.atoms import with_atoms
from unseen.core.block import NUMBER, Cells, Slot
from unseen.core.events import EventKind, located
from unseen.core.example import Example
from unseen.core.family import Collect, Family, Form, unset
from unseen.core.kinds import kind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity, prefixed, unprefixed
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics.discrete import logarithm
from unseen.numerics.embedding import stacked
from unseen.numerics.zeros import EMPTY, side_by_side, split_zeros, together

ZERO = (Cells(np.zeros((1, 1))),)


@dataclass(frozen=True)
class Ready:
    """What an E-step needs of one column: the inner family's own, and log-probabilities (K,) of its parts."""

    inner: Any
    zero: Array  # of a zero
    other: Array  # of what is no excess zero


@final
@kind("zero_inflated")
@dataclass(frozen=True)
class ZeroInflated(Family):
    r"""Counts of which a share :math:`\pi` is zero whatever the family of the others says, column by column.

    .. math:: f_k(x) = \prod_j \pi_{kj} [x_j = 0] + (1 - \pi_{kj}) \, g_{kj}(x_j)

    A missing cell is a factor 1. Where a component has no more zeros than g gives it, :math:`\pi` is 0.

    Given the responsibilities, the M-step takes the best :math:`\pi` for the old g, splits the zeros, and gives g its
    part: each raises the likelihood.

    Parameters
    ----------
    inner : the family g of the counts, `Poisson` or `NegativeBinomial`; each column gets one of its own
    name parameters : ``zeros`` (K, d), the shares :math:`\pi`, and those of g behind each column's name, such as
        ``visits.rates`` (K, 1)

    Raises
    ------
    ModelError
        An inner family that is none, or one that does not describe counts.
    DataError
        A column that the inner family cannot describe.

    >>> import unseen
    >>> data = {"cases": np.repeat(np.arange(5), [168, 32, 16, 6, 1])}
    >>> result = unseen.fit(unseen.Mixture(ZeroInflated(unseen.Poisson()), 1), data)
    >>> result.params["zeros"].round(3).tolist(), result.params["cases.rates"].round(3).tolist()
    ([[0.603]], [[0.972]])

    Source: Lambert (1992), Technometrics 34, 1-14.
    """

    inner: Family
    columns: tuple[str, ...] = learned(())
    each: tuple[Family, ...] = learned(())  # the inner family, bound to one column after the other
    share: Any = learned()  # (d,) where starts begin
    together: Family | None = learned()  # the inner family, bound to all columns, if it keeps them side by side

    def __post_init__(self) -> None:
        if not isinstance(self.inner, Family):
            given = self.inner if isinstance(self.inner, type) else type(self.inner)
            raise ModelError(
                f"ZeroInflated is given {given.__name__}, which is not a family that was made: write for example "
                "ZeroInflated(Poisson())"
            )
        if self.inner.continuous:
            raise ModelError(
                f"ZeroInflated needs a family of counts, Poisson() or NegativeBinomial(), and {self._name} describes "
                f"measurements: write Hurdle({self._name}()) for zeros beside measurements"
            )

    @property
    def _name(self) -> str:
        return type(self.inner).__name__

    def bind(self, profile: Profile) -> Self:
        each = tuple(self.inner.bind(profile.select((name,))) for name in profile.names)
        for family in each:
            if [slot.kind for slot in family.slots] != [NUMBER]:
                raise ModelError(
                    f"ZeroInflated needs a family of counts, Poisson() or NegativeBinomial(), and {self._name} "
                    "describes categories"
                )
        zeros = np.array([dict(c.atoms(0.0)).get(0.0, 0.0) for c in profile.columns])
        return replace(
            self,
            columns=profile.names,
            each=each,
            share=np.clip(zeros / 2, 0.01, 0.9),
            together=together(self.inner, each, profile),
        )

    @property
    def slots(self) -> tuple[Slot, ...]:
        return tuple(family.slots[0] for family in self.each) if self.each else unset()

    def tile(self, components: int) -> int:
        return min(family.tile(components) for family in self.each)

    @property
    def core(self) -> Family:
        return self.inner.core

    @property
    def covariances(self) -> Form | None:
        return self.inner.covariances

    @property
    def label(self) -> str:
        return f"ZeroInflated({self.inner.label})"

    # ---- E-step and M-step

    def prepare(self, params: Params) -> list[Ready]:
        out = []
        for name, family, share in zip(self.columns, self.each, params["zeros"].T, strict=True):
            inner = family.prepare(params.sub(name))
            other = np.log1p(-share)
            usual = family.evaluate(inner, ZERO)[0][:, 0] + other
            out.append(Ready(inner, np.logaddexp(logarithm(share), usual), other))
        return out

    def evaluate(self, prepared: list[Ready], cells: Sequence[Cells]) -> tuple[Array, Collect]:
        parts, places = [], []
        density = np.zeros((len(prepared[0].zero), cells[0].values.shape[1]))
        for ready, family, one in zip(prepared, self.each, cells, strict=True):
            own, collect = family.evaluate(ready.inner, (one,))
            own = own + ready.other[:, None]
            zero = one.values[0] == 0
            if one.observed is not None:
                own[:, ~one.observed[0]] = 0
                zero &= one.observed[0]
            place = np.flatnonzero(zero)
            own[:, place] = ready.zero[:, None]
            density += own
            parts.append(collect)
            places.append(place)

        def sums(r: Array) -> Sums:
            out = {"zero": np.stack([r[:, place].sum(axis=1) for place in places], axis=1)}
            seen = [r.sum(axis=1) if c.observed is None else r @ c.observed[0] for c in cells]
            out["mass"] = np.stack(seen, axis=1).astype(float)
            for name, collect in zip(self.columns, parts, strict=True):
                out |= prefixed(name, collect(r))
            return out

        return density, sums

    def moments(self, sums: Sums, params: Params | None) -> Params:
        mass, zero = sums["mass"], sums["zero"]
        old = self.vague(len(mass)) if params is None else params
        pseudo = sums.get("pseudo", np.zeros((*mass.shape, 2)))
        shares = np.array(old["zeros"], float)
        arrays: dict[str, Array] = {}
        events: dict[str, int] = {}
        for js, family in self._groups():
            names = [self.columns[j] for j in js]
            given, all_cells = side_by_side(old, names), side_by_side(sums, names)
            some = (array[:, js] for array in (shares, zero, mass, pseudo))
            shares[:, js], new = split_zeros(family, given, all_cells, *some)
            for i, name in enumerate(names):
                arrays.update({f"{name}.{k}": v if len(names) == 1 else v[:, [i]] for k, v in new.items()})
            # a component of nothing but zeros leaves the inner family empty, which is no loss of rows
            kept = {e: n for e, n in new.events.items() if e != EventKind.EMPTY_COMPONENT}
            events.update({located(e, names[0]): n for e, n in kept.items()} if len(names) == 1 else kept)
        empty = int((mass + pseudo.sum(axis=2) <= EMPTY).any(axis=1).sum())
        return Params(
            {"zeros": shares, **arrays}, events={**events, **({EventKind.EMPTY_COMPONENT: empty} if empty else {})}
        )

    def _groups(self) -> list[tuple[list[int], Family]]:
        """Columns that take their M-steps at once, which costs little more than one of them alone."""
        if self.together is not None:
            return [(list(range(len(self.columns))), self.together)]
        return [([j], family) for j, family in enumerate(self.each)]

    # ---- parameters

    def vague(self, components: int) -> Params:
        inner = [family.vague(components).under(name) for name, family in zip(self.columns, self.each, strict=True)]
        arrays = {key: value for part in inner for key, value in part.items()}
        return Params({"zeros": np.repeat(self.share[None], components, axis=0), **arrays})

    def valid(self, params: Params) -> Validity:
        zeros = params["zeros"]
        if not ((zeros >= 0) & (zeros < 1)).all():
            return Validity("a share of excess zeros lies outside [0, 1)")
        for name, family in zip(self.columns, self.each, strict=True):
            checked = family.valid(params.sub(name))
            if not checked:
                return Validity(f"{name}: {checked.broken}")
        return Validity()

    def size(self, params: Params) -> int:
        inner = sum(family.size(params.sub(name)) for name, family in zip(self.columns, self.each, strict=True))
        return params["zeros"].size + inner

    def prior(self, strength: float, components: int) -> Sums:
        rows = strength * np.stack([self.share, 1 - self.share], axis=1)
        out = {"pseudo": np.repeat(rows[None], components, axis=0)}
        for name, family, share in zip(self.columns, self.each, self.share, strict=True):
            inner = family.prior(strength * (1 - share), components)
            out |= prefixed(name, inner)
        return out

    def log_prior(self, params: Params, prior: Sums) -> float:
        share, pseudo = params["zeros"], prior["pseudo"]
        total = float((pseudo[..., 0] * logarithm(share) + pseudo[..., 1] * np.log1p(-share)).sum())
        for name, family in zip(self.columns, self.each, strict=True):
            total += family.log_prior(params.sub(name), unprefixed(name, prior))
        return total

    def rounding(self, prepared: list[Ready]) -> float:
        return sum(family.rounding(ready.inner) for family, ready in zip(self.each, prepared, strict=True))

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        usual = 1 - params["zeros"]
        return [
            family.mean(params.sub(name), (one,), responsibilities * usual[:, [j]])[0]
            for j, (name, family, one) in enumerate(zip(self.columns, self.each, cells, strict=True))
        ]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        out = []
        for j, (name, family, one) in enumerate(zip(self.columns, self.each, cells, strict=True)):
            x = family.draw(params.sub(name), (one,), states, rng)[0]
            if one.observed is not None:
                excessive = rng.random(x.shape) < params["zeros"][states, j]
                x = np.where(excessive & ~one.observed, 0, x)
            out.append(x)
        return out

    def embed(self, cells: Sequence[Cells]) -> Cells:
        return stacked([family.embed((one,)) for family, one in zip(self.each, cells, strict=True)])

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """``mean`` and ``sd`` are those of the counts; ``atom_shares`` (K lists) the zeros beside them.

        ``overall_mean`` and ``overall_sd`` are those of the column, zeros and all.
        """
        out = []
        for name, family, share in zip(self.columns, self.each, params["zeros"].T, strict=True):
            entry = family.describe(params.sub(name))[0]
            mean, sd, shares = np.array(entry["mean"]), np.array(entry["sd"]), share[:, None]
            beside = {"atoms": (0.0,), "atom_shares": shares.tolist(), **with_atoms(mean, sd, np.zeros(1), shares)}
            out.append({**entry, "family": f"zero_inflated_{entry['family']}", **beside})
        return out


def example() -> Example:
    """Cases of cholera in 223 houses of an Indian village, to most of which it could not have come."""
    from unseen import Mixture, Poisson

    return Example(
        model=Mixture(ZeroInflated(Poisson()), 1),
        params=Params({"weights": [1.0], "zeros": [[0.5]], "cases.rates": [[0.8]]}),
        data={"cases": np.repeat(np.arange(5), [168, 32, 16, 6, 1])},
        loglik=-179.347715,
        answer={"zeros": [[0.603313]], "cases.rates": [[0.972178]]},
        options={"tol": 1e-13},
        source="McKendrick (1926), Proc. Edinburgh Math. Soc. 44, 98-130, the first EM algorithm; maximum by SciPy",
    )
