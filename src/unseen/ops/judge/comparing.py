"""A candidate beside another version on the same rows: paired differences of log-densities."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.core.capabilities import Mixing
from unseen.core.source import Source
from unseen.engines.local import one_pass
from unseen.ops.judge.pairs import Pair, Pairs, View, check_comparable
from unseen.ops.judge.scores import Scores
from unseen.ops.record import Comparison
from unseen.result import Result
from unseen.search.holdout import Choice

#: steps for the shares at most, and a change of one that ends them
STEPS, ENOUGH = 300, 1e-6


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one block."""

    def __call__(self, pair: Pair) -> Scores:
        theirs = None if pair.champion is None else pair.champion.log_density()
        return Scores.of(pair.block, pair.candidate.log_density(), theirs)


def compare(
    candidate: Result, other: Result, against: int | None, sources: Sequence[Source], choice: Choice
) -> Comparison | None:
    """The gain of a candidate on another version over the chosen rows of some sources; None without any.

    Where components have shares of their own, each model has them as these rows ask for (`at_shares`): a month in which
    they were others is not forgotten by whoever learned from later ones.

    Raises
    ------
    ModelError
        The two describe different columns, or the same ones in another way.
    SchemaError
        The rows lack a column of theirs.
    NumericalError
        A log-density is not a number.
    """
    check_comparable(candidate, other)
    found = [pairs for source in sources if len(pairs := Pairs(source, choice, candidate, other))]
    if not found:
        return None
    views = [pair for pairs in found for pair in pairs]
    ours = at_shares(candidate, [pair.candidate for pair in views])
    theirs = at_shares(other, [pair.champion for pair in views if pair.champion is not None])
    total: Any = None
    for pairs in found:
        scores = scored(Pairs(pairs.source, choice, ours, theirs))
        total = scores if total is None else total + scores
    return comparison(total, against).model_copy(update={"partitions": len(found)})


def scored(pairs: Pairs) -> Scores:
    """The scores of all rows of some pairs."""
    return one_pass(Score(), pairs)


def at_shares(result: Result, views: Sequence[View]) -> Result:
    r"""The model with the shares of its components that make some rows most likely, everything else as it is.

    .. math:: w_k \leftarrow \frac{1}{N + 1} \left( \frac{1}{K} + \sum_n \frac{w_k q_{nk}}{\sum_l w_l q_{nl}} \right),
              \qquad q_{nk} = r_k(x_n) / \pi_k

    which is EM with a prior of one row. Rows of density zero have no say. Another kind of model is given back as it is.
    """
    model = result.model
    if not isinstance(model, Mixing) or model.unit.many:
        return result
    told = [(view, *view.posterior()) for view in views]
    kept = [np.isfinite(density) for _, _, density in told]
    r = np.concatenate([r[:, k] for (_, r, _), k in zip(told, kept, strict=True) if r is not None], axis=1)
    weights = [np.ones(v.block.rows) if v.block.weights is None else v.block.weights for v, *_ in told]
    copies = np.concatenate([w[k] for w, k in zip(weights, kept, strict=True)])
    pi = model.shares(result.params)
    if not copies.sum():
        return result
    q = np.divide(r, pi[:, None], out=np.zeros_like(r), where=pi[:, None] > 0)
    w = pi
    for _ in range(STEPS):
        before, mixed = w, w[:, None] * q
        w = ((mixed / mixed.sum(axis=0)) @ copies + 1 / len(pi)) / (copies.sum() + 1)
        if np.abs(w - before).max() < ENOUGH:
            break
    return replace(result, params=model.with_shares(result.params, w))


def comparison(scores: Scores, against: int | None) -> Comparison:
    """The facts of some scores."""
    return Comparison(
        against=against,
        rows=scores.rows,
        units=scores.units,
        compared=scores.compared,
        lost=scores.lost,
        gain=None if scores.gain is None else scores.gain.mean,
        gain_se=None if scores.gain is None else scores.gain.standard_error,
    )
