"""The gates between a candidate and production. They fail closed: what cannot be shown is refused."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from unseen.ops.config.settings import Settings
from unseen.ops.judge import measures
from unseen.ops.judge.measures import Answer, Broke, Case, Refused
from unseen.ops.record import FitFacts, Moved, Past, Validation, Verdict


@dataclass(frozen=True, slots=True)
class Gate:
    """A question with a threshold; ``measure`` answers (measured, threshold, words) or raises `Refused`.

    ``sign`` is 1 where the measured value must reach the threshold and -1 where it must not pass it; ``paired``
    gates compare with the champion; those of ``parts`` are about components, states or classes, and pass where the
    model has none; ``always`` are asked without a threshold of the settings, too.
    """

    name: str
    sign: int
    paired: bool
    measure: Callable[[Case], Answer]
    parts: bool = False
    always: bool = False

    def configured(self, case: Case) -> bool:
        if self.always:
            return True
        value = getattr(case.settings.gates, self.name)
        return value is not None and value is not False

    def verdict(self, case: Case) -> Verdict:
        try:
            if self.parts and not case.fit.discrete:
                words = f"gates.{self.name} is about components, and this model has none: it does not apply"
                return Verdict(gate=self.name, passed=True, reason=words)
            if self.paired and not case.has_champion:
                return _first(self.name, case)
            measured, threshold, words = self.measure(case)
            for what, value in (("threshold", threshold), ("measured value", measured)):
                if not math.isfinite(value):
                    raise Refused(f"gates.{self.name}: the {what} is not a finite number")
            passed = self.sign * measured >= self.sign * threshold
            return Verdict(gate=self.name, passed=passed, measured=measured, threshold=threshold, reason=words)
        except Refused as refusal:
            return _refused(self.name, str(refusal), isinstance(refusal, Broke))
        except Exception as error:  # a gate that cannot answer has not said yes
            return _refused(self.name, f"gates.{self.name} raised {type(error).__name__}", broke=True)


def judge(
    validation: Validation | None,
    fit: FitFacts,
    settings: Settings,
    has_champion: bool,
    error: str | None = None,
    *,
    past: Past | None = None,
    moved: tuple[Moved, ...] = (),
    unmoved: str | None = None,
) -> tuple[Verdict, ...]:
    r"""The verdict of every configured gate; a candidate may be promoted if all of them pass (`allowed`).

    ``heldout_drop`` D is a test of non-inferiority on the same rows: it passes if, with the confidence of
    ``gates.confidence``, the candidate does not lose more than D of mean log-density per row,

    .. math:: \mathrm{gain} - z_{\mathrm{confidence}} \, \mathrm{se}(\mathrm{gain}) \ge -D.

    A good D is what nobody would notice and so many rows can show: where it is left out it goes by the rows there are
    (`tolerance`). With D = 0 only a proven improvement passes, and a model that is the champion's equal to the last
    bit, whose standard error is 0; a negative D asks for a gain of so much.

    ``memory_drop`` asks the same of rows of earlier batches and of those of the pinned version, ``reference_drop`` of
    the latter beside the pinned version, so that no series of small losses adds up. ``drift`` holds a batch of which
    something moved that the shares of the components do not explain.

    Gates about components say that they do not apply where a model has none. Without a validation, ``error`` says
    why. Without a champion, ``gates.first`` decides in place of the gates that compare.

    Parameters
    ----------
    past : the candidate on rows of earlier batches
    moved, unmoved : what moved in the newest partition, or why nobody can tell

    Source: Wellek (2010), Testing Statistical Hypotheses of Equivalence and Noninferiority, chapter 2; Diebold &
    Mariano (1995), J. Bus. Econ. Statist. 13, for paired differences of scores.
    """
    case = Case(validation, fit, settings, has_champion, past or Past(), moved, unmoved)
    verdicts = [] if error is None else [_refused("validation", error, broke=True)]
    if not has_champion:
        verdicts.append(_first("first", case))
    verdicts += [gate.verdict(case) for gate in GATES if gate.configured(case)]
    asked = settings.gates.min_metric is not None or settings.gates.metric_drop is not None
    if validation is not None and validation.metric_error is not None and not asked:
        verdicts.append(_refused("metric", validation.metric_error, broke=True))
    return tuple(verdicts)


def allowed(verdicts: Iterable[Verdict]) -> bool:
    """Whether every gate passed, and there was one."""
    said = [v.passed for v in verdicts]
    return bool(said) and all(said)


def _refused(gate: str, reason: str, broke: bool = False) -> Verdict:
    return Verdict(gate=gate, passed=False, reason=reason, broke=broke)


def _first(gate: str, case: Case) -> Verdict:
    if case.settings.gates.first == "allow":
        return Verdict(gate=gate, passed=True, reason="there is no champion yet; gates.first allows a first version")
    return _refused(
        gate,
        "there is no champion to compare with: set gates.first to allow, or promote the first version by hand: "
        f'unseen promote {case.settings.name} --override --reason "..."',
    )


GATES = (
    Gate("heldout_drop", 1, True, measures.heldout_drop, always=True),
    Gate("memory_drop", 1, True, measures.memory_drop, always=True),
    Gate("reference_drop", 1, True, measures.reference_drop, always=True),
    Gate("drift", -1, True, measures.drift, always=True),
    Gate("min_heldout", 1, False, measures.min_heldout),
    Gate("min_heldout_rows", 1, False, measures.min_heldout_rows),
    Gate("converged", 1, False, measures.converged),
    Gate("max_floors", -1, False, measures.max_floors),
    Gate("max_calibration", -1, False, measures.max_calibration, parts=True),
    Gate("max_moved", -1, True, measures.max_moved, parts=True),
    Gate("max_died", -1, True, measures.max_died, parts=True),
    Gate("min_metric", 1, False, measures.min_metric),
    Gate("metric_drop", 1, True, measures.metric_drop),
)
