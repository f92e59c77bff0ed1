"""Squared extrapolation: EM steps that learn from one another how far to go."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from unseen.core.algorithm import Answer, Moves, State
from unseen.core.stats import Kind, Params
from unseen.errors import NumericalError


@final
@dataclass(frozen=True)
class SQUAREM:
    r"""Two EM steps, one extrapolation along them, one EM step from there.

    .. math::
        r = \theta_1 - \theta_0, \quad v = (\theta_2 - \theta_1) - r, \quad
        \theta' = \theta_0 - 2 \alpha r + \alpha^2 v, \quad \alpha = -\lVert r \rVert / \lVert v \rVert

    :math:`\theta'` is used only if it is valid and its objective is not below that of :math:`\theta_1`; else the
    step ends at :math:`\theta_2`. The objective reported is that of :math:`\theta_1`, and it never falls: should the
    step from :math:`\theta'` end below it, as it may where a floor binds, the next begins at :math:`\theta_2`. Three
    E-steps a step as a rule; an invalid :math:`\theta'` costs none.

    >>> SQUAREM().monotone
    True

    Source: Varadhan & Roland (2008), Scand. J. Statist. 35, 335-353, scheme S3.
    """

    needs: ClassVar[Kind] = Kind.BOUND
    monotone: ClassVar[bool] = True

    def init(self, params: Params, moves: Moves) -> State:
        return State(params)

    def step(self, state: State, moves: Moves) -> State:
        zero = moves.ask(state.params)
        # what another algorithm left has no memory: there is nothing to fall back to
        fell = zero.objective < state.objective - 1e-10 * (1 + abs(state.objective))
        if fell and state.memory is not None:
            zero = moves.ask(state.memory)
        one = moves.ask(moves.update(zero.stats, zero.params))
        two = moves.update(one.stats, one.params)
        leap = _leap(zero.params, one, two, moves)
        new = two if leap is None else moves.update(leap.stats, leap.params)
        return State(new, one.params, one.objective, one.stats, memory=two)


def _leap(zero: Params, one: Answer, two: Params, moves: Moves) -> Answer | None:
    """The answer at the extrapolated point, if it is worth going on from there."""
    far = _extrapolate(zero, one.params, two, moves)
    if far is None:
        return None
    try:
        answer = moves.ask(far)
    except NumericalError:
        return None
    return answer if answer.objective >= one.objective else None  # also None for NaN


def _extrapolate(zero: Params, one: Params, two: Params, moves: Moves) -> Params | None:
    """The farthest valid point tried, or None where that is the second EM step itself."""
    start = zero.vector()
    r = one.vector() - start
    v = two.vector() - one.vector() - r
    bend = np.linalg.norm(v)
    if not 0 < bend < np.inf:  # nothing bends, or steps are of a size that has no square
        return None
    alpha = -np.linalg.norm(r) / bend
    while alpha < -1.01:  # -1 is the second EM step: what is left to gain there is not worth an E-step
        far = two.from_vector(start - 2 * alpha * r + alpha**2 * v)
        if moves.valid(far):
            return far
        alpha = (alpha - 1) / 2
    return None
