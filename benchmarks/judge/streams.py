"""Synthetic streams of different nature: months of rows whose law is known.

The law of a stream may move, on purpose: ``moved`` from 0 to 1 shifts the shares of its kinds and some of its means.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from zlib import crc32

import numpy as np
import pandas as pd

Rng = np.random.Generator
Array = np.ndarray
#: of kinds (n,) of rows and of how far the law has moved: the columns
Law = Callable[[Rng, Array, float], dict[str, object]]
#: where the rows that judge are drawn, away from all months
RESERVE = 10**6


@dataclass(frozen=True)
class Synthetic:
    """Rows of some kinds with these shares; ``season`` is how far shares swing within a year."""

    name: str
    shares: tuple[float, ...]
    law: Law
    season: float = 0.0
    drifts: bool = True

    @property
    def stationary(self) -> bool:
        return not self.season

    def why_not(self, rows: int, months: int) -> str:
        """Why so many months of so many rows cannot be had, or nothing."""
        return ""

    def month(self, number: int, rows: int, seed: int, moved: float = 0.0, kind: int | None = None) -> pd.DataFrame:
        """The rows of a month, the same ones for the same numbers; of one kind alone if that is asked for."""
        rng = np.random.default_rng([seed, crc32(self.name.encode()), number])
        return self._drawn(rng, rows, number, moved, kind)

    def one_kind(self, number: int, rows: int, seed: int) -> pd.DataFrame:
        if len(self.shares) == 1:
            raise LookupError("rows are of one kind")
        return self.month(number, rows, seed, kind=len(self.shares) - 1)

    def reserve(self, newest: int, rows: int, seed: int, moved: float = 0.0) -> pd.DataFrame:
        """Ordinary rows that are in no month, drawn evenly from the months so far."""
        rng = np.random.default_rng([seed, crc32(self.name.encode()), RESERVE])
        months = range(1, newest + 1) if self.season else (newest,)
        parts = [self._drawn(rng, -(-rows // len(months)), m, moved, None) for m in months]
        return pd.concat(parts, ignore_index=True)

    def _drawn(self, rng: Rng, rows: int, number: int, moved: float, kind: int | None) -> pd.DataFrame:
        shares = np.array(self.shares)
        shares = (1 - moved / 2) * shares + moved / 2 * np.roll(shares, 1)
        shares = shares * (1 + self.season * np.sin(2 * np.pi * number / 12 + np.arange(len(shares)) * np.pi))
        kinds = rng.choice(len(shares), rows, p=shares / shares.sum())
        frame = pd.DataFrame(self.law(rng, kinds if kind is None else np.full(rows, kind), moved))
        return frame.astype({c: "Int64" for c in frame if c in WHOLE}, errors="raise")


#: columns of whole numbers, which may have holes
WHOLE = {"age", "sbp", "visits", "calls", "clicks", "errors", "days", "orders", "children", "rooms", "stays", "items"}


def at(kinds: Array, *values: float) -> Array:
    """A number for each row, by its kind."""
    return np.array(values)[kinds]


def words(rng: Rng, names: str, kinds: Array, *chances: tuple[float, ...]) -> Array:
    """Categories, with chances by kind."""
    bounds = np.cumsum(np.array(chances), axis=1)[kinds]
    drawn = (rng.random(len(kinds))[:, None] > bounds / bounds[:, -1:]).sum(axis=1)
    return np.array(names.split(), dtype=object)[drawn]


def holes(rng: Rng, values: Array, share: float | Array) -> Array:
    """The values with some of them missing."""
    values = np.asarray(values, dtype=object if np.asarray(values).dtype == object else float).copy()
    values[rng.random(len(values)) < share] = None if values.dtype == object else np.nan
    return values


def clinic(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Visits to a clinic: ten mixed columns with holes."""
    n, z = len(k), r.normal(size=len(k))
    cost = np.where(r.random(n) < at(k, 0.5, 0.2, 0.1), 0, r.lognormal(at(k, 4, 5, 6), 0.6)).round(2)
    return {
        "age": (at(k, 34, 58, 71) + 9 * r.normal(size=n)).clip(0, 100).round(),
        "sex": words(r, "f m", k, (0.6, 0.4), (0.45, 0.55), (0.5, 0.5)),
        "bmi": holes(r, (at(k, 23, 31, 26) + 3 * z).round(1), 0.08),
        "sbp": holes(r, (at(k, 118, 142, 135) + 3 * moved + 6 * z + 9 * r.normal(size=n)).round(), 0.1),
        "glucose": holes(r, np.exp(at(k, 4.5, 5.1, 4.7) + 0.15 * moved + 0.18 * r.normal(size=n)).round(1), 0.15),
        "weight": holes(r, (at(k, 66, 90, 74) + 9 * z + 5 * r.normal(size=n)).round(1), 0.05),
        "visits": r.poisson(at(k, 1.2, 4.0, 7.0)),
        "smoker": words(r, "no yes past", k, (0.7, 0.2, 0.1), (0.4, 0.4, 0.2), (0.3, 0.1, 0.6)),
        "insurance": holes(r, words(r, "public private none", k, (5, 4, 1), (6, 2, 2), (8, 1, 1)), 0.04),
        "cost": holes(r, cost, 0.05),
    }


def gaussians(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Three normal groups, five columns, correlated within."""
    centres = np.array([[0, 0, 0, 0, 0], [4, 0, 3, -2, 0], [0, 5, -3, 2, 4.0]])
    mix = np.eye(5) + 0.4 * np.tri(5, k=-1)
    x = centres[k] + r.normal(size=(len(k), 5)) @ mix.T + moved * np.array([0.5, 0, 0, 0.5, 0])
    return {f"x{j}": x[:, j] for j in range(5)}


def counts(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Whole numbers alone: Poisson, overdispersed, with too many zeros."""
    n = len(k)
    return {
        "calls": r.poisson(at(k, 2, 9) * (1 + 0.15 * moved)),
        "clicks": r.negative_binomial(3, 3 / (3 + at(k, 20, 60))),
        "errors": np.where(r.random(n) < 0.6, 0, r.poisson(at(k, 2, 5))),
        "days": r.poisson(at(k, 28, 14)),
        "orders": holes(r, r.poisson(at(k, 0.6, 2.5)), 0.1),
    }


def classes(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Answers to six questions, three latent classes."""
    rows = ((6, 2, 1, 1), (1, 6, 2 + 2 * moved, 1), (1, 1, 2, 6))
    turned = [np.roll(np.array(rows), j, axis=0) for j in range(3)]
    return {f"q{j + 1}": words(r, "never rarely often always", k, *turned[j % 3]) for j in range(6)}


def amounts(r: Rng, k: Array, moved: float) -> dict[str, object]:
    """Skewed amounts in four currencies, whose scale goes with the currency."""
    n = len(k)
    currency = words(r, "EUR USD JPY CHF", k, (6, 2, 1, 1), (1, 4, 4, 1))
    scale = pd.Series(currency).map({"EUR": 0.0, "USD": 0.1, "JPY": 4.8, "CHF": 0.0}).to_numpy()
    amount = np.exp(scale + at(k, 3.2, 5.0) + 0.15 * moved + 0.8 * r.normal(size=n))
    return {
        "amount": amount.round(2),
        "fee": (amount * 0.01 * r.lognormal(0, 0.3, n)).round(3),
        "currency": currency,
        "channel": words(r, "web shop phone", k, (5, 4, 1), (7, 1, 2)),
        "items": 1 + r.poisson(at(k, 0.8, 3.0)),
    }
