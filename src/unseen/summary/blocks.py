"""The parts of a model whose columns have variances, and whether they vary together."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen.core.stats import Array, Params
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
    family = getattr(result.model, "family", None)
    if family is not None:
        yield from _inside(family, result.params)


def _inside(family: Any, params: Params) -> Iterator[Covaried]:
    if hasattr(family, "terms"):
        for term in family.terms:
            yield from _inside(term.family, params.sub(term.name))
        return
    core = family
    while hasattr(core, "inner"):
        core = core.inner
    columns = tuple(name for slot in family.slots for name in slot.columns)
    spread = family.spread(params)
    if spread is not None:
        form = getattr(core, "covariance", "")
        crossed = form not in ALONE if form else any(np.ndim(array) == 3 for array in params.values())
        yield Covaried(
            columns,
            crossed and len(columns) > 1,
            bool(getattr(core, "tied", False)),
            spread,
            int(getattr(core, "factors", 0)),
        )


__all__ = ["Covaried", "blocks"]
