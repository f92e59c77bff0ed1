"""Whole numbers that floats cannot tell from their neighbours, and what may stand beside them."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np

#: up to here, and down to its negative, every whole number is a float of its own
EXACT = 2**53


def within(values: Any, low: int, high: int) -> list[int]:
    """The nearest whole numbers that a type can hold.

    >>> within([2.6, -3.0, 1e30], 0, 255)
    [3, 0, 255]
    """
    return [min(max(round(v), low), high) for v in np.asarray(values).tolist()]


def tell_rounded(name: str) -> None:
    """Warn that what fills a column is rounded, for the sake of what stands in it."""
    warnings.warn(
        f"column {name!r} has whole numbers beyond 2**53, which floats cannot hold: what fills its holes is rounded to "
        "whole numbers, so that the others stay as they are",
        stacklevel=2,
    )
