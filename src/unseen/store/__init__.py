"""A run on disk: arrays without pickles, JSON for the rest, every byte hashed."""

from unseen.store.folder import check_kept, load, run_name, save
from unseen.store.manifest import Manifest, find, is_run, read_manifest
from unseen.store.whole import check_place

__all__ = ["Manifest", "check_kept", "check_place", "find", "is_run", "load", "read_manifest", "run_name", "save"]
