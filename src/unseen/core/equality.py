"""Equality and hash of dataclasses that hold arrays: by the values of their fields."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np


def by_value(one: Any, other: object) -> Any:
    """``==`` for a dataclass whose fields may be arrays."""
    if one is other:
        return True
    return _key(one) == _key(other) if type(one) is type(other) else NotImplemented


def hash_by_value(one: Any) -> int:
    """``hash`` that goes with `by_value`."""
    return hash((type(one).__qualname__, _key(one)))


def _key(one: Any) -> tuple[Any, ...]:
    return tuple(_plain(getattr(one, f.name)) for f in fields(one) if f.compare)


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        # NaN is no value to be unequal to: it says that something is not known
        known = ~np.isnan(value) if value.dtype.kind == "f" else np.ones(value.shape, bool)
        return value.shape, tuple(value[known].tolist()), tuple(np.flatnonzero(~known).tolist())
    if isinstance(value, (tuple, list)):
        return tuple(_plain(v) for v in value)
    if isinstance(value, Mapping):
        return frozenset((k, _plain(v)) for k, v in value.items())
    return value
