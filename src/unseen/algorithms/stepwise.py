"""Online EM: statistics averaged over time, an M-step after every few blocks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from unseen.core.algorithm import Moves, State, batches
from unseen.core.stats import Kind, Params, Stats
from unseen.errors import ModelError


def averaged(running: Stats, fresh: Stats, share: float) -> Stats:
    """Return running statistics moved by a share towards those of a batch, at the weight they have."""
    return running.scaled(1 - share) + fresh.scaled(share * running.weight / fresh.weight)


@final
@dataclass(frozen=True)
class Stepwise:
    r"""Running statistics move towards those of each batch of blocks by a share that shrinks.

    .. math:: s \leftarrow (1 - \eta_k)\, s + \eta_k \frac{W}{w_k} S_k(\theta_k), \quad \eta_k = (k + 2)^{-a}, \quad
        \theta_{k+1} = M(s)

    :math:`S_k, w_k` are the statistics and weight of the k-th batch, W the weight of all data. One step is one
    pass over all blocks. The objective it reports is that of each batch at the parameters it met, so it may fall,
    and the gains shrink slowly: expect to end at a cap. Blocks should look alike: shuffle sorted data first.

    Parameters
    ----------
    exponent : a, above 0.5 and at most 1; smaller forgets faster
    batch : blocks per M-step

    Raises
    ------
    ModelError
        An exponent or batch outside its range.

    >>> Stepwise(exponent=0.7).monotone
    False

    Source: Cappe & Moulines (2009), J. R. Statist. Soc. B 71, 593-613; Liang & Klein (2009), NAACL.
    """

    exponent: float = 0.6
    batch: int = 1

    needs: ClassVar[Kind] = Kind.FREE
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if not 0.5 < self.exponent <= 1 or self.batch < 1:
            raise ModelError("Stepwise needs an exponent above 0.5 and at most 1, and a batch of at least one block")

    def init(self, params: Params, moves: Moves) -> State:
        answer = moves.ask(params)
        return State(params, params, answer.objective, answer.stats, memory=0)

    def step(self, state: State, moves: Moves) -> State:
        params, at, running, count, loglik = state.params, state.at, state.stats, state.memory, 0.0
        assert running is not None
        for which in batches(moves, self.batch):
            answer = moves.ask(params, which)
            loglik += answer.stats.loglik
            if answer.stats.weight:
                share = (count + 2) ** -self.exponent
                running = averaged(running, answer.stats, share)
                at, params = params, moves.update(running, params)
            count += 1
        return State(params, at, (loglik + answer.log_prior) / running.weight, running, count)
