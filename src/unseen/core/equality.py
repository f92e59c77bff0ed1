"""Dataclasses that hold arrays: equal by the values of their fields, and sent without what they remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
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


class Lean:
    """What objects remember beside their fields, such as the last preparation, is made again and never sent along."""

    def __getstate__(self) -> dict[str, Any]:
        if not is_dataclass(self):
            return dict(self.__dict__)
        return {f.name: self.__dict__[f.name] for f in fields(self) if f.name in self.__dict__}


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
