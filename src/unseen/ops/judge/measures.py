"""What each gate measures, its threshold, and the sentence that says both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from unseen.core.stop import CONVERGED
from unseen.ops.config.settings import Settings
from unseen.ops.config.tolerance import tolerance
from unseen.ops.judge.alignment import DIED
from unseen.ops.judge.calibration import LABELS
from unseen.ops.record import FitFacts, Validation


class Refused(Exception):
    """Why a gate could not measure, or did not pass; the message holds columns, counts and densities only."""


class Broke(Refused):
    """What had to be asked raised an error: it says nothing about the candidate."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is known when the gates are asked."""

    validation: Validation | None
    fit: FitFacts
    settings: Settings
    has_champion: bool

    @property
    def seen(self) -> Validation:
        if self.validation is None:
            raise Refused("the candidate was not validated")
        return self.validation


Answer = tuple[float, float, str]  # measured, threshold, in words


def heldout_drop(case: Case) -> Answer:
    v, gates = case.seen, case.settings.gates
    if v.lost:
        raise Refused(
            f"the candidate gives density zero to {v.lost:,} of {v.units:,} held-out units that the champion thinks "
            "possible: set fit.prior to 1, so that nothing is impossible"
        )
    if v.gain is None or v.gain_se is None:
        if v.champion_impossible:
            raise Refused(
                f"the champion gives density zero to {v.champion_impossible:,} of {v.units:,} held-out units, which "
                "leaves too few to compare: look at their categories, and promote by hand"
            )
        raise Refused("the candidate was not compared with the champion")
    if not 0.5 <= gates.confidence < 1:
        raise Refused("gates.confidence must be at least 0.5 and below 1, for example 0.95")
    drop = gates.heldout_drop
    if drop is None:
        drop = tolerance(round(v.units / case.settings.validate_.share))
    bound = v.gain - NormalDist().inv_cdf(gates.confidence) * v.gain_se
    words = (
        f"per held-out row the candidate gains {v.gain:+.4g} ± {v.gain_se:.2g} on the champion; with "
        f"{100 * gates.confidence:g} % confidence the gain is at least {bound:+.4g}, and gates.heldout_drop asks for "
        f"{_negative(drop):+.4g}"
    )
    if v.champion_impossible:
        words += f"; {v.champion_impossible:,} of {v.units:,} units that the champion gives density zero are left out"
    return bound, _negative(drop), words


def min_heldout(case: Case) -> Answer:
    v, least = case.seen, _number(case.settings.gates.min_heldout)
    if v.impossible:
        raise Refused(
            f"the candidate gives density zero to {v.impossible:,} of {v.units:,} held-out units: set fit.prior to 1, "
            "so that nothing is impossible"
        )
    return v.heldout, least, f"mean log-density per held-out row {v.heldout:.6g}; gates.min_heldout is {least:g}"


def min_heldout_rows(case: Case) -> Answer:
    v, least = case.seen, case.settings.gates.min_heldout_rows
    what = "rows" if v.units == v.rows else "units"
    words = f"{v.units:,} held-out {what}; gates.min_heldout_rows is {least:,} (see validate.share)"
    return float(v.units), float(least), words


def converged(case: Case) -> Answer:
    done = case.fit.outcome == CONVERGED
    return float(done), 1.0, f"the fit ended with: {case.fit.outcome} (gates.converged)"


def max_floors(case: Case) -> Answer:
    most, bound = case.settings.gates.max_floors, case.fit.floors
    words = f"{bound} variance floors bind in the last iteration; gates.max_floors is {most}"
    return float(bound), float(most), words


def max_calibration(case: Case) -> Answer:
    v, most = case.seen, _number(case.settings.gates.max_calibration)
    if v.calibration is None:
        raise Refused("responsibilities could not be checked: leave gates.max_calibration out for models without them")
    how = "against the known labels" if v.calibrated_by == LABELS else "given one column against all of them"
    words = f"calibration error of responsibilities {v.calibration:.3g} {how}; gates.max_calibration is {most:g}"
    return v.calibration, most, words


def max_moved(case: Case) -> Answer:
    v, most = case.seen, _number(case.settings.gates.max_moved)
    if v.moved_share is None:
        raise Refused("components were not aligned: leave gates.max_moved out for models without components")
    words = f"{100 * v.moved_share:.3g} % of the held-out rows are in another component; gates.max_moved is {most:g}"
    return v.moved_share, most, words


def max_died(case: Case) -> Answer:
    v, most = case.seen, _number(case.settings.gates.max_died)
    if v.moved_share is None:
        raise Refused("components were not aligned: leave gates.max_died out for models without components")
    died = sum(len(m.champion) for m in v.matches if m.kind == DIED)
    return float(died), most, f"{died} components of the champion have no counterpart; gates.max_died is {most:g}"


def min_metric(case: Case) -> Answer:
    value, least = _metric(case, case.seen.metric), _number(case.settings.gates.min_metric)
    return value, least, f"{case.settings.validate_.metric} is {value:.6g}; gates.min_metric is {least:g}"


def metric_drop(case: Case) -> Answer:
    value, before = _metric(case, case.seen.metric), _metric(case, case.seen.champion_metric)
    least = _negative(case.settings.gates.metric_drop)
    words = (
        f"{case.settings.validate_.metric} is {value:.6g}, and {before:.6g} for the champion; gates.metric_drop is "
        f"{-least:g}"
    )
    return value - before, least, words


def _metric(case: Case, value: float | None) -> float:
    if case.seen.metric_error is not None:
        raise Broke(case.seen.metric_error)
    if case.settings.validate_.metric is None:
        raise Refused("validate.metric names no function: give module:function, or leave the gate out")
    return _number(value)


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)


def _negative(value: float | None) -> float:
    return 0.0 - _number(value)  # no minus zero in what people read
