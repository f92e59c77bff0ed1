"""What a key means and what holds here: for ``unseen config``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

from unseen.errors import ConfigError
from unseen.ops.config.document import Keys
from unseen.ops.config.load import Loaded
from unseen.ops.config.schema import ANY, Key, about, general, known, nearest, shown
from unseen.ops.config.writing import numbers, written

#: what a key that is left out means, where that is no value
_LEFT_OUT = {"gates.heldout_drop": "by rows", "data.window": "all"}


def found(name: str) -> Key:
    """The key of a name: its dotted path, or its last part where one key ends so; ConfigError names the nearest."""
    path = tuple(name.replace("COLUMN", ANY).split("."))
    within = general(path)
    if len(within) == len(path) and within[-1] != ANY:
        return known()[within]
    ends = [k for k in known().values() if k.name == name]
    if len(ends) == 1:
        return ends[0]
    if ends:
        raise ConfigError(f"several keys are called {name}: {', '.join(shown(k.path) for k in ends)}")
    meant = nearest(path)
    hint = f"did you mean {meant}?" if meant else "`unseen config explain` lists all"
    raise ConfigError(f"there is no key {name}; {hint}")


def explained(key: Key, here: Loaded | None) -> dict[str, Any]:
    """All that can be said of a key; ``here`` is the file at hand."""
    return {
        "key": shown(key.path),
        "sentence": key.sentence,
        "type": key.words,
        "choices": key.choices,
        "default": "required" if key.field.is_required() else key.default or _LEFT_OUT.get(key.dotted, "none"),
        "example": key.example,
        "section": shown(key.path[:-1]),
        "about": about(key.owner),
        "keys": {k.name: k.sentence for k in known().values() if key.section and k.path[:-1] == key.inside},
        "here": None if here is None or ANY in key.path or key.section else values(here).get(key.dotted),
    }


def every_key() -> dict[str, dict[str, str]]:
    """The keys by section, each with its sentence; those of a section that stands twice are told once."""
    told: dict[type, str] = {}
    out: dict[str, dict[str, str]] = {}
    for key in known().values():
        section = shown(key.path[:-1])
        if key.section is None and told.setdefault(key.owner, section) == section:
            out.setdefault(section, {})[key.name] = key.sentence
    return out


def values(here: Loaded) -> dict[str, dict[str, str]]:
    """Every key with its value, and whether the file, the environment or the default says so."""
    out = {}
    for keys, value in _walk(here.settings, (), ()):
        dotted, said = ".".join(map(str, keys)), here.said_by(keys)
        if said is None and len(keys) > 2 and keys[:2] == ("model", "options"):
            said = here.said_by(("model", *keys[2:]))
        if value in (None, (), {}):
            text = _LEFT_OUT.get(dotted, "-")
        elif keys == ("model", "components"):
            text = numbers(value)
        elif keys[-1] == "webhook" and str(value).startswith("http"):  # what follows the host may be a password
            parts = urlsplit(str(value))
            text = f"{parts.scheme}://{parts.hostname}/..."
        else:
            text = written(value)
        by = "default" if said is None else f"line {said}" if isinstance(said, int) else said
        out[dotted] = {"value": text, "by": by}
    return out


def _walk(section: Any, path: tuple[str, ...], keys: Keys) -> Iterator[tuple[Keys, Any]]:
    """The values of a section and of those inside it; rules and options each by their name."""
    for name, field in type(section).model_fields.items():
        key = field.alias or name
        here, value = known()[(*path, key)], getattr(section, name)
        if here.table and value:
            for inner, rule in value.items():
                yield (*keys, key, inner), rule.model_dump(exclude_unset=True) if here.section else rule
        elif here.section and not here.table:
            yield from _walk(value, here.path, (*keys, key))
        else:
            yield (*keys, key), value
