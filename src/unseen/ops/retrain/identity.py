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


def run_id(intake: Intake, settings: Settings) -> str:
    """The newest partition's name for people, and a hash of the rows and of the settings that decide the model."""
    body = f"{intake.batch.id} {settings_hash(settings)}"
    name = re.sub(r"[^A-Za-z0-9_.-]+", "-", intake.newest.name)[:40]
    return f"{name}-{hashlib.sha256(body.encode()).hexdigest()[:12]}"


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
