"""Several people label each item, and none of them is always right."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from unseen.core.block import CATEGORY, INDEX, Block, Cells, Slot
from unseen.core.capabilities import Completing, Generative, Judging
from unseen.core.description import Description
from unseen.core.engine import Engine
from unseen.core.equality import by_value, hash_by_value
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.kinds import kind
from unseen.core.memo import once_per_params
from unseen.core.model import Penalised, Starting
from unseen.core.option import COLUMN, Option
from unseen.core.output import Output
from unseen.core.profile import Profile
from unseen.core.stats import Array, Params, Stats, Sums, Validity
from unseen.core.unit import Unit
from unseen.core.written import learned
from unseen.errors import DataError, ModelError
from unseen.numerics.compiled import worthwhile
from unseen.numerics.discrete import log_prior
from unseen.numerics.tabulated import vote_tables
from unseen.numerics.votes import Votes, confusion, drawn, labels, table

VOTE = 100  # multiply-adds that take as long as what loops save at a vote and class


@final
@kind("dawid_skene")
@dataclass(frozen=True)
class DawidSkene(Starting, Judging, Penalised, Completing, Generative):
    r"""Find the true class of items from votes of workers who err, each in a way of their own.

    .. math:: p(\text{votes on } i) = \sum_{c} \pi_c \prod_{(w, l) \in i} \Theta_{w c l}

    A row is one vote: a worker and a label. The unit is the item, named by ``unit=`` of a fit; it may have any number
    of votes, several by one worker among them. A vote without a label or a worker says nothing. The log-density of an
    item is shared evenly by its votes. The start is that of Dawid & Skene: the share of each label among its votes.

    Parameters
    ----------
    worker : the column that says who voted, of any number of values
    label : the column that says for what; its values are the classes

    Parameters of a fit: ``weights`` (C,), the share of each class, and ``confusion`` (W, C, C), the probability that a
    worker gives an item of one class (second axis) a label (third). A prior of some strength is worth as many votes of
    each worker on items of each class, with labels as they are in the data as a whole.

    Raises
    ------
    ModelError
        Worker and label are one column.
    DataError
        Fewer than two labels, or more than 1,000.

    >>> import unseen
    >>> votes = {"item": [1, 1, 1, 2, 2, 2], "worker": [*"abcabc"], "label": [*"yyynny"]}
    >>> result = unseen.fit(DawidSkene(), votes, unit="item", prior=0.1)
    >>> result.truth(votes).tolist()
    ['y', 'n']

    Source: Dawid & Skene (1979), Applied Statistics 28, 20-28.
    """

    worker: str = "worker"
    label: str = "label"
    workers: tuple[str, ...] = learned(())
    classes: tuple[str, ...] = learned(())
    label_shares: Any = learned()
    worker_shares: Any = learned()
    rows_per_unit: int = learned(1)
    rows: int = learned(0, compare=False)  # of the data it is bound to

    __eq__, __hash__ = by_value, hash_by_value

    noun: ClassVar[str] = "class"
    unit: ClassVar[Unit] = Unit.BAG
    #: its start draws nothing: restarts would repeat the first
    one_start: ClassVar[bool] = True
    options: ClassVar[tuple[Option, ...]] = (
        Option("item", COLUMN, "The column that says what was voted on.", required=True, unit=True),
        Option("worker", COLUMN, "The column that says who voted.", "worker"),
        Option("label", COLUMN, "The column that says for what; its values are the classes.", "label"),
    )

    def __post_init__(self) -> None:
        if self.worker == self.label:
            raise ModelError(f"worker and label are both column {self.label!r}: name two columns")

    def bind(self, profile: Profile) -> Self:
        label, worker = profile[self.label], profile[self.worker]
        if label.listed is None or not 2 <= len(label.listed) <= 1000:
            raise DataError(
                f"label column {self.label!r} needs 2 to 1,000 different values, which are the classes: name another "
                "column (label='...'; --label COL)"
            )
        return replace(
            self,
            workers=worker.categories,
            classes=label.categories,
            label_shares=label.shares,
            worker_shares=worker.shares,
            rows=profile.rows,
            rows_per_unit=profile.rows_per_unit,
        )

    @property
    def wanted(self) -> tuple[str, ...]:
        return self.worker, self.label

    @property
    def index(self) -> tuple[str, ...]:
        return (self.worker,)

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return (self.label,)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return Slot((self.worker,), INDEX, (self.workers,), given=True), Slot((self.label,), CATEGORY, (self.classes,))

    @property
    def cardinality(self) -> int:
        return len(self.classes)

    # ---- E-step

    @property
    def _compiled(self) -> bool:
        return worthwhile(VOTE * self.rows * len(self.classes))

    @once_per_params
    def _logs(self, params: Params) -> Array:
        return table(params["confusion"])

    def _votes(self, block: Block) -> Votes:
        """The votes of a block, numbered once: cells do not change."""

        def made() -> tuple[Cells, Votes]:
            return who, Votes.of(who, what, block.bounds, len(self.workers), len(self.classes))

        who, what = block.cells
        of, votes = what.derived(("votes", len(self.workers)), made)
        return votes if of is who else made()[1]

    def _items(self, params: Params, votes: Votes) -> tuple[Array, Array]:
        """Posterior of the class of each item, (C, U), and the log-density of its votes, (U,)."""
        return votes.posterior(self._logs(params), params["weights"], self._compiled)

    def _collect(self, r: Array, votes: Votes, block: Block, density: Array | None = None) -> Stats:
        """Statistics of some items at posteriors (C, U); an item without votes says nothing."""
        weights, w = (votes.counts > 0).astype(float), block.unit_weights
        weights = weights if w is None else weights * w
        loglik, dead = 0.0, 0
        if density is not None:
            loglik = float(weights @ np.where(weights > 0, density, 0.0))
            dead = int(np.count_nonzero(density == -np.inf))
        if w is not None or not weights.all():
            r = r * weights
        sums = {"weights": r.sum(axis=1), "votes": votes.tables(r, self._compiled)}
        counts: dict[str, int] = {EventKind.ZERO_DENSITY: dead} if dead else {}
        return Stats(sums, block.units, float(weights @ votes.counts), loglik, counts)

    def expect(self, params: Params, block: Block) -> Stats:
        votes = self._votes(block)
        r, density = self._items(params, votes)
        return self._collect(r, votes, block, density)

    def with_posterior(self, params: Params, block: Block) -> tuple[Stats, Array]:
        votes = self._votes(block)
        r, density = self._items(params, votes)
        return self._collect(r, votes, block, density), block.by_row(r)

    def averaged(self, block: Block) -> Stats:
        """Statistics where each class has the share of an item's votes that are for it."""
        votes = self._votes(block)
        return self._collect(votes.averaged(), votes, block)

    # ---- M-step

    def start(self, engine: Engine, seed: int) -> Params:
        """The parameters that averaged votes imply."""
        return self.maximize(engine.total(_Averaging(self)).in_unit(), None)

    def maximize(self, stats: Stats, params: Params | None) -> Params:
        classes, votes = stats.sums["weights"], stats.sums["votes"]
        before = np.full(votes.shape, 1 / len(self.classes)) if params is None else params["confusion"]
        return Params(weights=classes / classes.sum(), confusion=confusion(votes, before))

    def valid(self, params: Params) -> Validity:
        k = len(self.classes)
        checked = params.shaped(weights=(k,), confusion=(len(self.workers), k, k))
        for name in ("weights", "confusion") if checked else ():
            p = params[name]
            if (p < 0).any() or (np.abs(p.sum(axis=-1) - 1) > 1e-8).any():
                return Validity(f"{name} holds something that is not a distribution")
        return checked

    def size(self, params: Params) -> int:
        workers, k, _ = params["confusion"].shape
        return int(k - 1 + workers * k * (k - 1))

    def prior(self, strength: float) -> Sums:
        k = len(self.classes)
        votes = np.broadcast_to(strength * self.label_shares, (len(self.workers), k, k)).copy()
        return {"weights": np.full(k, float(strength)), "votes": votes}

    def log_prior(self, params: Params, prior: Sums) -> float:
        return log_prior(params["weights"], prior["weights"]) + log_prior(params["confusion"], prior["votes"])

    # ---- items and rows

    def description(self, params: Params) -> Description:
        """Return the classes with their shares, what workers say of items of each, and how often each is right."""
        tables = vote_tables(self, params["weights"], params["confusion"])
        return Description("class", len(self.classes), params["weights"], tables=tables, discrete=True)

    def outputs(self) -> tuple[Output, ...]:
        """The most probable class of each vote's item by its name, the log-density, and the posterior of classes."""

        def of(params: Params, block: Block) -> list[Array]:
            r, density = self.posterior(params, block)
            return [r.argmax(axis=0), density, *r]

        each = [(f"probability_{name}", "number") for name in self.classes]
        columns = (("truth", "category"), ("log_density", "number"), *each)
        return (Output("truth", columns, of, {"truth": self.classes}, {"truth": self.label}),)

    def truth(self, params: Params, block: Block) -> Array:
        return self._items(params, self._votes(block))[0]

    def posterior(self, params: Params, block: Block) -> tuple[Array, Array]:
        """Posterior of the class of the item of each vote, (C, n), and the vote's share of the log-density, (n,)."""
        votes = self._votes(block)
        r, density = self._items(params, votes)
        shares = block.by_row(density / np.maximum(votes.counts, 1.0))
        return block.by_row(r), np.where(votes.told, shares, 0.0)

    def impute(self, params: Params, block: Block) -> list[Array]:
        """The cells, with the label a worker most probably gives where it is missing."""
        who, what = block.cells
        r = self.posterior(params, block)[0]
        return [who.values, what.filled(labels(who, params["confusion"], self.worker_shares, r).argmax(axis=0))]

    def draw(self, params: Params, block: Block, rng: np.random.Generator) -> list[Array]:
        """The cells, with labels drawn where they are missing: a class for each item, then labels of its workers."""
        who, what = block.cells
        truth = block.by_row(drawn(self._items(params, self._votes(block))[0], rng))
        known = (np.arange(len(self.classes))[:, None] == truth).astype(float)
        return [who.values, what.filled(drawn(labels(who, params["confusion"], self.worker_shares, known), rng))]

    def sample(self, params: Params, n: int, rng: np.random.Generator) -> tuple[list[Array], Array]:
        """n new votes, each item with as many as in the data on average, and the class of the item of each."""
        items = -(-n // self.rows_per_unit)
        truth = np.repeat(rng.choice(len(self.classes), size=items, p=params["weights"]), self.rows_per_unit)[:n]
        who = rng.choice(len(self.workers), size=n, p=self.worker_shares)
        label = drawn(params["confusion"][who, truth].T, rng)
        return [who[None].astype(np.int32), label[None].astype(np.int32)], truth


@dataclass(frozen=True, slots=True)
class _Averaging:
    """The start's statistics of a block."""

    model: DawidSkene

    def __call__(self, block: Block) -> Stats:
        return self.model.averaged(block)


PATIENTS = """1111111 3334334 1122122 2223121 2223222 2223322 1222111 3333433 2222223 2322223 4444444 2223343 1111111
2223212 1211111 1112111 1111111 1111111 2222221 2221322 2222222 2222221 2223222 2212222 1111111 1111111 2322222 1111111
1111111 1121121 1111111 3333233 1111111 2222222 2223232 4334343 2212232 2323233 3333432 1111111 1111111 1212111 2322222
1211111 2222222"""


def example() -> Example:
    """Fitness for anaesthesia of 45 patients by five observers, of whom the first looked three times."""
    share = np.array([0.4, 0.42, 0.11, 0.07])
    errors = np.tile(0.7 * np.eye(4) + 0.075, (5, 1, 1))
    return Example(
        model=DawidSkene("observer", "rating"),
        params=Params(weights=share, confusion=errors),
        data={
            "patient": np.repeat(np.arange(1, 46), 7),
            "observer": np.tile([1, 1, 1, 2, 3, 4, 5], 45),
            "rating": np.array([int(digit) for digit in "".join(PATIENTS.split())]),
        },
        loglik=-192.890881,
        answer={"weights": [0.3996, 0.4220, 0.1118, 0.0667]},
        source="Dawid & Skene (1979), Applied Statistics 28, table 1; from averaged votes, as in table 2 of the paper",
        options={"unit": "patient"},
    )
