"""Where MLflow keeps what it keeps, its slow import out of the way, and a look at it without that import."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from unseen.errors import RegistryError
from unseen.ops.config.settings import Settings
from unseen.ops.registry.artefact import local
from unseen.ops.registry.log import locked

SQLITE = "sqlite:///"
#: MLflow's own retries would hide ours and take minutes; the rest keeps it quiet and to itself
MANNERS = {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "0",
    "MLFLOW_HTTP_REQUEST_TIMEOUT": "20",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_UV_AUTO_DETECT": "false",
    "GIT_PYTHON_REFRESH": "quiet",
}
PROBE_SECONDS = 1.0
#: where MLflow keeps absolute paths of artefacts
PATHS = (
    ("experiments", "artifact_location"),
    ("runs", "artifact_uri"),
    ("model_versions", "source"),
    ("model_versions", "storage_location"),
    ("logged_models", "artifact_location"),
)

#: what is read of its tables
VERSIONS = """
    SELECT v.version, v.current_stage, t.value FROM model_versions v LEFT JOIN model_version_tags t
    ON t.name = v.name AND t.version = v.version AND t.key = 'unseen.record' WHERE v.name = ?
"""
ALIASES = "SELECT alias, version FROM registered_model_aliases WHERE name = ?"
PLACE = "SELECT artifact_location FROM experiments WHERE name = ?"

#: by address: the file that was opened there (None for a server), and MLflow's client
_clients: dict[str, tuple[int | None, Any]] = {}
_one_at_a_time = threading.RLock()


@dataclass(frozen=True, slots=True)
class Seen:
    """What MLflow holds of a model.

    ``records`` are its versions with the retrain that each is tagged with, ``newest`` the last number that was given,
    deleted ones among them, ``place`` where artefacts of the experiment go.
    """

    records: Mapping[int, str | None] = field(default_factory=dict)
    aliases: Mapping[str, int] = field(default_factory=dict)
    newest: int = 0
    place: str | None = None


def address(settings: Settings) -> str:
    """The tracking address: a SQLite file beside the state unless the settings name another."""
    uri = settings.registry.uri
    if uri is None:
        return f"{SQLITE}{settings.home / 'mlflow.db'}"
    return f"{SQLITE}{settings.within(uri.removeprefix(SQLITE))}" if uri.startswith(SQLITE) else uri


def artifacts(settings: Settings) -> str | None:
    """Where artefacts go; None leaves it to a server."""
    named = settings.registry.artifacts
    if named is not None:
        return named if "://" in named else settings.within(named).as_uri()
    return (settings.home / "artifacts").as_uri() if address(settings).startswith(SQLITE) else None


def experiment(settings: Settings) -> str:
    """The MLflow experiment that the runs of this model belong to."""
    return settings.registry.experiment or settings.name


def database(uri: str) -> Path | None:
    """The SQLite file of an address, or None where it is a server's; `RegistryError` where MLflow cannot open it."""
    if not uri.startswith(SQLITE):
        return None
    path = Path(uri.removeprefix(SQLITE))
    if any(c in str(path) for c in "%?#"):
        raise RegistryError(f"MLflow opens no database with %, ? or # in its path ({path}): move it with registry.uri")
    return path


def client(settings: Settings) -> Any:
    """MLflow's client for these settings; one per address, opened once, whichever thread asks first."""
    uri = address(settings)
    path = database(uri)
    with _one_at_a_time:
        opened, known = _clients.get(uri, (None, None))
        new = known is None or _number(path) != opened
        if new:
            _mind_manners()
            if path is not None and _empty(path):
                _make(path)
        probe(uri)
        if new:
            from mlflow import MlflowClient

            _let_go(known)
            _clients[uri] = _number(path), MlflowClient(uri, uri)
        if path is not None:
            _rebase(settings, path)
        return _clients[uri][1]


def probe(uri: str) -> None:
    """Ask a SQLite file whether it can be written to: MLflow itself would try for minutes before it says no.

    Raises `sqlite3.Error` where it is locked, is no database, or cannot be written.
    """
    path = database(uri)
    if path is not None:
        with closing(sqlite3.connect(path, timeout=PROBE_SECONDS, isolation_level=None)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")


def look(settings: Settings, path: Path) -> Seen | None:
    """What a SQLite file of MLflow's holds of a model; None where it cannot be read at the moment.

    Its tables are read as they are: importing MLflow takes seconds, which `unseen status` is not to cost.
    """
    if _empty(path):
        return Seen()
    reading = f"file:{quote(str(path))}?mode=ro"
    with suppress(sqlite3.Error), closing(sqlite3.connect(reading, uri=True, timeout=PROBE_SECONDS)) as tables:
        rows = tables.execute(VERSIONS, [settings.name]).fetchall()
        aliases = {alias: int(number) for alias, number in tables.execute(ALIASES, [settings.name])}
        found = tables.execute(PLACE, [experiment(settings)]).fetchone()
        there = {int(number): record for number, stage, record in rows if stage != "Deleted_Internal"}
        return Seen(there, aliases, max((int(row[0]) for row in rows), default=0), found and found[0])
    return None


def inside(settings: Settings) -> bool:
    """Whether the registry is a file of this state folder, which is nobody else's."""
    return address(settings).startswith(f"{SQLITE}{settings.home}/")


def moved(settings: Settings, seen: Seen) -> Path | None:
    """Where MLflow would still put artefacts, if that is the state folder as it was before it was moved or copied."""
    here = artifacts(settings)
    if not address(settings).startswith(SQLITE) or settings.registry.artifacts is not None or seen.place is None:
        return None
    there = local(seen.place)
    return None if here is None or there == local(here) else there


def _rebase(settings: Settings, path: Path) -> None:
    """Let MLflow's paths begin where the state folder is now: a copy must not write into the folder it was made of."""
    seen = look(settings, path)
    before = None if seen is None or not inside(settings) else moved(settings, seen)
    if before is None:
        return
    old, new = before.parent.as_uri(), settings.home.as_uri()
    with closing(sqlite3.connect(path, timeout=PROBE_SECONDS)) as tables, tables:
        for table, column in PATHS:
            change = f"UPDATE {table} SET {column} = ? || substr({column}, ?) WHERE substr({column}, 1, ?) = ?"
            tables.execute(change, [new, len(old) + 1, len(old) + 1, f"{old}/"])


def _make(path: Path) -> None:
    """Make a SQLite file with MLflow's tables, whole or not at all: MLflow cannot go on with half of them."""
    import shutil

    from mlflow import MlflowClient

    making = path.with_name(f"{path.name}.making")
    with locked(path.with_name(f"{path.name}.lock")):
        if not _empty(path):
            return
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        draft = f"{SQLITE}{making / 'draft.db'}"
        MlflowClient(draft, draft).search_registered_models(max_results=1)
        with closing(sqlite3.connect(making / "draft.db")) as tables, closing(sqlite3.connect(making / "db")) as whole:
            tables.backup(whole)
        os.replace(making / "db", path)
        shutil.rmtree(making, ignore_errors=True)


def _mind_manners() -> None:
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)


def _empty(path: Path) -> bool:
    return not path.exists() or not path.stat().st_size


def _number(path: Path | None) -> int | None:
    """What tells a file from another that later has its place."""
    try:
        return None if path is None else path.stat().st_ino
    except OSError:
        return -1


def _let_go(known: Any) -> None:
    """MLflow keeps its connections, also to a file that is no more."""
    with suppress(AttributeError):
        known._tracking_client.store.engine.dispose()
        known._get_registry_client().store.engine.dispose()
