"""The parts of a model whose columns have variances, and whether they vary together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from unseen.core.capabilities import Structured
from unseen.core.stats import Array
from unseen.result import Result

#: forms in which a column varies beside the others, not with them
ALONE = ("diagonal", "spherical")


@dataclass(frozen=True, slots=True)
class Covaried:
    """Columns of one family: whether it has directions across them, whether it is tied, its least variances (K,)."""

    columns: tuple[str, ...]
    crossed: bool
    tied: bool
    spread: Array
    factors: int = 0


def blocks(result: Result) -> Iterator[Covaried]:
    """The blocks of a model that have variances, in order."""
    if not isinstance(result.model, Structured):
        return
    for family, params in result.model.family.apart(result.params):
        spread, form = family.spread(params), family.covariances
        if spread is None:
            continue
        columns = tuple(name for slot in family.slots for name in slot.columns)
        crossed = form.covariance not in ALONE if form else any(np.ndim(array) == 3 for array in params.values())
        tied, factors = (form.tied, form.factors) if form else (False, 0)
        yield Covaried(columns, crossed and len(columns) > 1, tied, spread, factors)


__all__ = ["Covaried", "blocks"]
