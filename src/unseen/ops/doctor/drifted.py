"""F7 silent drift: the data has moved away from what the champion was trained on, or nobody has looked."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from unseen.errors import RegistryError
from unseen.ops.doctor.diagnosis import Case, Diagnosis

#: how long nobody may have looked for drift: a week, and a day for a job that is late
LOOK_EVERY = timedelta(days=8)


def silent_drift(case: Case) -> Diagnosis | None:
    """F7: the last look at new data found drift from the champion, or it was long ago."""
    if case.settings is None or case.places is None or not case.around:
        return None
    from unseen.ops.drift import latest
    from unseen.ops.registry import Registry

    registry = Registry(case.settings)
    try:
        state, entries = registry.state(), registry.log.entries()
    except RegistryError:
        return None  # of a log that was altered F10 tells
    if state.champion is None:
        return None
    looks = [e for e in entries if e.kind == "drift"]
    # the log is ordered by its lines, not by the clock: the last look counts if it was at this champion
    about = looks[-1] if looks and looks[-1].facts.get("version") == state.champion.number else None
    if about is not None and about.facts.get("drifted"):
        try:
            last = latest(case.places)
        except RegistryError as error:
            return case.found("F7", "ticket", [str(error)], "what was seen of drift is lost", "unseen drift DATA")
        evidence = list(last.report.causes) if last is not None else []
        cause = "the data are no longer those that the champion was trained on"
        evidence = evidence or ["the last look at new data found drift"]
        return case.found("F7", "ticket", evidence, cause, "unseen retrain")
    seen = _moment((about or state.decisions[-1]).time)
    if datetime.now(UTC) - seen <= LOOK_EVERY:
        return None
    cause = "new data was not compared with what the champion was trained on"
    return case.found("F7", "note", [f"nobody has looked for drift since {seen:%Y-%m-%d}"], cause, "unseen drift DATA")


def _moment(text: str) -> datetime:
    known = datetime.fromisoformat(text)
    return known if known.tzinfo else known.replace(tzinfo=UTC)
