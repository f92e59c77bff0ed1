"""Counts: each component has its own rate for each column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np

from unseen.core.block import Cells
from unseen.core.events import EventKind
from unseen.core.example import Example
from unseen.core.family import Collect
from unseen.core.kinds import kind
from unseen.core.stats import Array, Params, Sums, Validity
from unseen.core.written import learned
from unseen.numerics.counts import Counts
from unseen.numerics.special import log_factorial

EMPTY = 1e-8


@dataclass(frozen=True)
class Rates:
    """What an E-step needs of the rates, each (K, d)."""

    rates: Array
    logs: Array


@final
@kind("poisson")
@dataclass(frozen=True)
class Poisson(Counts):
    r"""Counts, independent from column to column inside a component.

    .. math:: \log f_k(x) = \sum_j x_j \log \lambda_{kj} - \lambda_{kj} - \log x_j!

    A missing cell is a factor 1.

    Parameters
    ----------
    floor : smallest rate allowed, in units of the column's mean; a rate that meets it is a counted event
    name parameters : ``rates`` (K, d), in counts per row

    Raises
    ------
    ModelError
        A floor that is not positive.
    DataError
        A column with negative numbers or fractions, of zeros only, or without numbers.

    >>> import unseen
    >>> result = unseen.fit(unseen.Mixture(Poisson(), 1), {"calls": np.array([0, 2, 4, 2])})
    >>> result.params["rates"].tolist()
    [[2.0]]

    Source: Hasselblad (1969), J. Amer. Statist. Assoc. 64, 1459-1471.
    """

    floor: float = 1e-6
    columns: tuple[str, ...] = learned(())
    centre: Any = learned()  # (d,) means of the data
    scale: Any = learned()  # (d,) their standard deviations

    # ---- E-step and M-step

    def prepare(self, params: Params) -> Rates:
        return Rates(params["rates"], np.log(params["rates"]))

    def evaluate(self, prepared: Rates, cells: Sequence[Cells]) -> tuple[Array, Collect]:
        x, seen = np.asarray(cells[0].values, float), cells[0].observed
        base = cells[0].derived("log factorials", lambda: _log_factorials(cells[0]))
        if seen is not None:
            x, mask = np.where(seen, x, 0), seen.astype(float)
            density = prepared.logs @ x - prepared.rates @ mask
        else:
            density = prepared.logs @ x - prepared.rates.sum(axis=1)[:, None]
        density -= base
        if base.max(initial=0) == np.inf:
            density[:, base == np.inf] = -np.inf  # a product with what is no count may have overflowed

        def collect(r: Array) -> Sums:
            mass = np.repeat(r.sum(axis=1)[:, None], len(x), axis=1) if seen is None else r @ mask.T
            return {"mass": mass, "totals": r @ x.T}

        return density, collect

    def moments(self, sums: Sums, params: Params | None) -> Params:
        mass, totals = sums["mass"], sums["totals"]
        old = np.broadcast_to(self.centre, mass.shape) if params is None else params["rates"]
        rates = np.divide(totals, mass, out=np.array(old, float), where=mass > EMPTY)
        least = self.floor * self.centre
        events = {
            EventKind.RATE_FLOOR: int((rates < least).sum()),
            EventKind.EMPTY_COMPONENT: int((mass <= EMPTY).any(axis=1).sum()),
        }
        return Params(rates=np.maximum(rates, least), events={k: v for k, v in events.items() if v})

    # ---- parameters

    def vague(self, components: int) -> Params:
        return Params(rates=np.repeat(self.centre[None], components, axis=0))

    def valid(self, params: Params) -> Validity:
        rates = params["rates"]
        return Validity("" if (np.isfinite(rates) & (rates > 0)).all() else "a rate is not positive and finite")

    def size(self, params: Params) -> int:
        return params["rates"].size

    def prior(self, strength: float, components: int) -> Sums:
        mass = np.full((components, len(self.columns)), float(strength))
        return {"mass": mass, "totals": mass * self.centre}

    def log_prior(self, params: Params, prior: Sums) -> float:
        rates = params["rates"]
        return float((prior["totals"] * np.log(rates) - prior["mass"] * rates).sum())

    # ---- rows

    def mean(self, params: Params, cells: Sequence[Cells], responsibilities: Array) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        return [x if seen is None else np.where(seen, x, params["rates"].T @ responsibilities)]

    def draw(self, params: Params, cells: Sequence[Cells], states: Array, rng: np.random.Generator) -> list[Array]:
        x, seen = cells[0].values.astype(float), cells[0].observed
        return [x if seen is None else np.where(seen, x, rng.poisson(params["rates"][states].T))]

    def embed(self, cells: Sequence[Cells]) -> Cells:
        # the square root makes the spread of counts even; its own spread is sd / (2 sqrt(mean)) to first order
        root = np.sqrt(self.centre)[:, None]
        z = (np.sqrt(np.maximum(cells[0].values, 0)) - root) * 2 * root / self.scale[:, None]
        return Cells(z, cells[0].observed)

    def describe(self, params: Params) -> list[dict[str, Any]]:
        return [
            {
                "column": name,
                "family": "poisson",
                "mean": params["rates"][:, j].tolist(),
                "sd": np.sqrt(params["rates"][:, j]).tolist(),
            }
            for j, name in enumerate(self.columns)
        ]


def _log_factorials(cells: Cells) -> Array:
    """The sum of log x! over each row's observed cells, (n,); inf where one of them is no count."""
    x = np.asarray(cells.values, float)
    out: Array = log_factorial(x if cells.observed is None else np.where(cells.observed, x, 0)).sum(axis=0)
    return out


def example() -> Example:
    """Earthquakes of magnitude 7 or more in each year 1900-2006: two rates."""
    from unseen import Mixture

    yearly = (
        "13 14 8 10 16 26 32 27 18 32 36 24 22 23 22 18 25 21 21 14 8 11 14 23 18 17 19 20 22 19 "
        "13 26 13 14 22 24 21 22 26 21 23 24 27 41 31 27 35 26 28 36 39 21 17 22 17 19 15 34 10 "
        "15 22 18 15 20 15 22 19 16 30 27 29 23 20 16 21 21 25 16 18 15 18 14 10 15 8 15 6 11 8 7 "
        "18 16 13 12 13 20 15 16 12 18 15 16 13 15 16 11 11 "
    )
    return Example(
        model=Mixture(Poisson(), 2),
        params=Params(weights=[0.68, 0.32], rates=[[15.8], [26.8]]),
        data={"earthquakes": np.array([int(n) for n in yearly.split()])},
        loglik=-360.369044,
        options={"restarts": 2, "tol": 1e-11, "max_iterations": 5000},
        source="Zucchini & MacDonald (2009), Hidden Markov Models for Time Series, table 1.1; maximum by flexmix 2.3",
    )
