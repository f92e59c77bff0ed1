"""A run on disk: arrays without pickles, JSON for the rest, every byte hashed."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.store.folder import load, run_name, save
    from unseen.store.manifest import Manifest, find, is_run, read_manifest
    from unseen.store.packing import check_kept
    from unseen.store.whole import check_place

# every fit asks whether its model could be kept, and few processes read or write a run
_HOMES = {
    "load": "folder",
    "run_name": "folder",
    "save": "folder",
    "Manifest": "manifest",
    "find": "manifest",
    "is_run": "manifest",
    "read_manifest": "manifest",
    "check_kept": "packing",
    "check_place": "whole",
}

__all__ = ["Manifest", "check_kept", "check_place", "find", "is_run", "load", "read_manifest", "run_name", "save"]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
