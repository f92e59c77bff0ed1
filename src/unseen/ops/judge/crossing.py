"""More rows that judge, where few do: training rows of the newest partition, each under a fit made without it.

Source: Stone (1974), J. R. Statist. Soc. B 36, 111-147; Bates, Hastie & Tibshirani (2024), J. Amer. Statist. Assoc.
119, for what cross-validation estimates: how good fits of this way are, on a little fewer rows, not this one alone.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import NormalDist

from unseen.core.block import Block
from unseen.core.encoding import Encoded
from unseen.core.source import Part, Source
from unseen.core.stats import Array
from unseen.ops.judge.comparing import comparison, scored
from unseen.ops.judge.heldout import HoldOut
from unseen.ops.judge.pairs import Pairs
from unseen.ops.record import Validation
from unseen.result import Result
from unseen.search.holdout import Choice, Share

#: parts that the training rows of the newest partition are taken apart into; with more rows than this nothing is
FOLDS, MOST_ROWS = 4, 5_000


@dataclass(frozen=True, slots=True)
class Fold:
    """The rows that judge, and one part of the newest partition's training rows, in place of a `HoldOut`."""

    holdout: HoldOut
    number: int

    def mask(self, part: Part) -> Array:
        out: Array = self.holdout.mask(part) | self.newest.mask(part)
        return out

    @property
    def newest(self) -> Choice:
        """The part alone."""
        return _Part(self.holdout, self.number)

    @property
    def newest_rows(self) -> int:
        return self.holdout.newest_rows

    def training(self, encoded: Encoded | Share) -> Sequence[Block]:
        return Share(encoded, self, held=False)

    def held(self, encoded: Encoded | Share) -> Sequence[Block]:
        return Share(encoded, self.newest, held=True)


@dataclass(frozen=True, slots=True)
class _Part:
    holdout: HoldOut
    number: int

    def mask(self, part: Part) -> Array:
        places = self.holdout.newest_places(part)
        out: Array = (places >= 0) & (places % FOLDS == self.number) & ~self.holdout.mask(part)
        return out


def undecided(seen: Validation, tolerance: float, confidence: float) -> bool:
    """Whether so few rows show neither that the candidate loses no more than it may, nor that it does."""
    if seen.gain is None or seen.gain_se is None or seen.lost:
        return False
    wide = NormalDist().inv_cdf(confidence) * seen.gain_se
    return seen.gain - wide < -tolerance < seen.gain + wide


def crossed(
    seen: Validation,
    candidate: Result,
    champion: Result,
    source: Source,
    holdout: HoldOut,
    refit: Callable[[Fold], Result],
) -> Validation:
    """The gain over all rows of the newest partition, of which the champion has seen none.

    ``refit`` fits as the candidate was fitted, without the rows of a `Fold`.
    """
    if source.unit is not None or getattr(source, "whole", False) or holdout.newest_rows > MOST_ROWS:
        return seen
    total = scored(Pairs(source, holdout.newest, candidate, champion))
    for number in range(FOLDS):
        fold = Fold(holdout, number)
        pairs = Pairs(source, fold.newest, refit(fold), champion)
        total = total + scored(pairs) if len(pairs) else total
    found = comparison(total, None)
    if found.gain is None or found.gain_se is None:
        return seen
    facts = {"gain": found.gain, "gain_se": found.gain_se, "compared": found.compared, "crossed": FOLDS}
    return seen.model_copy(update=facts)
