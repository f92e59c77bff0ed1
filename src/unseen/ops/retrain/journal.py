"""The record of a retrain on disk: saved after every stage, so that a killed run goes on where it was."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from unseen.core.source import Source
from unseen.errors import ConflictError, NotInstalledError, RegistryError, UnseenError
from unseen.ops import files
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import Version
from unseen.ops.runs import MODEL, RECORD, REFERENCE, read
from unseen.result import Result

#: outcomes that the same command with the same data and settings would only repeat, as long as `Journal.settled`
LASTING = (Outcome.PROMOTED, Outcome.HELD, Outcome.REFUSED, Outcome.UNFIT)
#: findings that the same batch may be without the next time
PASSING = ("unchecked", "sensitive")


def now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


class Journal:
    """One record that grows, saved every time it does."""

    def __init__(self, folder: Path, record: Record) -> None:
        self.folder, self.record = folder, record

    @classmethod
    def open(cls, folder: Path, name: str, id: str) -> Journal:
        """An empty record; `alone` reads the one that is there."""
        return cls(folder, Record(id=id, name=name, started=now()))

    def settled(self, champion: Callable[[], Version | None]) -> bool:
        """Whether the same command could only repeat what was decided; ``champion`` gives that of today.

        Where something raised instead of judging, or the champion is another than the one that was compared with, the
        candidate is judged again. So is a batch that was refused because a check broke down, or for what
        privacy.sensitive may allow by now.
        """
        known = self.record
        if known.outcome not in LASTING or any(v.broke for v in known.gates):
            return False
        if known.outcome != Outcome.HELD:
            return not any(f.check in PASSING for f in known.findings)
        try:
            now = champion()
        except RegistryError:
            return False
        return now is None or now.number == known.champion or now.record == known.id

    def know(self, **facts: Any) -> None:
        """Add facts and save."""
        self.record = self.record.having(**facts)
        files.write(self.folder / RECORD, self.record.model_dump_json(indent=1))

    def go_on(self) -> None:
        """Forget how an earlier try of this run ended; what it found out stays."""
        self.record = self.record.having(outcome=None, reason="", finished=None, version=None, stages={}, attempts=())

    def begin_anew(self) -> None:
        """Forget what earlier tries of this run found out; a version that is registered stays registered."""
        old = self.record
        self.record = Record(id=old.id, name=old.name, started=now())
        shutil.rmtree(self.folder / MODEL, ignore_errors=True)

    def fitted(self) -> Result | None:
        """The fit that an earlier try of this run saved, if it is there and whole.

        Raises
        ------
        NotInstalledError
            It is whole, and what reads it is not installed: it is no fit to be thrown away.
        """
        from unseen.store import load

        try:
            return load(self.folder / MODEL)
        except NotInstalledError:
            raise
        except UnseenError:
            shutil.rmtree(self.folder / MODEL, ignore_errors=True)
            return None

    def keep(self, result: Result) -> None:
        """Save the fit, once."""
        if not (self.folder / MODEL).exists():
            result.save(self.folder / MODEL)

    def remember(self, result: Result, sources: Sequence[Source], since: int = 0) -> dict[str, Any]:
        """Save what new data will be compared with: the rows of the partitions that the fit is from.

        Those from ``since`` on are like what is to come.
        """
        from unseen.ops.drift.own import summed

        stored = summed(result, sources, since)
        files.write(self.folder / REFERENCE, json.dumps(stored))
        return stored

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other processes from working on the same run, and see what they found out before.

        Raises
        ------
        ConflictError
            One does already.
        RegistryError
            The folder cannot be written, or the record in it not be understood.
        """
        from filelock import FileLock, Timeout

        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = FileLock(self.folder / ".lock", timeout=0)
            lock.acquire()
        except Timeout:
            raise ConflictError(f"run {self.record.id} is being worked on by another process: wait for it") from None
        except OSError as error:
            why = os.strerror(error.errno) if error.errno else type(error).__name__
            raise RegistryError(f"{self.folder} cannot be written: {why}") from error
        try:
            files.sweep(self.folder, (RECORD, REFERENCE, MODEL))
            self.record = read(self.folder) or self.record
            yield
        finally:
            lock.release()
