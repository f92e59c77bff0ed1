"""What depends on the parameters alone, made once for all blocks and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from functools import wraps
from typing import Any, TypeVar

from unseen.core.stats import Params

S = TypeVar("S")
T = TypeVar("T")

# one for all: an object that held its own could not be pickled. Making may ask another memo, so it may be entered again
_MAKING = threading.RLock()


def fields_only(one: Any) -> dict[str, Any]:
    """What a dataclass pickles as ``__getstate__``: its fields, and not what it has kept beside them."""
    if not is_dataclass(one):
        return dict(one.__dict__)
    return {f.name: getattr(one, f.name) for f in fields(one)}


def once_per_params(make: Callable[[S, Params], T]) -> Callable[[S, Params], T]:
    """Make a method of the parameters alone keep what it gave for the last ones.

    Parameters cannot change, so identity tells them. What is kept stands beside the fields, which alone are pickled.

    >>> class Squares:
    ...     @once_per_params
    ...     def of(self, params): return [params["weights"] ** 2]
    >>> squares, p = Squares(), Params(weights=[1.0])
    >>> squares.of(p) is squares.of(p)
    True
    """
    name = f"_last_{make.__name__}"

    @wraps(make)
    def kept(self: S, params: Params) -> T:
        with _MAKING:
            known: tuple[Params, T] | None = self.__dict__.get(name)
            if known is None or known[0] is not params:
                self.__dict__[name] = known = params, make(self, params)
            return known[1]

    return kept
