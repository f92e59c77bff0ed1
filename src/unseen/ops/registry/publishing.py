"""From a retrain's folder to a version in MLflow: every step can be done twice without being done twice."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from unseen.core.block import OTHER
from unseen.errors import RegistryError, UnseenError
from unseen.ops.checked import Memory
from unseen.ops.config.settings import Settings
from unseen.ops.files import why
from unseen.ops.record import Record
from unseen.ops.registry import artefact, wrapping
from unseen.ops.registry.artefact import local
from unseen.ops.registry.report import Report, report_of
from unseen.ops.registry.state import State
from unseen.ops.registry.tracking import Tracking

PARAMETERS = "arrays.npz"


def check_trackers(settings: Settings) -> None:
    """Refuse to begin where the second tracker is not installed; the `RegistryError` names the package."""
    if settings.registry.also is not None and find_spec(settings.registry.also) is None:
        raise RegistryError(
            f"registry.also is {settings.registry.also}, which is not installed: pip install 'unseen[wandb]', or take "
            "the key away"
        )


def publish(
    settings: Settings, tracking: Tracking, record: Record, run: Path, state: State
) -> tuple[int | None, dict[str, Any], str | None]:
    """Make MLflow hold a version of a fit.

    The number that the fit has already is returned, or the facts of a version that the log does not know yet; and a
    sentence where the second tracker did not take the run.

    Raises
    ------
    RegistryError
        The fit cannot be read, MLflow cannot be reached, or MLflow counts versions that the log knows otherwise.
    """
    from unseen.store import is_run, load, read_manifest

    batch, fit = record.batch, run if is_run(run) else run / "model"
    assert batch is not None
    try:
        manifest, result = read_manifest(fit), load(fit)
    except UnseenError as error:
        raise RegistryError(f"the fit of retrain {record.id} cannot be registered: {error}") from error
    parameters = manifest.files[PARAMETERS]
    known = state.of_record(record.id)
    if known is not None and known.files.get(f"{artefact.FIT}/{PARAMETERS}") == parameters:
        return known.number, {}, None
    identity = {"unseen.record": record.id, "unseen.parameters": parameters}
    made, untold = tracking.find(identity), None
    if made is not None and int(made.version) not in state.versions:
        with tracking.fetched(made.source) as folder:
            files, content = artefact.hashes(folder), read_manifest(folder / artefact.FIT).content
    else:
        with _wrapped(settings, record, fit, result) as staged:
            files, content = artefact.hashes(staged), manifest.content
            report = report_of(settings, record, result, identity, content, staged)
            made = tracking.version(tracking.report(report), {**identity, **report.tags})
            untold = _told_elsewhere(settings, report)
    number = int(made.version)
    if number in state.versions:
        tracking.forget(number)
        raise RegistryError(
            f"the registry at {tracking.uri} counts anew: it gave number {number}, which the log knows as another "
            "version. Was its database replaced? Point registry.uri at the old one, or begin with an empty state folder"
        )
    facts = {
        "files": files,
        "content": content,
        "version": number,
        "record": record.id,
        "run": made.run_id,
        "artifact": _place(made.source, settings.home),
        "parent": record.champion,
        "batch": batch.id,
        "rows": batch.rows,
    }
    return None, facts, untold


def _told_elsewhere(settings: Settings, report: Report) -> str | None:
    """Tell the second tracker, if there is one; a sentence where it did not take the run."""
    if settings.registry.also is None:
        return None
    from unseen.ops.registry import weights_biases

    try:
        weights_biases.keep(settings, report)
    except RegistryError as error:
        return str(error)
    return None


@contextmanager
def _wrapped(settings: Settings, record: Record, fit: Path, result: Any) -> Iterator[Path]:
    """The fit as an MLflow model, for as long as it is uploaded."""
    staged = settings.home / "registering"  # one process at a time is here
    shutil.rmtree(staged, ignore_errors=True)
    try:
        wrapping.wrap(fit, staged, result, settings.privacy.sensitive, _unit(settings, record))
        yield staged
    except OSError as error:
        raise RegistryError(f"retrain {record.id} could not be made an MLflow model: {why(error)}") from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _unit(settings: Settings, record: Record) -> str:
    """The kind of the column of the unit, which the newest partition knows."""
    prints = record.batch.fingerprints if record.batch else ()
    fields = Memory.of(settings).fields(prints[-1]) if prints else None
    return next((f.kind for f in fields or () if f.name == settings.model.unit), OTHER)


def _place(source: str, home: Path) -> str:
    """Where the artefact is: relative to the state folder if it lies there, so that the folder can be moved."""
    here = local(source)
    return str(here.relative_to(home)) if here is not None and here.is_relative_to(home) else source
