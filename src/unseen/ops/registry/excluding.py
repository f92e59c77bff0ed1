"""Partitions that are left out of the batches: by somebody, a line of the log each, or as they were found wrong."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.registry.entry import EXCLUDED, INCLUDED, PROMOTED, RETRAIN, Entry
from unseen.ops.registry.log import Log


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


def exclude(settings: Settings, partition: str, reason: str, *, id: str | None = None, undo: bool = False) -> Entry:
    """Leave a partition out of every batch from now on, or take it in again; nothing is written to the data.

    ``id`` is the partition's: taken in again, it is no longer set aside for what was found wrong with it, either.
    """
    facts = {"name": settings.name, "partition": partition, "id": id, "reason": reason}
    return Log(Places.of(settings)).append(INCLUDED if undo else EXCLUDED, **facts)
