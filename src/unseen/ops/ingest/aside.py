"""Partitions that were found wrong when they came: later windows leave them out, until somebody says otherwise."""

from __future__ import annotations

from unseen.ops.config import Settings
from unseen.ops.places import Places
from unseen.ops.registry.entry import INCLUDED, PROMOTED, RETRAIN
from unseen.ops.registry.log import Log


def set_aside(settings: Settings) -> dict[str, str]:
    """Reasons by the ids of partitions, read from the log; raises RegistryError where that cannot be trusted.

    The last word of each partition's own retrains counts; a version that was promoted by hand clears its own.
    """
    places = Places.of(settings)
    out: dict[str, str] = {}
    of_version: dict[int, str] = {}
    for entry in Log(places).entries() if places.log.is_file() else ():
        facts = entry.facts
        if entry.kind == RETRAIN and facts.get("partition") and facts.get("outcome") != "nothing new":
            out.pop(facts["partition"], None)
            if facts.get("aside"):
                out[facts["partition"]] = facts["aside"]
            if facts.get("version") is not None:
                of_version[facts["version"]] = facts["partition"]
        elif entry.kind == PROMOTED:
            out.pop(of_version.get(facts["version"], ""), None)
        elif entry.kind == INCLUDED:
            out.pop(facts.get("id", ""), None)
    return out
