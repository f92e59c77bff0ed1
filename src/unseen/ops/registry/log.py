"""The append-only log: the one place that says what is in production."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unseen.core.disk import sync
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.places import Places
from unseen.ops.registry.entry import NOTHING, REPAIRED, Entry, draft, parsed, whoever

#: how long to wait for another command's lock
PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Chain:
    """The whole lines of the log so far, and where they end in the file."""

    entries: tuple[Entry, ...] = ()
    end: int = 0
    inode: int = 0
    latest: str = ""

    @property
    def hash(self) -> str:
        return self.entries[-1].hash if self.entries else NOTHING


class Log:
    """JSON lines, one per decision, each with the hash of the line before.

    A line is appended under a file lock with one write, flushed to disk, or not at all. A last line without its end
    (a crash in mid-write) was never decided: readers pass over it, and the next writer moves it aside and says so.
    Beside the log stands its head, number and hash of the newest line, so that lines cut off the end are missed.

    Whatever reads the log raises `RegistryError` where it cannot be read, a line was altered, taken out or put in (its
    number is named), or lines were cut off.
    """

    def __init__(self, places: Places) -> None:
        self.path, self.head = places.log, places.log.with_name("log.head")
        self._lock, self.patience = places.lock, PATIENCE_SECONDS
        self._seen = Chain()

    def entries(self) -> tuple[Entry, ...]:
        """Every decision in order."""
        return self._read()[0].entries

    def verify(self) -> str | None:
        """A sentence about the first line that is broken, or None; the whole file is read anew."""
        self._seen = Chain()
        try:
            self._read()
        except RegistryError as error:
            return str(error)
        return None

    def append(self, kind: str, *, actor: str | None = None, **facts: Any) -> Entry:
        """Add a line; it is on disk when this returns, or the log is as it was, and a `RegistryError` says why."""
        with self.held():
            self._mend()
            return self._add(kind, facts, actor or whoever())

    def held(self) -> AbstractContextManager[None]:
        """Keep every other process from writing; may be nested."""
        return locked(self._lock, self.patience)

    # ---- reading

    def _read(self) -> tuple[Chain, bytes]:
        """The chain, and the bytes after the last newline; only what is new since the last time is read."""
        seq, hash = self._head()  # before the log, which another process may lengthen meanwhile
        try:
            with open(self.path, "rb") as file:
                status = os.fstat(file.fileno())
                seen = self._seen
                if status.st_ino != seen.inode or status.st_size < seen.end:
                    seen = Chain(inode=status.st_ino)
                file.seek(seen.end)
                body = file.read()
        except (FileNotFoundError, NotADirectoryError):
            seen, body = Chain(), b""
        except OSError as error:
            raise RegistryError(f"{self.path} cannot be read: {files.why(error)}") from error
        *lines, rest = body.split(b"\n")
        self._seen = chain = self._grown(seen, lines)
        if rest and len(chain.entries) < seq:  # the line was whole once: it may have lost only its newline
            with suppress(RegistryError):
                chain = self._grown(chain, [rest])
        if len(chain.entries) < seq:
            raise RegistryError(
                f"{self.path} ends at line {len(chain.entries)}, but line {seq} had been written: lines were cut off. "
                f"Put a whole copy back; to go on from this one, remove {self.head}"
            )
        if seq and chain.entries[seq - 1].hash != hash:
            raise self._broken(seq, f"it is another line than the one that {self.head.name} remembers")
        return chain, rest

    def _grown(self, chain: Chain, lines: list[bytes]) -> Chain:
        entries, previous, latest = list(chain.entries), chain.hash, chain.latest
        for line in lines:
            number = len(entries) + 1
            try:
                entry = parsed(line + b"\n")
            except (ValueError, TypeError) as error:
                what = str(error) if type(error) is ValueError else "it is no line that unseen wrote"
                raise self._broken(number, what) from None
            if entry.previous != previous or entry.seq != number:
                raise self._broken(number, "it does not follow from the line before: lines were taken out or put in")
            entries.append(entry)
            previous, latest = entry.hash, max(latest, entry.time)
        end = chain.end + sum(len(line) + 1 for line in lines)
        return Chain(tuple(entries), end, chain.inode, latest)

    def _broken(self, number: int, what: str) -> RegistryError:
        return RegistryError(
            f"line {number} of {self.path} was altered: {what}. Nothing is decided on a log that cannot be trusted: "
            "put a copy of it back that is whole"
        )

    def _head(self) -> tuple[int, str]:
        """Number and hash of the newest line that was ever written; zero where nothing (any more) says so."""
        try:
            known = json.loads(self.head.read_text())
            return int(known["seq"]), str(known["hash"])
        except (OSError, ValueError, KeyError, TypeError):
            return 0, NOTHING

    # ---- writing

    def _mend(self) -> None:
        """Move a torn last line aside, and say so in the log; give one that lost its newline another."""
        chain, rest = self._read()
        if not rest:
            return
        if chain is not self._seen:
            try:
                _append(self.path, b"\n")
            except OSError as error:
                raise RegistryError(f"{self.path} cannot be written: {files.why(error)}") from error
            return
        aside = self.path.with_name(f"{self.path.name}.torn-{len(chain.entries) + 1}")
        try:
            aside.write_bytes(rest)
            with open(self.path, "r+b") as file:
                file.truncate(chain.end)
                os.fsync(file.fileno())
        except OSError as error:
            raise RegistryError(
                f"the torn last line of {self.path} cannot be moved aside: {files.why(error)}"
            ) from error
        self._add(REPAIRED, {"torn_bytes": len(rest), "kept_as": aside.name}, whoever())

    def _add(self, kind: str, facts: dict[str, Any], actor: str) -> Entry:
        chain, _ = self._read()
        entry, line = draft(len(chain.entries) + 1, kind, facts, actor, chain.latest, chain.hash)
        try:
            new = not self.path.exists()
            _append(self.path, line)
            if new:
                sync(self.path.parent)
        except OSError as error:
            raise RegistryError(
                f"the decision ({kind}) could not be written to {self.path}: {files.why(error)}. The log is as it was, "
                "nothing was decided: free space or permissions, then run the same command again"
            ) from error
        with suppress(RegistryError):  # the line stands; an older head only guards fewer lines
            files.write(self.head, json.dumps({"seq": entry.seq, "hash": entry.hash}))
        return entry


@contextmanager
def locked(path: Path, patience: float = PATIENCE_SECONDS) -> Iterator[None]:
    """Hold a lock file; it may be nested in a thread, and goes with the process.

    Raises `RegistryError` where another command does not let go of it, or the folder cannot be written.
    """
    from filelock import FileLock, Timeout

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(path, is_singleton=True)
        lock.acquire(timeout=patience)
    except Timeout:
        raise RegistryError(
            f"another command has held {path} for {patience:g} s: wait until it ends, or end it; the lock goes with "
            "its process"
        ) from None
    except OSError as error:
        raise RegistryError(f"{path} cannot be locked: {files.why(error)}") from error
    try:
        yield
    finally:
        lock.release()


def _append(path: Path, line: bytes) -> None:
    """One write at the end, flushed to disk; what cannot be written whole is taken back."""
    handle = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
    try:
        before = os.fstat(handle).st_size
        try:
            if os.write(handle, line) != len(line):
                raise OSError(28, os.strerror(28))
            os.fsync(handle)
        except OSError:
            with suppress(OSError):
                os.ftruncate(handle, before)
            raise
    finally:
        os.close(handle)
