"""Where MLflow keeps what it keeps, and its slow import out of the way."""

from __future__ import annotations

import os
import threading
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from unseen.errors import RegistryError
from unseen.ops.config.settings import Settings
from unseen.ops.registry.log import PATIENCE_SECONDS, locked

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

_clients: dict[str, Any] = {}
_one_at_a_time = threading.RLock()


def address(settings: Settings) -> str:
    """The tracking address: a SQLite file beside the state unless the settings name another."""
    uri = settings.registry.uri
    if uri is None:
        return f"{SQLITE}{settings.home / 'mlflow.db'}"
    if uri.startswith(SQLITE):
        return f"{SQLITE}{settings.within(uri.removeprefix(SQLITE))}"
    return uri


def artifacts(settings: Settings) -> str | None:
    """Where artefacts go; None leaves it to a server."""
    named = settings.registry.artifacts
    if named is not None and "://" in named:
        return named
    if named is not None:
        return settings.within(named).as_uri()
    return (settings.home / "artifacts").as_uri() if address(settings).startswith(SQLITE) else None


def experiment(settings: Settings) -> str:
    """The MLflow experiment that the runs of this model belong to."""
    return settings.registry.experiment or settings.name


def local(uri: str) -> Path | None:
    """The path of an artefact on this machine, or None where it lies elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if parts.scheme == "" else None


def client(settings: Settings) -> Any:
    """MLflow's client for these settings; one per address, opened once, whichever thread asks first."""
    uri = address(settings)
    with _one_at_a_time:
        if uri not in _clients:
            _mind_manners()
            from mlflow import MlflowClient

            _make(uri)
            probe(uri)
            _clients[uri] = MlflowClient(uri, uri)
        probe(uri)
        return _clients[uri]


def probe(uri: str) -> None:
    """Ask a SQLite file whether it can be written to: MLflow itself would try for minutes before it says no.

    Raises
    ------
    sqlite3.Error
        The file is locked, is no database, or cannot be written.
    """
    path = _file(uri)
    if path is None:
        return
    import sqlite3

    connection = sqlite3.connect(path, timeout=PROBE_SECONDS, isolation_level=None)
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    finally:
        connection.close()


def _make(uri: str) -> None:
    """Make a SQLite file with MLflow's tables, whole or not at all: MLflow cannot go on with half of them.

    Raises
    ------
    RegistryError
        MLflow cannot open a file with such a path, or its folder cannot be written.
    """
    path = _file(uri)
    if path is None or (path.exists() and path.stat().st_size):
        return
    import shutil
    import sqlite3
    from contextlib import closing

    from mlflow import MlflowClient

    making = path.with_name(f"{path.name}.making")
    with locked(path.with_name(f"{path.name}.lock"), PATIENCE_SECONDS):
        if path.exists() and path.stat().st_size:
            return
        shutil.rmtree(making, ignore_errors=True)
        making.mkdir()
        draft = f"{SQLITE}{making / 'draft.db'}"
        MlflowClient(draft, draft).search_registered_models(max_results=1)
        with closing(sqlite3.connect(making / "draft.db")) as tables, closing(sqlite3.connect(making / "db")) as whole:
            tables.backup(whole)
        os.replace(making / "db", path)
        shutil.rmtree(making, ignore_errors=True)


def _file(uri: str) -> Path | None:
    """The SQLite file of an address, or None where it is a server's."""
    if not uri.startswith(SQLITE):
        return None
    path = Path(uri.removeprefix(SQLITE))
    if any(c in str(path) for c in "%?#"):
        raise RegistryError(f"MLflow opens no database with %, ? or # in its path ({path}): move it with registry.uri")
    return path


def _mind_manners() -> None:
    for name, value in MANNERS.items():
        os.environ.setdefault(name, value)
