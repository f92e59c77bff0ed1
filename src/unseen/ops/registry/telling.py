"""What is asked of a registry: status, history, the version that a name means; without MLflow where it is a file."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen.errors import RegistryError
from unseen.ops.registry.entry import DECISIONS, PINNED, PROMOTED, RETRAIN, Entry, happened, now
from unseen.ops.registry.excluding import left_out, set_aside
from unseen.ops.registry.mirror import Aliases
from unseen.ops.registry.opening import moved
from unseen.ops.registry.state import State, Version

if TYPE_CHECKING:
    from unseen.ops.registry.registry import Registry


def status(registry: Registry) -> dict[str, Any]:
    """What is in production, since when, by whom and why; what would be next, what was before; what is wrong."""
    entries = registry.log.entries()
    state = State.of(entries, registry.settings.name)
    retrain = next((e for e in reversed(entries) if e.kind == RETRAIN), None)
    seen = registry.tracking.seen()
    before = None if seen is None else moved(registry.settings, seen)

    def told(version: Version | None, **more: Any) -> dict[str, Any] | None:
        return None if version is None else {**_version(registry, version), **more}

    return {
        "name": registry.settings.name,
        "champion": told(state.champion, **(_decision(state.decisions[-1], entries) if state.decisions else {})),
        "challenger": told(state.challenger),
        "rollback": told(state.fallback),
        "retrain": retrain and {"actor": retrain.actor, **retrain.facts, "time": happened(retrain, entries)},
        "pinned": told(_pinned(entries, state)),
        "excluded": {**{a.name: a.why for a in set_aside(entries).values()}, **left_out(entries)},
        "aliases": _aliases(registry.mirror.compared(state), bool(state.versions)),
        "registry": registry.trouble(state),
        "moved": None if before is None else str(before),
        "log": {"lines": len(entries), **_clock(entries)},
    }


def history(entries: Sequence[Entry]) -> list[dict[str, Any]]:
    """One plain object per decision, the newest last; a retrain that promoted is told by its promotion."""
    promoted, time = {e.facts["version"] for e in entries if e.kind == PROMOTED}, now()
    found = []
    for e in entries:
        twice = e.kind == RETRAIN and e.facts.get("outcome") == "promoted" and e.facts.get("version") in promoted
        if e.kind in DECISIONS and not twice:
            clock = "ahead" if e.time > time else e.clock
            found.append({"seq": e.seq, "time": e.time, "actor": e.actor, "kind": e.kind, "clock": clock, **e.facts})
    return found


def _pinned(entries: Sequence[Entry], state: State) -> Version | None:
    number = next((e.facts["version"] for e in reversed(entries) if e.kind == PINNED), None)
    return state.versions.get(number) if number is not None else None


def _version(registry: Registry, version: Version) -> dict[str, Any]:
    trouble, elsewhere = registry.broken(version), registry.artefacts.path(version) is None
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


def others(registry: Registry, state: State, but: int) -> str:
    """Which versions beside one and the champion are whole, with the command that takes production to the last."""
    out, name = (but, state.aliases["champion"]), registry.settings.name
    whole = [v for v in state.versions.values() if v.number not in out and registry.broken(v) is None]
    known = [v.number for v in whole if state.was_champion(v.number)]
    if known:
        many = f"s {', '.join(map(str, known))} are" if len(known) > 1 else f" {known[0]} is"
        way = f'`unseen rollback {name} --to {known[-1]} --reason "..."` goes to version {known[-1]}'
        return f"of those that were champion version{many} whole: {way}"
    if whole:
        override = " --override" * bool(whole[-1].held_back)
        way = f'`unseen promote {name} --to {whole[-1].number}{override} --reason "..."`'
        return f"version {whole[-1].number} is whole: {way} makes it the champion"
    return "no other version is whole"


def broken_ones(registry: Registry, state: State) -> dict[int, str]:
    """What is wrong with the artefacts of versions that were not cleared away, and what can be done, by number."""
    found = {}
    for version in state.versions.values():
        if version.pruned or (trouble := registry.broken(version)) is None:
            continue
        kept = registry.artefacts.kept(version)
        copy = f" (its fit is whole in {kept})" if kept is not None else ""
        found[version.number] = f"{trouble}: put a whole copy back{copy}"
    return found


# ---- names: ``NAME``, ``NAME@3``, ``NAME@champion``, ``NAME@challenger``


def resolve(text: str, config: str | Path = "unseen.yaml") -> Path:
    """The folder of the fit that a name means, in the project of a file; the name alone means the champion.

    Raises `ConfigError` where there is no such file, or it cannot be used, `RegistryError` as of `named` and
    `Registry.run`.
    """
    from unseen.ops.config import load
    from unseen.ops.registry.registry import Registry

    registry = Registry(load(config))
    return registry.run(named(registry, text))


def named(registry: Registry, text: str) -> Version:
    """The version that a name means; `RegistryError` where the project has another name, or no such version."""
    name, at, which = text.partition("@")
    if name != registry.settings.name:
        raise RegistryError(f"the model here is {registry.settings.name!r}, not {name!r}")
    state = registry.state()
    if at and which not in state.aliases:
        if not which.isdecimal():
            raise RegistryError(f"{text} names no version: write {name}@3, {name}@champion or {name}@challenger")
        return state.version(int(which))
    found = state.challenger if which == "challenger" else state.champion
    if found is None:
        raise RegistryError(f"{name!r} has no {which or 'champion'} yet: `unseen status` shows what there is")
    return found
