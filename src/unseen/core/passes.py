"""What an E-step may know beside its parameters and its block."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np

from unseen.core.block import Block, rng
from unseen.core.stats import Params, Stats

#: the step of a pass over final parameters, which no iteration has
CLOSING_STEP = 2**31 - 3


@dataclass(frozen=True, slots=True)
class Pass:
    """One E-step over one block, for models whose E-step draws at random or remembers: ``needs_pass = True``.

    step  : which E-step of the run it is, counted from 0
    seed  : the seed of the start that is being run
    local : what the model left for this block in its last E-step, by name, to be replaced by what it leaves for the
        next. Values are not to be changed in place: an E-step that is interrupted leaves all as it was

    >>> at = Pass(step=3, seed=7)
    >>> bool(at.rng(Block(0, (), 2)).random() == Pass(3, 7).rng(Block(0, (), 2)).random())
    True
    """

    step: int
    seed: int
    local: dict[str, Any] = field(default_factory=dict)

    def rng(self, block: Block) -> np.random.Generator:
        """Return the generator of this block in this E-step: the same draws on every engine."""
        return rng(self.seed, self.step, block.id)


def expected(model: Any, params: Params, block: Block, at: Pass) -> Stats:
    """Return a block's expected statistics, with the pass for models that ask for it."""
    stats: Stats = model.expect(params, block, at) if model.needs_pass else model.expect(params, block)
    return stats


__all__ = ["CLOSING_STEP", "Pass", "expected"]
