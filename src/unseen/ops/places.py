"""Where things lie in the state folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from unseen.ops.config.settings import Settings


@dataclass(frozen=True, slots=True)
class Places:
    """Paths under the state folder of one production loop; a folder is made by what first writes to it."""

    home: Path
    name: str

    @classmethod
    def of(cls, settings: Settings) -> Places:
        return cls(settings.home, settings.name)

    @property
    def log(self) -> Path:
        """The append-only log of every decision."""
        return self.home / "log.jsonl"

    @property
    def lock(self) -> Path:
        """Held while the log is written or a version is promoted."""
        return self.home / "lock"

    @property
    def runs(self) -> Path:
        return self.home / "runs"

    def run(self, id: str) -> Path:
        """One retrain: ``record.json``, ``model/`` (the fit as ``unseen.store`` saves it), ``reference.json``."""
        return self.runs / id

    @property
    def drift(self) -> Path:
        """State of the sequential tests, one file per champion."""
        return self.home / "drift"

    @property
    def memory(self) -> Path:
        """Rows of earlier partitions that judge candidates: personal data where the data is."""
        return self.home / "memory"

    def metrics(self, textfile: Path | None = None) -> Path:
        return textfile or self.home / "metrics" / f"{self.name}.prom"

    @property
    def events(self) -> Path:
        """Structured logs, JSON lines."""
        return self.home / "events.jsonl"
