"""Atoms beside any family of numbers: values that are hit exactly, each with a probability of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.atoms import chosen, listed, set_apart, with_atoms
from unseen.core.block import NUMBER, Cells
from unseen.core.events import EventKind, count_of
from unseen.core.example import Example
from unseen.core.family import Collect, Family, few, within
from unseen.core.kinds import kind
from unseen.core.modified import Modified
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Sums, Validity, add_sums, prefixed, unprefixed
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics import discrete
from unseen.numerics.atoms import filling_shares, split_cells
from unseen.numerics.embedding import indicator_coordinates, stacked
from unseen.numerics.truncation import Truncation

REST = "rest"
TRIES = 1000


@dataclass(frozen=True)
class Ready:
    """What an E-step needs: log-probabilities of atoms, the inner family's own, and how that is truncated."""

    tables: discrete.Tables
    inner: Any
    truncation: Truncation | None


@final
@kind("hurdle")
@dataclass(frozen=True)
class Hurdle(Modified):
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
    columns: tuple[str, ...] = learned(())
    overall: Any = learned()  # (C,) shares in the data as a whole
    slips: Any = learned()  # (C,) atoms out of all proportion to the rest, which no missing cell is taken for

    def __post_init__(self) -> None:
        if not 0 < self.share < 1:
            raise ModelError("share is a share of a column's rows: take it between 0 and 1, for example 0.1")
        if isinstance(self.atoms, Mapping):
            object.__setattr__(self, "atoms", listed(self.atoms))

    def bind(self, profile: Profile) -> Self:
        given = chosen(self.atoms, profile, self.share)
        rest, shares, slips = [], [], []
        for c in profile.columns:
            if c.name in given:
                c, share, slip = set_apart(c, given[c.name])
                shares.append(share)
                slips += slip
            rest.append(c)
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
    def widths(self) -> list[int]:
        """Per column with atoms, one more than it has."""
        return [1 + len(values) for _, values in self.atoms]

    @property
    def places(self) -> list[int]:
        """Where the columns with atoms stand among all."""
        return [self.columns.index(name) for name, _ in self.atoms]

    def _split(self, cells: Sequence[Cells]) -> tuple[Cells, list[Cells]]:
        """Codes of the columns with atoms, 0 for the rest, and the cells that the inner family sees."""
        atoms = [values for _, values in self.atoms]
        codes, rest = cells[0].derived(self.atoms, lambda: split_cells(cells[0], self.places, atoms))
        return codes, [rest]

    def inner_cells(self, cells: Sequence[Cells]) -> Sequence[Cells]:
        return self._split(cells)[1]

    def inner_params(self, params: Params) -> Params:
        return params.sub(REST)

    @property
    def label(self) -> str:
        atoms = [name for name, _ in self.atoms or ()]
        return within(self.inner.label, f"atoms in {few(atoms)}" if atoms else "atoms")

    # ---- E-step and M-step

    def prepare(self, params: Params) -> Ready:
        inner = self.inner.prepare(params.sub(REST))
        tables = discrete.Tables(params["shares"], self.widths)
        cut = None if self.inner.continuous else Truncation.of(self.inner, inner, self.atoms[0][1])
        return Ready(tables, inner, cut)

    def evaluate(self, prepared: Ready, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        codes, hidden = self._split(cells)
        density, collect = self.inner.evaluate(prepared.inner, hidden)
        log_p, count = prepared.tables.evaluate(codes)
        density = density + log_p
        seen, cut = hidden[0].observed, prepared.truncation
        if cut is not None:
            density = density - np.log1p(-cut.lost)[:, None] * (1.0 if seen is None else seen[0])

        def gather(r: Array) -> Sums:
            sums = collect(r)
            if cut is not None:
                sums = add_sums(sums, cut.unseen(r.sum(axis=1) if seen is None else r @ seen[0]))
            return {"occurrences": count(r), **prefixed(REST, sums)}

        return density, gather

    def moments(self, sums: Sums, params: Params | None) -> Params:
        shares, totals = discrete.shares(sums["occurrences"], self.widths)
        empty = np.repeat(totals <= 0, self.widths, axis=1)
        old = np.broadcast_to(self.overall, shares.shape) if params is None else params["shares"]
        inner = self.inner.moments(unprefixed(REST, sums), None if params is None else params.sub(REST))
        # a component that is at an atom only has no rest, and is not empty
        events = {name: n for name, n in inner.events.items() if not count_of({name: n}, EventKind.EMPTY_COMPONENT)}
        if lost := int((totals <= 0).all(axis=1).sum()):
            events[EventKind.EMPTY_COMPONENT] = lost
        return Params({"shares": np.where(empty, old, shares), **prefixed(REST, inner)}, events=events)

    # ---- parameters

    def vague(self, components: int) -> Params:
        shares = np.repeat(self.overall[None], components, axis=0)
        return Params({"shares": shares, **prefixed(REST, self.inner.vague(components))})

    def valid(self, params: Params) -> Validity:
        p = params["shares"]
        if not np.isfinite(p).all() or (p < 0).any():
            return Validity("the share of an atom is negative or not finite")
        totals = np.add.reduceat(p, discrete.edges(self.widths)[:-1], axis=1)
        if np.abs(totals - 1).max() > 1e-8:
            return Validity("the shares of rest and atoms do not sum to 1")
        return self.inner.valid(params.sub(REST))

    def size(self, params: Params) -> int:
        return len(params["shares"]) * sum(w - 1 for w in self.widths) + super().size(params)

    def prior(self, strength: float, components: int) -> Sums:
        pseudo = strength * np.repeat(self.overall[None], components, axis=0)
        return {"occurrences": pseudo, **prefixed(REST, self.inner.prior(strength, components))}

    def log_prior(self, params: Params, prior: Sums) -> float:
        own = discrete.log_prior(params["shares"], prior["occurrences"])
        return own + self.inner.log_prior(params.sub(REST), unprefixed(REST, prior))

    def rounding(self, prepared: Ready) -> float:
        return self.inner.rounding(prepared.inner)

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        _, hidden = self._split(cells)
        rest, seen = params.sub(REST), cells[0].observed
        out = np.array(self.inner.mean(rest, hidden, responsibilities)[0], float)
        if seen is None:
            return [np.array(cells[0].values, float)]
        for shares, place, (_, values) in zip(self._filling(params), self.places, self.atoms, strict=True):
            beside = responsibilities * shares[:, :1]
            total = beside.sum(axis=0)
            average = np.divide(beside, total, out=responsibilities.copy(), where=total > 0)
            mean = self._rest_mean(params, hidden, average)[place]
            out[place] = total * mean + (shares[:, 1:] @ np.array(values)) @ responsibilities
        return [np.where(seen, cells[0].values, out)]

    def _rest_mean(self, params: Params, hidden: list[Cells], responsibilities: Array) -> Array:
        """Expected cells (d, n) of the rest alone: of a truncated family, what is left beside its atoms."""
        rest, cut = params.sub(REST), self.prepare(params).truncation
        if cut is None:
            return self.inner.mean(rest, hidden, responsibilities)[0]
        nothing = Cells(np.zeros((1, len(responsibilities))), np.zeros((1, len(responsibilities)), bool))
        means = self.inner.mean(rest, [nothing], np.eye(len(responsibilities)))[0][0]
        return cut.mean(means)[None] @ responsibilities

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        _, hidden = self._split(cells)
        out = np.array(self.inner.draw(params.sub(REST), hidden, states, rng)[0], float)
        seen = np.ones(out.shape, bool) if cells[0].observed is None else cells[0].observed
        for shares, place, (_, values) in zip(self._filling(params), self.places, self.atoms, strict=True):
            for _ in range(TRIES):  # counts that fell on an atom are drawn again
                again = ~seen[place] & np.isin(out[place], values)
                if self.inner.continuous or not again.any():
                    break
                out[place] = np.where(
                    again, self.inner.draw(params.sub(REST), hidden, states, rng)[0][place], out[place]
                )
            codes = discrete.draw_codes(shares, states, rng)
            out[place] = np.where(codes > 0, np.append(0.0, values)[codes], out[place])
        return [np.where(seen, cells[0].values, out)]

    def _filling(self, params: Params) -> list[Array]:
        """Per column with atoms the shares (K, 1 + m) that fill its missing cells: without slips of the keyboard."""
        slips = np.zeros(sum(self.widths), bool) if self.slips is None else self.slips
        return [filling_shares(*own) for own in zip(self.parts(params["shares"]), self.parts(slips), strict=True)]

    def parts(self, array: Array) -> list[Array]:
        """What each column with atoms has of an array over rest and atoms on its last axis."""
        return discrete.parts(array, self.widths)

    def embed(self, cells: Sequence[Cells]) -> Cells:
        codes, hidden = self._split(cells)
        return stacked([indicator_coordinates(codes, self.parts(self.overall[None])), self.inner.embed(hidden)])

    def describe(self, params: Params) -> list[dict[str, Any]]:
        """Of columns with atoms: ``mean`` and ``sd`` of the rest alone, ``atoms`` with their ``atom_shares`` (K lists).

        ``overall_mean`` and ``overall_sd`` are those of rest and atoms together.
        """
        entries = {e["column"]: e for e in self.inner.describe(params.sub(REST))}
        cut = self.prepare(params).truncation
        for p, (name, values) in zip(self.parts(params["shares"]), self.atoms, strict=True):
            entry, atoms = entries[name], np.array(values)
            mean, sd = np.array(entry["mean"], float), np.array(entry["sd"], float)
            if cut is not None:
                mean, sd = cut.moments(mean, sd)
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
