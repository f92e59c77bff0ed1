"""What installed packages declare in the entry-point group ``unseen.kinds``, and where each comes from."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import unseen
from unseen.core import kinds
from unseen.core.kinds import Stored
from unseen.errors import ModelError, RunError

if TYPE_CHECKING:  # it takes a third of this package's time to load, and most processes know no other packages' kinds
    from importlib.metadata import EntryPoint

GROUP = "unseen.kinds"
_DISTRIBUTION = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]{0,98}[A-Za-z0-9])?")
_VERSION = re.compile(r"[A-Za-z0-9][A-Za-z0-9.!+_-]{0,98}")


@dataclass(frozen=True, slots=True)
class Origin:
    """The distribution that a kind comes from, at the version that is meant.

    Raises
    ------
    ValueError
        It is none: a run's words end up in a command that is proposed, and may hold nothing else.
    """

    distribution: str
    version: str

    def __post_init__(self) -> None:
        if not _DISTRIBUTION.fullmatch(self.distribution) or not _VERSION.fullmatch(self.version):
            raise ValueError("no name and version of a distribution")

    def same_package(self, other: Origin) -> bool:
        """Whether both are one distribution, as indexes compare names."""
        a, b = (re.sub(r"[-_.]+", "-", o.distribution).lower() for o in (self, other))
        return a == b

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


UNSEEN = Origin("unseen", unseen.__version__)


def declared(name: str | None = None) -> list[EntryPoint]:
    """The entry points of a name, or all that there are; nothing is imported."""
    return [p for p in _installed(_stamps()) if name is None or p.name == name]


@lru_cache(maxsize=4)
def _installed(stamps: tuple[Any, ...]) -> tuple[EntryPoint, ...]:
    """All entry points: to look for them takes tens of milliseconds, and a fit asks many times."""
    from importlib.metadata import entry_points

    return tuple(entry_points(group=GROUP))


def _stamps() -> tuple[Any, ...]:
    """The folders that packages are looked for in, and when something was last installed there."""
    out = []
    for folder in sys.path:
        try:
            out.append((folder, os.stat(folder or ".").st_mtime_ns))
        except OSError:
            out.append((folder, 0))
    return tuple(out)


def declaring(cls: type) -> Iterator[EntryPoint]:
    """Entry points that name the class by its module, or by another module of its package that has it, too."""
    points = declared()
    yield from (p for p in points if (p.module, p.attr) == (cls.__module__, cls.__qualname__))
    for p in points:
        if p.module.partition(".")[0] == cls.__module__.partition(".")[0]:
            try:
                if p.load() is cls:
                    yield p
            except (Exception, SystemExit):  # another kind's trouble
                continue


def loaded(name: str, points: list[EntryPoint], taken: bool) -> Stored:
    """The class behind the one entry point of that name; ``taken`` says that unseen has a kind of the name.

    Raises
    ------
    RunError
        There are more, it does not import, or it is nothing that can be kept.
    """
    origins = [str(origin_of(p)) for p in points]
    if taken:
        origins.insert(0, str(UNSEEN))
    if len(origins) > 1:
        raise RunError(
            f"kind {name!r} is declared by {' and by '.join(origins)}: uninstall one, or have its kind renamed (a name "
            "that begins with the package's own, as in acme.line, meets no other)"
        )
    try:
        cls = points[0].load()
    except (Exception, SystemExit) as error:
        why = " ".join(f"{type(error).__name__}: {error}".split())
        raise RunError(
            f"kind {name!r} of {origins[0]} cannot be imported from {points[0].value} ({why}): mend or reinstall "
            f"{origin_of(points[0]).distribution}"
        ) from None
    known = kinds.stored(cls) if isinstance(cls, type) else None
    try:
        known = known or kinds.checked(Stored(name, 1, cls))
    except ModelError as error:
        raise RunError(f"{error} (declared by {origins[0]})") from None
    if known.name != name:
        raise RunError(
            f"{origins[0]} declares {points[0].value} as kind {name!r}, but the class is registered as {known.name!r}: "
            "give both one name"
        )
    return known


def origin_of(point: EntryPoint) -> Origin:
    """The distribution that declares an entry point."""
    found = point.dist
    try:
        return Origin("unknown", "0") if found is None else Origin(found.name, found.version)
    except (TypeError, ValueError):  # metadata that is damaged
        return Origin("unknown", "0")


def absent(origin: Origin) -> str:
    """What became of a distribution whose kind is not there, and what to do."""
    from importlib.metadata import PackageNotFoundError, version

    wanted = f"pip install '{origin.distribution}=={origin.version}'"
    try:
        now = version(origin.distribution)
    except (PackageNotFoundError, ValueError):
        return f"which is not installed: {wanted}"
    return f"and {origin.distribution} {now}, which is installed, declares no such kind: {wanted}"
