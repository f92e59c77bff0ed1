"""At which parameters sums are asked for: one file, one algorithm."""

from __future__ import annotations

import importlib
from typing import Any


def algorithm(name: str) -> Any:
    """Return the algorithm of a file in this folder, with its defaults.

    >>> algorithm("squarem")
    SQUAREM()
    """
    module = importlib.import_module(f"unseen.algorithms.{name}")
    (cls,) = (c for c in vars(module).values() if isinstance(c, type) and c.__name__.lower() == name)
    return cls()
