"""Which class a kind's name means, and which kind a class is: unseen's own by their files, others by entry points.

Nothing is imported but the files of ``unseen.families`` and ``unseen.models`` and, by name, what an installed package
declares in its group ``unseen.kinds``; a run's content chooses among these and can name nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
import re

import unseen
from unseen.core import kinds
from unseen.core.family import Family
from unseen.core.kinds import Stored
from unseen.core.model import Model
from unseen.errors import ModelError, NotInstalledError, RunError
from unseen.store.declared import GROUP, UNSEEN, Origin, absent, declared, declaring, loaded, origin_of

ROOMS = ("unseen.families", "unseen.models")


def named(name: str, origin: Origin | None, where: str) -> tuple[Stored, Origin]:
    """The kind of a name; ``origin`` is what the run in ``where`` says it came from, None for unseen's own.

    Raises
    ------
    NotInstalledError
        This installation has no such kind.
    RunError
        Two packages have one, or the one there is cannot be used.
    """
    if origin is None:
        found = own(name)
        if found is not None:
            return found, UNSEEN
        raise NotInstalledError(
            f"{where} names a kind {str(name)[:100]!r} that this version of unseen, {unseen.__version__}, does not "
            "have: upgrade unseen"
        )
    points = declared(name)
    if not points:
        raise NotInstalledError(f"{where} holds a kind {name!r} that comes from {origin}, {absent(origin)}")
    found, there = loaded(name, points, own(name) is not None), origin_of(points[0])
    if not there.same_package(origin):
        raise NotInstalledError(
            f"{where} holds a kind {name!r} that comes from {origin}; the one that is installed comes from {there} "
            f"and need not be the same: pip install '{origin.distribution}=={origin.version}' in its place"
        )
    return found, there


def kind_of(cls: type) -> tuple[Stored, Origin]:
    """The kind of a class: unseen's own, or what an installed package declares it as.

    Raises
    ------
    RunError
        It is neither, so that no other process could find the class again; or two packages declare the kind.
    """
    known = kinds.stored(cls)
    if known is not None and kinds.is_own(cls):
        return known, UNSEEN
    point = next(declaring(cls), None)
    if point is None:
        raise RunError(
            f"a run cannot keep a {cls.__module__}.{cls.__qualname__}, which no installed package declares: put the "
            f'class in a package, write [project.entry-points."{GROUP}"] {_snake(cls.__name__)} = '
            f'"PACKAGE.MODULE:{cls.__name__}" in its pyproject.toml, and install it'
        )
    points = declared(point.name)
    found = loaded(point.name, points, own(point.name) is not None)
    if found.cls is not cls:
        raise RunError(
            f"a run cannot keep this {cls.__module__}.{cls.__qualname__}: kind {point.name!r} of {origin_of(point)} is "
            "another object; import the class from where its entry point says"
        )
    return found, origin_of(point)


def family(name: str) -> type[Family]:
    """The family that an installed package declares under a name.

    Raises
    ------
    RunError
        Two packages declare it, or the one that does cannot be used.
    ModelError
        There is none, or it is no family.
    """
    points = declared(name)
    cls = loaded(name, points, own(name) is not None).cls if points else None
    if cls is None or not issubclass(cls, Family):
        raise ModelError(f"{name!r} is no family that an installed package declares")
    return cls


def model(name: str) -> type[Model]:
    """The kind of model of a name: a file in ``unseen.models``, or what an installed package declares.

    Raises
    ------
    RunError
        Two packages declare it, or the one that does cannot be used.
    ModelError
        There is none, with the nearest that there is.
    """
    points = declared(name)
    found = own(name) if name in _files(ROOMS[1]) else None
    if points:
        found = loaded(name, points, found is not None)
    if found is None or not issubclass(found.cls, Model):
        from difflib import get_close_matches  # for this sentence alone

        near = get_close_matches(name, models(), 1)
        hint = f"; the nearest is {near[0]!r}" if near else ""
        raise ModelError(f"model {name!r} is none of {', '.join(models())}, nor declared by a package{hint}")
    return found.cls


def models() -> tuple[str, ...]:
    """The names of unseen's own kinds of model: those of the files in ``unseen.models``."""
    return tuple(sorted(_files(ROOMS[1])))


def own(name: str) -> Stored | None:
    """Unseen's own kind of that name, its file imported if need be: a family's or model's file has the kind's name.

    >>> own("gaussian").cls.__name__
    'Gaussian'
    >>> own("os.system") is None
    True
    """
    found = kinds.own(name)
    if found is None:
        files = [f"{room}.{file}" for room in ROOMS for file in _files(room)]
        # the file of that name first; then all, for what stands beside a family or whose file was renamed
        for file in sorted(files, key=lambda f: f.rpartition(".")[2] != name):
            importlib.import_module(file)
            found = kinds.own(name)
            if found is not None:
                break
    return found


def _files(room: str) -> list[str]:
    return [m.name for m in pkgutil.iter_modules(importlib.import_module(room).__path__)]


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
