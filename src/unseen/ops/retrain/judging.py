"""Validation and gates with every door closed: whatever goes wrong while judging is a refusal."""

from __future__ import annotations

from contextlib import suppress

from unseen.core.source import Source
from unseen.ops.config import Settings
from unseen.ops.judge import HoldOut, judge, validate
from unseen.ops.logs import reason
from unseen.ops.record import FitFacts, Validation, Verdict
from unseen.result import Result


def judged(
    candidate: Result,
    fit: FitFacts,
    champion: Result | None,
    trouble: str | None,
    source: Source,
    holdout: HoldOut,
    settings: Settings,
) -> tuple[Validation | None, tuple[Verdict, ...]]:
    """What held-out rows say of a candidate, and the verdict of every gate.

    ``champion`` is None where there is none, or where ``trouble`` says why it could not be loaded.
    """
    validation = None
    if trouble is None:
        try:
            validation = validate(candidate, champion, source, holdout, settings)
        except Exception as error:  # whatever it is, the candidate was not shown to be good
            trouble = f"validation failed: {reason(error)}"
    if validation is None:  # what the candidate is worth by itself is known all the same, though no gate opens for it
        with suppress(Exception):
            validation = validate(candidate, None, source, holdout, settings)
    has_champion = champion is not None or trouble is not None
    try:
        return validation, tuple(judge(validation, fit, settings, has_champion, trouble))
    except Exception as error:  # a gate that cannot answer has not said yes
        return validation, (_broke(error),)


def _broke(error: Exception) -> Verdict:
    return Verdict(gate="gates", passed=False, reason=f"a gate raised {reason(error)}: refused", broke=True)
