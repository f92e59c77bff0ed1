"""Atoms beside any family of numbers: values that are hit exactly, each with a probability of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

import numpy as np

from unseen.core.atoms import frequent, is_slip, listed, weights_of, with_atoms, without
from unseen.core.block import NUMBER, Cells, Slot
from unseen.core.events import EventKind, count_of
from unseen.core.example import Example
from unseen.core.family import Collect, Family, Floor, Form, few, unset, within
from unseen.core.kinds import kind
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity, add_sums
from unseen.errors import DataError, ModelError
from unseen.numerics import discrete
from unseen.numerics.embedding import indicator_coordinates

REST = "rest"
# a rest that almost surely lies on the atoms has no truncated distribution to speak of
MOST = 1 - 1e-9
TRIES = 1000


@dataclass(frozen=True)
class Ready:
    """What an E-step needs: log-probabilities of atoms, the inner family's own, and its mass on the atoms (K, m)."""

    tables: discrete.Tables
    inner: Any
    on_atoms: Array | None
    collect_atoms: Collect | None


@kind("hurdle")
@dataclass(frozen=True)
class Hurdle(Family):
    r"""A column is at one of its atoms with probability :math:`p_{ka}`, and follows another family otherwise.

    .. math:: f_k(x) = p_{ka} \; (x = a), \qquad
              f_k(x) = \Big(1 - \sum_a p_{ka}\Big) \frac{g_k(x)}{1 - \sum_a g_k(a)} \; (\text{else})

    For a density g the denominator is 1. In a block of several columns, a cell at an atom says nothing about the
    others: for the inner family it counts as missing, so full covariances stay what they are. Atoms and cells that are
    missing go together; a missing cell is a factor 1.

    Parameters
    ----------
    inner : the family of the rest: `Gaussian`, `LogNormal`, `Gamma`, ... over all columns, or of one column a family of
        counts, which is truncated at the atoms
    atoms : mapping of column to a value or values; by default every value that holds ``share`` of its column
    share : smallest share of a column's weight that makes a value an atom, where ``atoms`` is not given
    name parameters : ``shares`` (K, C), per column with atoms the probability of the rest and of each atom, and those
        of the inner family behind ``rest.``

    Raises
    ------
    ModelError
        Atoms that are no numbers, or a share outside (0, 1).
    DataError
        A column that is nothing but atoms, text, or no atom found at all.

    >>> import unseen
    >>> x = {"debt": np.repeat([0.0, 2.0, 3.0, 4.0], [12, 4, 4, 4])}
    >>> unseen.fit(unseen.Mixture(Hurdle(unseen.Gaussian(), share=0.2), 1), x).params["shares"].tolist()
    [[0.5, 0.5]]

    Source: Cragg (1971), Econometrica 39, 829-844; Mullahy (1986), J. Econometrics 33, 341-365.
    """

    inner: Family
    atoms: Any = None
    share: float = 0.1
    columns: tuple[str, ...] = ()
    overall: Any = None  # (C,) shares in the data as a whole
    slips: Any = None  # (C,) atoms out of all proportion to the rest, which no missing cell is taken for

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ModelError("share is a share of a column's rows: take it between 0 and 1, for example 0.1")
        if isinstance(self.atoms, Mapping):
            object.__setattr__(self, "atoms", listed(self.atoms))

    def bind(self, profile: Profile) -> Self:
        given = dict(self.atoms) if self.atoms is not None else frequent(profile, self.share)
        absent = [name for name in given if name not in profile.names]
        if absent:
            raise DataError(f"atoms are given for column {absent[0]!r}, which this family does not describe")
        given = {name: given[name] for name in profile.names if name in given}
        if not given:
            raise DataError(
                f"no value of {', '.join(map(repr, profile.names))} holds {self.share:.0%} of the rows, so there is no "
                "atom: name some with atoms=, lower share, or use the inner family alone"
            )
        shares, rest, slips = [], [], []
        for c in profile.columns:
            if c.name not in given:
                rest.append(c)
                continue
            weights = weights_of(c, given[c.name])
            rest.append(without(c, given[c.name]))
            left = max(c.weight - weights.sum(), 0.0)
            if not rest[-1].variance > 0:
                raise DataError(
                    f"column {c.name!r} holds one value or none beside its atoms: use Categorical for it, or ignore it"
                )
            shares.append(np.append(left, weights) / (left + weights.sum()))
            slips += [False, *(is_slip(v, s, rest[-1]) for v, s in zip(given[c.name], shares[-1][1:], strict=True))]
        inner = self.inner.bind(replace(profile, columns=tuple(rest)))
        bound = replace(
            self,
            inner=inner,
            atoms=tuple(given.items()),
            columns=profile.names,
            overall=np.concatenate(shares),
            slips=np.array(slips),
        )
        if len(inner.slots) != 1 or inner.slots[0].kind != NUMBER:
            raise ModelError(f"{type(inner).__name__} does not read numbers, so it cannot be the rest of a hurdle")
        if not inner.continuous and len(profile.names) > 1:
            raise ModelError("a hurdle over counts describes one column: give each column a hurdle of its own")
        return bound

    @property
    def slots(self) -> tuple[Slot, ...]:
        return self.inner.slots if self.columns else unset()

    @property
    def continuous(self) -> bool:
        return self.inner.continuous

    @property
    def ungridded(self) -> tuple[str, ...]:
        return self.inner.ungridded

    @property
    def widths(self) -> list[int]:
        """Per column with atoms, one more than it has."""
        return [1 + len(values) for _, values in self.atoms]

    @property
    def places(self) -> list[int]:
        """Where the columns with atoms stand among all."""
        return [self.columns.index(name) for name, _ in self.atoms]

    def _split(self, cells: Sequence[Cells]) -> tuple[Cells, list[Cells]]:
        """Codes of the columns with atoms, 0 for the rest, and the cells that the inner family sees."""
        found: tuple[Cells, list[Cells]] = cells[0].derived(self.atoms, lambda: self._sort(cells[0]))
        return found

    def _sort(self, cells: Cells) -> tuple[Cells, list[Cells]]:
        codes = np.zeros((len(self.atoms), cells.values.shape[1]), np.int32)
        for row, place, (_, values) in zip(codes, self.places, self.atoms, strict=True):
            for code, value in enumerate(values, 1):
                row[cells.values[place] == value] = code
        seen = np.ones(cells.values.shape, bool) if cells.observed is None else cells.observed.copy()
        known = None if cells.observed is None else cells.observed[self.places]
        seen[self.places] &= codes == 0
        return Cells(codes, known), [Cells(cells.values, None if seen.all() else seen)]

    @property
    def core(self) -> Family:
        return self.inner.core

    @property
    def covariances(self) -> Form | None:
        return self.inner.covariances

    @property
    def label(self) -> str:
        atoms = [name for name, _ in self.atoms or ()]
        return within(self.inner.label, f"atoms in {few(atoms)}" if atoms else "atoms")

    # ---- E-step and M-step

    def prepare(self, params: Params) -> Ready:
        inner = self.inner.prepare(params.sub(REST))
        tables = discrete.Tables(params["shares"], self.widths)
        if self.inner.continuous:
            return Ready(tables, inner, None, None)
        at = Cells(np.array([self.atoms[0][1]], float))
        density, collect = self.inner.evaluate(inner, [at])
        return Ready(tables, inner, np.exp(density), collect)

    def evaluate(self, prepared: Ready, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        codes, hidden = self._split(cells)
        density, collect = self.inner.evaluate(prepared.inner, hidden)
        log_p, count = prepared.tables.evaluate(codes)
        density = density + log_p
        seen = hidden[0].observed
        if prepared.on_atoms is not None:
            mass = np.minimum(prepared.on_atoms.sum(axis=1), MOST)
            density = density - np.log1p(-mass)[:, None] * (1.0 if seen is None else seen[0])

        def gather(r: Array) -> Sums:
            sums = collect(r)
            if prepared.on_atoms is not None and prepared.collect_atoms is not None:
                # the rows that a truncated family would have had at its atoms (Dempster, Laird & Rubin 1977, sec. 4.2)
                rows = r.sum(axis=1) if seen is None else r @ seen[0]
                unseen_rows = prepared.on_atoms * (rows / (1 - mass))[:, None]
                sums = add_sums(sums, prepared.collect_atoms(unseen_rows))
            return {"occurrences": count(r), **_under(sums)}

        return density, gather

    def moments(self, sums: Sums, params: Params | None) -> Params:
        shares, totals = discrete.shares(sums["occurrences"], self.widths)
        empty = np.repeat(totals <= 0, self.widths, axis=1)
        old = np.broadcast_to(self.overall, shares.shape) if params is None else params["shares"]
        inner = self.inner.moments(_within(sums), None if params is None else params.sub(REST))
        # a component that is at an atom only has no rest, and is not empty
        events = {name: n for name, n in inner.events.items() if not count_of({name: n}, EventKind.EMPTY_COMPONENT)}
        if lost := int((totals <= 0).all(axis=1).sum()):
            events[EventKind.EMPTY_COMPONENT] = lost
        return Params({"shares": np.where(empty, old, shares), **_under(inner)}, events=events)

    # ---- parameters

    def vague(self, components: int) -> Params:
        shares = np.repeat(self.overall[None], components, axis=0)
        return Params({"shares": shares, **_under(self.inner.vague(components))})

    def valid(self, params: Params) -> Validity:
        p = params["shares"]
        if not np.isfinite(p).all() or (p < 0).any():
            return Validity("the share of an atom is negative or not finite")
        totals = np.add.reduceat(p, discrete.edges(self.widths)[:-1], axis=1)
        if np.abs(totals - 1).max() > 1e-8:
            return Validity("the shares of rest and atoms do not sum to 1")
        return self.inner.valid(params.sub(REST))

    def size(self, params: Params) -> int:
        return len(params["shares"]) * sum(w - 1 for w in self.widths) + self.inner.size(params.sub(REST))

    def prior(self, strength: float, components: int) -> Sums:
        pseudo = strength * np.repeat(self.overall[None], components, axis=0)
        return {"occurrences": pseudo, **_under(self.inner.prior(strength, components))}

    def log_prior(self, params: Params, prior: Sums) -> float:
        pseudo, log_p = prior["occurrences"], discrete.logarithm(params["shares"])
        own = np.multiply(pseudo, log_p, out=np.zeros_like(log_p), where=pseudo > 0).sum()
        return float(own) + self.inner.log_prior(params.sub(REST), _within(prior))

    def anchored(self, params: Params) -> Self:
        return replace(self, inner=self.inner.anchored(params.sub(REST)))

    def rounding(self, prepared: Ready) -> float:
        return self.inner.rounding(prepared.inner)

    def in_double(self) -> Self:
        inner = self.inner.in_double()
        return self if inner is self.inner else replace(self, inner=inner)

    def tile(self, components: int) -> int:
        return self.inner.tile(components)

    def spread(self, params: Params) -> Array | None:
        return self.inner.spread(params.sub(REST))

    def floors(self, params: Params) -> list[Floor]:
        return self.inner.floors(params.sub(REST))

    def volume(self, cells: Sequence[Cells]) -> Array | None:
        return self.inner.volume(self._split(cells)[1])

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        _, hidden = self._split(cells)
        rest, seen = params.sub(REST), cells[0].observed
        out = np.array(self.inner.mean(rest, hidden, responsibilities)[0], float)
        if seen is None:
            return [np.array(cells[0].values, float)]
        for (first, last), place, (_, values) in zip(self._spans(), self.places, self.atoms, strict=True):
            shares = self._filling(params["shares"], first, last)
            beside = responsibilities * shares[:, :1]
            total = beside.sum(axis=0)
            average = np.divide(beside, total, out=responsibilities.copy(), where=total > 0)
            mean = self._rest_mean(params, hidden, average)[place]
            out[place] = total * mean + (shares[:, 1:] @ np.array(values)) @ responsibilities
        return [np.where(seen, cells[0].values, out)]

    def _rest_mean(self, params: Params, hidden: list[Cells], responsibilities: Array) -> Array:
        """Expected cells (d, n) of the rest alone: of a truncated family, what is left beside its atoms."""
        rest = params.sub(REST)
        if self.inner.continuous:
            return self.inner.mean(rest, hidden, responsibilities)[0]
        nothing = Cells(np.zeros((1, len(responsibilities))), np.zeros((1, len(responsibilities)), bool))
        means = self.inner.mean(rest, [nothing], np.eye(len(responsibilities)))[0][0]
        mass = self.prepare(params).on_atoms
        assert mass is not None
        left = 1 - np.minimum(mass.sum(axis=1), MOST)
        return ((means - mass @ np.array(self.atoms[0][1])) / left)[None] @ responsibilities

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        _, hidden = self._split(cells)
        out = np.array(self.inner.draw(params.sub(REST), hidden, states, rng)[0], float)
        seen = np.ones(out.shape, bool) if cells[0].observed is None else cells[0].observed
        for (first, last), place, (_, values) in zip(self._spans(), self.places, self.atoms, strict=True):
            for _ in range(TRIES):  # counts that fell on an atom are drawn again
                again = ~seen[place] & np.isin(out[place], values)
                if self.inner.continuous or not again.any():
                    break
                out[place] = np.where(
                    again, self.inner.draw(params.sub(REST), hidden, states, rng)[0][place], out[place]
                )
            codes = discrete.draw_codes(self._filling(params["shares"], first, last), states, rng)
            out[place] = np.where(codes > 0, np.append(0.0, values)[codes], out[place])
        return [np.where(seen, cells[0].values, out)]

    def _filling(self, shares: Array, first: int, last: int) -> Array:
        """The shares (K, 1 + atoms) of one column that fill its missing cells: without slips of the keyboard."""
        mine: Array = shares[:, first:last]
        if self.slips is None or not self.slips[first:last].any():
            return mine
        kept = np.where(self.slips[first:last], 0.0, mine)
        total = kept.sum(axis=1, keepdims=True)
        only = np.eye(last - first)[0]  # a component of nothing but slips fills with its rest
        return np.where(total > 0, kept / np.where(total > 0, total, 1.0), only)

    def _spans(self) -> list[tuple[int, int]]:
        edges = discrete.edges(self.widths).tolist()
        return list(zip(edges, edges[1:], strict=False))

    def embed(self, cells: Sequence[Cells]) -> Cells:
        codes, hidden = self._split(cells)
        shares = [self.overall[None, first:last] for first, last in self._spans()]
        parts = [indicator_coordinates(codes, shares), self.inner.embed(hidden)]
        masks = [np.ones(p.values.shape, bool) if p.observed is None else p.observed for p in parts]
        return Cells(np.concatenate([p.values for p in parts]), np.concatenate(masks))

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """Of columns with atoms: ``mean`` and ``sd`` of the rest alone, ``atoms`` with their ``atom_shares`` (K lists).

        ``overall_mean`` and ``overall_sd`` are those of rest and atoms together.
        """
        entries = {e["column"]: e for e in self.inner.describe(params.sub(REST))}
        mass = self.prepare(params).on_atoms
        for (first, last), (name, values) in zip(self._spans(), self.atoms, strict=True):
            entry, p, atoms = entries[name], params["shares"][:, first:last], np.array(values)
            mean, sd = np.array(entry["mean"], float), np.array(entry["sd"], float)
            if mass is not None:
                mean, sd = _truncated(mean, sd, mass, atoms)
            entries[name] = {
                **entry,
                "family": f"hurdle_{entry['family']}",
                "mean": mean.tolist(),
                "sd": sd.tolist(),
                "atoms": tuple(values),
                "atom_shares": p[:, 1:].tolist(),
                **with_atoms(mean, sd, atoms, p[:, 1:]),
            }
        return [entries[name] for name in self.columns]


def _truncated(mean: Array, sd: Array, mass: Array, atoms: Array) -> tuple[Array, Array]:
    """Mean and standard deviation of counts beside some values, on which they have ``mass`` (K, m)."""
    left = 1 - np.minimum(mass.sum(axis=1), MOST)
    rest = (mean - mass @ atoms) / left
    squares = sd**2 + (mean - rest) ** 2 - (mass * (atoms - rest[:, None]) ** 2).sum(axis=1)
    return rest, np.sqrt(np.maximum(squares / left, 0))


def _under(arrays: Mapping[str, Array]) -> dict[str, Array]:
    return {f"{REST}.{name}": value for name, value in arrays.items()}


def _within(sums: Mapping[str, Array]) -> Sums:
    head = REST + "."
    return {name.removeprefix(head): value for name, value in sums.items() if name.startswith(head)}


def example() -> Example:
    """Red mites on 150 apple leaves: 70 leaves have none, the others a truncated number."""
    from unseen import Hurdle, Mixture, Poisson

    mites = np.repeat(np.arange(8), [70, 38, 17, 10, 9, 3, 2, 1])
    return Example(
        model=Mixture(Hurdle(Poisson(), atoms={"mites": 0}), 1),
        params=Params({"weights": [1.0], "shares": [[0.5, 0.5]], "rest.rates": [[1.5]]}),
        data={"mites": mites},
        loglik=-226.433179386,
        answer={"shares": [[80 / 150, 70 / 150]], "rest.rates": [[1.791614836]]},
        options={"tol": 1e-13, "max_iterations": 5000},
        source="Bliss & Fisher (1953), Biometrics 9, 176-200, table 1; closed form up to one root, found by SciPy",
    )
