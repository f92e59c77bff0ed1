"""Libraries that are imported when they are first asked for something: `import unseen` costs NumPy alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any


class _Late:
    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(import_module(self._module), name)


pa: Any = _Late("pyarrow")
pc: Any = _Late("pyarrow.compute")
pq: Any = _Late("pyarrow.parquet")
pd: Any = _Late("pandas")
pl: Any = _Late("polars")
