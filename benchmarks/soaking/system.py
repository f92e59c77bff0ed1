"""Faults of the disk, the registry, the clock and the state folder."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random
from typing import Any, NoReturn
from unittest.mock import patch

from benchmarks.soaking.world import World

#: calls that need room on the disk
WRITES = ("fsync", "write", "replace", "rename", "mkdir", "open")
SMALL_DISK = 8 << 30


def registry_locked(world: World, month: int, rng: Random) -> str:
    """Somebody holds the database, for too long or for a moment."""
    holder = sqlite3.connect(world.settings().home / "mlflow.db", isolation_level=None, check_same_thread=False)
    holder.execute("BEGIN EXCLUSIVE")
    passing = threading.Timer(0.5, holder.close) if rng.random() < 0.3 else None
    if passing:
        passing.start()
    try:
        with patch("unseen.ops.registry.opening.PROBE_SECONDS", 0.3):
            return str(world.retrain(month).outcome)
    finally:
        if passing:
            passing.join()
        holder.close()


def registry_unreachable(world: World, month: int, rng: Random) -> str:
    """The server does not answer; now and then the fit that waits for it is damaged meanwhile."""
    from requests.exceptions import ConnectionError

    with patch("unseen.ops.registry.tracking.client", _raising(ConnectionError("no route to ada@example.org"))):
        record = world.retrain(month)
    if rng.random() < 0.3:
        spoil(world.settings().home / "runs" / record.id / "model" / "arrays.npz", rng)
    return "leak" if "ada@" in record.model_dump_json() else str(record.outcome)


def aliases_stuck(world: World, month: int, rng: Random) -> str:
    """The decision is made, and MLflow does not take the alias."""
    from requests.exceptions import ConnectionError

    with patch("mlflow.MlflowClient.set_registered_model_alias", _raising(ConnectionError())):
        return str(world.retrain(month).outcome)


def disk_full(world: World, month: int, rng: Random) -> str:
    """A ballast leaves a few kilobytes, or none at all, of a disk of its own."""
    ballast = world.folder / "ballast"
    free = os.statvfs(world.folder)
    left = rng.choice((0, 4, 16, 64, 128, 256)) << 10
    with open(ballast, "wb") as file:
        os.posix_fallocate(file.fileno(), 0, max(1, free.f_bavail * free.f_frsize - left))
    try:
        return str(world.retrain(month).outcome)
    finally:
        ballast.unlink()


def has_own_disk(world: World) -> bool:
    """Whether filling the disk of this world harms nobody else."""
    size = os.statvfs(world.folder)
    return world.folder.is_mount() and size.f_blocks * size.f_frsize <= SMALL_DISK


def write_fails(world: World, month: int, rng: Random) -> str:
    """The n-th write, flush or rename finds no space, and maybe all that follow."""
    with failing(rng.randrange(1, 60), lasting=rng.random() < 0.7, why=rng.choice((errno.ENOSPC, errno.EIO))):
        return str(world.retrain(month).outcome)


@contextmanager
def failing(number: int, lasting: bool, why: int) -> Iterator[None]:
    """Make calls that write raise: the ``number``-th, or all from there."""
    seen = 0

    def broken(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **options: Any) -> Any:
            nonlocal seen
            if name == "open" and not args[1] & os.O_CREAT:
                return real(*args, **options)
            seen += 1
            if seen == number or (lasting and seen > number):
                raise OSError(why, os.strerror(why))
            return real(*args, **options)

        return call

    patches = [patch(f"os.{name}", broken(name, getattr(os, name))) for name in WRITES]
    for one in patches:
        one.start()
    try:
        yield
    finally:
        for one in patches:
            one.stop()


def read_fails(world: World, month: int, rng: Random) -> str:
    """The storage does not answer: once, or all the time."""
    from unseen.ops.files import sha256

    failures = rng.choice((1, 10))

    def read(path: Path) -> str:
        nonlocal failures
        failures -= 1
        if failures >= 0:
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        return sha256(path)

    with patch("unseen.ops.ingest.partitions.sha256", read):
        return str(world.retrain(month).outcome)


def clock_back(world: World, month: int, rng: Random) -> str:
    """Entries of this retrain are older than those before."""
    earlier = datetime.now(UTC) - timedelta(days=rng.randrange(1, 4000))
    with patch("unseen.ops.registry.entry.now", lambda: earlier.isoformat(timespec="milliseconds")):
        outcome = world.retrain(month).outcome
    behind = world.registry().log.entries()[-1].clock
    return str(outcome) if behind == "behind" else "clock not noticed"


def champion_damaged(world: World, month: int, rng: Random) -> str:
    """A file of the champion is altered or gone, or all of them; then a copy is put back, or production goes back."""
    registry = world.registry()
    artefact = registry.artefacts.path(registry.champion())
    kept = world.folder / "kept"
    shutil.copytree(artefact, kept)
    files = sorted(p for p in artefact.rglob("*") if p.is_file())
    how = rng.choice(("altered", "file gone", "all gone"))
    if how == "altered":
        spoil(rng.choice(files), rng)
    elif how == "file gone":
        rng.choice(files).unlink()
    else:
        shutil.rmtree(artefact)
    outcome = str(world.retrain(month).outcome)
    if rng.random() < 0.5 and registry.state().fallback is not None:
        registry.rollback(None, "the champion's artefact is broken", actor="soak")
    else:
        shutil.rmtree(artefact, ignore_errors=True)
        shutil.copytree(kept, artefact)
    shutil.rmtree(kept)
    return outcome


def log_torn(world: World, month: int, rng: Random) -> str:
    """A crash in the middle of a line."""
    log = world.registry().log.path
    last = log.read_bytes().splitlines(keepends=True)[-1]
    with open(log, "ab") as file:
        file.write(last[: rng.randrange(1, len(last))])
    return str(world.retrain(month).outcome)


def log_altered(world: World, month: int, rng: Random) -> str:
    """Somebody edits the log, or cuts lines off; then the copy is put back."""
    log = world.registry().log.path
    whole = log.read_bytes()
    if rng.random() < 0.5:
        spoil(log, rng)
    else:
        lines = whole.splitlines(keepends=True)
        log.write_bytes(b"".join(lines[: -rng.randrange(1, min(4, len(lines)))]))
    try:
        return str(world.retrain(month).outcome)
    finally:
        log.write_bytes(whole)


def log_held(world: World, month: int, rng: Random) -> str:
    """Another command is deciding something for a moment."""
    with open(world.settings().home / "lock", "a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        release = threading.Timer(0.3, lambda: fcntl.flock(file, fcntl.LOCK_UN))
        release.start()
        outcome = str(world.retrain(month).outcome)
        release.join()
    return outcome


def notes_damaged(world: World, month: int, rng: Random) -> str:
    """What only saves work is damaged: the work is done again."""
    home = world.settings().home
    notes = [p for name in ("checked.json", "hashes.json", "aliases.json") if (p := home / name).exists()]
    for note in rng.sample(notes, rng.randrange(1, len(notes) + 1)):
        spoil(note, rng)
    return str(world.retrain(month).outcome)


def record_damaged(world: World, month: int, rng: Random) -> str:
    """An unfinished run's record cannot be read: the command says so until the folder is moved away."""
    folder = world.settings().home / "runs" / world.retrain(month, limits__seconds=1e-3).id
    (folder / "record.json").write_text('{"id": "half a rec')
    outcome = str(world.retrain(month).outcome)
    shutil.rmtree(folder)
    return outcome


def spoil(path: Path, rng: Random) -> None:
    """Flip the bits of one byte."""
    body = bytearray(path.read_bytes())
    body[rng.randrange(len(body))] ^= 0xFF
    path.write_bytes(body)


def _raising(error: BaseException) -> Any:
    def raises(*_: Any, **__: Any) -> NoReturn:
        raise error

    return raises
