"""Minibatch EM without its noise: a batch counts by how it differs from what it said at the last full pass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from unseen.core.algorithm import Moves, State, batches
from unseen.core.stats import Kind, Params, Stats
from unseen.errors import ModelError, NumericalError


@final
@dataclass(frozen=True)
class Reduced:
    r"""A full pass at an anchor, then steps by batches that are corrected by what the anchor makes of them.

    .. math:: s \leftarrow (1 - \rho)\, s + \rho \left( S(\tilde\theta) + \frac{W}{w_k} \left( S_k(\theta)
        - S_k(\tilde\theta) \right) \right), \quad \theta \leftarrow M(s)

    :math:`\tilde\theta` are the parameters at the beginning of the step, S and W statistics and weight of all data,
    :math:`S_k, w_k` those of the k-th batch. The correction has no bias and fades as :math:`\theta` settles, so the
    share stays as it is and the end is that of batch EM, where `Stepwise` has to shrink its steps. One step costs three
    passes, and keeps nothing per block. The objective it reports is that of the anchor. An update from statistics that
    the correction made impossible is left out.

    Parameters
    ----------
    share : :math:`\rho`, above 0 and at most 1; by default :math:`m^{-2/3}` for m batches
    batch : blocks per M-step

    Raises
    ------
    ModelError
        A share or batch outside its range.

    >>> Reduced(batch=4).monotone
    False

    Source: Chen, Zhu, Teh & Zhang (2018), Stochastic expectation maximization with variance reduction, NeurIPS 31; the
    share: Karimi, Wai, Moulines & Lavielle (2019), On the global convergence of (fast) incremental EM, NeurIPS 32.
    """

    share: float | None = None
    batch: int = 1

    needs: ClassVar[Kind] = Kind.FREE
    monotone: ClassVar[bool] = False

    def __post_init__(self) -> None:
        if self.batch < 1 or self.share is not None and not 0 < self.share <= 1:
            raise ModelError("Reduced needs a share above 0 and at most 1, and a batch of at least one block")

    def init(self, params: Params, moves: Moves) -> State:
        return State(params)

    def step(self, state: State, moves: Moves) -> State:
        whole = moves.ask(state.params)
        several = batches(moves, self.batch)
        share = len(several) ** (-2 / 3) if self.share is None else self.share
        running, params = whole.stats, moves.update(whole.stats, state.params)
        for which in several if len(several) > 1 else ():
            now, then = moves.ask(params, which).stats, moves.ask(whole.params, which).stats
            if now.weight:
                moved = (now - then).scaled(whole.stats.weight / now.weight)
                mixed = running.scaled(1 - share) + (whole.stats + moved).scaled(share)
                if (new := _updated(mixed, params, moves)) is not None:
                    running, params = mixed, new
        return State(params, whole.params, whole.objective, whole.stats)


def _updated(stats: Stats, params: Params, moves: Moves) -> Params | None:
    """The M-step, or None where statistics are those of no data."""
    try:
        new = moves.update(stats, params)
    except NumericalError:
        return None
    return new if moves.valid(new) else None
