"""What each gate measures, its threshold, and the sentence that says both."""

from __future__ import annotations

import math
from dataclasses import dataclass
from statistics import NormalDist

from unseen.core.stop import CONVERGED
from unseen.ops.config.settings import Settings
from unseen.ops.judge.alignment import DIED
from unseen.ops.judge.calibration import LABELS
from unseen.ops.record import Comparison, FitFacts, Moved, Past, Validation

#: what holds a batch is told up to so many
MOST = 5
PINNED = "the pinned version"


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
    past: Past
    moved: tuple[Moved, ...]
    #: why the newest partition could not be compared with the champion's data
    unmoved: str | None

    @property
    def remembered(self) -> Past:
        """What the memory says.

        Raises
        ------
        Broke
            It could not be asked.
        """
        if self.past.trouble is not None:
            raise Broke(f"the memory could not be asked: {self.past.trouble}")
        return self.past

    @property
    def seen(self) -> Validation:
        if self.validation is None:
            raise Refused("the candidate was not validated")
        return self.validation

    @property
    def tolerance(self) -> float:
        """Largest loss per row: that of the settings, or what so many rows can show."""
        return self.settings.gates.loss(round(self.seen.units / self.settings.validate_.share))


Answer = tuple[float, float, str]  # measured, threshold, in words


def heldout_drop(case: Case) -> Answer:
    v = case.seen
    if v.lost:
        raise Refused(
            f"the candidate gives density zero to {v.lost:,} of {v.units:,} held-out {_what(v)} that the champion "
            "thinks possible: set fit.prior to 1, so that nothing is impossible"
        )
    if v.gain is None or v.gain_se is None:
        if v.champion_impossible:
            raise Refused(
                f"the champion gives density zero to {v.champion_impossible:,} of {v.units:,} held-out {_what(v)}, as "
                "to any with a category that it does not know, which leaves too few to compare: look at their "
                f"categories, and {_by_hand(case)}"
            )
        raise Refused("the candidate was not compared with the champion")
    bound = _at_least(case, v.gain, v.gain_se)
    crossed = f" of {v.compared:,}, by {v.crossed} more fits that left them out in turn," if v.crossed else ""
    words = (
        f"per held-out row{crossed} the candidate {_gain(v.gain, v.gain_se)} against the champion; "
        f"{_sure(case, bound)}, and {_allowed('heldout_drop', case.tolerance)}"
    )
    if v.champion_impossible:
        words += (
            f"; left out are {v.champion_impossible:,} of {v.units:,} {_what(v)} that the champion cannot take "
            "(density zero, as of a category that it does not know): what the candidate is worth there does not count"
        )
    return bound, _negative(case.tolerance), words


def _what(v: Validation) -> str:
    """What judges: rows, or units of several."""
    return "rows" if v.units == v.rows else "units"


def memory_drop(case: Case) -> Answer:
    """The worse of what all rows of earlier batches and those of the pinned version say.

    Where few rows of the pinned version cannot show how little is lost, those of all earlier batches do, and it is
    enough that they say no more was lost than may be.
    """
    given, past = case.settings.gates.memory_drop, case.remembered
    drop = case.tolerance if given is None else given
    # of rows that are few, all of them together are asked how sure it is; one month's own rows by themselves never are,
    # because months differ by more than rows do
    alone = past.pinned is not None and past.earlier is None and past.pinned.partitions > 1
    asked = [(past.earlier, "earlier batches", True), (past.pinned, PINNED, alone)]
    told = [_compared(case, c, f"rows of {what}", "the champion", drop, strict) for c, what, strict in asked if c]
    if not told:
        return _negative(drop), _negative(drop), "no rows of earlier batches are kept yet: nothing can be forgotten"
    bound, words = min(told)
    asked_for = f"{words}, and {_allowed('memory_drop', drop)}"
    return bound, _negative(drop), asked_for if bound >= -drop else f"{asked_for}; {_ways(case)}"


def _by_hand(case: Case) -> str:
    """How a version that a gate refuses becomes the champion all the same."""
    return f'promote by hand: unseen promote {case.settings.name} --override --reason "..."'


