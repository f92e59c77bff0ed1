"""What held-out rows say of a candidate: density, gain on the champion, calibration, what became of components."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, NoReturn

import numpy as np

from unseen.core.source import Source
from unseen.engines.local import one_pass
from unseen.errors import DataError, NumericalError
from unseen.ops.config.settings import Settings
from unseen.ops.judge.alignment import Flow, align, moved_share, pairs
from unseen.ops.judge.calibration import Reliability, against_labels, against_masking
from unseen.ops.judge.distance import component_distances
from unseen.ops.judge.heldout import HoldOut
from unseen.ops.judge.metric import MetricError, held_out_table, measured
from unseen.ops.judge.pairs import Pair, Pairs, check_comparable
from unseen.ops.judge.scores import PerRow, Scores
from unseen.ops.record import Validation
from unseen.result import Result


def validate(
    candidate: Result,
    champion: Result | None,
    source: Source,
    holdout: HoldOut,
    settings: Settings,
    seconds: float | None = None,
) -> Validation:
    r"""Judge a candidate by the rows it was not trained on, beside the champion on the same rows.

    .. math:: \mathrm{gain} = \frac{1}{N} \sum_n w_n \left( \log p(x_n) - \log p'(x_n) \right)

    with the standard error of these paired differences (that of whole sequences where rows belong to one). One pass
    over the held-out rows, block by block; only ``validate.metric`` needs all of them at once.

    A unit that a model gives density zero has no finite log-density: it is counted in ``impossible``,
    ``champion_impossible`` and ``lost`` (under the candidate alone), and left out of the means. A category that the
    champion has never met makes a row impossible for it. ``training`` is the mean log-density of the training rows,
    given their labels if there were any.

    ``seconds`` is what ``validate.metric`` may take.

    Raises
    ------
    LimitError
        It took longer.
    ModelError
        The champion describes other columns than the candidate, or in another way.
    DataError
        The held-out rows have no weight, or are a single unit.
    NumericalError
        A log-density is not a number.
    """
    if champion is not None:
        check_comparable(candidate, champion)
    blocks = Pairs(source, holdout.newest, candidate, champion)
    seen = one_pass(See(settings.validate_.seed), blocks)
    scores = seen.scores
    heldout, error = scores.candidate.mean, scores.candidate.standard_error
    if not scores.units:
        raise DataError(
            "every held-out row has weight zero or no observed cell: set another validate.seed, or look at the data"
        )
    if heldout is None or error is None:
        _explain(scores)
    training = candidate.loglik / candidate.weight
    if not math.isfinite(training):
        raise NumericalError("the candidate gives rows that it was trained on density zero: set fit.prior to 1")
    return Validation(
        rows=scores.rows,
        units=scores.units,
        heldout=heldout,
        heldout_se=error,
        training=training,
        impossible=scores.impossible,
        champion_impossible=scores.champion_impossible,
        lost=scores.lost,
        compared=scores.compared,
        **_gain(scores),
        **_calibration(seen),
        **_components(candidate, champion, seen.flow),
        **_metric(candidate, champion, source, holdout, settings, seconds),
    )


@dataclass(frozen=True, slots=True)
class Seen:
    """All sums over held-out rows."""

    scores: Scores
    labelled: Reliability | None
    masked: Reliability | None
    flow: Flow | None

    @classmethod
    def of(cls, pair: Pair, seed: int) -> Seen:
        """The sums of one block."""
        block = pair.block
        r, density = pair.candidate.posterior()
        r_, density_ = (None, None) if pair.champion is None else pair.champion.posterior()
        weights = np.ones(block.rows) if block.weights is None else block.weights
        scores = Scores.of(block, density, density_)
        if r is None:
            return cls(scores, None, None, None)
        return cls(
            scores,
            None if pair.labels is None else against_labels(r, pair.labels, weights),
            against_masking(pair.candidate, r, weights, seed),
            None if r_ is None else Flow.of(r, r_, weights),
        )

    def __add__(self, other: Seen) -> Seen:
        return Seen(
            self.scores + other.scores,
            _plus(self.labelled, other.labelled),
            _plus(self.masked, other.masked),
            _plus(self.flow, other.flow),
        )


@dataclass(frozen=True, slots=True)
class See:
    """The sums of one block, with columns hidden as the seed says."""

    seed: int

    def __call__(self, pair: Pair) -> Seen:
        return Seen.of(pair, self.seed)


def _plus(a: Any, b: Any) -> Any:
    return None if a is None or b is None else a + b


def _explain(scores: Scores) -> NoReturn:
    if scores.candidate.mean is None:
        raise NumericalError(
            f"the candidate gives all {scores.units:,} held-out units density zero: set fit.prior to 1, so that "
            "nothing is impossible"
        )
    raise DataError(
        f"the held-out rows weigh {scores.candidate.rows:g} rows in all, too few to tell a standard error: raise "
        "validate.share, make partitions larger, or give weights that count copies"
    )


def _mean(name: str, of: PerRow | None) -> dict[str, float | None]:
    if of is None:
        return {}
    return {name: of.mean, f"{name}_se": of.standard_error}


def _gain(scores: Scores) -> dict[str, Any]:
    champion = None if scores.champion is None else scores.champion.mean
    return {"champion": champion, **_mean("gain", scores.gain)}


def _calibration(seen: Seen) -> dict[str, Any]:
    """Against labels where a held-out row has one."""
    for found in (seen.labelled, seen.masked):
        if found is not None and found.error is not None:
            return {"calibration": found.error, "calibrated_by": found.kind}
    return {}


def _components(candidate: Result, champion: Result | None, flow: Flow | None) -> dict[str, Any]:
    if champion is None or flow is None:
        return {}
    distance = component_distances(candidate, champion)
    return {"matches": align(flow, distance), "moved_share": moved_share(flow, pairs(flow, distance))}


def _metric(
    candidate: Result,
    champion: Result | None,
    source: Source,
    holdout: HoldOut,
    settings: Settings,
    seconds: float | None,
) -> dict[str, Any]:
    name = settings.validate_.metric
    if name is None:
        return {}
    results = [candidate] if champion is None else [candidate, champion]
    try:
        values = measured(name, settings.folder, results, held_out_table(source, holdout.newest), seconds)
    except MetricError as error:
        return {"metric_error": str(error)}
    return dict(zip(("metric", "champion_metric"), values, strict=False))
