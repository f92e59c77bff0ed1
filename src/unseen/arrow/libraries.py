"""Libraries that are imported when they are first asked for something: `import unseen` costs NumPy alone."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from unseen.errors import DataError


def library(module: str) -> Any:
    """Return a module of a library that reads or writes files and tables.

    Raises
    ------
    DataError
        It is not installed: `unseen` was installed without what it needs for anything but NumPy arrays.

    >>> library("json").dumps([1])
    '[1]'
    """
    try:
        return import_module(module)
    except ModuleNotFoundError as missing:
        name = module.partition(".")[0]
        if missing.name is None or missing.name.partition(".")[0] != name:
            raise
        raise DataError(
            f"reading files, tables, and numbers written as text needs {name}, which is not installed: pip install "
            f"{PACKAGES.get(name, name)}; arrays of numbers need NumPy alone"
        ) from None


#: packages that are not called as what is imported of them
PACKAGES = {"python_calamine": "python-calamine"}


class _Late:
    def __init__(self, module: str) -> None:
        self._module = module

    def __getattr__(self, name: str) -> Any:
        return getattr(library(self._module), name)


pa: Any = _Late("pyarrow")
pc: Any = _Late("pyarrow.compute")
pq: Any = _Late("pyarrow.parquet")
pd: Any = _Late("pandas")
pl: Any = _Late("polars")
