"""Environment variables over the file: ``UNSEEN__FIT__RESTARTS=3`` sets ``fit.restarts``.

Written here and not left to pydantic-settings, which passes over unknown variables below a section, takes lists as
JSON only, and cannot tell which variable a value came from.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from unseen.errors import ConfigError
from unseen.ops.config.document import Keys, read
from unseen.ops.config.keys import ANY, known, nearest
from unseen.ops.config.messages import NO_LINE, Problem

PREFIX = "UNSEEN__"


def overlay(data: Any, env: Mapping[str, str]) -> tuple[Any, dict[Keys, str], list[Problem]]:
    """The data with the variables written over it, which variable set which key, and what is wrong with variables."""
    given = sorted(name for name in env if name.upper().startswith(PREFIX))
    if not given or not isinstance(data, dict | None):
        return data, {}, []
    data = dict(data or {})
    variables: dict[Keys, str] = {}
    wrong = []
    for name in given:
        try:
            keys = _keys(name, data)
            value = _value(name, env[name])
        except _Wrong as error:
            wrong.append(Problem(NO_LINE, name.upper(), str(error)))
            continue
        if not _put(data, keys, value):
            continue  # the file itself is wrong there, and that is told
        variables[keys] = name.upper()
    return data, variables, wrong


class _Wrong(Exception):
    pass


def _keys(name: str, data: dict[str, Any]) -> Keys:
    """The key that a variable names; names that the user chose are those of the file, whatever their case."""
    path: tuple[str, ...] = ()
    found: Keys = ()
    here: Any = data
    for part in name[len(PREFIX) :].split("__"):
        if path and path[-1] != ANY and known()[path].table:
            names = [n for n in (here if isinstance(here, dict) else {}) if n.lower() == part.lower()]
            if len(names) != 1:
                whole = "__".join(map(str, found)).upper()
                raise _Wrong(
                    f"the file has {'several keys' if names else 'no key'} of that name in {'.'.join(path)}; set all "
                    f"of it with {PREFIX}{whole}={{name: ...}}"
                )
            path, found = (*path, ANY), (*found, names[0])
        else:
            path, found = (*path, part.lower()), (*found, part.lower())
            if path not in known():
                meant = nearest(found)
                hint = f"; did you mean {PREFIX}{meant.upper().replace('.', '__')}?" if meant else ""
                raise _Wrong(f"unknown setting{hint}")
        here = here.get(found[-1]) if isinstance(here, dict) else None
    return found


def _value(name: str, text: str) -> Any:
    """Lists and tables are YAML, everything else is taken as it is; ``null`` stands for the default."""
    if not text.strip():
        raise _Wrong("is empty: unset it, or give null for the default")
    if not text.lstrip().startswith(("[", "{")):
        return None if text in ("null", "~") else text
    try:
        return read(text, name, lambda keys: False).data
    except ConfigError as error:
        raise _Wrong(str(error).partition(": ")[2]) from None


def _put(data: dict[str, Any], keys: Keys, value: Any) -> bool:
    """Write a value at a path, copying what is on the way; False where the file has no section there."""
    for key in keys[:-1]:
        inside = data.get(str(key))
        if not isinstance(inside, dict | None):
            return False
        data[str(key)] = dict(inside or {})
        data = data[str(key)]
    data[str(keys[-1])] = value
    return True
