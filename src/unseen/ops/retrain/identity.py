"""What a run is called, and what it ran on."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import subprocess
from importlib.metadata import version
from pathlib import Path
from typing import Any

from unseen.ops.config import Settings, settings_hash
from unseen.ops.ingest import Intake
from unseen.ops.registry import State, Version

#: what is behind the hash in the id of a run that is not the first of its rows and settings
_AGAIN = re.compile(r"(?<=-[0-9a-f]{12})-[0-9]{1,5}$")


def run_id(intake: Intake, settings: Settings) -> str:
    """The newest partition's name for people, and a hash of the rows and of the settings that decide the model."""
    body = f"{intake.batch.id} {settings_hash(settings)}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", intake.newest.name)[:40]
    return f"{name}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"


def runs_of(first: str, runs: Path) -> list[str]:
    """The ids of the runs of the same rows and settings that there are, in order: ``first``, ``first-2``, ``first-3``.

    >>> runs_of("2024-03.csv-0123456789ab", Path("nowhere"))
    []
    """
    there = [path.name for path in runs.glob(f"{first}*/") if first_run(path.name) == first]
    return sorted(there, key=lambda id: int(id[len(first) + 1 :] or 1))


def next_run(first: str, runs: Path) -> str:
    """The id of one more run of the same rows and settings."""
    last = runs_of(first, runs)[-1]
    return f"{first}-{int(last[len(first) + 1 :] or 1) + 1}"


def first_run(id: str) -> str:
    """The id of the first run of the same rows and settings.

    >>> first_run("2024-03.csv-0123456789ab-2")
    '2024-03.csv-0123456789ab'
    """
    return _AGAIN.sub("", id)


def start_of(id: str, champion: Version | None, state: State) -> Version | None:
    """What a run goes on from: the champion, or, where that is of the same rows and settings, what it went on from."""
    version = champion
    while version is not None and first_run(version.record) == first_run(id):
        version = None if version.parent is None else state.versions.get(version.parent)
    return version


def environment(settings: Settings) -> dict[str, Any]:
    """Git revision of the folder of unseen.yaml, and versions of what computes."""
    versions = {name: version(name) for name in ("unseen", "numpy")}
    return {"git": revision(settings.folder), "versions": {"python": platform.python_version(), **versions}}


def revision(folder: Path) -> str | None:
    """The commit of a folder, with a plus where files differ from it; None outside of git."""
    try:
        head = _git(folder, "rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git(folder, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        return None


def _git(folder: Path, *words: str) -> str:
    done = subprocess.run(["git", "-C", str(folder), *words], capture_output=True, text=True, timeout=10, check=True)
    return done.stdout.strip()


def learning_hash(settings: Settings) -> str:
    """Sixteen hexadecimal digits that change when another kind of model, or another window of rows, is asked for."""
    said = settings.model_dump(mode="json", include={"data": {"window", "weights", "labels", "ignore"}, "model": True})
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
