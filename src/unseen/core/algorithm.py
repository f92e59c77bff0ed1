"""At which parameters do we ask, and how are answers mixed over time?"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

from unseen.core.stats import Kind, Params, Stats, Validity


@dataclass(frozen=True, slots=True)
class Answer:
    """Statistics of the data at some parameters, with the objective per unit of weight at those parameters.

    The objective is the log-likelihood, plus the log prior if there is one; ``log_prior`` is that part alone, for
    algorithms that put an objective together from blocks.
    """

    params: Params
    stats: Stats
    objective: float
    log_prior: float = 0.0


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves an algorithm may make: ask (E), update (M), and ask whether parameters are valid.

    ``ask(params, which=None)`` sums over all blocks or some; ``blocks`` is how many there are.
    """

    ask: Callable[..., Answer]
    update: Callable[[Stats, Params], Params]
    valid: Callable[[Params], Validity]
    blocks: int


@dataclass(frozen=True, slots=True)
class State:
    """Where an algorithm stands.

    params    : the parameters it would ask at next
    at        : the parameters that ``objective`` belongs to
    memory    : whatever the algorithm carries over (running statistics, step lengths)
    """

    params: Params
    at: Params | None = None
    objective: float = float("-inf")
    stats: Stats | None = None
    memory: Any = None


class Algorithm(Protocol):
    """A schedule of moves."""

    #: FREE: mixes statistics taken at different parameters; BOUND: uses them only where they were taken
    needs: ClassVar[Kind]
    #: whether the objective may never fall from one step to the next
    monotone: ClassVar[bool]

    def init(self, params: Params, moves: Moves) -> State:
        """The state before the first step."""
        ...

    def step(self, state: State, moves: Moves) -> State:
        """One iteration."""
        ...


def batches(moves: Moves, size: int) -> list[Sequence[int]]:
    """All blocks in order, ``size`` at a time."""
    return [range(first, min(first + size, moves.blocks)) for first in range(0, moves.blocks, size)]
