"""Partitions that somebody leaves out of the batches: a line of the log each, undone by another."""

from __future__ import annotations

from collections.abc import Iterable

from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.registry.entry import EXCLUDED, INCLUDED, Entry
from unseen.ops.registry.log import Log


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


def exclude(settings: Settings, partition: str, reason: str, *, id: str | None = None, undo: bool = False) -> Entry:
    """Leave a partition out of every batch from now on, or take it in again; nothing is written to the data.

    ``id`` is the partition's: taken in again, it is no longer set aside for what was found wrong with it, either.
    """
    facts = {"name": settings.name, "partition": partition, "id": id, "reason": reason}
    return Log(Places.of(settings)).append(INCLUDED if undo else EXCLUDED, **facts)
