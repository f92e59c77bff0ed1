"""Categorical columns: each component has its own probabilities for the categories of each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.block import NUMBER, Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.kinds import kind
from unseen.core.profile import MAX_CATEGORIES, ColumnProfile, Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import DataError
from unseen.numerics import discrete
from unseen.numerics.discrete import Categories
from unseen.numerics.embedding import indicator_coordinates

# less weight than this is no evidence: the component keeps its old parameters
EMPTY = 1e-8


@final
@kind("categorical")
@dataclass(frozen=True)
class Categorical(Categories):
    r"""Categories, independent from column to column inside a component (latent class analysis).

    .. math:: \log f_k(x) = \sum_j \log p_{k j x_j}

    A missing cell is a factor 1. Text, booleans and whole numbers are read as categories.

    Parameters
    ----------
    name parameters : ``probabilities`` (K, C): the categories of all columns side by side, C in total, in the
        order of ``categories``; each column's part of a row sums to 1

    Raises
    ------
    DataError
        A column of decimal numbers, of one category only, or of more than 1,000.

    >>> import unseen
    >>> data = {"colour": np.array(["red", "red", "blue", None]), "wheels": np.array([2, 2, 4, 4])}
    >>> result = unseen.fit(unseen.Mixture(Categorical(), 1), data)
    >>> result.params["probabilities"].round(3).tolist()
    [[0.333, 0.667, 0.5, 0.5]]

    Source: Goodman (1974), Biometrika 61, 215-231.
    """

    columns: tuple[str, ...] = learned(())
    categories: tuple[tuple[str, ...], ...] = learned(())
    shares: Any = learned()  # (C,) share of each category in the data as a whole

    def bind(self, profile: Profile) -> Self:
        for c in profile.columns:
            _check(c)
        known = [(c.listed or {}, c.categories) for c in profile.columns]
        shares = [np.array([weights[v] for v in names]) / sum(weights.values()) for weights, names in known]
        return replace(
            self,
            columns=profile.names,
            categories=tuple(c.categories for c in profile.columns),
            shares=np.concatenate(shares),
        )

    def parts(self, probabilities: Array) -> list[Array]:
        """The columns' own probabilities, (K, categories) each."""
        return discrete.parts(probabilities, self.widths)

    # ---- E-step and M-step

    def prepare(self, params: Params) -> discrete.Tables:
        return discrete.Tables(params["probabilities"], self.widths)

    def moments(self, sums: Sums, params: Params | None) -> Params:
        probabilities, totals = discrete.shares(sums["occurrences"], self.widths)
        empty = totals <= EMPTY
        if empty.any():
            old = np.broadcast_to(self.shares, probabilities.shape) if params is None else params["probabilities"]
            probabilities = np.where(np.repeat(empty, self.widths, axis=1), old, probabilities)
        kept = int(empty.any(axis=1).sum())
        return Params(probabilities=probabilities, events={EventKind.EMPTY_COMPONENT: kept} if kept else {})

    # ---- parameters

    def vague(self, components: int) -> Params:
        return Params(probabilities=np.repeat(self.shares[None], components, axis=0))

    def valid(self, params: Params) -> Validity:
        p = params["probabilities"]
        if not np.isfinite(p).all() or (p < 0).any():
            return Validity("a probability is negative or not finite")
        for name, part in zip(self.columns, self.parts(p), strict=True):
            totals = part.sum(axis=1)
            worst = int(np.abs(totals - 1).argmax())
            if abs(totals[worst] - 1) > 1e-8:
                return Validity(f"the probabilities of column {name!r} in component {worst} sum to {totals[worst]:.6g}")
        return Validity()

    def size(self, params: Params) -> int:
        return len(params["probabilities"]) * sum(w - 1 for w in self.widths)

    def prior(self, strength: float, components: int) -> Sums:
        return {"occurrences": strength * np.repeat(self.shares[None], components, axis=0)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        return discrete.log_prior(params["probabilities"], prior["occurrences"])

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        out = cells[0].values.astype(np.int32)
        if cells[0].observed is not None:
            for row, seen, p in zip(out, cells[0].observed, self.parts(params["probabilities"]), strict=True):
                row[~seen] = (p.T @ responsibilities[:, ~seen]).argmax(axis=0)
        return [out]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        out = cells[0].values.astype(np.int32)
        if cells[0].observed is not None:
            for row, seen, p in zip(out, cells[0].observed, self.parts(params["probabilities"]), strict=True):
                row[~seen] = discrete.draw_codes(p, states[~seen], rng)
        return [out]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        return indicator_coordinates(cells[0], self.parts(self.shares[None]))

    def describe(self, params: Params) -> list[dict[str, Any]]:
        return [
            {
                "column": name,
                "family": "categorical",
                "categories": list(known),
                "probabilities": part.tolist(),
            }
            for name, known, part in zip(
                self.columns, self.categories, self.parts(params["probabilities"]), strict=True
            )
        ]


def _check(column: ColumnProfile) -> None:
    if column.kind == NUMBER and column.fractions:
        raise DataError(
            f"column {column.name!r} holds decimal numbers, which are not categories: give it to Gaussian or "
            "StudentT, or turn it into whole numbers or text first"
        )
    known = column.listed
    if known is None or len(known) > MAX_CATEGORIES:
        raise DataError(
            f"column {column.name!r} has more than {MAX_CATEGORIES:,} categories: group the rare ones, or ignore it"
        )
    if sum(weight > 0 for weight in known.values()) < 2:
        raise DataError(
            f"column {column.name!r} is constant, it has one category only: it tells components nothing, ignore it"
        )


def example() -> Example:
    """Four questions on attitudes to surveys, 1,202 answers in three latent classes."""
    from unseen import Mixture

    # purpose (good, depends, waste of time), accuracy (mostly true, not true), understanding (good, fair or poor),
    # cooperation (interested, cooperative, impatient): pattern, and how many answered so
    seen = (
        "2122:2 2121:6 2112:4 2113:1 2111:23 2222:3 2223:2 2221:9 2212:9 2213:2 2211:43 1122:25 "
        "1123:5 1121:71 1112:35 1113:2 1111:419 1222:16 1223:5 1221:42 1212:25 1213:4 1211:270 "
        "3122:2 3121:1 3112:3 3111:26 3222:12 3223:8 3221:13 3212:23 3213:6 3211:85 "
    )
    patterns = [p.split(":") for p in seen.split()]
    rows = np.array([[int(c) for c in p] for p, n in patterns for _ in range(int(n))])
    return Example(
        model=Mixture(Categorical(), 3),
        params=Params(
            weights=[0.62, 0.21, 0.17],
            probabilities=[
                [0.89, 0.05, 0.06, 0.61, 0.39, 1.0, 0.0, 0.94, 0.06, 0.0],
                [0.92, 0.07, 0.01, 0.65, 0.35, 0.32, 0.68, 0.69, 0.26, 0.05],
                [0.15, 0.22, 0.63, 0.03, 0.97, 0.76, 0.24, 0.64, 0.25, 0.11],
            ],
        ),
        data={name: rows[:, j] for j, name in enumerate(("purpose", "accuracy", "understanding", "cooperation"))},
        loglik=-2754.545405,
        at_least=True,
        options={"start": "random", "restarts": 6, "short": 40, "finish": 1, "tol": 1e-8},
        source="General Social Survey 1982, McCutcheon (1987), Latent Class Analysis; maximum by poLCA 1.6",
    )
