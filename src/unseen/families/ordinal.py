"""Ordered codes: components shift all categories of a column up or down together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Self, final

import numpy as np

from unseen.core.block import CATEGORY, Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.kinds import kind
from unseen.core.profile import ColumnProfile, Profile
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.errors import DataError
from unseen.numerics import cumulative, discrete
from unseen.numerics.discrete import Categories

EMPTY = 1e-8
MOST = 100


@final
@kind("ordinal")
@dataclass(frozen=True)
class Ordinal(Categories):
    r"""Ordered categories by cumulative logits, independent from column to column inside a component.

    .. math:: P(x_j \le c \mid k) = \frac{1}{1 + e^{-(\tau_{jc} - \eta_{kj})}}

    The thresholds :math:`\tau` belong to the column and the locations :math:`\eta`, on average 0 over the components,
    to component and column: the odds of a higher code differ between two components by the same factor at every
    threshold (proportional odds). One component is any distribution of the codes; each further one costs one parameter
    for a column, where `Categorical` pays for every category.

    A missing cell is a factor 1. Whole numbers, other numbers and booleans are read in their order, up to 100
    different ones. What completes a missing cell is the median of its codes, which has the smallest expected distance.

    Parameters
    ----------
    name parameters : ``thresholds`` (C - d,): those of all columns side by side, one fewer than categories each;
        ``locations`` (K, d); both in logits

    Raises
    ------
    DataError
        A column of text, of one value only, or of more than 100.

    >>> import unseen
    >>> data = {"stars": np.array([1, 2, 3, 3, 4, 4, 4, 5, 5, 5])}
    >>> result = unseen.fit(unseen.Mixture(Ordinal(), 1), data)
    >>> result.params["thresholds"].round(3).tolist()
    [-2.197, -1.386, -0.405, 0.847]

    Source: McCullagh (1980), J. R. Statist. Soc. B 42, 109-142.
    """

    columns: tuple[str, ...] = learned(())
    categories: tuple[tuple[str, ...], ...] = learned(())
    shares: Any = learned()  # (C,) share of each category in the data as a whole

    def bind(self, profile: Profile) -> Self:
        known = [_levels(c) for c in profile.columns]
        return replace(
            self,
            columns=profile.names,
            categories=tuple(names for names, _ in known),
            shares=np.concatenate([weights / weights.sum() for _, weights in known]),
        )

    def parts(self, array: Array) -> list[Array]:
        """The columns' own parts of what stands side by side on the last axis: by category, or by threshold."""
        less = 0 if array.shape[-1] == sum(self.widths) else 1
        return discrete.parts(array, [w - less for w in self.widths])

    def probabilities(self, params: Params) -> list[Array]:
        """Per column the probabilities (K, categories)."""
        columns = zip(self.parts(params["thresholds"]), params["locations"].T, strict=True)
        return [np.exp(cumulative.log_probabilities(tau, eta)) for tau, eta in columns]

    # ---- E-step and M-step

    def prepare(self, params: Params) -> discrete.Tables:
        return discrete.Tables(np.concatenate(self.probabilities(params), axis=1), self.widths)

    def moments(self, sums: Sums, params: Params | None) -> Params:
        counts = self.parts(sums["occurrences"])
        old = self.vague(len(counts[0])) if params is None else params
        thresholds, locations = cumulative.climb(counts, self.parts(old["thresholds"]), old["locations"])
        kept = int(np.any([c.sum(axis=1) <= EMPTY for c in counts], axis=0).sum())
        return Params(
            thresholds=np.concatenate(thresholds),
            locations=locations,
            events={EventKind.EMPTY_COMPONENT: kept} if kept else {},
        )

    # ---- parameters

    def vague(self, components: int) -> Params:
        thresholds = [cumulative.thresholds_of(p) for p in self.parts(self.shares)]
        return Params(thresholds=np.concatenate(thresholds), locations=np.zeros((components, len(self.columns))))

    def valid(self, params: Params) -> Validity:
        if not all(np.isfinite(params[name]).all() for name in ("thresholds", "locations")):
            return Validity("a threshold or location is not finite")
        for name, tau in zip(self.columns, self.parts(params["thresholds"]), strict=True):
            if not (np.diff(tau) > 0).all():
                return Validity(f"the thresholds of column {name!r} are out of order")
        return Validity()

    def size(self, params: Params) -> int:
        return params["thresholds"].size + (len(params["locations"]) - 1) * len(self.columns)

    def prior(self, strength: float, components: int) -> Sums:
        return {"occurrences": strength * np.repeat(self.shares[None], components, axis=0)}

    def log_prior(self, params: Params, prior: Sums) -> float:
        columns = zip(
            self.parts(prior["occurrences"]), self.parts(params["thresholds"]), params["locations"].T, strict=True
        )
        return float(sum((pseudo * cumulative.log_probabilities(tau, eta)).sum() for pseudo, tau, eta in columns))

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        """Median codes of the missing cells."""
        out = cells[0].values.astype(np.int32)
        if cells[0].observed is not None:
            for row, seen, p in zip(out, cells[0].observed, self.probabilities(params), strict=True):
                ladder = p.cumsum(axis=1)[:, :-1].T @ responsibilities[:, ~seen]
                row[~seen] = (ladder < 0.5).sum(axis=0)
        return [out]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        out = cells[0].values.astype(np.int32)
        if cells[0].observed is not None:
            for row, seen, p in zip(out, cells[0].observed, self.probabilities(params), strict=True):
                row[~seen] = discrete.draw_codes(p, states[~seen], rng)
        return [out]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # the share of the data below a code, half of its own included: ridits (Bross 1958), standardized
        rows = []
        for codes, p in zip(cells[0].values, self.parts(self.shares), strict=True):
            ridits = p.cumsum() - p / 2 - 0.5
            rows.append(np.take(ridits / np.sqrt(p @ ridits**2), codes))
        return Cells(np.array(rows), cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        columns = zip(self.columns, self.categories, self.probabilities(params), strict=True)
        return [
            {"column": name, "family": "ordinal", "categories": list(known), "probabilities": p.tolist()}
            for name, known, p in columns
        ]


def _levels(column: ColumnProfile) -> tuple[tuple[str, ...], Array]:
    """The values of a column in their order, as categories, and their weights."""
    if column.kind == CATEGORY:
        raise DataError(
            f"column {column.name!r} holds text, which has no order of its own: use Categorical for it, or turn it "
            "into whole numbers in the right order first"
        )
    known = column.listed
    if known is None or len(known) > MOST:
        many = "more than 2,000" if known is None else f"{len(known):,}"
        raise DataError(
            f"column {column.name!r} has {many} different numbers, and Ordinal takes {MOST} at most: use Gaussian or "
            "StudentT for measurements, NegativeBinomial for counts"
        )
    if sum(weight > 0 for weight in known.values()) < 2:
        raise DataError(f"column {column.name!r} is constant: it tells components nothing, ignore it")
    names = tuple(sorted(known, key=float))
    return names, np.array([known[name] for name in names])


def example() -> Example:
    """Four cheeses with different additives, each rated by 52 people from 1 (strong dislike) to 9 (excellent)."""
    from unseen import Mixture

    ratings = {
        "A": [0, 0, 1, 7, 8, 8, 19, 8, 1],
        "B": [6, 9, 12, 11, 7, 6, 1, 0, 0],
        "C": [1, 1, 6, 8, 23, 7, 5, 1, 0],
        "D": [0, 0, 0, 1, 3, 7, 14, 16, 11],
    }
    return Example(
        model=Mixture(Ordinal(), 4),
        params=Params(
            weights=[0.25] * 4,
            thresholds=[-4.0, -3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 4.0],
            locations=[[1.0], [-2.0], [-1.0], [2.0]],
        ),
        data={
            "rating": np.concatenate([np.repeat(np.arange(1, 10), n) for n in ratings.values()]),
            "cheese": np.repeat(list(ratings), 52),
        },
        loglik=-644.023180,
        answer={"locations": [[0.862237], [-2.489612], [-0.847654], [2.475028]]},
        options={"labels": "cheese", "tol": 1e-13},
        source="McCullagh & Nelder (1989), Generalized Linear Models, section 5.6; maximum by SAS and SciPy",
    )
