"""What is in production: derived from an append-only log, mirrored in MLflow.

===================  ======================================================================================
``entry``            one line of the log, and the chain of hashes that ties it to the line before
``log``              the file: append under a lock, read whole, say where it was altered
``state``            versions, champion, challenger, rollback target, and what may be decided: from the entries
``artefact``         the files of a version: intact, sealed, loadable, scoring
``artefacts``        where they lie, and the fits in them
``registry``         the verbs: register, promote, roll back, load, repair
``telling``          status and history as plain facts
``naming``           NAME, NAME@3, NAME@champion: the run that is meant
``mirror``           MLflow's aliases, kept in step with the log, and where the two disagree
``rebuilding``       MLflow's database made anew from log and artefacts
``publishing``       from a retrain's folder to a version, once
``report``           what a run reports, and the contract `Tracker` of those who are told
``tracking``         MLflow, behind retries, with its errors turned into sentences
``weights_biases``   Weights & Biases, beside it
``opening``          where MLflow keeps what it keeps, and its import out of the way
``wrapping``         a saved fit as an MLflow model
``pyfunc``           what ``mlflow models serve`` calls; imported by servers: it needs neither MLflow nor pydantic
===================  ======================================================================================

Reading a registry that is a file never imports MLflow. Names are loaded when they are asked for, so that a server
imports ``pyfunc`` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.ops.registry.entry import Entry
    from unseen.ops.registry.log import Log
    from unseen.ops.registry.mirror import Aliases
    from unseen.ops.registry.naming import named, resolve
    from unseen.ops.registry.rebuilding import rebuild
    from unseen.ops.registry.registry import Registry
    from unseen.ops.registry.state import Version

HOMES = {
    "Aliases": "mirror",
    "Entry": "entry",
    "Log": "log",
    "Registry": "registry",
    "Version": "state",
    "named": "naming",
    "rebuild": "rebuilding",
    "resolve": "naming",
}

__all__ = ["Aliases", "Entry", "Log", "Registry", "Version", "named", "rebuild", "resolve"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
