"""What is in production: derived from an append-only log, mirrored in MLflow.

===============  ==========================================================================================
``entry``        one line of the log, and the chain of hashes that ties it to the line before
``log``          the file: append under a lock, read whole, say where it was altered
``state``        versions, champion, challenger, rollback target: computed from the entries
``deciding``     who may become champion, and when
``artefact``     the files of a version: intact, loadable, scoring
``registry``     the verbs: register, promote, roll back, load, repair
``telling``      status and history as plain facts
``excluding``    partitions that are left out of the batches
``pruning``      what is no longer needed, and clearing it away
``mirror``       MLflow's aliases, kept in step with the log
``registering``  from a retrain's folder to a version, once
``tracking``     MLflow, behind retries, with its errors turned into sentences
``opening``      where MLflow keeps what it keeps, and its import out of the way
``wrapping``     a saved fit as an MLflow model
``pyfunc``       what ``mlflow models serve`` calls; imported by servers, so it needs neither MLflow nor pydantic
===============  ==========================================================================================

Reading never imports MLflow. Names are loaded when they are asked for, so that a server imports ``pyfunc`` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.ops.registry.entry import Entry
    from unseen.ops.registry.log import Log
    from unseen.ops.registry.registry import Registry
    from unseen.ops.registry.state import Version

HOMES = {"Entry": "entry", "Log": "log", "Registry": "registry", "Version": "state"}

__all__ = ["Entry", "Log", "Registry", "Version"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
