"""Incremental EM: an M-step after every few blocks, with the latest statistics of all the others."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import ClassVar, final

from unseen.core.algorithm import Answer, Moves, State, batches
from unseen.core.stats import Kind, Params, Stats
from unseen.errors import ModelError


@final
@dataclass(frozen=True)
class Incremental:
    r"""Each batch of blocks replaces its own old statistics in the total, and the M-step follows at once.

    .. math:: S \leftarrow S - S_i^{old} + S_i(\theta), \quad \theta \leftarrow M(S)

    One step is one pass over all blocks; with one batch it is batch EM. The total is made of sums of the new
    batches so far and of the old ones still to come, never by subtraction: no count can drift below zero. Keeps
    one `Stats` per batch. The objective it reports is that of each batch at the parameters it met.

    Parameters
    ----------
    batch : blocks per M-step

    Raises
    ------
    ModelError
        A batch below one.

    >>> Incremental(batch=4).monotone
    False

    Source: Neal & Hinton (1998), Learning in Graphical Models, 355-368.
    """

    batch: int = 1

    needs: ClassVar[Kind] = Kind.FREE
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.batch < 1:
            raise ModelError("Incremental needs a batch of at least one block")

    def init(self, params: Params, moves: Moves) -> State:
        answers = [moves.ask(params, which) for which in batches(moves, self.batch)]
        parts = [a.stats for a in answers]
        total = list(accumulate(parts))[-1]
        return State(moves.update(total, params), params, _objective(parts, answers[-1]), total, memory=tuple(parts))

    def step(self, state: State, moves: Moves) -> State:
        parts, params, at = list(state.memory), state.params, state.at
        later = list(accumulate(reversed(parts)))[::-1]  # later[i]: old statistics of batch i and all after it
        total: Stats | None = None
        for i, which in enumerate(batches(moves, self.batch)):
            answer = moves.ask(params, which)
            parts[i] = answer.stats
            total = parts[i] if total is None else total + parts[i]
            mixed = total + later[i + 1] if i + 1 < len(parts) else total
            at, params = params, moves.update(mixed, params)
        return State(params, at, _objective(parts, answer), total, tuple(parts))


def _objective(parts: Sequence[Stats], last: Answer) -> float:
    """Per unit of weight, each batch at the parameters it met."""
    return (sum(p.loglik for p in parts) + last.log_prior) / sum(p.weight for p in parts)
