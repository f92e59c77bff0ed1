"""A real Spark cluster on this machine: a master and workers as processes of their own, from the wheel of PySpark."""

from __future__ import annotations

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
#: seconds in which a process of the cluster has to say that it is ready
PATIENCE = 120.0


def needs_spark() -> Any:
    """Skip where Spark cannot run, and say what is missing."""
    missing = [] if find_spec("pyspark") else ["PySpark (pip install 'unseen[spark]')"]
    missing += [] if shutil.which("java") else ["Java 17 (Debian: openjdk-17-jre-headless)"]
    return pytest.mark.skipif(bool(missing), reason=f"Spark needs {' and '.join(missing)}")


def environment(**more: str) -> dict[str, str]:
    """What processes of the cluster and its drivers are told."""
    import pyspark

    home = str(Path(pyspark.__file__).parent)
    known = {
        "SPARK_HOME": home,
        "SPARK_LOCAL_IP": "127.0.0.1",
        "PYSPARK_PYTHON": sys.executable,
        "OMP_NUM_THREADS": "1",
    }
    return {**os.environ, **known, "PYTHONPATH": f"{ROOT / 'src'}{os.pathsep}{ROOT}", **more}


def free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@dataclass
class Cluster:
    """The address of a master, and its workers by name."""

    folder: Path
    address: str = ""
    ui: str = ""
    workers: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def submitted(self, *options: str) -> dict[str, str]:
        """The environment of a driver of this cluster."""
        told = [
            "--master",
            self.address,
            "--conf",
            "spark.driver.host=127.0.0.1",
            "--conf",
            "spark.executor.memory=512m",
        ]
        return environment(PYSPARK_SUBMIT_ARGS=" ".join([*told, *options, "pyspark-shell"]))


def _children(pid: int) -> list[int]:
    found: list[int] = []
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
        if parent == pid:
            child = int(status.parent.name)
            found += [*_children(child), child]
    return found


@contextmanager
def cluster(folder: Path, workers: int = 2) -> Iterator[Cluster]:
    """A master and so many workers of one core each, until the block ends."""
    here = Cluster(folder)
    with ExitStack() as stack:
        port, ui = free_port(), free_port()
        _started(stack, here, "master", ["Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(ui)])
        here.address, here.ui = f"spark://127.0.0.1:{port}", f"http://127.0.0.1:{ui}"
        for i in range(workers):
            name = f"worker-{i}"
            told = [
                "--host",
                "127.0.0.1",
                "-c",
                "1",
                "-m",
                "700M",
                "--webui-port",
                str(free_port()),
                "-d",
                str(folder / name),
            ]
            here.workers[name] = _started(stack, here, name, ["Worker", *told, here.address])
        yield here


def _started(stack: ExitStack, here: Cluster, name: str, command: list[str]) -> subprocess.Popen[bytes]:
    env = environment(SPARK_NO_DAEMONIZE="1", SPARK_DAEMON_MEMORY="256m")
    log = here.folder / f"{name}.log"
    kind = f"org.apache.spark.deploy.{command[0].lower()}.{command[0]}"
    with open(log, "wb") as out:
        process = subprocess.Popen(
            [f"{env['SPARK_HOME']}/bin/spark-class", kind, *command[1:]],
            stdout=out,
            stderr=out,
            env=env,
            cwd=here.folder,
        )
    stack.callback(_ended, process)
    ready = re.compile(
        "I have been elected leader" if command[0] == "Master" else "Successfully registered with master"
    )
    until = time.monotonic() + PATIENCE
    while not ready.search(log.read_text(errors="replace")):
        assert process.poll() is None and time.monotonic() < until, f"{name} did not start: {log.read_text()[-2000:]}"
        time.sleep(0.2)
    return process


def killed(pid: int) -> None:
    """End a process and all that it began as a power cut would: a worker, its executors, their Python processes."""
    for child in [pid, *_children(pid)]:
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)


def _ended(process: subprocess.Popen[bytes]) -> None:
    killed(process.pid)
    process.wait()
