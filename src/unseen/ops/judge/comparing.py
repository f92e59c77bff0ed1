"""A candidate beside another version on the same rows: paired differences of log-densities."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from unseen.core.source import Source
from unseen.engines.local import one_pass
from unseen.ops.judge.pairs import Pair, Pairs, check_comparable
from unseen.ops.judge.scores import Scores
from unseen.ops.record import Comparison
from unseen.result import Result
from unseen.search.holdout import Choice


@dataclass(frozen=True, slots=True)
class Score:
    """The scores of one block."""

    def __call__(self, pair: Pair) -> Scores:
        theirs = None if pair.champion is None else pair.champion.log_density()
        return Scores.of(pair.block, pair.candidate.log_density(), theirs)


def compare(
    candidate: Result, other: Result, against: int | None, sources: Iterable[Source], choice: Choice
) -> Comparison | None:
    """The gain of a candidate on another version over the chosen rows of some sources; None without any.

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
    total: Any = None
    for source in sources:
        pairs = Pairs(source, choice, candidate, other)
        if len(pairs):
            scores = one_pass(Score(), pairs)
            total = scores if total is None else total + scores
    return None if total is None else comparison(total, against)


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
