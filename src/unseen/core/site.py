"""A site of a federation as who asks it has it: a process beside this one, or behind a command."""

from __future__ import annotations

import pickle
import subprocess
import sys
import threading
import weakref
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from unseen.core.block import Field
from unseen.core.pipes import heard, tell
from unseen.core.wire import SiteEnded, error_of, unpacked
from unseen.errors import EngineError


class Command(tuple[str, ...]):
    """A command that starts a site which has its data already, wherever that is.

    >>> Command(["ssh", "north", "python", "-m", "unseen.site", "/data/north.parquet"])[1]
    'north'
    """


class Site:
    """One process that answers; ``allowed`` are classes of its answers that are no part of this package."""

    def __init__(self, name: str, data: Any, settings: Mapping[str, Any]) -> None:
        self.name, self.allowed = name, frozenset(settings["allowed"])
        line = f"import sys; sys.path[:] = {sys.path!r}; from unseen.site import given; given()"
        started = list(data) if isinstance(data, Command) else [sys.executable, "-c", line]
        try:
            # a group of its own: Ctrl-C is meant for the fit, which ends in order
            self.process = subprocess.Popen(
                started, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
            )
        except OSError as error:
            raise EngineError(f"site {name!r} cannot be started: {error.strerror}") from None
        self._ended = ""
        self._lock = threading.Lock()
        self._end = weakref.finalize(self, _end, self.process)
        if not isinstance(data, Command):
            with suppress(OSError):
                tell(self.process.stdin, pickle.dumps({**settings, "data": data}))

    def meet(self) -> tuple[tuple[Field, ...], int]:
        """Its columns and how many rows it has, once it has opened its data."""
        _, fields, rows = self._read()
        return fields, rows

    def ask(self, sent: bytes) -> Any:
        """The sum that a question comes to there.

        Raises
        ------
        EngineError
            The site has ended, or refuses to answer; an error of the task comes back as its own kind.
        """
        with self._lock:
            try:
                tell(self.process.stdin, sent)
            except (OSError, ValueError):
                raise self._gone() from None
            return self._read()[1]

    def _read(self) -> Any:
        try:
            answer = heard(self.process.stdout)
        except (OSError, ValueError):
            answer = None
        if answer is None:
            raise self._gone()
        found = unpacked(answer, self.allowed)
        if found[0] == "error":
            raise error_of(found[1], found[2], f"site {self.name!r}")
        return found

    def _gone(self) -> SiteEnded:
        code = None
        with suppress(subprocess.TimeoutExpired):
            code = self.process.wait(5)
        how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
        again = "start it again (a new Sites(...)), or leave it out"
        return SiteEnded(f"site {self.name!r} has ended, {self._ended or how}, and the sums lack its rows: {again}")

    def end(self, why: str = "") -> None:
        """End the process; ``why`` is what is said to those who ask it later."""
        self._ended = self._ended or why
        self._end()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        with suppress(OSError):
            pipe.close()  # type: ignore[union-attr]
