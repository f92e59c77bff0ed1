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
_LAST = "_last_"


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
    name = f"{_LAST}{make.__name__}"

    @wraps(make)
    def kept(self: S, params: Params) -> T:
        with _MAKING:
            known: tuple[Params, T] | None = self.__dict__.get(name)
            if known is None or known[0] is not params:
                self.__dict__[name] = known = params, make(self, params)
            return known[1]

    return kept


def let_go(one: Any, met: bool = False) -> None:
    """Drop what a model and its families keep for their last parameters; it is made again when it is asked for.

    Of ten starts each may have a model of its own, and each of those a table for every pattern of missing cells.
    ``met`` drops what they keep beside their fields for all parameters, too, such as which patterns they have met.

    >>> from dataclasses import dataclass
    >>> @dataclass(frozen=True)
    ... class Squares:
    ...     @once_per_params
    ...     def of(self, params): return [params["weights"] ** 2]
    >>> squares, p = Squares(), Params(weights=[1.0])
    >>> before = squares.of(p)
    >>> let_go(squares)
    >>> squares.of(p) is before
    False
    """
    if isinstance(one, tuple):
        for part in one:
            let_go(part, met)
    elif is_dataclass(one):
        own, kept = {f.name for f in fields(one)}, getattr(one, "__dict__", {})
        for name in [name for name in kept if name.startswith(_LAST) or (met and name not in own)]:
            kept.pop(name, None)  # another thread may have been here
        for name in own:
            let_go(getattr(one, name), met)
