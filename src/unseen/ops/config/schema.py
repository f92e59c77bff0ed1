"""Every key that ``unseen.yaml`` may hold, told by the models themselves: for messages, `explain`, docs and editors."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any, get_args, get_origin

from pydantic.fields import FieldInfo

from unseen.ops.config.base import Section
from unseen.ops.config.settings import Settings
from unseen.ops.config.writing import numbers, written

#: stands for a name that the user chooses, such as a column
ANY = "*"
FILE = "unseen.schema.json"
#: how limits are told
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


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


def may_name(path: Sequence[str | int]) -> bool:
    """Whether the last part stands where keys belong; where a list or a value does, it may be data."""
    around = general(path[:-1])
    if len(around) < len(path) - 1:
        return False
    table = bool(around) and around[-1] == ANY
    key = known().get(around[:-1] if table else around)
    return key is None or key.section is not None or (key.table and not table)


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


# ---- the JSON schema: completion, descriptions, and red lines under mistakes


def json_schema() -> dict[str, Any]:
    """JSON schema (2020-12) of the settings; empty values are allowed where there is a default, as in the file."""
    schema = _plain(Settings.model_json_schema(by_alias=True))
    for part in schema["$defs"].values():
        if "required" not in part:
            part["type"] = [part["type"], "null"]
    for part in (schema, *schema["$defs"].values()):
        for name, value in part["properties"].items():
            if name not in part.get("required", ()):
                part["properties"][name] = _or_null(value)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "unseen.yaml", **schema}


@cache
def of_section(section: type[Any]) -> dict[str, Any]:
    """The properties of one section by key, as JSON schema."""
    properties: dict[str, Any] = section.model_json_schema(by_alias=True)["properties"]
    return properties


def words(schema: dict[str, Any]) -> str:
    """What may stand there, in words: ``number from 0 to 1``."""
    if "x-words" in schema:
        return str(schema["x-words"])
    if "$ref" in schema:
        return "section"
    if "anyOf" in schema:
        parts = [p for p in schema["anyOf"] if p.get("type") != "null"]
        return " or ".join(p.get("description") or words(p) for p in parts)
    if "enum" in schema:
        return ", ".join(schema["enum"][:-1]) + f" or {schema['enum'][-1]}"
    kind = schema.get("type")
    if kind == "array" and "prefixItems" in schema:
        return "list of two numbers"
    if kind == "array":
        items = schema["items"]
        return f"list of {words(items)}" + ("s" if items.get("type") in ("integer", "number") else "")
    if kind == "object":
        inside = schema["additionalProperties"]
        return f"table: name to {'rule' if '$ref' in inside else words(inside)}"
    if kind in ("integer", "number"):
        return ("whole number" if kind == "integer" else "number") + _limits(schema)
    return {"boolean": "true or false", "string": "text"}[str(kind)]


def _limits(schema: dict[str, Any]) -> str:
    if "minimum" in schema and "maximum" in schema:
        return f" from {schema['minimum']:g} to {schema['maximum']:g}"
    return "".join(f", {what} {schema[limit]:g}" for limit, what in _LIMITS.items() if limit in schema)


def _plain(value: Any) -> Any:
    """Without generated titles and our own notes, and with lists of names that may look like numbers."""
    if isinstance(value, list):
        return [_plain(v) for v in value]
    if not isinstance(value, dict):
        return value
    out = {k: _plain(v) for k, v in value.items() if k != "x-words" and not (k == "title" and isinstance(v, str))}
    if isinstance(out.get("description"), str):
        out["description"] = "\n\n".join(" ".join(part.split()) for part in out["description"].split("\n\n"))
    items = out.get("items")
    if isinstance(items, dict) and items.get("type") == "string":
        items["type"] = ["string", "number", "boolean"]
    return out


def _or_null(schema: dict[str, Any]) -> dict[str, Any]:
    """The same, or nothing; said inside the type, so that editors still tell what exactly is wrong."""
    if "anyOf" in schema:
        kinds = schema["anyOf"]
        return schema if {"type": "null"} in kinds else {**schema, "anyOf": [*kinds, {"type": "null"}]}
    if "type" not in schema:
        return schema
    choices = {"enum": [*schema["enum"], None]} if "enum" in schema else {}
    return {**schema, "type": [schema["type"], "null"], **choices}
