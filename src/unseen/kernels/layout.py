"""How kernels expect their data in memory: known to those who call them, and read without the compiler."""

from __future__ import annotations

ROWS = 4  # of a block of accumulators ...
VECTORS = 3  # ... that is this many vectors wide: 12 of 16 registers
STRIP = 48  # rows whose weighted products are summed before they leave the registers; their data fits in level 1
SPARE = 8  # numbers behind a table whose lines are read in whole vectors
COLUMNS = 2  # vectors that the softmax does together: one cache line


def unit(lanes: int) -> int:
    """Columns that are done together: whole vectors and whole blocks."""
    return max(ROWS, lanes)


def padded(d: int, lanes: int) -> int:
    """Columns of a row in memory."""
    return -(-d // unit(lanes)) * unit(lanes)
