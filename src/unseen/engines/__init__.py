"""Where sums are made: one file, one engine, or several that have nearly everything in common."""

from __future__ import annotations

import importlib
from functools import partial
from typing import Any

from unseen.core.engine import EngineTraits
from unseen.core.memory import free_memory
from unseen.core.option import ENGINES
from unseen.core.source import Source
from unseen.errors import ModelError

#: share of the machine's free memory that data may fill before it is read from disk in every pass
MEMORY_SHARE = 0.25


def engine_for(name: str, source: Source, columns: int, workers: int | None = None) -> Any:
    """The engine of a name, which takes blocks; ``auto`` goes where data in a cluster lies, else by its size.

    Raises
    ------
    ModelError
        There is none of this name.
    """
    if name == "auto":
        size = 8 * columns * sum(p.rows for p in source.manifest())
        small = not hasattr(source, "paths") or size < MEMORY_SHARE * free_memory()
        name = getattr(source, "engine", "threads" if small else "outofcore")
    if name not in ENGINES:
        raise ModelError(f"engine={name!r} is none of auto, {', '.join(ENGINES)}")
    file, _, kind = ENGINES[name].partition(":")
    return partial(getattr(importlib.import_module(f"unseen.engines.{file}"), kind), workers=workers)


def traits_of(make: Any) -> EngineTraits:
    """What may be relied on in the engines that something makes; a function of a user's makes an ordinary one."""
    found: EngineTraits = getattr(getattr(make, "func", make), "traits", EngineTraits())
    return found
