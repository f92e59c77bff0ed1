"""MLflow's aliases as a mirror of the log, and what is to be said where the two do not agree."""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.registry.log import locked
from unseen.ops.registry.opening import Seen, address, inside, moved
from unseen.ops.registry.state import State
from unseen.ops.registry.tracking import Tracking


@dataclass(frozen=True, slots=True)
class Aliases:
    """Where ``champion`` and ``challenger`` point: by the log, as MLflow was last told, and in MLflow itself.

    ``told`` is None where MLflow was never told, ``found`` where it cannot be asked at the moment.
    """

    log: Mapping[str, int | None]
    told: Mapping[str, int | None] | None
    found: Mapping[str, int | None] | None

    @property
    def behind(self) -> bool:
        """Whether MLflow was not yet told of the last decision."""
        return self.told is not None and self.told != self.log

    @property
    def moved(self) -> dict[str, int | None]:
        """Aliases that somebody else moved in MLflow, and where they point there."""
        if self.told is None or self.found is None:
            return {}
        return {alias: n for alias, n in self.found.items() if n != self.told[alias] and n != self.log[alias]}


class Mirror:
    """The aliases, written after each decision; a note of what was written lets it be told without MLflow."""

    def __init__(self, places: Places, tracking: Tracking) -> None:
        self.note, self.lock = places.home / "aliases.json", places.home / "registry.lock"
        self.tracking = tracking

    def told(self) -> dict[str, Any]:
        """The aliases as they were last written to MLflow, and ``gone``."""
        try:
            known = json.loads(self.note.read_text())
            return known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            return {}

    def gone(self) -> list[int]:
        """Versions that MLflow can never have again."""
        return list(self.told().get("gone", []))

    def write(self, state: State, gone: list[int] | None = None) -> None:
        """Make the aliases say what the log says; call it inside `alone`, with a state read there."""
        lacking = self.gone() if gone is None else gone
        if state.versions:
            self.tracking.align({a: None if n in lacking else n for a, n in state.aliases.items()})
        files.write(self.note, json.dumps({**state.aliases, **({"gone": lacking} if lacking else {})}))

    def compared(self, state: State) -> Aliases:
        """The aliases as the log, the note and MLflow have them."""
        names, told, seen = state.aliases, self.told(), self.tracking.seen()
        found = None if seen is None else {alias: seen.aliases.get(alias) for alias in names}
        return Aliases(names, {alias: told.get(alias) for alias in names} if told else None, found)

    def alone(self) -> AbstractContextManager[None]:
        """One process at a time writes to MLflow, so that the last to write has read the newest decision."""
        return locked(self.lock)


def disagreement(settings: Settings, state: State, seen: Seen, gone: list[int]) -> str | None:
    """Why nothing may be decided on this log and this registry together; None where they belong together."""
    name, uri, champion = settings.name, address(settings), seen.aliases.get("champion")
    if not state.decisions and champion is not None:
        return (
            f"the log of {name!r} has no champion, but the registry at {uri} calls version {champion} so: the log was "
            f"removed, or the registry is that of another state folder. Put {settings.home / 'log.jsonl'} back; to "
            "begin anew, take another name or another registry.uri"
        )
    if (there := moved(settings, seen)) is not None and not inside(settings):
        return (
            f"the state folder was moved or copied: it is {settings.home} now, and the registry at {uri}, not in it, "
            f"would go on writing to {there}. Set registry.experiment to a new name, or put the folder back"
        )
    if lost := [str(n) for n in lacking(state, seen) if n not in gone]:
        return (
            f"the registry at {uri} does not have version {', '.join(lost)} of {name!r}, which the log knows: its "
            "database was deleted, replaced, or is an older copy. Until it is rebuilt nothing is decided: "
            f"`unseen rebuild {name}` makes it anew from log and artefacts"
        )
    return None


def lacking(state: State, seen: Seen) -> list[int]:
    """Versions of the log that MLflow has never had, or has as another fit: it would count anew."""
    return [
        n
        for n, version in state.versions.items()
        if n > seen.newest or (n in seen.records and seen.records[n] not in (None, version.record))
    ]
