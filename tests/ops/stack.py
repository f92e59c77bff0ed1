"""The real Prometheus, Alertmanager and Pushgateway of Debian, on free ports, in a folder of their own."""

from __future__ import annotations

import http.server
import json
import shutil
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 200.0
#: this machine may have a proxy; nothing here goes anywhere but to itself
DIRECT = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def tool(name: str) -> str:
    """The path of a Debian tool, or a skipped test that says which is missing."""
    path = shutil.which(name)
    if path is None:
        pytest.skip(f"{name} is not installed (Debian: prometheus, its -alertmanager, -pushgateway, -node-exporter)")
    return path


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port: int = s.getsockname()[1]
    return port


def get(url: str) -> str:
    with DIRECT.open(url, timeout=60) as answer:
        text: str = answer.read().decode()
    return text


def until(ready: Callable[[], Any], what: str, patience: float = PATIENCE) -> Any:
    """Ask again until the answer is true; it is returned."""
    deadline = time.monotonic() + patience
    while True:
        try:
            if answer := ready():
                return answer
        except (OSError, urllib.error.URLError, json.JSONDecodeError):
            pass
        assert time.monotonic() < deadline, f"{what}: not within {patience:g} s"
        time.sleep(0.1)


@contextmanager
def server(folder: Path, name: str, *arguments: str, ready: str) -> Iterator[None]:
    """A program that runs until the block ends; what it says is in NAME.log."""
    with open(folder / f"{name}.log", "w") as log:
        process = subprocess.Popen([tool(name), *arguments], stdout=log, stderr=subprocess.STDOUT, cwd=folder)
        try:

            def answers() -> bool:
                assert process.poll() is None, (folder / f"{name}.log").read_text()[-2000:]
                return bool(get(ready))

            until(answers, name)
            yield
        finally:
            process.terminate()
            try:
                process.wait(60)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextmanager
def pushgateway(folder: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    at = url.removeprefix("http://")
    # Debian's package sets a file for the whole machine
    own = (f"--web.listen-address={at}", f"--persistence.file={folder / 'pushgateway.metrics'}")
    with server(folder, "prometheus-pushgateway", *own, ready=f"{url}/-/ready"):
        yield url


@contextmanager
def node_exporter(folder: Path, textfiles: Path) -> Iterator[str]:
    """Reads every .prom file of a folder, and nothing of the machine."""
    url = f"http://127.0.0.1:{free_port()}"
    own = (
        f"--web.listen-address={url.removeprefix('http://')}",
        "--collector.disable-defaults",
        "--collector.textfile",
        f"--collector.textfile.directory={textfiles}",
    )
    with server(folder, "prometheus-node-exporter", *own, ready=f"{url}/metrics"):
        yield url


@contextmanager
def alertmanager(folder: Path, config: Path) -> Iterator[str]:
    url = f"http://127.0.0.1:{free_port()}"
    arguments = (
        f"--config.file={config}",
        f"--storage.path={folder / 'alertmanager'}",
        f"--web.listen-address={url.removeprefix('http://')}",
        "--cluster.listen-address=",
    )
    with server(folder, "prometheus-alertmanager", *arguments, ready=f"{url}/-/ready"):
        yield url


@contextmanager
def prometheus(folder: Path, config: dict[str, Any]) -> Iterator[str]:
    url, file = f"http://127.0.0.1:{free_port()}", folder / "prometheus.yml"
    file.write_text(json.dumps(config))  # JSON is YAML
    arguments = (
        f"--config.file={file}",
        f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address={url.removeprefix('http://')}",
    )
    with server(folder, "prometheus", *arguments, ready=f"{url}/-/ready"):
        yield url


def scraping(*targets: tuple[str, bool], **more: Any) -> dict[str, Any]:
    """A configuration that scrapes every second; of a Pushgateway the labels are kept as they were pushed."""
    jobs = [
        {"job_name": f"job{i}", "honor_labels": honor, "static_configs": [{"targets": [url.removeprefix("http://")]}]}
        for i, (url, honor) in enumerate(targets)
    ]
    pace = {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"}
    return {"global": pace, "scrape_configs": jobs, **more}


def query(url: str, expression: str) -> list[dict[str, Any]]:
    """What an instant query answers."""
    answer = json.loads(get(f"{url}/api/v1/query?{urllib.parse.urlencode({'query': expression})}"))
    assert answer["status"] == "success", answer
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


class Hook:
    """A webhook: what Alertmanager sent, in order."""

    def __init__(self) -> None:
        self.received: list[dict[str, Any]] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                hook.received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: Any) -> None: ...

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/"

    def __enter__(self) -> Hook:
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.shutdown()
        self.server.server_close()

    def told(self) -> list[tuple[str, str]]:
        """Status and name of every alert of every message."""
        return [(a["status"], a["labels"]["alertname"]) for message in self.received for a in message["alerts"]]
