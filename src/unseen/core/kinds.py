"""What a run may hold, by names of their own: a class can be renamed or moved, what was saved of it stays readable."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, TypeVar

from unseen.errors import ModelError

T = TypeVar("T", bound=type)
Fields = dict[str, Any]
Upgrade = Callable[[Fields], Fields]

_NAME = re.compile(r"[a-z][a-z0-9_.\-]{0,99}")
#: what a stored kind says beside its fields
RESERVED = ("version",)


@dataclass(frozen=True, slots=True)
class Stored:
    """A class under the name and version that runs know it by; ``upgrade`` leads from each version to the next."""

    name: str
    version: int
    cls: type
    upgrade: Mapping[int, Upgrade] = field(default_factory=dict)

    @property
    def fields(self) -> tuple[str, ...]:
        """The fields that are stored: those that begin with an underscore can be made again."""
        return tuple(f.name for f in fields(self.cls) if not f.name.startswith("_"))

    def upgraded(self, values: Fields, version: int) -> Fields:
        """Fields of an older version as this one has them."""
        for old in range(version, self.version):
            values = self.upgrade[old](dict(values))
        return values


_by_class: dict[type, Stored] = {}
_own: dict[str, Stored] = {}


def kind(name: str, version: int = 1, upgrade: Mapping[int, Upgrade] | None = None) -> Callable[[T], T]:
    """Register a frozen dataclass as something a run may hold.

    A field that is added with a default needs no new version, if the default is what its absence meant. Any other
    change of the fields does, with a function in ``upgrade`` that turns the fields of the old version (by name) into
    those of the next.

    Raises
    ------
    ModelError
        The class is no frozen dataclass, the name or a version cannot be used, or the name is taken.

    >>> @kind("acme.line", version=2, upgrade={1: lambda old: {"slope": old["gradient"]}})
    ... @dataclass(frozen=True)
    ... class Line:
    ...     slope: float
    >>> stored(Line).upgraded({"gradient": 2.0}, 1)
    {'slope': 2.0}
    """

    def register(cls: T) -> T:
        made = checked(Stored(name, version, cls, dict(upgrade or {})))
        if is_own(cls):
            before = _own.setdefault(name, made)
            if (before.cls.__module__, before.cls.__qualname__) != (cls.__module__, cls.__qualname__):
                raise ModelError(f"{_called(cls)} and {_called(before.cls)} are both of kind {name!r}: rename one kind")
            _own[name] = made
        _by_class[cls] = made
        return cls

    return register


def stored(cls: type) -> Stored | None:
    """How runs know a class, if it was registered."""
    return _by_class.get(cls)


def own(name: str) -> Stored | None:
    """Unseen's own kind of that name, if its file was imported."""
    return _own.get(name)


def is_own(cls: type) -> bool:
    """Whether a class stands in unseen's own files."""
    return cls.__module__.startswith("unseen.")


def checked(made: Stored) -> Stored:
    """The same, after a look at whether it can be stored and brought back.

    Raises
    ------
    ModelError
        It cannot; the message says why and what to do.
    """
    what = f"{_called(made.cls)}, of kind {made.name!r}," if isinstance(made.cls, type) else f"kind {made.name!r}"
    if not _NAME.fullmatch(made.name):
        raise ModelError(f"{what} needs a name of lower-case letters, digits, dots, dashes and underscores")
    if not isinstance(made.cls, type) or not is_dataclass(made.cls) or not _frozen(made.cls):
        raise ModelError(f"{what} is no frozen dataclass: put @dataclass(frozen=True) before the class")
    if set(made.fields) & set(RESERVED):
        raise ModelError(f"{what} has a field {RESERVED[0]!r}, which runs keep for the version of the kind: rename it")
    if made.version < 1 or any(old not in made.upgrade for old in range(1, made.version)):
        raise ModelError(f"{what} is version {made.version}: it needs an upgrade from each version before, 1 on")
    return made


def _frozen(cls: Any) -> bool:
    return bool(cls.__dataclass_params__.frozen)


def _called(cls: type) -> str:
    return f"{cls.__module__}.{cls.__qualname__}"
