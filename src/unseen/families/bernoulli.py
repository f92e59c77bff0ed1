"""Two-valued columns: each component has its own probability of success for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.block import CATEGORY, Cells, Slot
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect, Family, unset
from unseen.core.kinds import kind
from unseen.core.profile import ColumnProfile, Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import DataError
from unseen.numerics import discrete
from unseen.numerics.counts import rows_where

EMPTY = 1e-8


@final
@kind("bernoulli")
@dataclass(frozen=True)
class Bernoulli(Family):
    r"""Successes and failures, independent from column to column inside a component.

    .. math:: \log f_k(x) = \sum_j x_j \log p_{kj} + (1 - x_j) \log (1 - p_{kj})

    A missing cell is a factor 1. Columns hold 0 and 1, booleans, or two categories, the second of which (in the
    order of the alphabet or of size) is success.

    Parameters
    ----------
    name parameters : ``probabilities`` (K, d) of success

    Raises
    ------
    DataError
        A column that does not have exactly two values, or a column of numbers other than 0 and 1.

    >>> import unseen
    >>> result = unseen.fit(unseen.Mixture(Bernoulli(), 1), {"late": np.array([True, False, False, True, False])})
    >>> result.params["probabilities"].round(3).tolist()
    [[0.4]]

    Source: McLachlan & Peel (2000), section 5.4.
    """

    columns: tuple[str, ...] = learned(())
    categories: tuple[tuple[str, ...], ...] = learned(())
    shares: Any = learned()  # (d,) share of successes in the data as a whole

    def bind(self, profile: Profile) -> Self:
        bound = [_levels(c) for c in profile.columns]
        return replace(
            self,
            columns=profile.names,
            categories=tuple(levels for levels, _ in bound),
            shares=np.array([share for _, share in bound]),
        )

    def coded(self, columns: Sequence[str]) -> tuple[str, ...]:
        return tuple(columns)

    @property
    def slots(self) -> tuple[Slot, ...]:
        return (Slot(self.columns, CATEGORY, self.categories),) if self.columns else unset()

    # ---- E-step and M-step

    def prepare(self, params: Params) -> discrete.Tables:
        p = params["probabilities"]
        pairs = np.stack([1 - p, p], axis=2).reshape(len(p), -1)
        return discrete.Tables(pairs, [2] * len(self.columns))

    def evaluate(self, prepared: discrete.Tables, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        density, collect = prepared.evaluate(cells[0])

        def successes(r: Array) -> Sums:
            pairs = collect(r)
            return {"failures": pairs[:, 0::2], "successes": pairs[:, 1::2]}

        return density, successes

    def moments(self, sums: Sums, params: Params | None) -> Params:
        total = sums["failures"] + sums["successes"]
        old = np.broadcast_to(self.shares, total.shape) if params is None else params["probabilities"]
        p = np.divide(sums["successes"], total, out=np.array(old, float), where=total > EMPTY)
        kept = int((total <= EMPTY).any(axis=1).sum())
        return Params(probabilities=np.clip(p, 0, 1), events={EventKind.EMPTY_COMPONENT: kept} if kept else {})

    # ---- parameters

    def vague(self, components: int) -> Params:
        return Params(probabilities=np.repeat(self.shares[None], components, axis=0))

    def valid(self, params: Params) -> Validity:
        p = params["probabilities"]
        return Validity("" if ((p >= 0) & (p <= 1)).all() else "a probability of success lies outside [0, 1]")

    def size(self, params: Params) -> int:
        return params["probabilities"].size

    def prior(self, strength: float, components: int) -> Sums:
        p = strength * np.repeat(self.shares[None], components, axis=0)
        return {"failures": strength - p, "successes": p}

    def log_prior(self, params: Params, prior: Sums) -> float:
        p = params["probabilities"]
        terms = prior["successes"] * discrete.logarithm(p) + prior["failures"] * discrete.logarithm(1 - p)
        return float(terms.sum())

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        likely = (params["probabilities"].T @ responsibilities > 0.5).astype(np.int32)
        seen = cells[0].observed
        return [cells[0].values.astype(np.int32) if seen is None else np.where(seen, cells[0].values, likely)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        if cells[0].observed is None:
            return [cells[0].values.astype(np.int32)]
        drawn = rng.random(cells[0].values.shape) < params["probabilities"][states].T
        return [np.where(cells[0].observed, cells[0].values, drawn).astype(np.int32)]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        sd = np.sqrt(self.shares * (1 - self.shares))
        return Cells((cells[0].values - self.shares[:, None]) / sd[:, None], cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        return [
            {
                "column": name,
                "family": "bernoulli",
                "categories": list(levels),
                "probabilities": [[1 - p, p] for p in params["probabilities"][:, j].tolist()],
            }
            for j, (name, levels) in enumerate(zip(self.columns, self.categories, strict=True))
        ]


def _levels(column: ColumnProfile) -> tuple[tuple[str, ...], float]:
    """Failure and success as the data writes them, and the share of successes."""
    if column.kind != CATEGORY:
        whole = column.fractions == 0 and column.low >= 0 and column.high <= 1
        if not whole:
            raise DataError(
                f"column {column.name!r} holds numbers other than 0 and 1 in "
                f"{rows_where(column, lambda x: (x != 0) & (x != 1))}, which are not successes and failures: "
                "use Poisson for counts, Categorical for codes, Gaussian or StudentT for measurements"
            )
        if column.low == column.high:
            raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")
        return ("0", "1"), column.mean
    levels = column.categories
    if len(levels) != 2:
        raise DataError(
            f"column {column.name!r} has {len(levels):,} categories and Bernoulli needs exactly two: use Categorical"
            if len(levels) > 2
            else f"column {column.name!r} is constant: it tells components nothing, ignore it"
        )
    values = column.values or {}
    if not min(values.values()) > 0:
        raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")
    return levels, values[levels[1]] / sum(values.values())


def example() -> Example:
    """Seven pathologists on 118 slides, carcinoma (1) or not (0): three latent classes."""
    from unseen import Mixture

    seen = (
        "0000000:34 0000100:2 0100000:6 0100001:1 0100100:4 0100101:5 1000000:2 1010101:1 "
        "1100000:2 1100001:1 1100100:2 1100101:7 1100111:1 1101001:1 1101101:2 1101111:3 "
        "1110101:13 1110111:5 1111101:10 1111111:16 "
    )
    patterns = [p.split(":") for p in seen.split()]
    rows = np.array([[int(c) for c in p] for p, n in patterns for _ in range(int(n))])
    return Example(
        model=Mixture(Bernoulli(), 3),
        params=Params(
            weights=[0.445, 0.374, 0.181],
            probabilities=[
                [1.0, 0.98, 0.86, 0.59, 1.0, 0.48, 1.0],
                [0.06, 0.14, 0.0, 0.0, 0.06, 0.0, 0.0],
                [0.51, 1.0, 0.0, 0.06, 0.75, 0.0, 0.63],
            ],
        ),
        data={name: rows[:, j] for j, name in enumerate("ABCDEFG")},
        loglik=-293.704979,
        answer={"weights": [0.4447, 0.3736, 0.1817]},
        options={"restarts": 10, "tol": 1e-11, "max_iterations": 5000},
        source="Agresti (2002), Categorical Data Analysis, table 13.1; maximum by poLCA 1.6",
    )
