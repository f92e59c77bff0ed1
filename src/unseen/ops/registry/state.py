"""What the log means: versions, champion, challenger, where a rollback goes, what may be decided. It reads no file."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from unseen.errors import ConflictError, RegistryError
from unseen.ops.registry.entry import JUDGED, PROMOTED, PRUNED, REGISTERED, ROLLED_BACK, Entry


@dataclass(frozen=True, slots=True)
class Version:
    """A fit that was registered; what it is never changes, only what was decided about it.

    ``run`` is MLflow's id, ``record`` the retrain's; ``artifact`` is a path under the state folder or an address;
    ``content`` is the hash of the saved fit, ``files`` the SHA-256 of every file of the artefact. ``outcome`` is
    ``held`` until it is ``promoted``, and ``rolled_back`` once production went back from it. A ``pruned`` one has been
    cleared away and is known by its lines alone.
    """

    number: int
    record: str
    run: str
    artifact: str
    content: str
    files: Mapping[str, str]
    parent: int | None
    batch: str
    rows: int
    created: str
    passed: bool
    refused_by: tuple[str, ...] = ()
    outcome: str = "held"
    pruned: bool = False

    @property
    def held_back(self) -> str:
        """Why it may not be promoted without an override; empty where it may."""
        if self.outcome == "rolled_back":
            return "production went back from it"
        return "" if self.passed else f"the gates refused it ({', '.join(self.refused_by) or 'none was configured'})"


@dataclass(frozen=True, slots=True)
class State:
    """What is in production, derived from the entries of the log."""

    versions: Mapping[int, Version] = field(default_factory=dict)
    decisions: tuple[Entry, ...] = ()

    @classmethod
    def of(cls, entries: Sequence[Entry], name: str) -> State:
        """Read the entries in their order; `RegistryError` where they are those of a model of another name."""
        versions: dict[int, Version] = {}
        decisions: list[Entry] = []
        for entry in entries:
            facts = entry.facts
            if facts.get("name", name) != name:
                raise RegistryError(
                    f"the state folder holds the log of {facts['name']!r}, not of {name!r}: give each model its own "
                    "(state: in unseen.yaml)"
                )
            if entry.kind == REGISTERED:
                versions[facts["version"]] = _version(entry)
            elif entry.kind in (JUDGED, PROMOTED, ROLLED_BACK) and facts["version"] not in versions:
                raise RegistryError(
                    f"line {entry.seq} of the log decides about version {facts['version']}, which was never registered"
                )
            elif entry.kind == JUDGED:
                new = {"passed": facts["passed"], "refused_by": tuple(facts["refused_by"])}
                versions[facts["version"]] = replace(versions[facts["version"]], **new)
            elif entry.kind == PRUNED:
                gone = {n: replace(versions[n], pruned=True) for n in facts["versions"] if n in versions}
                versions.update(gone)
            elif entry.kind in (PROMOTED, ROLLED_BACK):
                if entry.kind == ROLLED_BACK and facts["from"] in versions:
                    versions[facts["from"]] = replace(versions[facts["from"]], outcome="rolled_back")
                versions[facts["version"]] = replace(versions[facts["version"]], outcome="promoted")
                decisions.append(entry)
        return cls(versions, tuple(decisions))

    @property
    def champion(self) -> Version | None:
        return self.versions[self.decisions[-1].facts["version"]] if self.decisions else None

    @property
    def challenger(self) -> Version | None:
        """The newest version, unless it has been champion."""
        newest = max(self.versions, default=None)
        return None if newest is None or self.was_champion(newest) else self.versions[newest]

    @property
    def fallback(self) -> Version | None:
        """Where a rollback goes: the last champion before this one that production did not go back from."""
        now = self.champion
        for entry in reversed(self.decisions):
            version = self.versions[entry.facts["version"]]
            if now is not None and version.number != now.number and version.outcome == "promoted":
                return version
        return None

    @property
    def aliases(self) -> dict[str, int | None]:
        """Where MLflow's aliases should point."""
        named = {"champion": self.champion, "challenger": self.challenger}
        return {alias: None if version is None else version.number for alias, version in named.items()}

    def was_champion(self, number: int) -> bool:
        return any(entry.facts["version"] == number for entry in self.decisions)

    def of_record(self, record: str) -> Version | None:
        """The newest version of a retrain."""
        return next((v for v in reversed(list(self.versions.values())) if v.record == record), None)

    def version(self, number: int) -> Version:
        """A version by number; `RegistryError` where it was never registered, whatever MLflow may say."""
        if number not in self.versions:
            around = sorted(sorted(self.versions, key=lambda n: (abs(n - number), -n))[:3])
            known = ", ".join(map(str, around)) or "none yet"
            raise RegistryError(
                f"the log knows no version {number}: a version is what a retrain registered after a usable fit; the "
                f"nearest are: {known}"
            )
        return self.versions[number]

    def expect(self, expected: int | None) -> None:
        """Raise a `ConflictError` that says who was first, where the champion is not the one that was compared with."""
        now = self.aliases["champion"]
        if now == expected:
            return
        if now is None:
            raise ConflictError(f"version {expected} is no champion: there is none yet")
        last = self.decisions[-1]
        raise ConflictError(
            f"the champion is no longer {'none' if expected is None else f'version {expected}'}: version {now} was "
            f"{last.kind.replace('_', ' ')} by {last.actor} at {last.time[:19]}Z. Compare again with the new one: "
            f"unseen gate {last.facts.get('name', 'NAME')}@challenger --against champion"
        )


def _version(entry: Entry) -> Version:
    facts: dict[str, Any] = {k: entry.facts[k] for k in Version.__slots__ if k in entry.facts}
    facts["refused_by"] = tuple(facts["refused_by"])
    return Version(number=entry.facts["version"], created=entry.time, **facts)
