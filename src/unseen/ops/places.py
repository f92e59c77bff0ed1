"""Where things lie in the state folder."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from pathlib import Path

from unseen.ops.config.settings import Settings


def nearest(name: str, known: Sequence[str], most: int = 3) -> str:
    """The names that are nearest to one that is not there, with or without their endings; else the last of them.

    >>> nearest("202505", ["2025-04.csv", "2025-05.csv", "2026-01.csv"], 1)
    'the nearest is 2025-05.csv'
    """
    stems: dict[str, str] = {}
    for each in known:
        stems |= {each.partition(".")[0]: each, each: each}
    near = list(dict.fromkeys(stems[found] for found in get_close_matches(name, stems, 2 * most, 0.5)))[:most]
    if not near:
        return f"the newest are {', '.join(known[-most:])}" if known else "there are none yet"
    return f"the nearest {'is' if len(near) == 1 else 'are'} {', '.join(near)}"


class Places:
    """Paths under the state folder of one production loop; a folder is made by what first writes to it."""

    def __init__(self, home: Path, name: str) -> None:
        self.home, self.name = home, name
        #: the append-only log of every decision, and the lock while it is written or a version is promoted
        self.log, self.lock = home / "log.jsonl", home / "lock"
        #: structured logs, JSON lines
        self.events = home / "events.jsonl"
        self.runs = home / "runs"
        #: state of the sequential tests, one file per champion
        self.drift = home / "drift"
        #: rows of earlier partitions that judge candidates: personal data where the data is
        self.memory = home / "memory"

    @classmethod
    def of(cls, settings: Settings) -> Places:
        return cls(settings.home, settings.name)

    def run(self, id: str) -> Path:
        """One retrain: ``record.json``, ``model/`` (the fit as ``unseen.store`` saves it), ``reference.json``."""
        return self.runs / id

    def metrics(self, textfile: Path | None = None) -> Path:
        return textfile or self.home / "metrics" / f"{self.name}.prom"
