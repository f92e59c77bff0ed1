"""What a run folder says of itself, and which folders are runs."""

from __future__ import annotations

import hashlib
import json
import os
import platform
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import unseen
from unseen.errors import NotInstalledError, RunError

FORMAT = 2
MANIFEST, ARRAYS, RUN = "MANIFEST.json", "arrays.npz", "run.json"
#: what every run is written by; a run with kinds of other packages names those beside them
OWN_VERSIONS = {"unseen": unseen.__version__, "numpy": np.__version__, "python": platform.python_version()}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a run folder says of itself: format, when and by which version it was written, the hash of each file."""

    format: int
    created: str
    versions: dict[str, str]
    files: dict[str, str]
    content: str

    @property
    def foreign(self) -> dict[str, str]:
        """The packages of other people's kinds in the run, and the version of each that wrote it."""
        return {name: version for name, version in self.versions.items() if name not in OWN_VERSIONS}


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a run, its own hash verified.

    Raises
    ------
    RunError
        There is no run, or its manifest was altered.
    NotInstalledError
        The run is of a newer format.
    """
    if not folder.is_dir():
        raise RunError(f"there is no run at {folder}: give the folder that unseen fit printed")
    try:
        body = json.loads((folder / MANIFEST).read_bytes())
        manifest = Manifest(**{name: body[name] for name in Manifest.__slots__})
        right = isinstance(manifest.format, int) and manifest.content == content(manifest)
    except FileNotFoundError:
        raise RunError(f"{folder} is not a run: it has no {MANIFEST}") from None
    except OSError as error:
        raise RunError(f"{folder / MANIFEST} cannot be read: {error.strerror or error}") from None
    except (ValueError, KeyError, TypeError):
        raise RunError(f"{folder / MANIFEST} was altered: it is not the manifest of a run") from None
    if isinstance(manifest.format, int) and manifest.format > FORMAT:
        raise NotInstalledError(
            f"{folder} was written by a newer unseen ({manifest.versions.get('unseen', '?')}, "
            f"format {manifest.format}); this one, {unseen.__version__}, reads up to format {FORMAT}: upgrade unseen"
        )
    if not right or set(manifest.files) != {ARRAYS, RUN}:
        raise RunError(f"{folder / MANIFEST} was altered: its content hash does not fit the files it lists")
    return manifest


def is_run(folder: Path) -> bool:
    """Whether a folder says it is a run."""
    return (folder / MANIFEST).is_file()


def find(path: str | os.PathLike[str]) -> Path:
    """The run at ``path``: the folder itself, or the newest of the runs in it.

    Raises
    ------
    RunError
        There is no run at or in that folder.
    """
    folder = Path(path)
    if is_run(folder) or not folder.is_dir():
        return folder
    runs = sorted((read_manifest(f).created, f.name, f) for f in folder.iterdir() if f.is_dir() and is_run(f))
    if not runs:
        raise RunError(f"{folder} is not a run and holds none: give the folder that unseen fit printed")
    return runs[-1][-1]


def content(manifest: Manifest) -> str:
    """The hash of all that a manifest says, which it holds itself."""
    body = {n: getattr(manifest, n) for n in Manifest.__slots__ if n != "content"}
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
