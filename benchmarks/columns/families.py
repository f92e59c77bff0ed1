"""The regret of a decided family: what every other that applies to the column scores more on held-out cells."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from heldout import FOLDS, held_out
from labelled import Judged

COMPONENTS = (1, 3)
#: columns with fewer observed cells, and further columns of a table, are left out
CELLS, PER_TABLE = 50, 6
#: a decision is wrong when it loses more than this per cell, and more than two standard errors
LOSS = 0.02
#: what the rules choose from; the others a user may ask for
CHOSEN = frozenset(
    f"{beside}{family}"
    for beside in ("", "hurdle_")
    for family in ("gaussian", "log_normal", "poisson", "negative_binomial")
) | {"zero_inflated_poisson", "zero_inflated_negative_binomial", "ordinal", "categorical"}
#: parameters of a component: what is richer than what
SIZE = {"poisson": 1, "negative_binomial": 2, "gaussian": 2, "log_normal": 2, "gamma": 2, "beta": 2, "student_t": 3}


@dataclass(frozen=True)
class Regret:
    """What a column's decided family scores on held-out cells, and by how much others do better.

    ``best`` is the best of all families that apply, ``within`` of those that the rules choose from; ``plainer`` is one
    with fewer parameters that scores no worse, if there is any.
    """

    table: str
    name: str
    half: str
    family: str
    components: int
    cells: float
    best: str
    nats: float
    error: float
    within: str
    nats_within: float
    error_within: float
    plainer: str
    needs: str

    @property
    def wrong(self) -> bool:
        return self.nats > LOSS and self.nats > 2 * self.error

    @property
    def wrong_within(self) -> bool:
        return self.nats_within > LOSS and self.nats_within > 2 * self.error_within


def size(column: Judged, family: str) -> float:
    """Parameters of one component; codes have one for each value but one."""
    if family in ("ordinal", "categorical"):
        return float(column.profile.distinct - 1)
    plain = family.removeprefix("hurdle_").removeprefix("zero_inflated_")
    return SIZE[plain] + (plain != family) * max(len(column.choice.atoms), 1)


def judged_columns(columns: list[Judged]) -> list[Judged]:
    """Number columns of a table that got a family, in an order that has nothing to do with them."""
    found = [c for c in columns if c.profile is not None and _fits(c)]
    return sorted(found, key=lambda c: zlib.crc32(c.name.encode()))[:PER_TABLE]


def _fits(c: Judged) -> bool:
    numbers = c.profile.kind in ("number", "integer") and c.label in ("measurement", "count", "ordered")
    return numbers and bool(c.choice.family) and c.profile.distinct != 2 and c.profile.weight >= CELLS


def candidates(column: Judged) -> dict[str, tuple[float, ...]]:
    """Families that may apply, with their atoms; whether they do is found when they are bound."""
    from unseen.columns import atoms_of
    from unseen.spec import BESIDE

    known = column.profile
    names: dict[str, tuple[float, ...]] = {column.choice.family: column.choice.atoms}
    names |= dict.fromkeys(("gaussian", "log_normal", "gamma", "student_t", "beta"), ())
    whole = known.fractions == 0
    if whole and known.low >= 0 and known.high < 300:
        inflated = ("", "zero_inflated_") if known.low == 0 else ("",)
        names |= {f"{zero}{family}": () for zero in inflated for family in BESIDE[-2:]}
    if known.resolution and (known.distinct or 99) <= 24:
        names["ordinal"] = ()
    atoms = column.choice.atoms or atoms_of(known) or ((0.0,) if known.low == 0 else ())
    if atoms:
        inner = [b for b in BESIDE if b != "student_t" and (b in names or b == "beta")]
        names |= {f"hurdle_{family}": atoms for family in inner}
    names |= {column.choice.family: column.choice.atoms}
    if not known.resolution:  # probabilities of atoms are no densities: what has the same atoms can be compared
        names = {family: own for family, own in names.items() if own == column.choice.atoms}
    return names


def regrets(column: Judged) -> Iterator[Regret]:
    """The regret of the decision for each number of components; nothing where the decided family cannot be scored."""
    points, mass = column.profile.table()
    rows = np.repeat(np.arange(len(points)), np.maximum(np.rint(mass), 1).astype(int))
    order = np.random.default_rng(0).permutation(len(rows))
    counts = np.zeros((FOLDS, len(points)))
    np.add.at(counts, (np.arange(len(rows)) % FOLDS, rows[order]), 1.0)
    for components in COMPONENTS:
        scored = {}
        for family, atoms in candidates(column).items():
            cells = held_out(column, family, atoms, components, points, counts)
            if cells is not None:
                scored[family] = cells
        if column.choice.family in scored:
            yield _regret(column, components, scored, counts)


def _regret(column: Judged, components: int, scored: dict[str, np.ndarray], counts: np.ndarray) -> Regret:
    n, mine = counts.sum(), column.choice.family
    means = {f: float((cells * counts).sum() / n) for f, cells in scored.items()}
    own = {f: m for f, m in means.items() if f in CHOSEN or f == mine}
    best, within = max(means, key=means.__getitem__), max(own, key=own.__getitem__)

    def error(other: str) -> float:
        gap = scored[other] - scored[mine] - (means[other] - means[mine])
        return float(np.sqrt((counts * gap**2).sum()) / n)

    sizes = {f: size(column, f) for f in means}
    fewer = {f: means[f] for f in own if sizes[f] < sizes[mine] and means[f] >= means[mine]}
    return Regret(
        table=column.table,
        name=column.name,
        half=column.half,
        family=mine,
        components=components,
        cells=column.profile.weight,
        best=best,
        nats=means[best] - means[mine],
        error=error(best),
        within=within,
        nats_within=means[within] - means[mine],
        error_within=error(within),
        plainer=max(fewer, key=fewer.__getitem__, default=""),
        needs=("more", "as many", "fewer")[1 + int(np.sign(sizes[mine] - sizes[best]))],
    )
