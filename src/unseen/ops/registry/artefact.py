"""The files of a version: every byte as it was registered, loadable, and scoring, before anything relies on them."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unseen.errors import RegistryError, UnseenError
from unseen.ops.logs import reason
from unseen.ops.registry.state import Version

#: the saved fit inside the MLflow model, and the hashes of all its files as ``sha256sum -c`` reads them
FIT, SUMS = "data/fit", "SHA256SUMS"
TRIAL_ROWS = 16


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file under a folder, by its path there."""
    files = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): _hash(p) for p in files}


def broken(folder: Path, files: Mapping[str, str]) -> str | None:
    """What is wrong with an artefact: the first file that is missing or altered; None where every byte is right.

    Files that were not registered (MLflow leaves notes of its own) do not count: nothing reads them.
    """
    if not folder.is_dir():
        return f"{folder} is missing"
    for name, digest in files.items():
        try:
            if _hash(folder / name) != digest:
                return f"{folder / name} was altered: its content does not have the hash that was registered"
        except FileNotFoundError:
            return f"{folder / name} is missing"
        except OSError as error:
            return f"{folder / name} cannot be read: {os.strerror(error.errno or 5)}"
    return None


def seal(folder: Path) -> None:
    """Write down the hash of every file, so that whoever loads the artefact far from the log can verify it, too."""
    text = "".join(f"{digest}  {name}\n" for name, digest in hashes(folder).items())
    (folder / SUMS).write_text(f"{text}# {hashlib.sha256(text.encode()).hexdigest()}\n", encoding="utf-8")


def unseal(folder: Path) -> None:
    """Refuse an artefact of which a byte was altered since `seal`; one from before there were seals passes.

    Raises
    ------
    RegistryError
        A file is missing or altered; it is named.
    """
    try:
        body = (folder / SUMS).read_bytes() if (folder / SUMS).exists() or SUMS.encode() in _model(folder) else None
        if body is None:
            return
        text, _, own = body.decode().rpartition("# ")
        whole = own == f"{hashlib.sha256(text.encode()).hexdigest()}\n"
        pairs = (line.partition("  ") for line in text.splitlines())
        trouble = broken(folder, {name: digest for digest, _, name in pairs}) if whole else f"{SUMS} was altered"
    except FileNotFoundError:
        trouble = f"{SUMS} is missing"
    except (OSError, ValueError) as error:
        trouble = f"{SUMS} cannot be read ({type(error).__name__})"
    if trouble is not None:
        raise RegistryError(f"{folder} is not loaded: {trouble}. Fetch the version anew, or put a whole copy back")


def _model(folder: Path) -> bytes:
    return (folder / "MLmodel").read_bytes()


def load(fit: Path, content: str) -> Any:
    """The fit in a folder.

    Raises
    ------
    RunError, RegistryError
        It cannot be read, or it is not the fit that was registered.
    """
    from unseen.store import load as load_fit
    from unseen.store import read_manifest

    if read_manifest(fit).content != content:
        raise RegistryError(f"{fit} holds another fit than the one that was registered")
    return load_fit(fit)


def kept(fit: Path, version: Version) -> Path | None:
    """The fit as the retrain that made the version kept it, or None where it is not there to the last byte."""
    from unseen.store import read_manifest

    files = {name.removeprefix(f"{FIT}/"): h for name, h in version.files.items() if name.startswith(f"{FIT}/")}
    try:
        return None if broken(fit, files) or read_manifest(fit).content != version.content else fit
    except UnseenError:
        return None


def try_out(result: Any, rows: int = TRIAL_ROWS) -> None:
    """Score some rows: finite log-densities, and shares of components that sum to one where there are components.

    Raises
    ------
    RegistryError
        It does not score.
    """
    import numpy as np

    from unseen.core.model import Assigning

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


def _hash(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
