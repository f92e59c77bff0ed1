"""Hidden Markov models of any family."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from operator import itemgetter
from typing import ClassVar, Self, final

import numpy as np

from unseen.core.block import Block
from unseen.core.capabilities import Completing, Decoding, Generative, Structured
from unseen.core.description import Description
from unseen.core.equality import by_value, hash_by_value
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Family, empty_cells
from unseen.core.kinds import kind
from unseen.core.model import Penalised
from unseen.core.option import FLAG, INTEGER, UNIT, Option
from unseen.core.output import Output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Sums, Validity, accumulate
from unseen.core.unit import Unit
from unseen.core.written import learned
from unseen.errors import ModelError
from unseen.numerics.chain_sequences import Sequences, independent_steps
from unseen.numerics.compiled import worthwhile
from unseen.numerics.discrete import logarithm
from unseen.numerics.stationary import fit_stationary, stationary
from unseen.numerics.tabulated import chain_tables

# share of a start's transitions spread evenly: a transition that begins at zero would stay there for ever
BLUR = 0.1
CHAIN = 400  # multiply-adds that take as long as what loops save at a row and state


@final
@kind("hmm")
@dataclass(frozen=True)
class HMM(Structured, Penalised, Completing, Generative, Decoding):
    r"""Hidden Markov model: each row of a sequence comes from the component of a hidden state that moves.

    .. math:: p(x_{1..T}) = \sum_{z} \delta_{z_1} \prod_{t=2}^{T} A_{z_{t-1} z_t} \prod_{t=1}^{T} f_{z_t}(x_t)

    Missing cells are integrated out by the family; a row with nothing observed has density one, so a gap in a
    sequence is a row of missing cells. The unit is the sequence: equal neighbours of the ``unit`` column, or all
    rows. Stats and criteria count rows that have an observed cell (a single sequence has many, and is one unit).

    Parameters
    ----------
    family : what each state looks like: `Poisson`, `Gaussian`, ...
    states : K, at least 1
    stationary : the first state comes from the stationary distribution of A instead of free probabilities

    Parameters of a fit: ``start`` (K,), unless stationary, ``transitions`` (K, K) with rows that sum to one, and
    those of the family.

    Raises
    ------
    ModelError
        K below 1.

    >>> import numpy as np
    >>> from unseen.families.gaussian import Gaussian
    >>> HMM(Gaussian(), 2).initial(Params(start=[0.3, 0.7])).tolist()
    [0.3, 0.7]

    Source: Baum, Petrie, Soules & Weiss (1970), Ann. Math. Statist. 41; Zucchini & MacDonald (2009), chapter 4.
    """

    family: Family
    states: int
    stationary: bool = False
    rows: int = learned(0, compare=False)  # of the data it is bound to

    __eq__, __hash__ = by_value, hash_by_value

    order: ClassVar[str] = "states"
    noun: ClassVar[str] = "state"
    unit: ClassVar[Unit] = Unit.SEQUENCE
    options: ClassVar[tuple[Option, ...]] = (
        Option("states", INTEGER, "How many to try; the best is kept.", least=1, order=True),
        Option("stationary", FLAG, "The first state comes from the stationary distribution.", False),
        UNIT,
    )

    def __post_init__(self) -> None:
        if not isinstance(self.states, (int, np.integer)) or self.states < 1:
            raise ModelError("a hidden Markov model needs at least one state: give a whole number of 1 or more")

    def bind(self, profile: Profile) -> Self:
        return replace(self, family=self.family.bind(profile), rows=profile.rows)

    @property
    def components(self) -> int:
        """The number of states, by the name that starts and restarts know."""
        return self.states

    def initial(self, params: Params) -> Array:
        """Distribution of the first state, (K,)."""
        return stationary(params["transitions"]) if self.stationary else params["start"]

    # ---- E-step and M-step

    def _tiles(self, params: Params, block: Block, begin: int, end: int) -> Iterator[tuple[int, int, Array, Collect]]:
        """Rows from one to another in tiles: log-densities (K, m) in each state, and the family's collector."""
        prepared, tile = self.family.prepare(params), self.family.tile(self.states)
        for a in range(begin, max(end, begin + 1), tile):
            rows = a, min(a + tile, end)
            yield *rows, *self.family.evaluate(prepared, tuple(c.rows(*rows) for c in block.cells))

    def _evaluate(self, params: Params, block: Block, begin: int, end: int) -> tuple[Array, Collect]:
        """Log-density (K, m) of rows from one to another in each state, and the family's collector over all tiles."""
        parts = list(self._tiles(params, block, begin, end))
        density = np.concatenate([np.zeros((self.states, 0)), *(p[2] for p in parts)], axis=1, dtype=float)
        if block.labels is not None:
            labels = block.labels[begin:end]
            density[(np.arange(self.states)[:, None] != labels) & (labels >= 0)] = -np.inf

        def collect(r: Array) -> Sums:
            sums: Sums = {}
            for a, b, _, one in parts:
                accumulate(sums, one(np.ascontiguousarray(r[:, a - begin : b - begin])))
            return sums

        return density, collect

    @property
    def _compiled(self) -> bool:
        return worthwhile(CHAIN * self.rows * self.states)

    def _sequences(self, params: Params, block: Block) -> Sequences:
        """The block's sequences under the chain, as they are to be walked."""
        chain = _log(self.initial(params)), _log(params["transitions"])
        return Sequences(partial(self._evaluate, params, block), block.bounds, *chain, self._compiled)

    def expect(self, params: Params, block: Block) -> Stats:
        return self.in_parts(params, block, lambda a, r: None)

    def in_parts(self, params: Params, block: Block, meet: Callable[[int, Array], None]) -> Stats:
        parts = []
        for a, z, s, collect in self._sequences(params, block).smoothed(block.unit_weights):
            meet(a, s.states)
            weights = None if block.weights is None else block.weights[a:z]
            r = s.states if weights is None else s.states * weights
            sums = {"start": s.start, "transitions": s.transitions, **collect(r)}
            counts: dict[str, int] = {EventKind.ZERO_DENSITY: s.dead} if s.dead else {}
            parts.append((a, Stats(sums, loglik=_total(s.predictive, weights), counts=counts)))
        first, *others = [stats for _, stats in sorted(parts, key=itemgetter(0))]
        return replace(sum(others, first), units=block.units, weight=_told(block))

    def collect(self, r: Array, block: Block) -> Stats:
        """Statistics at given state probabilities (K, n), neighbours taken as independent: for starts."""
        if block.labels is not None:
            r = np.where(block.labels >= 0, np.arange(self.states)[:, None] == block.labels, r)
        r, weights = np.asarray(r, float), block.weights
        start, transitions = independent_steps(r, block.bounds, weights, BLUR)
        sums: Sums = {"start": start, "transitions": transitions}
        for a, b, _, one in self._tiles(self.vague(), block, 0, block.rows):
            accumulate(sums, one(np.ascontiguousarray(r[:, a:b] if weights is None else r[:, a:b] * weights[a:b])))
        return Stats(sums, block.units, _told(block))

    def vague(self) -> Params:
        """Equal states that look like the data as a whole."""
        k = self.states
        chain = {} if self.stationary else {"start": np.full(k, 1 / k)}
        return Params({**chain, "transitions": np.full((k, k), 1 / k), **self.family.vague(k)})

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        start, counts = stats.sums["start"], stats.sums["transitions"]
        before = np.full(counts.shape, 1 / self.states) if params is None else params["transitions"]
        inner = self.family.moments(stats.sums, params)
        if self.stationary:
            moved = fit_stationary(start, counts, before)
            return Params({"transitions": moved, **inner}, events=inner.events)
        mass = counts.sum(axis=1, keepdims=True)  # zero where a state is never left: its row stays as it was
        moved = np.divide(counts, mass, out=before.copy(), where=mass > 0)
        return Params({"start": start / start.sum(), "transitions": moved, **inner}, events=inner.events)

    def valid(self, params: Params) -> Validity:
        rows = {f"transition row {k}": row for k, row in enumerate(params["transitions"])}
        if not self.stationary:
            rows = {"start": params["start"], **rows}
        for name, row in rows.items():
            if not np.isfinite(row).all() or (row < 0).any():
                return Validity(f"{name} has a negative or non-finite probability")
            if abs(row.sum() - 1) > 1e-8:
                return Validity(f"{name} sums to {row.sum():.6g}")
        if self.stationary and not (self.initial(params) > -1e-12).all():
            return Validity("the transitions have no unique stationary distribution")
        return self.family.valid(params)

    def size(self, params: Params) -> int:
        k = self.states
        return (0 if self.stationary else k - 1) + k * (k - 1) + self.family.size(params)

    def prior(self, strength: float) -> Sums:
        k = self.states
        chain = {"start": np.full(k, strength / k), "transitions": np.full((k, k), strength / k)}
        return {**chain, **self.family.prior(strength, k)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        chain = prior["start"] @ _log(self.initial(params))
        chain += (prior["transitions"] * _log(params["transitions"])).sum()
        return float(chain) + self.family.log_prior(params, prior)

    # ---- rows

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Smoothed state probabilities (K, n), and log p(x_t | its past) (n,), which sums to the log-likelihood."""
        states, predictive = np.empty((self.states, block.rows)), np.empty(block.rows)
        for a, z, s, _ in self._sequences(params, block).smoothed():
            states[:, a:z], predictive[a:z] = s.states, s.predictive
        return states, predictive

    def outputs(self) -> tuple[Output, ...]:
        path = Output("path", (("path", "integer"),), lambda p, block: [self.viterbi(p, block)[0].astype(np.int32)])
        return (*super().outputs(), path)

    def viterbi(self, params: Params, block: Block) -> tuple[Array, Array]:
        """The most probable path, (n,), and its joint log-probability with each sequence, (units,)."""
        return self._sequences(params, block).viterbi()

    def impute(self, params: Params, block: Block) -> list[Array]:
        """Conditional expectation of every cell given all observed cells of its sequence."""
        return self.family.mean(params, block.cells, self.posterior(params, block)[0])

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """One random completion of the missing cells: a path from its posterior, then the cells."""
        return self.family.draw(params, block.cells, self._sequences(params, block).draw_states(rng), rng)

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """One new sequence of n rows, one array per slot, and its states."""
        ladder = np.cumsum(params["transitions"], axis=1)
        states = np.zeros(n, np.int64)
        for t, u in enumerate(rng.random(n)):
            steps = np.cumsum(self.initial(params)) if t == 0 else ladder[states[t - 1]]
            states[t] = min(int((steps < u).sum()), self.states - 1)
        return self.family.draw(params, empty_cells(self.slots, n), states, rng), states

    def description(self, params: Params) -> Description:
        """Return the states with their stationary shares and columns, the transitions and the dwell times."""
        lasting = stationary(params["transitions"])
        # where several classes of states are never left, which of them a chain ends in depends on where it began
        unique = np.isfinite(lasting).all() and (lasting > -1e-12).all()
        return Description(
            "state",
            self.states,
            np.maximum(lasting, 0.0) if unique else None,
            long_run=True,
            views=self.family.describe(params),
            tables=chain_tables(self.initial(params), lasting, params["transitions"]),
            discrete=True,
            floors=self.family.floors(params),
        )


def _told(block: Block) -> float:
    """The number of rows that say something: those of a gap are part of a sequence, but count for no criterion."""
    if (telling := block.telling()) is None:
        return block.weight
    return float(telling.sum() if block.weights is None else block.weights[telling].sum())


def _total(density: Array, weights: Array | None) -> float:
    """Weighted log-likelihood; a sequence of weight zero adds nothing, even if it is impossible."""
    return float(density.sum() if weights is None else weights @ np.where(weights > 0, density, 0.0))


def _log(probabilities: Array) -> Array:
    return logarithm(np.maximum(probabilities, 0.0))


EARTHQUAKES = """13 14 8 10 16 26 32 27 18 32 36 24 22 23 22 18 25 21 21 14 8 11 14 23 18 17 19 20 22 19 13 26 13
14 22 24 21 22 26 21 23 24 27 41 31 27 35 26 28 36 39 21 17 22 17 19 15 34 10 15 22 18 15 20 15 22 19 16 30 27 29
23 20 16 21 21 25 16 18 15 18 14 10 15 8 15 6 11 8 7 18 16 13 12 13 20 15 16 12 18 15 16 13 15 16 11 11"""


def example() -> Example:
    """Major earthquakes per year, 1900-2006: two Poisson states."""
    from unseen import Poisson

    counts = np.array(EARTHQUAKES.split(), int)
    return Example(
        model=HMM(Poisson(), 2),
        params=Params(start=[1.0, 0.0], transitions=[[0.93, 0.07], [0.12, 0.88]], rates=[[15.4], [26.0]]),
        data={"earthquakes": counts},
        loglik=-341.878701,
        answer={"rates": [[15.42076], [26.01824]]},
        source="Zucchini & MacDonald (2009), Hidden Markov Models for Time Series, table 1.1 and section 4.3; "
        "converged with depmixS4 1.5",
    )
