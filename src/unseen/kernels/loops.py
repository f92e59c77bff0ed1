"""One door for compiled loops: a plain Python function is what is compiled, and what its compiled twin is tested by.

Write the function with loops (what it may hold: `unseen.kernels.translate`), mark it with ``@loop``, and call
``name.compiled()``: the compiled function or, where the extra ``fast`` is missing or switched off, None, and the caller
takes its NumPy path. ``name.plain`` is the function as written, about a thousand times slower.

>>> @loop
... def total(x: Vector, out: Vector) -> None:
...     for i in range(len(x)):
...         out[0] += x[i]
>>> out = np.zeros(1)
>>> total.plain(np.arange(4.0), out)
>>> out
array([6.])
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, get_args, get_type_hints

import numpy as np

from unseen.core.stats import Array
from unseen.kernels import compiled_loop


@dataclass(frozen=True)
class Argument:
    """What a loop's argument is: numbers in C order, or one number, of no dimensions."""

    dtype: np.dtype
    dimensions: int

    def fits(self, array: Array) -> bool:
        """Whether a loop can read this array."""
        return array.dtype == self.dtype and array.ndim == self.dimensions and bool(array.flags.c_contiguous)

    def __str__(self) -> str:
        return f"{self.dtype} in C order, of {self.dimensions} dimensions"


FLOAT, INT = np.dtype(np.float64), np.dtype(np.int64)
Matrix = Annotated[Array, Argument(FLOAT, 2)]
Vector = Annotated[Array, Argument(FLOAT, 1)]
Integers = Annotated[Array, Argument(INT, 1)]
SCALARS = {int: Argument(INT, 0), float: Argument(FLOAT, 0)}


class Loop:
    """A loop as written, ``plain``, and compiled on demand."""

    def __init__(self, plain: Callable[..., None]) -> None:
        self.plain, self.__doc__, self.__name__ = plain, plain.__doc__, plain.__name__
        hints = get_type_hints(plain, include_extras=True)
        hints.pop("return", None)
        self.kinds = [SCALARS[hint] if hint in SCALARS else get_args(hint)[1] for hint in hints.values()]

    def compiled(self) -> Callable[..., None] | None:
        """The compiled function, or None: take the plain path."""
        return compiled_loop(self)


def loop(plain: Callable[..., None]) -> Loop:
    """Mark a function as a loop that may be compiled."""
    return Loop(plain)
