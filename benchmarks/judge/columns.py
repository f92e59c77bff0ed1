"""Wrong months in which a column or two are not what they were; each function changes one month in one way."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from benchmarks.judge.streams import Rng


class Unsuited(Exception):
    """The stream has nothing that could be wrong in this way."""


@dataclass(frozen=True)
class Given:
    """The month as it should be, the months before it, and its rows if all were of one kind."""

    now: pd.DataFrame
    past: list[pd.DataFrame]
    one_kind: Callable[[], pd.DataFrame]
    rng: Rng


Spoil = Callable[[Given], pd.DataFrame]


def numbers(frame: pd.DataFrame) -> list[str]:
    """Columns of numbers; those with fractions alone, if there are any."""
    every = list(frame.select_dtypes("number"))
    return [c for c in every if frame[c].dtype == float] or every


def codes(frame: pd.DataFrame) -> list[str]:
    """Columns of categories."""
    return [c for c in frame if c not in frame.select_dtypes("number")]


def one(given: Given, names: list[str], what: str) -> str:
    if not names:
        raise Unsuited(f"no {what}")
    return str(given.rng.choice(names))


def put(frame: pd.DataFrame, name: str, values: Any) -> pd.DataFrame:
    """The frame with another column of the same type: whole numbers stay whole."""
    values = pd.Series(np.asarray(values, dtype=object), index=frame.index)
    if frame[name].dtype == "Int64":
        values = pd.to_numeric(values.where(values.notna(), None)).astype(float).round().astype("Int64")
    elif frame[name].dtype == float:
        values = pd.to_numeric(values.where(values.notna(), None)).astype(float)
    return frame.assign(**{name: values})


def number(change: Callable[[np.ndarray, Rng], np.ndarray]) -> Spoil:
    """A month with one column of numbers (n,) changed; NaN are its holes."""

    def spoil(given: Given) -> pd.DataFrame:
        name = one(given, numbers(given.now), "column of numbers")
        return put(given.now, name, change(given.now[name].to_numpy(float, na_value=np.nan), given.rng))

    return spoil


def code(change: Callable[[np.ndarray, Rng], Any]) -> Spoil:
    """A month with one column of categories changed, given as numbers of levels in their order; -1 are holes."""

    def spoil(given: Given) -> pd.DataFrame:
        name = one(given, codes(given.now), "column of categories")
        at, levels = pd.factorize(given.now[name], sort=True)
        changed = change(at, given.rng)
        named = np.array([*levels, "new", None], dtype=object)
        return put(given.now, name, named[np.where(changed < 0, len(levels) + 1, np.minimum(changed, len(levels)))])

    return spoil


def some(x: np.ndarray, rng: Rng, share: float) -> np.ndarray:
    return rng.random(len(x)) < share


def shuffled(x: np.ndarray, rng: Rng) -> np.ndarray:
    return rng.permutation(x)


def default(given: Given) -> pd.DataFrame:
    """A column holds its most common value, or its median, in every row."""
    name = one(given, list(given.now), "column")
    column = given.now[name]
    value = column.median() if name in numbers(given.now) else column.mode()[0]
    return put(given.now, name, [value] * len(column))


def filled(with_what: Callable[[pd.Series], float]) -> Spoil:
    """The holes of all columns of numbers are filled."""

    def spoil(given: Given) -> pd.DataFrame:
        names = [c for c in given.now.select_dtypes("number") if given.now[c].isna().any()]
        one(given, names, "column of numbers with holes")
        out = given.now
        for name in names:
            column = out[name].astype(float)
            out = put(out, name, column.fillna(with_what(column)))
        return out

    return spoil


def swapped(given: Given) -> pd.DataFrame:
    """Two columns of numbers are exchanged."""
    names = numbers(given.now)
    if len(names) < 2:
        raise Unsuited("no two columns of numbers")
    a, b = given.rng.choice(names, 2, replace=False)
    return put(put(given.now, a, given.now[b]), b, given.now[a])


def emptied(given: Given) -> pd.DataFrame:
    """Half of a column is missing that had no holes, or the fewest."""
    name = given.now.isna().mean().idxmin()
    return put(given.now, name, given.now[name].astype(object).mask(some(given.now[name], given.rng, 0.5), None))


def shuffled_column(given: Given) -> pd.DataFrame:
    name = one(given, list(given.now), "column")
    return put(given.now, name, given.rng.permutation(given.now[name].to_numpy(object)))


def lagged(given: Given) -> pd.DataFrame:
    """A column slipped by one row against all others."""
    name = one(given, list(given.now), "column")
    return put(given.now, name, np.roll(given.now[name].to_numpy(object), 1))


def wider(x: np.ndarray, rng: Rng) -> np.ndarray:
    """Three times the variance about the same mean."""
    middle = np.nanmean(x)
    return middle + np.sqrt(3) * (x - middle)


def outliers(x: np.ndarray, rng: Rng) -> np.ndarray:
    """One row in a hundred lies ten deviations off."""
    return np.where(some(x, rng, 0.01), np.nanmean(x) + 10 * np.nanstd(x) * rng.choice([-1, 1], len(x)), x)


def vanished(given: Given) -> pd.DataFrame:
    """The rows of a category (the second most common one) do not come."""
    name = one(given, codes(given.now), "column of categories")
    gone = given.now[name].value_counts().index[1]
    return given.now[given.now[name] != gone].reset_index(drop=True)
