"""Status and history as plain facts: read from the log and the files beside it, without MLflow."""

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
    REPAIRED,
    RETRAIN,
    ROLLED_BACK,
    Entry,
)
from unseen.ops.registry.excluding import left_out
from unseen.ops.registry.mirror import aliases
from unseen.ops.registry.state import State, Version

if TYPE_CHECKING:
    from unseen.ops.registry.registry import Registry

DECISIONS = (PROMOTED, ROLLED_BACK, PINNED, RETRAIN, JUDGED, REPAIRED, EXCLUDED, INCLUDED, PRUNED)


def status(registry: Registry) -> dict[str, Any]:
    """What is in production, since when, by whom and why; what would be next, what was before; what is wrong."""
    entries, state = registry.log.entries(), registry.state()
    champion, challenger, fallback = state.champion, state.challenger, state.fallback
    retrain = next((e for e in reversed(entries) if e.kind == RETRAIN), None)
    return {
        "name": registry.settings.name,
        "champion": None if champion is None else {**_version(registry, champion), **_decision(state.decisions[-1])},
        "challenger": None if challenger is None else _version(registry, challenger),
        "rollback": None if fallback is None else _version(registry, fallback),
        "retrain": None if retrain is None else {"time": retrain.time, "actor": retrain.actor, **retrain.facts},
        "excluded": left_out(entries),
        "aliases": _aliases(registry, state),
        "log": {"lines": len(entries), "clock": "behind" if entries and entries[-1].clock else "ahead"},
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
    return [{"seq": e.seq, "time": e.time, "actor": e.actor, "kind": e.kind, "clock": e.clock, **e.facts} for e in told]


def _version(registry: Registry, version: Version) -> dict[str, Any]:
    trouble = registry.broken(version)
    elsewhere = registry.elsewhere(version)
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


def _decision(entry: Entry) -> dict[str, Any]:
    facts = {k: v for k, v in entry.facts.items() if k in ("reason", "from", "override")}
    return {"since": entry.time, "by": entry.actor, "how": entry.kind, **facts}


def _aliases(registry: Registry, state: State) -> dict[str, Any]:
    """What MLflow was last told; ``in_step`` is None where it was never told anything."""
    told, now = registry.mirror.told(), aliases(state)
    if not told:
        return {"in_step": None if state.versions else True}
    return {k: told.get(k) for k in now} | {"in_step": all(told.get(k) == v for k, v in now.items())}
