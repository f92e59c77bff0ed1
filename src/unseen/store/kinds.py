"""Which class a kind's name means, and which kind a class is: unseen's own by their files, others by entry points.

Nothing is imported but the files of ``unseen.families`` and ``unseen.models`` and, by name, what an installed package
declares in its group ``unseen.kinds``; a run's content chooses among these and can name nothing else.
"""

from __future__ import annotations

import importlib
import pkgutil
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import EntryPoint, PackageNotFoundError, entry_points, version

import unseen
from unseen.core import kinds
from unseen.core.family import Family
from unseen.core.kinds import Stored
from unseen.errors import ModelError, NotInstalledError, RunError

GROUP = "unseen.kinds"
ROOMS = ("unseen.families", "unseen.models")

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

    def __str__(self) -> str:
        return f"{self.distribution} {self.version}"


UNSEEN = Origin("unseen", unseen.__version__)


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
        raise NotInstalledError(f"{where} holds a kind {name!r} that comes from {origin}, {_absent(origin)}")
    found, there = _loaded(name, points), _origin(points[0])
    if _plain(there.distribution) != _plain(origin.distribution):
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
    point = next(_declaring(cls), None)
    if point is None:
        raise RunError(
            f"a run cannot keep a {cls.__module__}.{cls.__qualname__}, which no installed package declares: put the "
            f'class in a package, write [project.entry-points."{GROUP}"] {_snake(cls.__name__)} = '
            f'"PACKAGE.MODULE:{cls.__name__}" in its pyproject.toml, and install it'
        )
    points = declared(point.name)
    found = _loaded(point.name, points)
    if found.cls is not cls:
        raise RunError(
            f"a run cannot keep this {cls.__module__}.{cls.__qualname__}: kind {point.name!r} of {_origin(point)} is "
            "another object; import the class from where its entry point says"
        )
    return found, _origin(point)


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
    cls = _loaded(name, points).cls if points else None
    if cls is None or not issubclass(cls, Family):
        raise ModelError(f"{name!r} is no family that an installed package declares")
    return cls


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


def declared(name: str | None = None) -> list[EntryPoint]:
    """The entry points of a name, or all that there are; nothing is imported."""
    return [p for p in entry_points(group=GROUP) if name is None or p.name == name]


def _declaring(cls: type) -> Iterator[EntryPoint]:
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


def _loaded(name: str, points: list[EntryPoint]) -> Stored:
    """The class behind the one entry point of that name."""
    origins = [str(_origin(p)) for p in points]
    if own(name) is not None:
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
            f"{_origin(points[0]).distribution}"
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


def _origin(point: EntryPoint) -> Origin:
    found = point.dist
    try:
        return Origin("unknown", "0") if found is None else Origin(found.name, found.version)
    except (TypeError, ValueError):  # metadata that is damaged
        return Origin("unknown", "0")


def _absent(origin: Origin) -> str:
    """What became of a distribution whose kind is not there, and what to do."""
    wanted = f"pip install '{origin.distribution}=={origin.version}'"
    try:
        now = version(origin.distribution)
    except (PackageNotFoundError, ValueError):
        return f"which is not installed: {wanted}"
    return f"and {origin.distribution} {now}, which is installed, declares no such kind: {wanted}"


def _plain(distribution: str) -> str:
    """The name of a distribution as indexes compare it."""
    return re.sub(r"[-_.]+", "-", distribution).lower()


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()
