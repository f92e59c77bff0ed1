"""What a loop no longer needs, by ``retain`` of its settings, and clearing it away."""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.registry.artefact import local
from unseen.ops.registry.entry import BEGAN, PINNED, PRUNED, RETRAIN
from unseen.ops.registry.log import Log
from unseen.ops.registry.state import State


@dataclass(frozen=True, slots=True)
class Surplus:
    """Versions whose artefact may go, runs whose folder may go, and lines of ``events.jsonl``; ``bytes`` of them all.

    ``elsewhere`` are old versions whose artefacts lie with the registry, which has its own ways to clear them away.
    """

    versions: tuple[int, ...]
    runs: tuple[str, ...]
    events: int
    bytes: int
    elsewhere: tuple[int, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.versions or self.runs or self.events)


def surplus(settings: Settings) -> Surplus:
    """What `prune` would clear away.

    Never the champion, the versions that a rollback may go to (the last ``retain.versions`` champions), those that
    were pinned, the challenger, nor what any of them needs: their runs hold what drift is measured against.
    """
    places = Places.of(settings)
    entries = Log(places).entries()
    state, keep = State.of(entries, settings.name), settings.retain
    needed = _needed(state, keep.versions) | {e.facts["version"] for e in entries if e.kind == PINNED}
    needed |= set(sorted(state.versions)[-keep.versions :])
    old = [v for n, v in sorted(state.versions.items()) if n not in needed and not v.pruned]
    here = {v.number: places.home / path for v in old if (path := local(v.artifact)) is not None}
    ran = dict.fromkeys(str(e.facts.get("record")) for e in reversed(entries) if e.kind in (RETRAIN, BEGAN))
    kept = {v.record for v in state.versions.values() if v.number in needed} | set([*ran][: keep.runs])
    # what the log does not know has only just begun
    runs = [folder for folder in sorted(places.runs.glob("*/")) if folder.name in {*ran} - kept]
    dropped = _old_lines(places.events, keep.events_days)
    size = sum(map(_size, [*here.values(), *runs])) + sum(map(len, dropped))
    elsewhere = tuple(v.number for v in old if v.number not in here)
    return Surplus(tuple(here), tuple(r.name for r in runs), len(dropped), size, elsewhere)


def prune(settings: Settings) -> Surplus:
    """Clear it away, after a line of the log that says what; what is needed is looked up under the log's lock."""
    places, log = Places.of(settings), Log(Places.of(settings))
    with log.held():
        found = surplus(settings)
        if not found:
            return found
        state = State.of(log.entries(), settings.name)
        versions, runs = list(found.versions), list(found.runs)
        log.append(PRUNED, name=settings.name, bytes=found.bytes, versions=versions, runs=runs, events=found.events)
        artefacts = [places.home / str(local(state.versions[number].artifact)) for number in found.versions]
        try:
            for folder in (*artefacts, *map(places.run, found.runs)):
                with suppress(FileNotFoundError):  # somebody was first
                    shutil.rmtree(folder)
        except OSError as error:
            raise RegistryError(f"{error.filename} cannot be removed: {files.why(error)}") from error
        # lines that were appended meanwhile stay
        if start := sum(map(len, _old_lines(places.events, settings.retain.events_days))):
            files.write(places.events, places.events.read_bytes()[start:].decode("utf-8", "replace"))
    return found


def _needed(state: State, champions: int) -> set[int]:
    """The champion, the challenger, where a rollback goes, and the last so many champions."""
    named = [v.number for v in (state.champion, state.challenger, state.fallback) if v is not None]
    was = dict.fromkeys(entry.facts["version"] for entry in reversed(state.decisions))
    return {*named, *list(was)[: champions + 1]}


def _old_lines(path: Path, days: int) -> list[bytes]:
    """Lines of a structured log from before so many days; they come in the order of time."""
    before, found = (datetime.now(UTC) - timedelta(days=days)).isoformat(), []
    with suppress(FileNotFoundError), open(path, "rb") as file:
        for line in file:
            try:
                if str(json.loads(line)["timestamp"]) >= before:
                    break
            except (ValueError, KeyError, TypeError):
                pass  # no line of ours: it goes with those around it
            found.append(line)
    return found


def _size(path: Path) -> int:
    return sum(p.stat().st_size for p in path.rglob("*") if p.is_file())
