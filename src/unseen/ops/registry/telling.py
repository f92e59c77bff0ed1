"""Status and history as plain facts: read from the log and the files beside it, without MLflow where that is a file."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from unseen.ops.registry.entry import (
    EXCLUDED,
    INCLUDED,
    JUDGED,
    PINNED,
    PROMOTED,
    PRUNED,
    REBUILT,
    REPAIRED,
    RETRAIN,
    ROLLED_BACK,
    Entry,
    happened,
    now,
)
from unseen.ops.registry.excluding import left_out
from unseen.ops.registry.mirror import Aliases
from unseen.ops.registry.state import State, Version

if TYPE_CHECKING:
    from unseen.ops.registry.registry import Registry

DECISIONS = (PROMOTED, ROLLED_BACK, PINNED, RETRAIN, JUDGED, REPAIRED, REBUILT, EXCLUDED, INCLUDED, PRUNED)


def status(registry: Registry) -> dict[str, Any]:
    """What is in production, since when, by whom and why; what would be next, what was before; what is wrong."""
    entries = registry.log.entries()
    state = State.of(entries, registry.settings.name)
    champion, challenger, fallback = state.champion, state.challenger, state.fallback
    retrain = next((e for e in reversed(entries) if e.kind == RETRAIN), None)
    return {
        "name": registry.settings.name,
        "champion": None
        if champion is None
        else {**_version(registry, champion), **_decision(state.decisions[-1], entries)},
        "challenger": None if challenger is None else _version(registry, challenger),
        "rollback": None if fallback is None else _version(registry, fallback),
        "retrain": None
        if retrain is None
        else {"actor": retrain.actor, **retrain.facts, "time": happened(retrain, entries)},
        "excluded": left_out(entries),
        "aliases": _aliases(registry.mirror.compared(state), bool(state.versions)),
        "registry": registry.trouble(state),
        "moved": registry.moved(),
        "log": {"lines": len(entries), **_clock(entries)},
    }


def history(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One plain object per decision, the newest last; a retrain that promoted is told by its promotion."""
    promoted = {e.facts["version"] for e in entries if e.kind == PROMOTED}
    told = [
        e
        for e in entries
        if e.kind in DECISIONS
        and not (e.kind == RETRAIN and e.facts.get("outcome") == "promoted" and e.facts.get("version") in promoted)
    ]
    time = now()
    return [
        {"seq": e.seq, "time": e.time, "actor": e.actor, "kind": e.kind, "clock": _set(e, time), **e.facts}
        for e in told
    ]


def _version(registry: Registry, version: Version) -> dict[str, Any]:
    trouble, elsewhere = registry.broken(version), registry.elsewhere(version)
    return {
        "version": version.number,
        "record": version.record,
        "batch": version.batch,
        "rows": version.rows,
        "parent": version.parent,
        "registered": version.created,
        "passed": version.passed,
        "refused_by": list(version.refused_by),
        "artefact": trouble or ("not looked at: it lies with the registry" if elsewhere else "intact"),
        "intact": None if elsewhere else trouble is None,
    }


def _decision(entry: Entry, entries: Sequence[Entry]) -> dict[str, Any]:
    facts = {k: v for k, v in entry.facts.items() if k in ("reason", "from", "override")}
    return {"since": happened(entry, entries), "by": entry.actor, "how": entry.kind, **facts}


def _aliases(known: Aliases, versions: bool) -> dict[str, Any]:
    """What MLflow was last told, and what somebody else moved since; ``in_step`` is None where it was never told."""
    if known.told is None:
        return {"in_step": None if versions else True}
    more = {"moved": known.moved} if known.moved else {}
    return {**known.told, "in_step": not known.behind and not known.moved, **more}


def _clock(entries: Sequence[Entry]) -> dict[str, Any]:
    """Whether the clock was right: ``ahead`` are the lines that are dated later than now."""
    time = now()
    ahead = [e.seq for e in entries if e.time > time]
    behind = bool(entries) and entries[-1].clock == "behind" and not ahead
    return {"clock": "ahead" if ahead else "behind" if behind else "right", "ahead": ahead}


def _set(entry: Entry, time: str) -> str | None:
    """How the clock stood: a line is behind only where the one before it was not ahead of now."""
    return "ahead" if entry.time > time else entry.clock
