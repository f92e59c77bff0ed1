"""What the user wrote of a model or family, and what binding learned from the data: fields of one dataclass."""

from __future__ import annotations

from dataclasses import MISSING, field, fields, is_dataclass, replace
from typing import Any, TypeVar

T = TypeVar("T")
LEARNED = "learned"


def learned(default: Any = None, compare: bool = True) -> Any:
    """Declare a field that `bind` sets: nobody writes it, and it is not shown.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Line:
    ...     slope: float
    ...     rows: int = learned(0)
    >>> Line(2.0, rows=7)
    Line(slope=2.0)
    """
    return field(default=default, repr=False, compare=compare, metadata={LEARNED: True})


def written(bound: T) -> T:
    """Return what the user wrote of a bound model or family, and of the families inside it.

    >>> import numpy as np
    >>> import unseen
    >>> fitted = unseen.fit(unseen.Mixture(unseen.Gaussian("diagonal"), 1), np.array([[1.0, 2.0], [3.0, 5.0]]))
    >>> written(fitted.model) == unseen.Mixture(unseen.Gaussian("diagonal"), 1)
    True
    """
    if isinstance(bound, tuple):
        return tuple(written(one) for one in bound)  # type: ignore[return-value]
    if not is_dataclass(bound) or isinstance(bound, type):
        return bound
    values: dict[str, Any] = {}
    for f in fields(bound):
        if not f.init:
            continue
        known = f.metadata.get(LEARNED) and f.default is not MISSING
        values[f.name] = f.default if known else written(getattr(bound, f.name))
    made: T = replace(bound, **values)
    return made
