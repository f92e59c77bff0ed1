"""A run on disk: arrays without pickles, JSON for the rest, every byte hashed."""

from unseen.store.folder import Manifest, check_place, find, is_run, load, read_manifest, run_name, save

__all__ = ["Manifest", "check_place", "find", "is_run", "load", "read_manifest", "run_name", "save"]
