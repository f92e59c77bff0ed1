"""What a model can say of rows: columns by name and kind, and the function that fills them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from unseen.core.block import CATEGORY, INTEGER, Block
from unseen.core.stats import Array, Params

if TYPE_CHECKING:
    from unseen.core.model import Model


@dataclass(frozen=True, slots=True)
class Output:
    """Columns that belong together, made in one pass over a block.

    ``columns`` are names with kinds (``"number"``, ``"integer"``, ``"category"``); ``of(params, block)`` gives an array
    (n,) for each, of codes where it is a category, which ``categories`` names.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    of: Callable[[Params, Block], Sequence[Array]]
    categories: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def decoded(self, values: Sequence[Array]) -> list[Array]:
        """Columns as they are written: whole numbers, numbers, and the names of categories."""
        out = []
        for (name, kind), array in zip(self.columns, values, strict=True):
            if kind == CATEGORY:
                out.append(np.array(self.categories[name], object)[np.asarray(array).astype(np.intp)])
            else:
                out.append(np.asarray(array, np.int32 if kind == INTEGER else float))
        return out


def density_output(model: Model) -> Output:
    """The log-density of rows, which every model has."""
    return Output("density", (("log_density", "number"),), lambda params, block: [model.log_density(params, block)])
