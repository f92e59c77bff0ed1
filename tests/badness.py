"""Good data to spoil, in every form that data can come in, and what a refusal must look like."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pytest

import unseen
from unseen.errors import DataError, UnseenError

N = 60
SECRET = "SECRET-7391"
SECRET_NUMBER = 73917391.25


def good(n: int = N) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(3)
    group = rng.integers(0, 2, n)
    return {
        "x": rng.normal(8 * group, 1),
        "y": rng.normal(-8 * group, 1),
        "plan": np.array(["basic", "plus"], object)[group],
    }


def numbers(**columns) -> dict[str, np.ndarray]:
    """Two good number columns, some of them replaced or joined by others."""
    return {**{k: v for k, v in good().items() if k != "plan"}, **columns}


GAUSSIAN = unseen.Mixture(unseen.Gaussian(), 2)
MIXED = unseen.Mixture(unseen.Product(x=unseen.Gaussian(), y=unseen.Gaussian(), plan=unseen.Categorical()), 2)

FORMS = {
    "dict": lambda d, _: d,
    "pandas": lambda d, _: pd.DataFrame(d),
    "polars": lambda d, _: pl.from_pandas(pd.DataFrame(d)),
    "arrow": lambda d, _: pa.Table.from_pandas(pd.DataFrame(d), preserve_index=False),
    "parquet": lambda d, folder: to_parquet(d, folder),
    "csv": lambda d, folder: to_csv(d, folder),
}


def to_parquet(data, folder: Path) -> Path:
    pd.DataFrame(data).to_parquet(folder / "data.parquet")
    return folder / "data.parquet"


def to_csv(data, folder: Path) -> Path:
    pd.DataFrame(data).to_csv(folder / "data.csv", index=False)
    return folder / "data.csv"


def refused(match: str, call, *args, kind: type[UnseenError] = DataError, **options) -> None:
    """The call raises this kind of error, in one sentence without a cell of the data and without a cause shown."""
    with pytest.raises(kind, match=match) as error:
        call(*args, **options)
    message = str(error.value)
    assert "\n" not in message
    assert len(message) < 400
    assert SECRET not in message
    assert "7391" not in message
    assert error.value.__cause__ is None
    assert error.value.__context__ is None or error.value.__suppress_context__


def fit(data, model=GAUSSIAN, **options):
    return unseen.fit(model, data, seed=0, restarts=1, **options)


def changed(name: str, value, at: int = 7) -> dict[str, np.ndarray]:
    """Good numbers with one cell replaced."""
    data = numbers()
    column = data[name].astype(object if isinstance(value, str) else float)
    column[at] = value
    return {**data, name: column}
