"""What the state folder knows: the log, the newest records, and whether either has been tampered with."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from unseen.errors import UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.logs import reason
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry.entry import happened

#: so many records before the last one say what is typical
TYPICAL = 10
MOST_RECORDS = 100


@dataclass(frozen=True)
class Known:
    """One reading of the state folder; what could not be read is missing, and ``trouble`` says why."""

    entries: tuple[Any, ...] = ()
    last: Record | None = None
    earlier: tuple[Record, ...] = ()
    window: tuple[Record, ...] = ()
    unfinished: float | None = None
    champion: Any = None
    trouble: dict[str, str] = field(default_factory=dict)

    def happened(self, entry: Any) -> float:
        """When something was decided, in seconds, never later than now."""
        return moment(happened(entry, self.entries)).timestamp()

    def of_kind(self, *kinds: str) -> list[Any]:
        return [entry for entry in self.entries if entry.kind in kinds]


def known(settings: Settings, record: Record | None = None) -> Known:
    """Read the log, and the records of the last retrains; ``record`` is taken for the last one if given."""
    places = Places.of(settings)
    entries, champion, trouble = _produced(settings)
    ids = _newest_first(entries)
    if record is None and ids:
        record = read(places.run(ids[0]))
    before = [read(places.run(id)) for id in ids[: TYPICAL + 1] if record is None or id != record.id]
    recent = since(entries, settings.slo.window_days)
    return Known(
        entries=entries,
        last=record,
        earlier=tuple(r for r in before[:TYPICAL] if r is not None),
        window=tuple(r for id in _newest_first(recent)[:MOST_RECORDS] if (r := read(places.run(id))) is not None),
        unfinished=_unfinished(entries, places),
        champion=champion,
        trouble=trouble,
    )


def _produced(settings: Settings) -> tuple[tuple[Any, ...], Any, dict[str, str]]:
    """The log's entries and the champion, every hash of both verified."""
    from unseen.ops.registry import Registry

    registry = Registry(settings)
    try:
        entries = tuple(registry.log.entries())
        champion = registry.champion()
    except UnseenError as error:
        return (), None, {"log": str(error)}
    try:
        broken = registry.broken(champion) if champion is not None else None
    except Exception as error:  # whatever keeps it from being verified: it is not verified
        broken = reason(error)
    return entries, champion, {"artefact": broken} if broken else {}


def read(folder: Path) -> Record | None:
    """The record of a run folder, or nothing: metrics go on without it, the doctor says what is wrong with it."""
    try:
        return Record.model_validate_json((folder / "record.json").read_text(encoding="utf-8"))
    except (OSError, ValidationError, UnicodeDecodeError):
        return None


def _unfinished(entries: Sequence[Any], places: Places) -> float | None:
    """When a retrain that began and has not ended last wrote its record: it is at work, or was killed."""
    last = next((entry for entry in reversed(entries) if entry.kind in ("began", "retrain")), None)
    if last is None or last.kind == "retrain":
        return None
    begun = moment(last.time).timestamp()
    folder = places.run(str(last.facts.get("record", "")))
    record = read(folder)
    if record is not None and record.outcome is not None:
        return None
    try:
        return max(begun, (folder / "record.json").stat().st_mtime)
    except OSError:
        return begun


def since(entries: Sequence[Any], days: float) -> list[Any]:
    """Entries of the last so many days."""
    begin = datetime.now(UTC) - timedelta(days=days)
    return [entry for entry in entries if moment(entry.time) >= begin]


def moment(time: str) -> datetime:
    """A point in time of the log or a record."""
    when = datetime.fromisoformat(time)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def outcome(entry: Any) -> Outcome | None:
    """How the retrain of a log entry ended."""
    said = entry.facts.get("outcome")
    return Outcome(said) if said in set(Outcome) else None


def _newest_first(entries: Sequence[Any]) -> list[str]:
    """Ids of the retrains in these entries, each once."""
    ids = (str(entry.facts.get("record", "")) for entry in reversed(entries) if entry.kind == "retrain")
    return [id for id in dict.fromkeys(ids) if id]
