"""MLflow's aliases as a mirror of the log: written after each decision, and a note of what was written."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from unseen.ops import files
from unseen.ops.places import Places
from unseen.ops.registry.log import PATIENCE_SECONDS, locked
from unseen.ops.registry.state import State, Version
from unseen.ops.registry.tracking import Tracking


class Mirror:
    """The aliases ``champion`` and ``challenger``; the note lets the state be read without MLflow."""

    def __init__(self, places: Places, tracking: Tracking, patience: float = PATIENCE_SECONDS) -> None:
        self.note, self.lock = places.home / "aliases.json", places.home / "registry.lock"
        self.tracking, self.patience = tracking, patience

    def told(self) -> dict[str, Any]:
        """The aliases as they were last written to MLflow, and ``seq``, the length of the log then."""
        try:
            known = json.loads(self.note.read_text())
            return known if isinstance(known, dict) else {}
        except (OSError, ValueError):
            return {}

    def write(self, state: State) -> None:
        """Make the aliases say what the log says; call it inside `alone`, with a state read there."""
        wanted = aliases(state)
        if state.versions:
            self.tracking.align(wanted)
        files.write(self.note, json.dumps({**wanted, "seq": state.length}))

    @contextmanager
    def alone(self) -> Iterator[None]:
        """One process at a time writes to MLflow, so that the last to write has read the newest decision."""
        with locked(self.lock, self.patience):
            yield


def aliases(state: State) -> dict[str, int | None]:
    """Where the aliases should point."""
    return {"champion": number(state.champion), "challenger": number(state.challenger)}


def number(version: Version | None) -> int | None:
    return None if version is None else version.number
