"""Where the artefacts of versions lie, and the fits in them: verified before anything is made of them."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from unseen.errors import RegistryError, UnseenError
from unseen.ops.places import Places
from unseen.ops.registry import artefact
from unseen.ops.registry.opening import local
from unseen.ops.registry.state import Version
from unseen.ops.registry.tracking import Tracking


class Artefacts:
    """The artefacts of one model: in the state folder, elsewhere on this machine, or with a registry."""

    def __init__(self, places: Places, tracking: Tracking) -> None:
        self.places, self.tracking = places, tracking

    def path(self, version: Version) -> Path | None:
        """The folder of an artefact, or None where it lies on another machine."""
        here = local(version.artifact)
        return None if here is None else self.places.home / here

    def broken(self, version: Version) -> str | None:
        """What is wrong with an artefact that lies on this machine; None where it is whole or lies elsewhere."""
        here = self.path(version)
        return None if here is None else artefact.broken(here, version.files)

    def trouble(self, version: Version) -> str | None:
        """What is wrong with an artefact, wherever it lies; None where every byte is right."""
        try:
            with self.tracking.fetched(version.artifact) as folder:
                return artefact.broken(self.path(version) or folder, version.files)
        except RegistryError as error:
            return str(error)

    def kept(self, version: Version) -> Path | None:
        """The fit as its retrain kept it, where that is there to the last byte."""
        return artefact.kept(self.places.run(version.record) / "model", version)

    def run(self, version: Version) -> Path:
        """A folder on this machine that holds the fit of a version, byte for byte.

        Raises
        ------
        RegistryError
            Neither its retrain's folder nor its artefact holds it whole.
        """
        if (kept := self.kept(version)) is not None:
            return kept
        if (here := self.path(version)) is None:
            source = f"models:/{self.places.name}/{version.number}"
            raise RegistryError(
                f"version {version.number} of {self.places.name!r} lies with the registry, and {self.places.runs} has "
                f"no copy of it: `mlflow artifacts download -u {source}` fetches one"
            )
        if (trouble := self.broken(version)) is not None:
            raise self._unfit(version, trouble)
        return here / artefact.FIT

    def load(self, version: Version, or_kept: bool = True) -> Any:
        """The fit of a version; where the registry cannot give it, the copy that the retrain kept, byte for byte.

        Raises
        ------
        RegistryError
            It is missing, altered, or cannot be reached.
        """
        with ExitStack() as stack:
            folder = self.path(version)
            try:
                folder = folder or stack.enter_context(self.tracking.fetched(version.artifact))
            except RegistryError:
                kept = self.kept(version) if or_kept else None
                if kept is None:
                    raise
                return artefact.load(kept, version.content)
            trouble = artefact.broken(folder, version.files)
            try:
                if trouble is None:
                    return artefact.load(folder / artefact.FIT, version.content)
            except UnseenError as error:
                trouble = str(error)
            raise self._unfit(version, trouble)

    def _unfit(self, version: Version, trouble: str) -> RegistryError:
        return RegistryError(
            f"version {version.number} of {self.places.name!r} is broken: {trouble}. Put a copy back that is whole, or "
            f"retrain; `unseen rollback {self.places.name}` leaves it"
        )
