"""From a retrain's folder to a version in MLflow: every step can be done twice without being done twice."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.record import Record
from unseen.ops.registry import artefact, wrapping
from unseen.ops.registry.opening import local
from unseen.ops.registry.state import State
from unseen.ops.registry.tracking import Tracking

PARAMETERS = "arrays.npz"


def publish(
    settings: Settings, tracking: Tracking, record: Record, run: Path, state: State
) -> tuple[int | None, dict[str, Any]]:
    """The number that this fit has already, or the facts of a version that MLflow now holds and the log does not.

    Raises
    ------
    RegistryError
        The fit cannot be read, MLflow cannot be reached, or MLflow counts versions that the log knows otherwise.
    """
    from unseen.store import is_run, load, read_manifest

    fit = run if is_run(run) else run / "model"
    try:
        manifest, result = read_manifest(fit), load(fit)
    except UnseenError as error:
        raise RegistryError(f"the fit of retrain {record.id} cannot be registered: {error}") from error
    parameters = manifest.files[PARAMETERS]
    known = state.of_record(record.id)
    if known is not None and known.files.get(f"{artefact.FIT}/{PARAMETERS}") == parameters:
        return known.number, {}
    identity = {"unseen.record": record.id, "unseen.parameters": parameters}
    made = tracking.find(identity)
    if made is not None and int(made.version) not in state.versions:
        with tracking.fetched(made.source) as folder:
            facts = {"files": artefact.hashes(folder), "content": read_manifest(folder / artefact.FIT).content}
    else:
        tags = {**identity, **_tags(settings, record, manifest.content)}
        made, facts = _made(settings, tracking, record, fit, result, identity, tags)
    number = int(made.version)
    if number in state.versions:
        tracking.forget(number)
        raise RegistryError(
            f"the registry at {tracking.uri} counts anew: it gave number {number}, which the log knows as another "
            "version. Was its database replaced? Point registry.uri at the old one, or begin with an empty state folder"
        )
    return None, {
        "version": number,
        "record": record.id,
        "run": made.run_id,
        "artifact": _place(made.source, settings.home),
        **facts,
        "parent": record.champion,
        "batch": record.batch.id if record.batch else "",
        "rows": record.batch.rows if record.batch else 0,
    }


def _made(
    settings: Settings, tracking: Tracking, record: Record, fit: Path, result: Any, identity: Any, tags: Any
) -> tuple[Any, dict[str, Any]]:
    """Upload the fit as an MLflow model and make it a version."""
    run = tracking.run(identity, record.id)
    time = wrapping.milliseconds(record)
    tracking.log(run.info.run_id, wrapping.params(record, settings), wrapping.metrics(record, result, settings), time)
    staged = settings.home / "registering"  # one process at a time is here
    shutil.rmtree(staged, ignore_errors=True)
    try:
        wrapping.wrap(fit, staged, result.encoding, result.model.outputs())
        facts = {"content": tags["unseen.content"], "files": artefact.hashes(staged)}
        return tracking.publish(run, staged, tags), facts
    except OSError as error:
        raise RegistryError(
            f"retrain {record.id} could not be made an MLflow model: {os.strerror(error.errno or 5)}"
        ) from error
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _tags(settings: Settings, record: Record, content: str) -> dict[str, str]:
    refused = [v.gate for v in record.gates if not v.passed]
    tags = {
        "unseen.batch": record.batch.id if record.batch else None,
        "unseen.git": record.git,
        "unseen.parent": record.champion,
        "unseen.settings": record.settings,
        "unseen.content": content,
        "unseen.outcome": "passed" if record.gates and not refused else f"refused by {', '.join(refused) or 'no gate'}",
    }
    return {key: str(value) for key, value in tags.items() if value is not None}


def _place(source: str, home: Path) -> str:
    """Where the artefact is: relative to the state folder if it lies there, so that the folder can be moved."""
    here = local(source)
    return str(here.relative_to(home)) if here is not None and here.is_relative_to(home) else source
