"""How much a candidate may lose, where ``gates.heldout_drop`` does not say it: by how many rows there are to judge."""

from __future__ import annotations

#: the most and the least that may be lost, in nats per row, and the rows up to which the most may
MOST, LEAST, FEW = 0.05, 0.01, 500


def tolerance(rows: int) -> float:
    """Say which loss in mean log-density per held-out row an equally good model stays below.

    The error of a difference falls with the root of the rows, and what is worth noticing with their number: the power
    two thirds lies between, from 0.05 at 500 rows of a partition by 0.02 at 2,000 to 0.01 from 5,600 on.

    >>> [tolerance(rows) for rows in (0, 500, 1_000, 2_000, 100_000)]
    [0.05, 0.05, 0.031, 0.02, 0.01]
    """
    return round(min(MOST, max(LEAST, MOST * (FEW / max(rows, 1)) ** (2 / 3))), 3)
