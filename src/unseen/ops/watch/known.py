"""One reading of the state folder: the log, the newest records, what lies around them, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from unseen.errors import DataError, RegistryError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.logs import reason
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry.entry import happened
from unseen.ops.runs import read

#: the loop did not do its work; a batch that was rightly refused is the data's fault, not the loop's
FAILURES = (Outcome.ERROR, Outcome.LIMIT, Outcome.REGISTRY, Outcome.UNFIT)
#: the champion was trained on, or compared with, the newest data
FRESH = (Outcome.PROMOTED, Outcome.HELD)
#: so many records before the last one say what is typical, and so many files how far apart they come
TYPICAL, MOST_RECORDS, FILES = 10, 100, 12
#: seconds by which clocks of machines may differ
APART = 60.0


@dataclass(frozen=True)
class Known:
    """What could be read; what could not is missing, and ``trouble`` says of what and why.

    Troubles are ``log``, ``artefact`` (the champion's), ``registry`` (it and the log do not belong together),
    ``rollback`` (the version that a rollback would go to), ``aliases`` and ``clock``.
    """

    settings: Settings
    entries: tuple[Any, ...]
    state: Any
    trouble: dict[str, str]
    given: Record | None = None
    modes: frozenset[str] | None = None

    @property
    def places(self) -> Places:
        return Places.of(self.settings)

    def happened(self, entry: Any) -> float:
        """When something was decided, in seconds, never later than now."""
        return moment(happened(entry, self.entries)).timestamp()

    def of_kind(self, *kinds: str) -> list[Any]:
        return [entry for entry in self.entries if entry.kind in kinds]

    # ---- retrains

    @cached_property
    def retrains(self) -> list[Any]:
        """Lines of retrains that did something, the newest last."""
        return [e for e in self.of_kind("retrain") if outcome(e) is not Outcome.NOTHING_NEW]

    @cached_property
    def last(self) -> Record | None:
        ids = _newest_first(self.retrains)
        return self.given or (_record(self.places, ids[0]) if ids else None)

    @cached_property
    def earlier(self) -> list[Record]:
        """Retrains before the last one."""
        last = self.last.id if self.last else None
        ids = [id for id in _newest_first(self.retrains)[: TYPICAL + 1] if id != last]
        return [r for id in ids[:TYPICAL] if (r := _record(self.places, id)) is not None]

    @cached_property
    def fitted(self) -> Record | None:
        """The last retrain that came to a fit."""
        if self.last is not None and self.last.fit is not None:
            return self.last
        ids = _newest_first(self.retrains)[:MOST_RECORDS]
        return next((r for id in ids if (r := _record(self.places, id)) is not None and r.fit is not None), None)

    def recent(self, entries: Iterable[Any]) -> list[Any]:
        """Those of the service level's window."""
        begin = datetime.now(UTC) - timedelta(days=self.settings.slo.window_days)
        return [entry for entry in entries if moment(entry.time) >= begin]

    @cached_property
    def window(self) -> list[Record]:
        ids = _newest_first(self.recent(self.retrains))[:MOST_RECORDS]
        return [r for id in ids if (r := _record(self.places, id)) is not None]

    @cached_property
    def unfinished(self) -> float | None:
        """When a retrain that began and has not ended last wrote its record: it is at work, or was killed."""
        last = next(reversed(self.of_kind("began", "retrain")), None)
        if last is None or last.kind == "retrain":
            return None
        folder = self.places.run(str(last.facts.get("record", "")))
        record = _record(self.places, folder.name)
        if record is not None and record.outcome is not None:
            return None
        try:
            return max(seconds(last), (folder / "record.json").stat().st_mtime)
        except OSError:
            return seconds(last)

    # ---- data

    @cached_property
    def files(self) -> list[Path]:
        """The partitions there are, the newest last; none where they cannot be listed."""
        from unseen.ops.ingest.partitions import listed
        from unseen.ops.registry.excluding import left_out

        try:
            return listed(self.settings, left_out(self.entries))
        except (DataError, OSError):
            return []

    @cached_property
    def learned(self) -> float | None:
        """When the newest data came that a retrain ended well on; before the first, when the log began."""
        well = next((e for e in reversed(self.retrains) if outcome(e) in FRESH), None)
        if well is None:
            return self.happened(self.entries[0]) if self.entries else None
        record = _record(self.places, str(well.facts.get("record", "")))
        newest = record.batch.partitions[-1] if record and record.batch and record.batch.partitions else None
        came = [arrived(path) for path in self.files if path.name == newest]
        return min([self.happened(well), *came])

    @cached_property
    def spacing(self) -> float | None:
        """Seconds from one partition to the next, by the dates in their names, else by when they were written."""
        from unseen.ops.ingest.spacing import spacing

        try:
            found = spacing(self.files[-FILES:], None, ())
        except OSError:
            return None
        return None if found is None else found.usual.total_seconds()

    @cached_property
    def drift(self) -> Any:
        """What was last seen of drift, if it was of the version in production; with the counts of looks."""
        from unseen.ops.drift import latest

        try:
            return latest(self.places)
        except UnseenError:
            return None

    @property
    def drift_is_current(self) -> bool:
        """Whether the last look was at the version in production."""
        looks, moves = self.of_kind("drift"), self.of_kind("promoted", "rolled_back")
        return not looks or not moves or looks[-1].seq > moves[-1].seq


def known(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> Known:
    """Read everything; ``record`` is taken for the last retrain, ``modes`` are what the doctor found in it."""
    from unseen.ops.registry import Registry

    registry = Registry(settings)
    found = None if modes is None else frozenset(mode.upper() for mode in modes)
    try:
        entries, state = tuple(registry.log.entries()), registry.state()
    except UnseenError as error:
        return Known(settings, (), None, {"log": str(error)}, record, found)
    said = {
        "artefact": _broken(registry, state.champion),
        "registry": registry.trouble(state),
        "rollback": _broken(registry, state.fallback),
        "aliases": _aliases(registry, state),
        "clock": _ahead(entries),
    }
    return Known(settings, entries, state, {kind: why for kind, why in said.items() if why}, record, found)


def _broken(registry: Any, version: Any) -> str | None:
    if version is None:
        return None
    try:
        broken = registry.broken(version)
    except Exception as error:  # whatever keeps it from being verified: it is not verified
        broken = reason(error)
    return f"version {version.number}: {broken}" if broken else None


def _aliases(registry: Any, state: Any) -> str | None:
    """Where MLflow's aliases say something else than the log."""
    found = registry.mirror.compared(state)
    if found.found is None:
        return "MLflow's aliases cannot be read at the moment" if state.versions else None
    wrong = [alias for alias, number in found.log.items() if found.found.get(alias) != number]
    return f"MLflow's alias {wrong[0]!r} is not where the log says" if wrong and state.versions else None


def _ahead(entries: Sequence[Any]) -> str | None:
    """A line of the log from the future: a clock ran ahead, or runs behind now."""
    now = datetime.now(UTC).timestamp()
    late = next((e for e in reversed(entries) if seconds(e) > now + APART), None)
    return f"line {late.seq} of the log is from {late.time[:16]}, which is still to come" if late else None


def _record(places: Places, id: str) -> Record | None:
    """A record; without it metrics go on, and the doctor says what is wrong with it."""
    try:
        return read(places.run(id)) if id else None
    except RegistryError:
        return None


def _newest_first(entries: Sequence[Any]) -> list[str]:
    """Ids of the retrains in these entries, each once."""
    return [id for id in dict.fromkeys(str(e.facts.get("record", "")) for e in reversed(entries)) if id]


def outcome(entry: Any) -> Outcome | None:
    """How the retrain of a log entry ended."""
    said = entry.facts.get("outcome")
    return Outcome(said) if said in set(Outcome) else None


def moment(time: str) -> datetime:
    """A point in time of the log or a record."""
    when = datetime.fromisoformat(time)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def seconds(entry: Any) -> float:
    return moment(entry.time).timestamp()


def past(when: float) -> float:
    """A time, or now where it is still to come: a clock that ran ahead makes nothing fresh for years."""
    return min(when, datetime.now(UTC).timestamp())


def arrived(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0
