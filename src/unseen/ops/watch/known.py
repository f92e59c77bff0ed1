"""One reading of the state folder: the log, the newest records, what lies around them, and what is wrong with it."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Any

from unseen.errors import DataError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.logs import reason
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record, Resources
from unseen.ops.registry.entry import happened
from unseen.ops.runs import RECORD, newest

#: the loop did not do its work; a batch that was rightly refused is the data's fault, not the loop's
FAILURES = (Outcome.ERROR, Outcome.LIMIT, Outcome.REGISTRY, Outcome.UNFIT)
#: the champion was trained on, or compared with, the newest data
FRESH = (Outcome.PROMOTED, Outcome.HELD)
#: so many records before the last one say what is typical, and so many files how far apart they come
TYPICAL, MOST_RECORDS, FILES = 10, 100, 12
#: most values of a label: of tests of drift those with the largest evidence
MOST = 50
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

    def happened(self, entry: Any) -> float:
        """When something was decided, in seconds, never later than now."""
        return seconds(happened(entry, self.entries))

    def of_kind(self, *kinds: str) -> list[Any]:
        return [entry for entry in self.entries if entry.kind in kinds]

    @property
    def moves(self) -> list[Any]:
        """Lines that put a version into production."""
        return self.of_kind("promoted", "rolled_back")

    # ---- retrains

    @cached_property
    def retrains(self) -> list[Any]:
        """Lines of retrains that did something, the newest last."""
        return [e for e in self.of_kind("retrain") if outcome(e) is not Outcome.NOTHING_NEW]

    @cached_property
    def well(self) -> Any:
        """The last one that ended well, by lines, not by time: a clock that ran ahead must not count for years."""
        return next((e for e in reversed(self.retrains) if outcome(e) in FRESH), None)

    @cached_property
    def recent(self) -> list[Any]:
        """Those of the service level's window."""
        begin = time.time() - self.settings.slo.window_days * 86400
        return [entry for entry in self.retrains if seconds(entry.time) >= begin]

    def records(self, entries: Iterable[Any], most: int = 1) -> Iterator[Record]:
        """Their records, the newest first, as far as they can be read: the doctor says what is wrong with others."""
        return newest(Places.of(self.settings), map(_id, entries), most)

    @cached_property
    def last(self) -> Record | None:
        return self.given or next(self.records(self.retrains), None)

    @cached_property
    def spent(self) -> list[Resources]:
        """What retrains before the last one took that were carried through: a refused batch costs nothing."""
        before = [e for e in self.retrains if self.last is None or _id(e) != self.last.id]
        return [r.resources for r in self.records(before, TYPICAL) if r.resources and r.outcome in FRESH]

    @cached_property
    def fitted(self) -> Record | None:
        """The last retrain that came to a fit."""
        if self.last is not None and self.last.fit is not None:
            return self.last
        return next((r for r in self.records(self.retrains, MOST_RECORDS) if r.fit is not None), None)

    @cached_property
    def window(self) -> list[Record]:
        return list(self.records(self.recent, MOST_RECORDS))

    @cached_property
    def unfinished(self) -> float | None:
        """When a retrain that began and has not ended last wrote its record: it is at work, or was killed."""
        last = next(reversed(self.of_kind("began", "retrain")), None)
        if last is None or last.kind == "retrain":
            return None
        if any(record.outcome is not None for record in self.records([last])):
            return None
        return max(seconds(last.time), arrived(Places.of(self.settings).run(_id(last)) / RECORD))

    # ---- data and drift

    @cached_property
    def files(self) -> list[Path]:
        """The partitions there are, the newest last; none where they cannot be listed."""
        from unseen.ops.ingest.partitions import listed
        from unseen.ops.registry.excluding import left_out

        with suppress(DataError, OSError):
            return listed(self.settings, left_out(self.entries))
        return []

    @cached_property
    def learned(self) -> float | None:
        """When the newest data came that a retrain ended well on; before the first, when the log began."""
        if self.well is None:
            return self.happened(self.entries[0]) if self.entries else None
        of = next(self.records([self.well]), None)
        newest = of.batch.partitions[-1] if of and of.batch and of.batch.partitions else None
        return min([self.happened(self.well), *(arrived(path) for path in self.files if path.name == newest)])

    @cached_property
    def spacing(self) -> float | None:
        """Seconds from one partition to the next, by the dates in their names, else by when they were written."""
        from unseen.ops.ingest.spacing import spacing

        with suppress(OSError):
            if (found := spacing(self.files[-FILES:], None, ())) is not None:
                return found.usual.total_seconds()
        return None

    @cached_property
    def drift(self) -> Any:
        """What was last seen of drift, with the counts of looks."""
        from unseen.ops.drift import latest

        with suppress(UnseenError):
            return latest(Places.of(self.settings))

    @property
    def drifting(self) -> Any:
        """The last look, if it was at the version in production."""
        looks = self.of_kind("drift")
        current = not looks or not self.moves or looks[-1].seq > self.moves[-1].seq
        return self.drift.report if self.drift is not None and current else None

    @property
    def strongest(self) -> dict[tuple[str, str], Any] | None:
        """Its tests with the largest evidence by kind and subject, none of a sensitive column."""
        if self.drifting is None:
            return None
        shown = [t for t in self.drifting.tests if t.column not in self.settings.privacy.sensitive]
        return {
            (t.kind, t.column if t.column is not None else "" if t.component is None else str(t.component)): t
            for t in sorted(shown, key=lambda t: -t.e_value)[:MOST]
        }


def known(settings: Settings, record: Record | None = None, modes: Iterable[str] | None = None) -> Known:
    """Read everything; ``record`` is taken for the last retrain, ``modes`` are what the doctor found in it."""
    from unseen.ops.registry import Registry

    registry = Registry(settings)
    found = None if modes is None else frozenset(mode.upper() for mode in modes)
    try:
        entries, state = tuple(registry.log.entries()), registry.state()
    except UnseenError as error:
        return Known(settings, (), None, {"log": str(error)}, record, found)
    # a line from the future: a clock ran ahead, or runs behind now
    late = next((e for e in reversed(entries) if seconds(e.time) > time.time() + APART), None)
    said = {
        "artefact": _broken(registry, state.champion),
        "registry": registry.trouble(state),
        "rollback": _broken(registry, state.fallback),
        "aliases": _aliases(registry, state),
        "clock": late and f"line {late.seq} of the log is from {late.time[:16]}, which is still to come",
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
    if not state.versions:
        return None
    if found.found is None:
        return "MLflow's aliases cannot be read at the moment"
    wrong = [alias for alias, number in found.log.items() if found.found.get(alias) != number]
    return f"MLflow's alias {wrong[0]!r} is not where the log says" if wrong else None


def _id(entry: Any) -> str:
    return str(entry.facts.get("record", ""))


def outcome(entry: Any) -> Outcome | None:
    """How the retrain of a log entry ended."""
    said = entry.facts.get("outcome")
    return Outcome(said) if said in set(Outcome) else None


def moment(told: str) -> datetime:
    """A point in time of the log or a record."""
    when = datetime.fromisoformat(told)
    return when if when.tzinfo is not None else when.replace(tzinfo=UTC)


def seconds(told: str) -> float:
    return moment(told).timestamp()


def past(when: float) -> float:
    """A time, or now where it is still to come: a clock that ran ahead makes nothing fresh for years."""
    return min(when, time.time())


def arrived(path: Path) -> float:
    with suppress(OSError):
        return path.stat().st_mtime
    return 0.0
