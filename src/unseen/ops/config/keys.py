"""Every key that ``unseen.yaml`` may hold, told by the models themselves: for messages, `explain` and the docs."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import get_args, get_origin

from pydantic.fields import FieldInfo

from unseen.ops.config.base import Section
from unseen.ops.config.schema import of_section, words
from unseen.ops.config.settings import Settings
from unseen.ops.config.writing import numbers, written

#: stands for a name that the user chooses, such as a column
ANY = "*"


@dataclass(frozen=True)
class Key:
    """One key: where it stands, the model's field, and the section it opens, if it opens one."""

    path: tuple[str, ...]
    field: FieldInfo
    #: the section that it is in
    owner: type[Section]
    section: type[Section] | None = None
    #: a table from names that the user chooses to values or to sections
    table: bool = False

    @property
    def name(self) -> str:
        return self.path[-1]

    @property
    def dotted(self) -> str:
        return ".".join(self.path)

    @property
    def inside(self) -> tuple[str, ...]:
        """The path that the keys of its section continue."""
        return (*self.path, ANY) if self.table else self.path

    @property
    def sentence(self) -> str:
        """What it means; of a section what it is about."""
        return " ".join((self.field.description or "").split()) or (about(self.section) if self.section else "")

    @property
    def words(self) -> str:
        """What may stand there."""
        return words(of_section(self.owner)[self.name])

    @property
    def choices(self) -> list[str]:
        return list(of_section(self.owner)[self.name].get("enum", ()))

    @property
    def default(self) -> str:
        """The default as it is written; nothing where there is none."""
        value = None if self.field.is_required() or self.section is not None else self.field.get_default()
        if value is None or value in ((), {}):
            return ""
        return numbers(value) if self.name == "components" else written(value)

    @property
    def example(self) -> str:
        return written(self.field.examples[0]) if self.field.examples else ""


def shown(path: Sequence[str]) -> str:
    """A path in words: COLUMN stands for a name that the user chooses."""
    return ".".join(path).replace(ANY, "COLUMN")


def about(section: type[Section], whole: bool = False) -> str:
    """What a section is about, in one paragraph or as a whole."""
    said = section.__doc__ or ""
    return " ".join((said if whole else said.split("\n\n")[0]).split())


def keys_of(section: type[Section], path: tuple[str, ...] = ()) -> Iterator[Key]:
    """The keys of a section and of those inside it, in the order of the models."""
    for name, field in section.model_fields.items():
        kinds = (field.annotation, *get_args(field.annotation))
        inside = next((k for k in kinds if isinstance(k, type) and issubclass(k, Section)), None)
        key = Key((*path, field.alias or name), field, section, inside, get_origin(field.annotation) is dict)
        yield key
        if inside is not None:
            yield from keys_of(inside, key.inside)


@cache
def known() -> dict[tuple[str, ...], Key]:
    """All keys by their path; names that the user chooses are ``*``."""
    return {key.path: key for key in keys_of(Settings)}


def general(path: Sequence[str | int]) -> tuple[str, ...]:
    """A path with the names that the user chose replaced by ``*``, cut where it leaves the known keys."""
    out: tuple[str, ...] = ()
    for part in path:
        if (*out, str(part)) in known():
            out = (*out, str(part))
        elif out in known() and known()[out].table:
            out = (*out, ANY)
        else:
            break
    return out


def takes_names(path: tuple[str, ...]) -> bool:
    """Whether keys stand below a (general) path: it is a section or a table of the user's names."""
    if not path or path[-1] == ANY:
        return not path or known()[path[:-1]].section is not None
    return path in known() and (known()[path].section is not None or known()[path].table)


def nearest(path: Sequence[str | int]) -> str | None:
    """The known key that an unknown one was probably meant to be: in its section first, then anywhere."""
    *around, last = map(str, path)
    name, within = last.lower().replace("-", "_"), general(around)
    siblings = {p[-1]: p for p in known() if p[:-1] == within}
    others = {p[-1]: p for p in reversed(list(known())) if ANY not in p}
    for table, cutoff in ((siblings, 1.0), (others, 1.0), (siblings, 0.6), (others, 0.75)):
        found = difflib.get_close_matches(name, table, n=1, cutoff=cutoff)
        if found:
            meant = table[found[0]]
            return ".".join((*around, meant[-1])) if table is siblings else ".".join(meant)
    return None
