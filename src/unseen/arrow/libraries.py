"""Libraries that are imported when they are first asked for something: `import unseen` costs NumPy alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class _Late:
    def __init__(self, load: Callable[[], Any]) -> None:
        self._load = load

    def __getattr__(self, name: str) -> Any:
        return getattr(self._load(), name)


def _pyarrow() -> Any:
    import pyarrow

    return pyarrow


def _compute() -> Any:
    import pyarrow.compute

    return pyarrow.compute


def _parquet() -> Any:
    import pyarrow.parquet

    return pyarrow.parquet


def _pandas() -> Any:
    import pandas

    return pandas


def _polars() -> Any:
    import polars

    return polars


pa: Any = _Late(_pyarrow)
pc: Any = _Late(_compute)
pq: Any = _Late(_parquet)
pd: Any = _Late(_pandas)
pl: Any = _Late(_polars)
