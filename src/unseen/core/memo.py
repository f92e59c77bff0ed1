"""What depends on the parameters alone, made once for all blocks and threads."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from typing import Any

from unseen.core.stats import Params

# one for all: an object that held its own could not be pickled. Making may ask another memo, so it may be entered again
_MAKING = threading.RLock()


def fields_only(one: Any) -> dict[str, Any]:
    """What a dataclass pickles as ``__getstate__``: its fields, and not what it has kept beside them."""
    if not is_dataclass(one):
        return dict(one.__dict__)
    return {f.name: getattr(one, f.name) for f in fields(one)}


class Last:
    """Keeps what was made of the last parameters it was asked for; they cannot change, so identity tells them.

    >>> last, p = Last(), Params(weights=[1.0])
    >>> last.made(p, lambda params: [params]) is last.made(p, lambda params: [params])
    True
    """

    def __init__(self) -> None:
        self._known: tuple[Params, Any] | None = None

    def made(self, params: Params, make: Callable[[Params], Any]) -> Any:
        """``make(params)``, or what it gave last time if the parameters are the same object."""
        with _MAKING:
            if self._known is None or self._known[0] is not params:
                self._known = params, make(params)
            return self._known[1]

    def __reduce__(self) -> tuple[type[Last], tuple[()]]:
        """Pickled empty: what it knows can be made again."""
        return Last, ()
