"""When MLflow does not answer: tried again, then said, with what to do."""

from __future__ import annotations

import os
import socket
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.ops.registry_case import COLUMNS, fitted, holding, registered, registry, with_database
from unseen.errors import RegistryError
from unseen.ops.record import Verdict
from unseen.ops.registry import Registry, opening
from unseen.ops.registry.tracking import Tracking


@pytest.fixture
def loop(tmp_path: Path) -> Registry:
    return with_database(tmp_path)


# ---- when it does not answer


def test_a_locked_database_is_tried_again_and_then_said(loop: Registry) -> None:
    with holding(loop.places.home / "mlflow.db"):
        said = r"mlflow\.db is locked by another process \(2 tries\).*retries\.attempts and retries\.most_seconds"
        with pytest.raises(RegistryError, match=said):
            registered(loop, "a")
    assert loop.versions() == () and registered(loop, "a") == 1


def test_a_lock_that_passes_is_waited_for(loop: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    tries: list[str] = []
    held = holding(loop.places.home / "mlflow.db")
    probe = opening.probe

    def let_go_after_one(uri: str) -> None:
        try:
            probe(uri)
        except sqlite3.OperationalError:
            tries.append(uri)
            held.__exit__(None, None, None)
            raise

    monkeypatch.setattr(opening, "probe", let_go_after_one)
    held.__enter__()
    assert registered(loop, "a") == 1 and len(tries) == 1


def test_a_server_that_is_not_there_is_said(tmp_path: Path) -> None:
    with socket.socket() as port:
        port.bind(("127.0.0.1", 0))  # ours, and nobody listens
        loop = registry(tmp_path, registry={"uri": f"http://127.0.0.1:{port.getsockname()[1]}"})
        said = r"the registry at http://127\.0\.0\.1:\d+ cannot be reached \(2 tries\).*registry\.uri"
        with pytest.raises(RegistryError, match=said):
            registered(loop, "a")
    assert loop.versions() == ()


REFUSALS = [
    (503, "TEMPORARILY_UNAVAILABLE", r"cannot be reached \(2 tries\)", 2),
    (429, "REQUEST_LIMIT_EXCEEDED", r"cannot be reached \(2 tries\)", 2),
    (403, "PERMISSION_DENIED", r"did not look for a version \(RestException, PERMISSION_DENIED\)", 1),
]


@pytest.mark.parametrize(("status", "code", "said", "tries"), REFUSALS)
def test_a_server_that_says_no_is_said(tmp_path: Path, status: int, code: str, said: str, tries: int) -> None:
    asked: list[str] = []
    with answering(status, code, asked) as port:
        loop = registry(tmp_path, registry={"uri": f"http://127.0.0.1:{port}"})
        with pytest.raises(RegistryError, match=said) as caught:
            registered(loop, "a")
    assert "4111" not in str(caught.value)
    assert len(asked) == 1 + tries  # it is looked at once before


@contextmanager
def answering(status: int, code: str, asked: list[str]) -> Iterator[int]:
    """A server that gives the same answer to everything."""
    from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            body = b'{"error_code": "%s", "message": "4111-1111-1111-1111"}' % code.encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        do_POST = do_GET

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield server.server_address[1]
    finally:
        server.shutdown()
        server.server_close()


def test_what_is_no_database_is_said(tmp_path: Path) -> None:
    loop = registry(tmp_path)
    loop.places.home.mkdir()
    (loop.places.home / "mlflow.db").write_text("a text, and a long one at that " * 100)
    with pytest.raises(RegistryError, match=r"mlflow\.db did not look for a version \(DatabaseError, SQLITE_NOTADB\)"):
        registered(loop, "a")


def test_tables_of_another_mlflow_are_said_with_the_way_on(loop: Registry) -> None:
    with sqlite3.connect(loop.places.home / "mlflow.db") as database:
        database.execute("UPDATE alembic_version SET version_num = '000000000000'")
    with pytest.raises(RegistryError, match=r"tables of another MLflow: back it up, then `mlflow db upgrade sqlite:"):
        registered(loop, "a")


def test_a_path_that_mlflow_cannot_open_is_said(tmp_path: Path) -> None:
    loop = registry(tmp_path, state="100%")
    with pytest.raises(RegistryError, match="MLflow opens no database with %"):
        registered(loop, "a")


def test_a_state_folder_with_a_space_and_an_umlaut(tmp_path: Path) -> None:
    loop = with_database(tmp_path, state="der größte Zustand")
    registered(loop, "a")
    loop.promote(1, None, "first")
    assert loop.behind is None and loop.versions()[0].artifact.startswith("artifacts/")


def test_no_room_for_an_artefact_is_said(loop: Registry) -> None:
    (loop.places.home / "artifacts").write_text("a file where the artefacts should go")
    with pytest.raises(RegistryError, match="did not take the artefact: (Not a directory|File exists)"):
        registered(loop, "a")
    assert loop.versions() == ()


# ---- opening


def test_it_may_be_opened_from_everywhere_at_once(loop: Registry) -> None:
    threads = [threading.Thread(target=opening.client, args=(loop.settings,)) for _ in range(5)]
    for thread in threads:
        thread.start()
    assert registered(loop, "a") == 1
    for thread in threads:
        thread.join()
    assert len([c for uri, c in opening._clients.items() if uri == loop.tracking.uri]) == 1


def test_manners_can_be_changed_from_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "7")
    opening._mind_manners()
    assert os.environ["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "7" and os.environ["MLFLOW_DISABLE_TELEMETRY"] == "true"


def test_a_refusal_names_every_gate(loop: Registry) -> None:
    gates = tuple(Verdict(gate=name, passed=False, reason="no") for name in ("heldout_drop", "max_moved"))
    registered(loop, "a", gates=gates)
    with pytest.raises(Exception, match=r"the gates refused it \(heldout_drop, max_moved\)"):
        loop.promote(1, None, "why")


def test_the_columns_of_this_case_are_those_of_the_fit() -> None:
    assert tuple(f.name for f in fitted().encoding.fields) == COLUMNS
    assert Tracking(registry(Path("/nowhere")).settings).uri == "sqlite:////nowhere/.unseen/mlflow.db"
