"""How a retrain ends: the record is closed, the log gets its line, the metrics are left where they are scraped."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from unseen.errors import ConflictError, DataError, LimitError, NumericalError, RegistryError, UnseenError
from unseen.ops.config import Settings, settings_hash
from unseen.ops.logs import logger, reason
from unseen.ops.patience import passes
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import Log
from unseen.ops.registry.excluding import learned_from
from unseen.ops.retrain.identity import environment
from unseen.ops.retrain.journal import Journal, now
from unseen.ops.retrain.meter import Meter

#: what was decided of a candidate
DECIDED = (Outcome.PROMOTED, Outcome.HELD)


class Ended(Exception):
    """A stage ended the run."""

    def __init__(self, outcome: Outcome, reason: str) -> None:
        super().__init__(reason)
        self.outcome, self.reason = outcome, reason


def ended_by(error: BaseException) -> tuple[Outcome, str]:
    """The outcome of a run that this ended, and a sentence about it."""
    match error:
        case Ended():
            return error.outcome, error.reason
        case KeyboardInterrupt():
            return Outcome.INTERRUPTED, "interrupted: the same command goes on"
        case LimitError():
            return Outcome.LIMIT, str(error)
        case MemoryError():
            return Outcome.LIMIT, "out of memory: set fit.engine: outofcore, or take fewer components"
        case DataError():
            return Outcome.ERROR if passes(error) else Outcome.REFUSED, str(error)
        case NumericalError():
            return Outcome.UNFIT, str(error)
        case ConflictError():
            return Outcome.HELD, str(error)
        case RegistryError():
            return Outcome.REGISTRY, str(error)
    return Outcome.ERROR, reason(error)


def close(
    settings: Settings, journal: Journal, meter: Meter, outcome: Outcome, why: str, actor: str | None = None
) -> Record:
    """Close the record, write the log's line, export metrics; trouble with one does not keep the others from it."""
    places = Places.of(settings)
    took = meter.read()
    facts: dict[str, Any] = {"outcome": outcome, "reason": why, "finished": now(), "resources": took}
    log = logger(places.events, run=journal.record.id, model=settings.name)
    journal.record = journal.record.having(**facts)
    for step in (
        lambda: journal.know(**facts),
        lambda: _append(places, journal.record, actor),
        lambda: _export(journal.record, settings),
    ):
        try:
            step()
        except Exception as error:  # the run has ended: what cannot be told must not undo it
            log.error("could not be written", reason=reason(error))
    log.info("retrain ended", outcome=outcome.value, reason=why, seconds=round(took.seconds, 3))
    return journal.record


def _append(places: Places, record: Record, actor: str | None) -> None:
    Log(places).append(
        "retrain",
        actor=actor,
        record=record.id,
        outcome=record.outcome,
        reason=record.reason,
        batch=record.batch.id if record.batch else None,
        partition=record.batch.fingerprints[-1] if record.batch and record.batch.fingerprints else None,
        newest=record.batch.partitions[-1] if record.batch and record.batch.partitions else None,
        aside=record.aside,
        version=record.version,
        champion=record.champion,
        attempts=len(record.attempts),
    )


def nothing_new(settings: Settings, known: Record, tell: Callable[[str, str], Any], actor: str | None) -> Record:
    """Say in the log that a run ended before, so that the loop counts as heard from.

    What was decided stays as it is: a batch that was refused, and a fit of no use, are told again as such.

    Raises
    ------
    RegistryError
        The log was altered, or cannot be written.
    """
    champion, out = _champion(settings), learned_from(settings)
    why = f"run {known.id} ended before: {known.reason}"
    if known.outcome is Outcome.PROMOTED and champion != known.version:
        why += f"; by now version {champion} is"
    if out is not None:
        why += f"; {out}"
    new = known.having(reason=why, **({"outcome": Outcome.NOTHING_NEW} if known.outcome in DECIDED else {}))
    assert new.outcome is not None
    tell(new.outcome.value, why)
    _append(Places.of(settings), new.having(outcome=Outcome.NOTHING_NEW, attempts=()), actor)
    with suppress(Exception):
        _export(None, settings)
    return new


def _export(record: Record | None, settings: Settings) -> None:
    from unseen.ops.doctor import case_of, diagnose, failing, modes_of
    from unseen.ops.watch import export

    modes: list[str] | None = None
    with suppress(Exception):  # metrics must come also where nothing can be examined
        last = None if record else diagnose(case_of(settings.name, settings))
        modes = modes_of(record, settings) if record else failing(last or ())
    export(record, settings, modes)


def report_unread(
    settings: Settings,
    error: BaseException,
    meter: Meter,
    tell: Callable[[str, str], Any],
    actor: str | None,
) -> Record:
    """The record of a run that could not even begin: it has no rows, or no folder, to be named by; time names it."""
    places = Places.of(settings)
    id = time.strftime("unread-%Y%m%dT%H%M%S", time.gmtime()) + f"-{time.time_ns() % 10**6:06d}"
    record = Record(id=id, name=settings.name, started=now(), settings=settings_hash(settings), **environment(settings))
    with suppress(UnseenError):
        record = record.having(champion=_champion(settings))
    outcome, why = ended_by(error)
    tell(outcome.value, why)
    return close(settings, Journal(places.run(id), record), meter, outcome, why, actor)


def _champion(settings: Settings) -> int | None:
    from unseen.ops.registry import Registry

    current = Registry(settings).champion()
    return current.number if current else None
