"""What a model can say of rows: columns by name and kind, and the function that fills them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from unseen.core.block import Block
from unseen.core.stats import Array, Params

if TYPE_CHECKING:
    from unseen.core.model import Model


@dataclass(frozen=True, slots=True)
class Output:
    """Columns that belong together, made in one pass over a block.

    ``columns`` are names with kinds (``"number"``, ``"integer"``); ``of(params, block)`` gives an array (n,) for each.
    """

    name: str
    columns: tuple[tuple[str, str], ...]
    of: Callable[[Params, Block], Sequence[Array]]


def density_output(model: Model) -> Output:
    """The log-density of rows, which every model has."""
    return Output("density", (("log_density", "number"),), lambda params, block: [model.log_density(params, block)])
