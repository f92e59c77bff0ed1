"""Two real streams cut into months: the flights of 2013, and calls of a bank in file order."""

from __future__ import annotations

import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

ROOT = Path(__file__).parents[2]
#: one row in so many judges and is in no month
EVERY = 7
FLIGHTS = ("dep_delay", "arr_delay", "hour", "distance", "air_time", "carrier", "origin")
#: without the calendar and what follows from it, and without the length of the call
BANK = ["age", "job", "marital", "education", "default", "housing", "loan", "contact"]
BANK += ["campaign", "pdays", "previous", "poutcome", "y"]
MONTHS = 12


def shared() -> Path:
    """The folder of public data: `--data` of this benchmark sets the variable."""
    return Path(os.environ.get("UNSEEN_DATA", ROOT.parent / "shared" / "data"))


@cache
def flights() -> pd.DataFrame:
    frame = pd.read_parquet(ROOT / "src" / "unseen" / "data" / "flights.parquet")
    whole = {c: "Int64" for c in FLIGHTS[:5]}
    return frame[[*FLIGHTS, "month"]].astype(whole | {c: "str" for c in FLIGHTS[5:]})


@cache
def bank() -> pd.DataFrame:
    """In file order, which is that of the calls; "unknown" is a hole."""
    with zipfile.ZipFile(shared() / "bank" / "bank-additional.zip") as archive:
        data = archive.open("bank-additional/bank-additional-full.csv")
        frame = pd.read_csv(data, sep=";", na_values=["unknown"])[BANK]
    frame = frame.astype({c: "Int64" for c in frame.select_dtypes("number")})
    return frame.assign(month=np.arange(len(frame)) * MONTHS // len(frame) + 1)


@dataclass(frozen=True)
class Real:
    """Months of a table with a column ``month``; ``kind`` is a column whose commonest value stands for one kind."""

    name: str
    table: Callable[[], pd.DataFrame]
    kind: str
    drifts: bool = False
    stationary: bool = False

    def why_not(self, rows: int, months: int) -> str:
        try:
            have = min(len(self._rows(m, judge=False)) for m in range(1, min(months, MONTHS) + 1))
        except FileNotFoundError as error:
            return f"no {Path(error.filename).name} in the folder of shared data: give --data"
        if months > MONTHS:
            return f"there are {MONTHS} months"
        return "" if have >= rows else f"a month has {have:,} rows"

    def month(self, number: int, rows: int, seed: int, moved: float = 0.0) -> pd.DataFrame:
        """So many rows of a month that do not judge, in their order."""
        return _some(self._rows(number, judge=False), rows, [seed, number])

    def one_kind(self, number: int, rows: int, seed: int) -> pd.DataFrame:
        every = self._rows(number, judge=False)
        return _some(every[every[self.kind] == every[self.kind].mode()[0]], rows, [seed, number])

    def reserve(self, newest: int, rows: int, seed: int, moved: float = 0.0) -> pd.DataFrame:
        """Rows of the months so far that are kept for judging."""
        every = pd.concat([self._rows(m, judge=True) for m in range(1, newest + 1)], ignore_index=True)
        return _some(every, rows, [seed])

    def _rows(self, number: int, judge: bool) -> pd.DataFrame:
        frame = self.table()
        frame = frame[(frame["month"] == number) & ((np.arange(len(frame)) % EVERY == 0) == judge)]
        return frame.drop(columns="month").reset_index(drop=True)


def _some(frame: pd.DataFrame, rows: int, seed: list[int]) -> pd.DataFrame:
    at = np.random.default_rng(seed).permutation(len(frame))[:rows]
    return frame.iloc[np.sort(at)].reset_index(drop=True)


REAL = {s.name: s for s in (Real("flights", flights, "carrier"), Real("bank", bank, "job"))}
