"""Classical EM: one E-step over all blocks, one M-step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from unseen.core.algorithm import Moves, State
from unseen.core.stats import Kind, Params


@final
@dataclass(frozen=True)
class Batch:
    r"""Batch EM, :math:`\theta_{t+1} = M(\theta_t)`.

    >>> Batch().monotone
    True

    Source: Dempster, Laird & Rubin (1977), J. R. Statist. Soc. B 39.
    """

    needs: ClassVar[Kind] = Kind.BOUND
    monotone: ClassVar[bool] = True

    def init(self, params: Params, moves: Moves) -> State:
        return State(params)

    def step(self, state: State, moves: Moves) -> State:
        answer = moves.ask(state.params)
        new = moves.update(answer.stats, state.params)
        return State(new, answer.params, answer.objective, answer.stats)
