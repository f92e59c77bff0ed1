"""Where metrics go: the text file, the real Pushgateway, and what happens when there is neither."""

from __future__ import annotations

import base64
import http.server
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call, ok
from tests.ops.stack import free_port, get, pushgateway, until
from tests.ops.watch_case import Measured, ended, log, record, settings
from unseen.ops import files
from unseen.ops.places import Places
from unseen.ops.record import Outcome
from unseen.ops.watch import export


def test_the_text_file(tmp_path: Path) -> None:
    s = settings(tmp_path, metrics={"textfile": "textfiles/flights.prom"})
    assert export(ended(s, record()), s) == ()
    folder = tmp_path / "textfiles"
    assert [p.name for p in folder.iterdir()] == ["flights.prom"]  # nothing half-written beside it
    assert Measured((folder / "flights.prom").read_text())["unseen_fit_iterations"] == 40
    assert (folder / "flights.prom").stat().st_mode & 0o044 == 0o044  # node_exporter is another user


def test_the_text_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s = settings(tmp_path)
    export(ended(s, record()), s)
    place = Places.of(s).metrics()
    before = place.read_text()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    said = export(record("r2", Outcome.ERROR), s)
    assert len(said) == 1 and "metrics.textfile" in said[0] and "No space left" in said[0]
    assert place.read_text() == before
    assert [p.name for p in place.parent.iterdir()] == [place.name]


def test_a_pushgateway_that_is_not_there_is_a_warning(tmp_path: Path) -> None:
    s = settings(tmp_path, metrics={"pushgateway": f"http://127.0.0.1:{free_port()}"})
    said = export(ended(s, record()), s)
    assert len(said) == 1 and "metrics.pushgateway" in said[0]
    assert Places.of(s).metrics().exists()  # the other way worked
    line = json.loads(Places.of(s).events.read_text().splitlines()[-1])
    assert line["level"] == "warning" and line["run"] == "r1"


def test_whatever_happens_export_does_not_raise(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    s = settings(tmp_path)

    def broken(*_: Any, **__: Any) -> None:
        raise ValueError("cell value 4111 1111 1111 1111")

    monkeypatch.setattr("unseen.ops.watch.exporting.collect", broken)
    said = export(record(), s)
    assert said == ("the metrics could not be computed: ValueError in test_metrics_export.broken",)


def test_pushing_replaces_this_models_group_and_no_other(tmp_path: Path) -> None:
    with pushgateway(tmp_path) as url:
        ours = settings(tmp_path / "a", metrics={"pushgateway": url})
        other = settings(tmp_path / "b", name="trains", metrics={"pushgateway": url})
        assert export(ended(ours, record()), ours) == export(ended(other, record()), other) == ()
        pushed = get(f"{url}/metrics")
        assert 'unseen_fit_iterations{instance="",job="unseen",model="flights"} 40' in pushed
        assert 'unseen_fit_iterations{instance="",job="unseen",model="trains"} 40' in pushed
        refused = record("r2", Outcome.REFUSED, fit=None, resources=None)
        assert export(ended(ours, refused), ours) == ()
        pushed = get(f"{url}/metrics")
        assert 'unseen_validation_rows{instance="",job="unseen",model="flights"}' in pushed  # of the last fit
        assert 'unseen_retrain_duration_seconds{instance="",job="unseen",model="flights"}' not in pushed
        assert 'unseen_fit_iterations{instance="",job="unseen",model="trains"} 40' in pushed
        last = 'unseen_retrain_last_outcome{instance="",job="unseen",model="flights",outcome="refused"} 1'
        assert last in pushed


class Guarded(http.server.BaseHTTPRequestHandler):
    """Takes pushes of one user with one password."""

    def do_PUT(self) -> None:
        self.rfile.read(int(self.headers["Content-Length"]))
        wanted = "Basic " + base64.b64encode(b"robot:s3cret").decode()
        self.send_response(200 if self.headers.get("Authorization") == wanted else 401)
        self.end_headers()

    def log_message(self, *_: Any) -> None: ...


def test_the_password_comes_from_its_reference_and_is_never_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Guarded) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        gate = {"pushgateway": f"http://127.0.0.1:{server.server_port}", "username": "robot"}
        s = settings(tmp_path, metrics={**gate, "password": "env:PUSH_WORD"})
        monkeypatch.setenv("PUSH_WORD", "s3cret")
        assert export(record(), s) == ()
        monkeypatch.setenv("PUSH_WORD", "wr0ng")
        (said,) = export(record(), s)
        assert "HTTPError" in said and "wr0ng" not in said
        monkeypatch.delenv("PUSH_WORD")
        (said,) = export(record(), s)
        assert "env:PUSH_WORD" in said
        server.shutdown()
    written = "".join(p.read_text() for p in (tmp_path / ".unseen").rglob("*") if p.is_file())
    assert "s3cret" not in written and "wr0ng" not in written


# ---- unseen monitor


def file(folder: Path, more: str = "") -> Path:
    path = folder / "unseen.yaml"
    path.write_text(f"name: flights\ndata:\n  path: data\n{more}")
    return path


def test_monitor_recomputes_and_writes(tmp_path: Path) -> None:
    s = settings(tmp_path)
    ended(s, record("r1", Outcome.LIMIT, reason="out of memory"))
    said = json.loads(ok("monitor", "-c", file(tmp_path), "--json").stdout)
    assert said == {"name": "flights", "to": [str(Places.of(s).metrics())], "trouble": []}
    found = Measured(Places.of(s).metrics().read_text())
    assert found["unseen_retrain_last_outcome", "outcome=limit"] == 1
    assert found["unseen_failure_mode", "mode=F6-out-of-memory"] == 1  # the doctor was asked
    found = Measured(ok("monitor", "-c", file(tmp_path), "--print", "--no-doctor").stdout)
    assert found["unseen_fit_iterations"] == 40 and "unseen_failure_mode" not in set(found)


def test_monitor_says_so_when_it_cannot_push(tmp_path: Path) -> None:
    at = f"metrics:\n  pushgateway: http://127.0.0.1:{free_port()}\n"
    done = call("monitor", "-c", file(tmp_path, at), "--no-doctor")
    assert done.exit_code == 17 and "metrics.pushgateway" in done.stdout


def test_monitor_wants_an_address(tmp_path: Path) -> None:
    done = call("monitor", "-c", file(tmp_path), "--serve", "everywhere")
    assert done.exit_code == 2 and "HOST:PORT" in done.stderr


def test_monitor_serves_what_is_true_at_the_time_of_asking(tmp_path: Path) -> None:
    s, port = settings(tmp_path), free_port()
    script = "from unseen.cli import main; main()"
    arguments = ["monitor", "-c", str(file(tmp_path)), "--serve", f"127.0.0.1:{port}", "--no-doctor"]
    process = subprocess.Popen([sys.executable, "-c", script, *arguments], env={**os.environ}, stdout=subprocess.PIPE)
    try:
        url = f"http://127.0.0.1:{port}/metrics"
        failed = ("unseen_retrains_total", "outcome=error")
        assert Measured(until(lambda: get(url), "unseen monitor"))[failed] == 0
        ended(s, record("r1", Outcome.ERROR))
        assert Measured(get(url))[failed] == 1
        log(s, "began", record="r2")
        unfinished = Measured(get(url))["unseen_retrain_unfinished_timestamp_seconds"]
        assert abs(time.time() - unfinished) < 600
    finally:
        process.terminate()
        process.wait(200)
        assert process.stdout is not None
        process.stdout.close()
