"""What a model can say of rows: columns by name and kind, and the function that fills them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, Block, Field, category_values
from unseen.core.stats import Array, Params

if TYPE_CHECKING:
    from unseen.core.model import Model


@dataclass(frozen=True, slots=True)
class Output:
    """Columns that belong together, made in one pass over a block.

    ``columns`` are names with kinds (``"number"``, ``"integer"``, ``"category"``); ``of(params, block)`` gives an array
    (n,) for each, of codes where it is a category, which ``categories`` names; ``like`` are columns of the data whose
    values those are, so that whole numbers become whole numbers again.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    of: Callable[[Params, Block], Sequence[Array]]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    like: Mapping[str, str] = field(default_factory=dict)

    def kinds(self, data: Sequence[Field]) -> list[tuple[str, str]]:
        """The columns with the kinds that they are written in, beside data of some fields."""
        known = {f.name: f.kind for f in data}
        return [(n, known.get(self.like.get(n, ""), kind) if kind == CATEGORY else kind) for n, kind in self.columns]

    def decoded(self, values: Sequence[Array], data: Sequence[Field]) -> list[Array]:
        """Columns as they are written: whole numbers, numbers, and the values of categories."""
        out = []
        for (name, _), (_, kind), array in zip(self.columns, self.kinds(data), values, strict=True):
            if name in self.categories:
                told = category_values(self.categories[name], kind)[np.asarray(array).astype(np.intp)]
                out.append(told.astype(bool) if kind == BOOLEAN else told)
            else:
                out.append(np.asarray(array, np.int32 if kind == INTEGER else float))
        return out


def density_output(model: Model) -> Output:
    """The log-density of rows, which every model has."""
    return Output("density", (("log_density", "number"),), lambda params, block: [model.log_density(params, block)])