def reference_drop(case: Case) -> Answer:
    given, reference = case.settings.gates.reference_drop, case.remembered.reference
    drop = 3 * case.tolerance if given is None else given
    if reference is None:
        return _negative(drop), _negative(drop), "the champion is the pinned version, or none is pinned"
    other = f"version {reference.against}, which is pinned"
    bound, words = _compared(case, reference, f"rows of {PINNED}", other, drop)
    asked = f"{words}, and {_allowed('reference_drop', drop)}"
    return bound, _negative(drop), f"{asked}; {_ways(case)}"


def _ways(case: Case) -> str:
    """What to do where it is the memory that is wrong."""
    name = case.settings.name
    return (
        f'if what is new is right, unseen pin {name} --reason "..." begins anew, and where a partition before was '
        f'wrong, unseen exclude {name} PARTITION --reason "..." takes its rows out of the memory'
    )


def drift(case: Case) -> Answer:
    """How many things of the newest partition hold it."""
    if case.unmoved is not None:
        raise Broke(f"the newest partition could not be compared with the champion's data: {case.unmoved}")
    holds = [m for m in case.moved if m.holds]
    if not holds:
        words = "; ".join(m.message for m in case.moved) or "the newest partition is as the champion's data was"
        return 0.0, 0.0, words
    said = "; ".join(m.message for m in holds[:MOST]) + (f"; and {len(holds) - MOST} more" if len(holds) > MOST else "")
    why = f"{said}. gates.drift says which kinds hold ({', '.join(dict.fromkeys(m.kind for m in holds))})"
    return float(len(holds)), 0.0, f"{why}; if the data is right, {_by_hand(case)}, and pin it if it stays so"


def _compared(case: Case, c: Comparison, rows: str, other: str, drop: float, strict: bool = True) -> tuple[float, str]:
    """The least gain on some rows, and the sentence that says so; the gain itself where rows are too few for that.

    Who gained is not held because few rows leave a loss open, nor, unless ``strict``, who lost no more than may be.
    """
    if c.lost:
        raise Refused(
            f"the candidate gives density zero to {c.lost:,} of {c.units:,} {rows} that {other} thinks possible: set "
            "fit.prior to 1, so that nothing is impossible"
        )
    if c.gain is None or c.gain_se is None:
        raise Refused(f"the candidate could not be compared with {other}: too few {rows} are possible under both")
    bound = _at_least(case, c.gain, c.gain_se)
    said = f"on {c.units:,} {rows} the candidate {_gain(c.gain, c.gain_se)} against {other}"
    few = c.gain - bound > drop / 2  # an equally good candidate would fail one time in twenty
    if bound < -drop < 0 and few and c.gain >= (0 if strict else -drop):
        return c.gain, f"{said}, which so few cannot tell more closely"
    return bound, f"{said}; {_sure(case, bound)}"


def _gain(gain: float, error: float) -> str:
    return f"{'gains' if gain >= 0 else 'loses'} {abs(gain):.4g} ± {error:.2g}"


def _at_least(case: Case, gain: float, error: float) -> float:
    confidence = case.settings.gates.confidence
    if not 0.5 <= confidence < 1:
        raise Refused("gates.confidence must be at least 0.5 and below 1, for example 0.95")
    return gain - NormalDist().inv_cdf(confidence) * error


def _sure(case: Case, bound: float) -> str:
    least = f"it gains at least {bound:.4g}" if bound > 0 else f"it loses at most {_number(-bound):.4g}"
    return f"with {100 * case.settings.gates.confidence:g} % confidence {least}"


def _allowed(gate: str, drop: float) -> str:
    return f"gates.{gate} allows a loss of {drop:.4g}" if drop >= 0 else f"gates.{gate} asks for a gain of {-drop:.4g}"


def min_heldout(case: Case) -> Answer:
    v, least = case.seen, _number(case.settings.gates.min_heldout)
    if v.impossible:
        raise Refused(
            f"the candidate gives density zero to {v.impossible:,} of {v.units:,} held-out {_what(v)}: set fit.prior "
            "to 1, so that nothing is impossible"
        )
    return v.heldout, least, f"mean log-density per held-out row {v.heldout:.6g}; gates.min_heldout is {least:g}"


def min_heldout_rows(case: Case) -> Answer:
    v, least = case.seen, case.settings.gates.min_heldout_rows
    what, judged = _what(v), max(v.units, v.compared if v.crossed else 0)
    words = f"{judged:,} held-out {what}; gates.min_heldout_rows is {least:,} (see validate.share)"
    return float(judged), float(least), words


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
