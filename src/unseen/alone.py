"""What a column says alone: the criterion of one component of a family, and families that do without covariances."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from unseen.core.atoms import without
from unseen.core.numbering import MANY
from unseen.core.profile import ColumnProfile, Profile
from unseen.making import single
from unseen.spec import Choice

#: a column is thought of by itself where its criterion is lower by very strong evidence (Kass & Raftery 1995); gamma
#: from this skewness, Student's t from this excess of the fourth moment
CLEARLY, GAMMA_SKEW, HEAVY = 10.0, 0.3, 2.0
#: steps from zero, and the share of a column within them from which logarithms are too coarse
NEAR, NEAR_SHARE = 4, 0.2
STEPS = 30


def criterion(family: Any, column: ColumnProfile, whole: Profile, n: float) -> float:
    """BIC of one component of a family on one column, as the probability of the recorded cells; inf where it fails."""
    from unseen.core.block import CATEGORY, Block, Cells
    from unseen.errors import DataError, NumericalError
    from unseen.models.mixture import Mixture

    values, weights = column.table()
    try:
        bound = Mixture(family, 1).bind(replace(whole, columns=(column,)))
        codes = bound.slots[0].kind == CATEGORY
        cells = np.arange(len(values), dtype=np.int32) if codes else values.astype(float)
        block = Block(0, (Cells(cells[None]),), len(values), weights=weights)
        params, before = bound.vague(), -np.inf
        for _ in range(STEPS):
            stats = bound.expect(params, block)
            if stats.loglik <= before + 1e-4 * n:
                break
            params, before = bound.maximize(stats, params), stats.loglik
    except (DataError, NumericalError):
        return float("inf")
    volume = bound.family.volume(block.cells)
    total = stats.loglik + (0.0 if volume is None else float(weights @ volume))
    return -2 * total * (n / float(weights.sum())) + bound.size(params) * float(np.log(n))


def by_itself(
    column: ColumnProfile, whole: Profile, family: str, atoms: tuple[float, ...]
) -> tuple[str, tuple[float, ...]]:
    """The family outside the block with covariances that alone describes a column clearly better, with its atoms.

    ``""`` where there is none.
    """
    if not family or column.weight < MANY:
        return "", ()
    n = max(column.weight, 2.0)

    def value(name: str, atoms: tuple[float, ...]) -> float:
        return criterion(single(Choice(column.name, column.kind, name, atoms=atoms)), column, whole, n)

    values = {other: value(*other) for other in _others(column, family, atoms)}
    best = min(values, key=lambda other: values[other], default=("", ()))
    return best if best[0] and values[best] < value(family, atoms) - CLEARLY else ("", ())


def bounds_of(column: ColumnProfile, family: str) -> tuple[float, ...]:
    """The ends of a family's support that the data has, where the family itself has no density."""
    ends = {"hurdle_beta": (0.0, 1.0), "hurdle_gamma": (0.0,), "hurdle_log_normal": (0.0,)}.get(family, ())
    return tuple(end for end in ends if end in (column.low, column.high))


def _others(column: ColumnProfile, family: str, atoms: tuple[float, ...]) -> list[tuple[str, tuple[float, ...]]]:
    """Families of counts, proportions, waiting times and heavy tails that may be right for a column, with its atoms."""
    names: list[tuple[str, tuple[float, ...]]] = []
    if column.fractions == 0 and column.low >= 0 and column.resolution == 1 and column.distinct is not None:
        names += [("poisson", ()), ("negative_binomial", ())]
        zeros = dict(column.atoms(0.0)).get(0.0, 0.0)
        names += [(f"zero_inflated_{name}", ()) for name, _ in names] if zeros else []
    head, rest = ("hurdle_", without(column, atoms)) if atoms else ("", column)
    for name in ("gamma", "beta"):
        apart = tuple(dict.fromkeys((*atoms, *bounds_of(column, f"hurdle_{name}"))))
        inside = without(column, apart) if apart else column
        right = inside.skewness > GAMMA_SKEW if name == "gamma" else inside.high < 1
        if right and inside.low > 0 and inside.variance > 0:
            names.append((f"hurdle_{name}" if apart else name, apart))
    if not family.endswith("gaussian"):  # the tail of what is skewed to one side is no heavy tail
        return names
    points, mass = rest.table()
    z = (points - np.average(points, weights=mass)) / max(np.sqrt(rest.variance), 1e-300)
    if np.average(z**4, weights=mass) > 3 + HEAVY:
        names.append((f"{head}student_t", atoms))
    return names


def coarse(column: ColumnProfile) -> bool:
    """Whether much of a column lies so near zero that on its grid no density of logarithms sums up to one."""
    points, mass = column.table()
    near = (points > 0) & (points <= NEAR * (column.resolution or 0.0))
    return bool(mass[near].sum() > NEAR_SHARE * mass.sum())
