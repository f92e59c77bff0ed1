"""What is remembered between runs: which partitions passed which rules, and hashes of their rows.

It only saves work. Whatever is wrong with it, the work is done again.
"""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Self, TypeVar

from pydantic import ValidationError

from unseen.core.block import Field
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.config import Settings
from unseen.ops.places import Places
from unseen.ops.record import Fact

#: size, time of the last change of the bytes, time of the last change of anything, in nanoseconds
Stamp = tuple[int, int, int]
S = TypeVar("S", bound=Fact)


class Known(Fact):
    """A partition that passed: its rows and columns, and per set of rules a digest of its rows in any order."""

    name: str
    rows: int
    fields: tuple[tuple[str, str], ...]
    passed: dict[str, str] = {}


class Passes(Fact):
    """Partitions that passed, by the hash of their content."""

    partitions: dict[str, Known] = {}


class Memory:
    """``checked.json``: what need not be read again."""

    def __init__(self, places: Places, read: str = "") -> None:
        """``read`` names how files are read where the settings say it: read otherwise they have other columns."""
        self.path, self._read = places.home / "checked.json", read
        self._partitions = dict(recalled(self.path, Passes).partitions)
        self._changed = False

    @classmethod
    def of(cls, settings: Settings) -> Self:
        return cls(Places.of(settings), "".join(f" {told}" for told in settings.data.read.told))

    def rows(self, id: str) -> int | None:
        return known.rows if (known := self._partitions.get(id + self._read)) else None

    def fields(self, id: str) -> tuple[Field, ...] | None:
        known = self._partitions.get(id + self._read)
        return tuple(Field(name, kind) for name, kind in known.fields) if known else None

    def passed(self, id: str, rules: str) -> str | None:
        """The digest of the partition's rows, if it passed these rules before."""
        return known.passed.get(rules) if (known := self._partitions.get(id + self._read)) else None

    def note(self, id: str, known: Known) -> None:
        if before := self._partitions.get(id + self._read):
            known = known.model_copy(update={"passed": {**before.passed, **known.passed}})
        self._partitions[id + self._read] = known
        self._changed = True

    def save(self) -> None:
        if self._changed:
            kept(self.path, Passes(partitions=self._partitions))
            self._changed = False


def recalled(path: Path, kind: type[S]) -> S:
    """A state file, or an empty one where it is missing or damaged."""
    try:
        return kind.model_validate_json(path.read_bytes())
    except (OSError, ValidationError):
        return kind()


def kept(path: Path, state: Fact) -> None:
    """Write a state file whole; a full disk only means that the work is done again next time."""
    with suppress(RegistryError):
        files.write(path, state.model_dump_json() + "\n")
