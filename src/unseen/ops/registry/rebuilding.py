"""The registry made anew from log and artefacts, where its database was deleted or replaced by an older copy."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config import settings_hash
from unseen.ops.config.settings import Settings
from unseen.ops.files import why
from unseen.ops.registry import artefact
from unseen.ops.registry.entry import REBUILT
from unseen.ops.registry.mirror import lacking
from unseen.ops.registry.opening import Seen, database, inside
from unseen.ops.registry.publishing import PARAMETERS
from unseen.ops.registry.registry import Registry
from unseen.ops.registry.report import OF_SETTINGS, Report, milliseconds, report_of, tags
from unseen.ops.registry.state import State, Version
from unseen.ops.runs import RECORD, read


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """The ``versions`` that were made anew, where an old database was put aside, and what could not be restored."""

    versions: tuple[int, ...] = ()
    aside: Path | None = None
    lost: tuple[str, ...] = ()


def rebuild(settings: Settings) -> Rebuilt:
    """Make the registry hold every version of the log again, with its number, tags, run and aliases.

    What it holds already is left as it is: a rebuild that was interrupted goes on, and a second one does nothing.
    `RegistryError` says that the log cannot be trusted, or the registry not be reached, or is another state folder's.
    """
    registry = Registry(settings)
    with registry.mirror.alone():
        state = registry.state()
        seen = _seen(registry)
        if not state.versions and seen.records:
            why_not = registry.trouble(state) or f"the log of {settings.name!r} has no version to rebuild from"
            raise RegistryError(why_not)
        aside = _put_aside(registry, state, seen)
        if aside is not None:
            seen = Seen()
        made, lost, gone = [], [], [n for n in registry.mirror.gone() if n in state.versions]
        for number in range(1, max(state.versions, default=0) + 1):
            version = state.versions.get(number)
            if number <= seen.newest:
                if version is not None and number not in seen.records and number not in gone:
                    lost.append(f"version {number} was deleted in MLflow, which gives no number twice")
                continue
            if not _made(registry, version, number):
                gone.append(number)
                lost.append(f"version {number} has no place in MLflow any more, which gives no number twice")
            elif version is not None:
                made.append(number)
                lost += _lost(registry, version)
        registry.mirror.write(state, gone)
        if made or aside:
            registry.log.append(REBUILT, name=settings.name, versions=made, lost=lost)
    return Rebuilt(tuple(made), aside, tuple(lost))


def _seen(registry: Registry) -> Seen:
    # opened first: it says in words, and after the tries that are configured, why it cannot be
    registry.tracking.call("say what it holds", lambda c: c.search_registered_models(max_results=1))
    seen = registry.tracking.seen()
    if seen is None:
        raise RegistryError(f"the registry at {registry.tracking.uri} cannot be read")
    return seen


def _put_aside(registry: Registry, state: State, seen: Seen) -> Path | None:
    """Make room for a new file where the old one's numbers are taken."""
    settings, uri = registry.settings, registry.tracking.uri
    wrong = [n for n in lacking(state, seen) if n <= seen.newest]
    deleted = [n for n in state.versions if n <= seen.newest and n not in seen.records]
    if not wrong and not (deleted and inside(settings)):
        return None
    path = database(uri)
    if path is None or not inside(settings):
        raise RegistryError(
            f"the registry at {uri} has other versions under the numbers of {settings.name!r}, and is not this state "
            "folder's own: point registry.uri at the old one, or leave it out"
        )
    taken = sum(1 for _ in path.parent.glob(f"{path.name}.aside-*"))
    aside = path.with_name(f"{path.name}.aside-{taken + 1}")
    try:
        os.rename(path, aside)
    except OSError as error:
        raise RegistryError(f"{path} cannot be put aside: {why(error)}") from error
    return aside


def _made(registry: Registry, version: Version | None, number: int) -> bool:
    """Make the version of a number; one that the log does not know is made and deleted, as it once was."""
    unknown = Report(f"number {number}", {"unseen.record": "none", "unseen.number": str(number)})
    report, tracking = unknown if version is None else _report(registry, version), registry.tracking
    here = None if version is None else registry.artefacts.path(version)
    with ExitStack() as stack:
        if version is not None and here is None:  # a server wants an artefact to be of the run that it is said to be of
            with suppress(RegistryError):
                folder = stack.enter_context(tracking.fetched(version.artifact))
                report = replace(report, artefact=None if artefact.broken(folder, version.files) else folder)
        run = tracking.report(report)
    source = None if here is None else here.as_uri()
    made = int(tracking.version(run, {**report.identity, **report.tags}, source).version)
    if version is None or made != number:
        tracking.forget(made)
    return made == number


def _report(registry: Registry, version: Version) -> Report:
    """The run as its retrain reported it, as far as its record and its fit are still there."""
    from unseen.store import load

    identity = {
        "unseen.record": version.record,
        "unseen.parameters": version.files.get(f"{artefact.FIT}/{PARAMETERS}", ""),
    }
    try:
        record = read(registry.places.run(version.record))
        if record is not None and record.fit is not None and record.batch is not None:
            report = report_of(registry.settings, record, load(registry.run(version)), identity, version.content)
            same = record.settings == settings_hash(registry.settings)
            params = {k: v for k, v in report.params.items() if same or k not in OF_SETTINGS}
            return replace(report, params=params)
    except UnseenError:
        pass
    known = {"batch": version.batch, "parent": version.parent, "content": version.content}
    return Report(
        name=version.record,
        identity=identity,
        started=milliseconds(version.created),
        tags=tags(passed=version.passed, refused_by=version.refused_by, **known),
        params={"rows": version.rows, "batch": version.batch},
    )


def _lost(registry: Registry, version: Version) -> list[str]:
    """What of a version could not be restored."""
    out = []
    if (trouble := registry.artefacts.trouble(version)) is not None:
        out.append(f"version {version.number} has no whole artefact: {trouble}")
    if not (registry.places.run(version.record) / RECORD).is_file():
        out.append(f"version {version.number} has a run without metrics: the record of {version.record} is gone")
    return out
