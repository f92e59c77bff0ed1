"""Artefacts of versions: every byte as it was registered, loadable, and scoring, before anything relies on them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlsplit

from unseen.errors import RegistryError, UnseenError
from unseen.ops.files import sha256, why
from unseen.ops.logs import reason
from unseen.ops.registry.state import Version

if TYPE_CHECKING:  # what serves a version has neither
    from unseen.ops.places import Places
    from unseen.ops.registry.tracking import Tracking

#: the saved fit inside the MLflow model, and the hashes of all its files as ``sha256sum -c`` reads them
FIT, SUMS = "data/fit", "SHA256SUMS"
TRIAL_ROWS = 16
CLEARED = "was cleared away by `unseen prune`"


class Artefacts:
    """The artefacts of one model: in the state folder, elsewhere on this machine, or with a registry.

    `run` and `load` raise `RegistryError` where one is missing, altered, or cannot be reached.
    """

    def __init__(self, places: Places, tracking: Tracking) -> None:
        self.places, self.tracking = places, tracking

    def path(self, version: Version) -> Path | None:
        """The folder of an artefact, or None where it lies on another machine."""
        here = local(version.artifact)
        return None if here is None else self.places.home / here

    def broken(self, version: Version) -> str | None:
        """What is wrong with an artefact that lies on this machine; None where it is whole or lies elsewhere."""
        here = self.path(version)
        if version.pruned and not (here and here.is_dir()):
            return CLEARED
        return None if here is None else broken(here, version.files)

    def trouble(self, version: Version) -> str | None:
        """What is wrong with an artefact, wherever it lies; None where every byte is right."""
        try:
            with self.tracking.fetched(version.artifact) as folder:
                return broken(folder, version.files)
        except RegistryError as error:
            return str(error)

    def kept(self, version: Version) -> Path | None:
        """The fit as its retrain kept it, or None where it is not there to the last byte."""
        from unseen.store import read_manifest

        fit = self.places.run(version.record) / "model"
        files = {name.removeprefix(f"{FIT}/"): h for name, h in version.files.items() if name.startswith(f"{FIT}/")}
        try:
            return None if broken(fit, files) or read_manifest(fit).content != version.content else fit
        except UnseenError:
            return None

    def run(self, version: Version) -> Path:
        """A folder on this machine that holds the fit of a version, byte for byte."""
        name, number = self.places.name, version.number
        if (kept := self.kept(version)) is not None:
            return kept
        if (here := self.path(version)) is None:
            raise RegistryError(
                f"version {number} of {name!r} lies with the registry, and {self.places.runs} has no copy of it: "
                f"`mlflow artifacts download -u models:/{name}/{number}` fetches one"
            )
        if (trouble := self.broken(version)) is not None:
            raise self._unfit(version, trouble)
        return here / FIT

    def load(self, version: Version, or_kept: bool = True) -> Any:
        """The fit of a version; where the registry cannot give it, the copy that the retrain kept, byte for byte."""
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(self.tracking.fetched(version.artifact))
            except RegistryError:
                if or_kept and (kept := self.kept(version)) is not None:
                    return load(kept, version.content)
                raise
            trouble = broken(folder, version.files)
            try:
                if trouble is None:
                    return load(folder / FIT, version.content)
            except UnseenError as error:
                trouble = str(error)
            raise self._unfit(version, trouble)

    def _unfit(self, version: Version, trouble: str) -> RegistryError:
        if version.pruned:
            return RegistryError(
                f"version {version.number} of {self.places.name!r} {CLEARED}: retain.versions in unseen.yaml says how "
                "many are kept"
            )
        return RegistryError(
            f"version {version.number} of {self.places.name!r} is broken: {trouble}; put a whole copy back"
        )


# ---- bytes


def local(uri: str) -> Path | None:
    """The path of an artefact on this machine, or None where it lies elsewhere."""
    parts = urlsplit(uri)
    if parts.scheme == "file":
        return Path(unquote(parts.path))
    return Path(uri) if parts.scheme == "" else None


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by its path there."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): sha256(p) for p in files}


def broken(folder: Path, files: Mapping[str, str]) -> str | None:
    """What is wrong with an artefact: the first file that is missing or altered; None where every byte is right.

    Files that were not registered (MLflow leaves notes of its own) do not count: nothing reads them.
    """
    if not folder.is_dir():
        return f"{folder} is missing"
    for name, digest in files.items():
        try:
            if sha256(folder / name) != digest:
                return f"{folder / name} was altered: its content does not have the hash that was registered"
        except FileNotFoundError:
            return f"{folder / name} is missing"
        except OSError as error:
            return f"{folder / name} cannot be read: {why(error)}"
    return None


def seal(folder: Path) -> None:
    """Write down the hash of every file, so that whoever loads the artefact far from the log can verify it, too."""
    text = "".join(f"{digest}  {name}\n" for name, digest in hashes(folder).items())
    (folder / SUMS).write_text(f"{text}# {_sum(text)}\n", encoding="utf-8")


def unseal(folder: Path) -> None:
    """Raise a `RegistryError` that names a file altered since `seal`; what is from before there were seals passes."""
    try:
        if not (folder / SUMS).exists() and SUMS.encode() not in (folder / "MLmodel").read_bytes():
            return
        text, _, own = (folder / SUMS).read_bytes().decode().rpartition("# ")
        pairs = (line.partition("  ") for line in text.splitlines())
        whole = own == f"{_sum(text)}\n"
        trouble = broken(folder, {name: digest for digest, _, name in pairs}) if whole else f"{SUMS} was altered"
    except FileNotFoundError:
        trouble = f"{SUMS} is missing"
    except (OSError, ValueError) as error:
        trouble = f"{SUMS} cannot be read ({type(error).__name__})"
    if trouble is not None:
        raise RegistryError(f"{folder} is not loaded: {trouble}. Fetch the version anew, or put a whole copy back")


def _sum(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# ---- fits


def load(fit: Path, content: str) -> Any:
    """The fit in a folder, if it is the one that was registered; `RunError` or `RegistryError` where it is not."""
    from unseen.store import load as load_fit
    from unseen.store import read_manifest

    if read_manifest(fit).content != content:
        raise RegistryError(f"{fit} holds another fit than the one that was registered")
    return load_fit(fit)


def try_out(result: Any) -> None:
    """Score some rows: finite log-densities, and shares of components that sum to one; else raise `RegistryError`."""
    import numpy as np

    from unseen.core.model import Assigning

    rows = TRIAL_ROWS
    try:
        table = made_up(result, rows)
        density, said = result.log_prob(table), result.outputs(table)
        r = result.responsibilities(table) if isinstance(result.model, Assigning) else np.ones((rows, 1))
    except Exception as error:  # whatever it is, this fit cannot serve
        raise RegistryError(f"it does not score its own rows: {reason(error)}") from error
    if density.shape != (rows,) or not np.isfinite(density).all():
        raise RegistryError("it gives rows of its own a log-density that is not finite")
    if {len(values) for values in said.values()} != {rows}:
        raise RegistryError("what it says of rows is not one value for each")
    if not (r >= 0).all() or not np.allclose(r.sum(axis=1), 1, atol=1e-9):
        raise RegistryError("its responsibilities do not sum to one")


def made_up(result: Any, rows: int) -> dict[str, Any]:
    """Rows that no data holds: drawn from the fit; where it makes none, values about the mean, categories in turn."""
    import numpy as np

    from unseen.core.capabilities import Generative
    from unseen.rows import decoded

    if isinstance(result.model, Generative):
        table: dict[str, Any] = result.sample(rows, seed=0)
    else:
        steps, arrays = np.linspace(-1, 1, rows), []
        for slot in result.model.slots:
            if slot.coded:
                arrays.append([np.arange(rows) % len(names) for names in slot.categories])
            else:
                known = [result.profile[name] for name in slot.columns]
                arrays.append([c.mean + float(np.sqrt(c.variance)) * steps for c in known])
        table = decoded(result.encoding.slots, [np.array(a) for a in arrays], result.encoding.fields)
    unit = result.encoding.unit
    return table if unit is None or unit in table else {unit: np.zeros(rows, int), **table}
