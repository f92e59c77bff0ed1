"""The JSON schema of ``unseen.yaml``, for editors: completion, descriptions, and red lines under mistakes."""

from __future__ import annotations

from functools import cache
from typing import Any

from unseen.ops.config.settings import Settings

FILE = "unseen.schema.json"
#: how limits are told
_LIMITS = {
    "minimum": "at least",
    "exclusiveMinimum": "more than",
    "maximum": "at most",
    "exclusiveMaximum": "less than",
}


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
