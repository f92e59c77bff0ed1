"""Partitions that are left out of the batches: by somebody, a line of the log each, or as they were found wrong."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from typing import NamedTuple

from unseen.errors import RegistryError
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.registry.entry import EXCLUDED, INCLUDED, PROMOTED, RETRAIN, Entry
from unseen.ops.registry.log import Log
from unseen.ops.registry.state import State, Version
from unseen.ops.runs import read


class Aside(NamedTuple):
    """The name of a partition that was found wrong, and why."""

    name: str
    why: str


def excluded(settings: Settings) -> dict[str, str]:
    """The partitions that are left out now, by name, and why."""
    return left_out(Log(Places.of(settings)).entries())


def left_out(entries: Iterable[Entry]) -> dict[str, str]:
    """The same of the entries of a log."""
    found: dict[str, str] = {}
    for entry in entries:
        if entry.kind == EXCLUDED:
            found[entry.facts["partition"]] = entry.facts["reason"]
        elif entry.kind == INCLUDED:
            found.pop(entry.facts["partition"], None)
    return found


def found_wrong(settings: Settings) -> dict[str, Aside]:
    """The partitions that were found wrong when they came, by their ids."""
    return set_aside(Log(Places.of(settings)).entries())


def set_aside(entries: Iterable[Entry]) -> dict[str, Aside]:
    """What was found wrong when it came, by the ids of partitions: later windows leave it out.

    The last word of each partition's own retrains counts; a version that was promoted by hand clears its own, and so
    does who takes the partition in again.
    """
    out: dict[str, Aside] = {}
    of_version: dict[int, str] = {}
    for entry in entries:
        facts = entry.facts
        if entry.kind == RETRAIN and facts.get("partition") and facts.get("outcome") != "nothing new":
            out.pop(facts["partition"], None)
            if facts.get("aside"):
                out[facts["partition"]] = Aside(facts.get("newest") or str(facts["record"]), facts["aside"])
            if facts.get("version") is not None:
                of_version[facts["version"]] = facts["partition"]
        elif entry.kind == PROMOTED:
            out.pop(of_version.get(facts["version"], ""), None)
        elif entry.kind == INCLUDED:
            out.pop(facts.get("id", ""), None)
    return out


def learned_from(settings: Settings) -> str | None:
    """What to do where the champion learned from partitions that are left out by now; None where it did not."""
    places = Places.of(settings)
    entries = Log(places).entries()
    state, out = State.of(entries, settings.name), left_out(entries)
    wrong = {id for e in entries if e.kind == EXCLUDED and e.facts["partition"] in out and (id := e.facts.get("id"))}

    def theirs(version: Version | None) -> list[str]:
        record = None
        with suppress(RegistryError):
            record = read(places.run(version.record)) if version else None
        if record is None or record.batch is None:
            return []
        of = record.batch
        prints = of.fingerprints or [""] * len(of.partitions)
        return [n for n, id in zip(of.partitions, prints, strict=False) if n in out or id in wrong]

    now = state.champion
    if now is None or not (taken := theirs(now)):
        return None
    names = ", ".join(taken[-3:]) + (f" and {len(taken) - 3} more" if len(taken) > 3 else "")
    said = (
        f"version {now.number}, the champion, learned from {names}, which {'is' if len(taken) == 1 else 'are'} left out"
    )
    before = [state.versions[e.facts["version"]] for e in reversed(state.decisions)]
    clean = (v for v in before if v.number != now.number and v.outcome == "promoted" and not v.pruned)
    back = next((v for v in clean if not theirs(v)), None)
    if back is None:
        return (
            f"{said}; no champion before it was without: `unseen retrain` learns anew from the partitions that are left"
        )
    to = "" if back == state.fallback else f" --to {back.number}"
    return f'{said}: `unseen rollback {settings.name}{to} --reason "..."` goes back to version {back.number}'


def exclude(settings: Settings, partition: str, reason: str, *, id: str | None = None, undo: bool = False) -> Entry:
    """Leave a partition out of every batch from now on, or take it in again; nothing is written to the data.

    ``id`` is the partition's: taken in again, it is no longer set aside for what was found wrong with it, either.
    """
    facts = {"name": settings.name, "partition": partition, "id": id, "reason": reason}
    return Log(Places.of(settings)).append(INCLUDED if undo else EXCLUDED, **facts)
