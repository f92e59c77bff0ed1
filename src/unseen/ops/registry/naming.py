"""A model of the project by its name: ``NAME``, ``NAME@3``, ``NAME@champion``, ``NAME@challenger``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from unseen.errors import RegistryError

if TYPE_CHECKING:
    from unseen.ops.registry.registry import Registry
    from unseen.ops.registry.state import Version

CHAMPION, CHALLENGER = "champion", "challenger"


def resolve(text: str, config: str | Path = "unseen.yaml") -> Path:
    """The folder of the fit that a name means, in the project of a file; the name alone means the champion.

    Raises
    ------
    ConfigError
        There is no such file, or it cannot be used.
    RegistryError
        The project has another name, no such version, or its fit is not whole.
    """
    from unseen.ops.config import load
    from unseen.ops.registry.registry import Registry

    registry = Registry(load(config))
    return registry.run(named(registry, text))


def named(registry: Registry, text: str) -> Version:
    """The version that a name means.

    Raises
    ------
    RegistryError
        The project has another name, or no such version.
    """
    name, at, which = text.partition("@")
    if name != registry.settings.name:
        raise RegistryError(f"the model here is {registry.settings.name!r}, not {name!r}")
    state = registry.state()
    if at and which not in (CHAMPION, CHALLENGER):
        if not which.isdecimal():
            raise RegistryError(f"{text} names no version: write {name}@3, {name}@{CHAMPION} or {name}@{CHALLENGER}")
        return state.version(int(which))
    found = state.challenger if which == CHALLENGER else state.champion
    if found is None:
        raise RegistryError(f"{name!r} has no {which or CHAMPION} yet: `unseen status` shows what there is")
    return found
