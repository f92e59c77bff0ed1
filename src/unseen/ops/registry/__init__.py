"""What is in production: derived from an append-only log, mirrored in MLflow.

Reading a registry that is a file never imports MLflow. Names are loaded when they are asked for, so that a server
imports ``pyfunc`` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.ops.registry.entry import Entry
    from unseen.ops.registry.log import Log
    from unseen.ops.registry.rebuilding import rebuild
    from unseen.ops.registry.registry import Registry
    from unseen.ops.registry.state import State, Version
    from unseen.ops.registry.telling import named, resolve

HOMES = {
    "Entry": "entry",
    "Log": "log",
    "Registry": "registry",
    "State": "state",
    "Version": "state",
    "named": "telling",
    "rebuild": "rebuilding",
    "resolve": "telling",
}

__all__ = ["Entry", "Log", "Registry", "State", "Version", "named", "rebuild", "resolve"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
