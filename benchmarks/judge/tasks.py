"""What is to be run, each in a process of its own with one BLAS thread, and what was found, line by line."""

from __future__ import annotations

import ctypes
import fcntl
import hashlib
import json
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

#: processes are copies of this one, so that libraries are imported once
FORK = multiprocessing.get_context("fork")
SOURCE = Path(__file__).parents[2] / "src" / "unseen"
#: no command may take longer, in seconds
PATIENCE = 3600.0
Row = dict[str, Any]


@dataclass(frozen=True)
class Task:
    """One thing to find out about one stream at one size; ``name`` is the wrong month, where there is one."""

    what: str
    stream: str
    rows: int
    seed: int
    name: str = ""

    @property
    def life(self) -> tuple[str, int, int]:
        """Tasks of one life begin at the same clean months, one after the other."""
        return self.stream, self.rows, self.seed


def code() -> str:
    """What the product's code is, so that nothing measured with another is taken for it."""
    places = sorted(SOURCE.rglob("*.py"))
    return hashlib.sha256(b"".join(p.read_bytes() for p in places)).hexdigest()[:12]


@dataclass(frozen=True)
class Found:
    """Lines of a file, each what became of one step of a task; a task is done when its last line says so.

    ``code`` is that of the product; lines of other code do not count, unless it is empty.
    """

    path: Path
    code: str = ""

    def rows(self) -> list[Row]:
        if not self.path.exists():
            return []
        read = [row for line in self.path.read_text().splitlines() if (row := _read(line))]
        read = [row for row in read if not self.code or row.get("code") == self.code]
        # what was measured again counts once, as it was measured last
        return list({(task_of(row), row["at"]): row for row in read}.values())

    def done(self) -> set[Task]:
        return {task_of(row) for row in self.rows() if row.get("last")}

    def add(self, task: Task, rows: Iterable[Row]) -> None:
        """All lines of a task at once, the last of them marked."""
        rows = [asdict(task) | row for row in rows] or [asdict(task) | {"outcome": "nothing"}]
        rows = [row | {"at": i, "code": self.code} for i, row in enumerate(rows)]
        rows[-1]["last"] = True
        self.path.parent.mkdir(parents=True, exist_ok=True)
        with self.path.open("a") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            file.write("".join(f"{json.dumps(row)}\n" for row in rows))


def task_of(row: Row) -> Task:
    return Task(**{name: row[name] for name in Task.__dataclass_fields__})


def _read(line: str) -> Row | None:
    """A line, unless a killed run left half of it."""
    try:
        row: Row = json.loads(line)
        return row
    except ValueError:
        return None


def alone(task: Task, work: Callable[[Task], list[Row]], found: Found) -> None:
    """A task in a process of its own; whatever happens to that one, there is a line."""
    began = time.perf_counter()
    process = forked(_through, task, work, found)
    process.join(PATIENCE)
    if process.is_alive():
        process.kill()
        process.join()
        found.add(task, [{"outcome": "took too long", "seconds": time.perf_counter() - began}])
    elif process.exitcode:
        found.add(task, [{"outcome": "broke", "reason": f"exit {process.exitcode}"}])


def forked(work: Callable[..., None], *args: Any) -> Any:
    """A started copy of this process at some work, which dies with this one where the system can do that."""
    process = FORK.Process(target=_mortal, args=(work, args))
    process.start()
    return process


def _mortal(work: Callable[..., None], args: tuple[Any, ...]) -> None:
    with suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG
    work(*args)


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Nobody else may live in the folder meanwhile; copies of this process hold on to it, too.

    Raises
    ------
    BlockingIOError
        Somebody does.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield


def _through(task: Task, work: Callable[[Task], list[Row]], found: Found) -> None:
    try:
        rows = work(task)
    except Exception as error:  # one task that breaks must not end a run of hours
        rows = [{"outcome": "broke", "reason": f"{error!r} {traceback.format_exc(limit=-2)}"}]
    found.add(task, rows)
    os._exit(0)  # threads of libraries may still run


def lives(tasks: Iterable[Task]) -> Iterator[list[Task]]:
    """The tasks, together with those that begin at the same place."""
    grouped: dict[tuple[str, int, int], list[Task]] = {}
    for task in tasks:
        grouped.setdefault(task.life, []).append(task)
    yield from grouped.values()


def run(groups: Iterable[list[Task]], live: Callable[[list[Task]], None], jobs: int) -> None:
    """So many lives at a time."""
    running: list[Any] = []
    for group in groups:
        while len(running := [p for p in running if p.is_alive()]) >= jobs:
            time.sleep(0.2)
        running.append(forked(live, group))
    for process in running:
        process.join()
