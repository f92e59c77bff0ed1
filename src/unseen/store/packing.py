"""Frozen dataclasses to JSON and back: the same values to the last bit, and no code ever runs from a file.

Arrays go to one side table by name. Marks begin with ``$``: ``{"$type": "families.gaussian.Gaussian", ...}`` is one of
unseen's own dataclasses, ``{"$array": name}`` an array, ``{"$number": "nan"}`` a number JSON has no word for,
``{"$list": [...]}`` a list (a plain JSON list is a tuple), ``{"$map": [[k, v], ...]}`` a mapping whose keys JSON
could not keep.
"""

from __future__ import annotations

import functools
import importlib
import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from typing import Any

import numpy as np

from unseen.core.stats import Array, Params
from unseen.errors import RunError

_ROOMS = ("core", "families", "models", "result")
_TYPE = re.compile(rf"({'|'.join(_ROOMS)})(\.[a-z0-9_]+)*\.[A-Z]\w*")
_PLAIN_NAME = re.compile(r"[\w][\w .+\-()]{0,100}")


def type_name(cls: type) -> str | None:
    """How a run names a class: only unseen's own dataclasses can be brought back, so only they have a name."""
    name = f"{cls.__module__}.{cls.__qualname__}".removeprefix("unseen.")
    return name if cls.__module__.startswith("unseen.") and _TYPE.fullmatch(name) else None


@functools.cache
def type_of(name: str) -> type:
    """The class of that name, nothing but a dataclass out of unseen's own files.

    Raises
    ------
    RunError
        There is no such class in this version.
    """
    home, _, short = str(name).rpartition(".")
    cls = None
    if _TYPE.fullmatch(str(name)):
        try:
            cls = getattr(importlib.import_module(f"unseen.{home}"), short, None)
        except ModuleNotFoundError:
            cls = None
    if not isinstance(cls, type) or not is_dataclass(cls) or type_name(cls) != name:
        raise RunError(f"run.json names a class {name!r} that this version of unseen does not have")
    return cls


def pack(value: Any, arrays: dict[str, Array], path: str = "") -> Any:
    """The JSON form of a value; its arrays are put into ``arrays`` under names made from ``path``.

    Raises
    ------
    RunError
        The value holds something that a file without code cannot bring back.

    >>> side = {}
    >>> pack((1.5, np.zeros(2), float("inf")), side, "x")
    [1.5, {'$array': 'x.1'}, {'$number': 'inf'}]
    """
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return value if np.isfinite(value) else {"$number": repr(value)}
    if isinstance(value, np.ndarray):
        return {"$array": _keep(value, arrays, path)}
    if isinstance(value, tuple):
        return [pack(v, arrays, f"{path}.{i}") for i, v in enumerate(value)]
    if isinstance(value, list):
        return {"$list": [pack(v, arrays, f"{path}.{i}") for i, v in enumerate(value)]}
    if isinstance(value, Params):
        inside = {k: {"$array": _keep(v, arrays, f"{path}.{k}")} for k, v in value.items()}
        return {"$params": [[k, v] for k, v in inside.items()], "events": dict(value.events)}
    if isinstance(value, Mapping):
        return _pack_mapping(value, arrays, path)
    if is_dataclass(value) and not isinstance(value, type):
        return _pack_dataclass(value, arrays, path)
    raise RunError(f"a run cannot keep {path or 'this'}: it is a {type(value).__name__}, which no data file can hold")


def _pack_mapping(value: Mapping[Any, Any], arrays: dict[str, Array], path: str) -> Any:
    if all(isinstance(k, str) and not k.startswith("$") for k in value):
        return {k: pack(v, arrays, f"{path}.{k}") for k, v in value.items()}
    pairs = [[pack(k, arrays, path), pack(v, arrays, f"{path}.{k}")] for k, v in value.items()]
    return {"$map": pairs}


def _pack_dataclass(value: Any, arrays: dict[str, Array], path: str) -> Any:
    cls = type(value)
    name = type_name(cls)
    if name is None:
        raise RunError(f"a run cannot keep a {cls.__name__}: only unseen's own models and families can be read back")
    inside = {
        f.name: pack(getattr(value, f.name), arrays, f"{path}.{f.name}".lstrip("."))
        for f in fields(value)
        if not f.name.startswith("_")
    }
    return {"$type": name, **inside}


def _keep(value: Array, arrays: dict[str, Array], path: str) -> str:
    if value.dtype.hasobject:
        raise RunError(f"a run cannot keep {path}: an array of Python objects would need pickles")
    name = path if _PLAIN_NAME.fullmatch(path) and path not in arrays else f"array{len(arrays)}"
    arrays[name] = value
    return name


def readable(value: Any, indent: str = "") -> str:
    """JSON with one line for whatever fits on it: a trace of a thousand iterations stays readable."""
    line = json.dumps(value, ensure_ascii=True, allow_nan=False)
    if len(line) < 110 or not isinstance(value, (dict, list)):
        return line
    inner = indent + " "
    if isinstance(value, list):
        return "[\n" + ",\n".join(inner + readable(v, inner) for v in value) + f"\n{indent}]"
    pairs = (f"{inner}{json.dumps(k)}: {readable(v, inner)}" for k, v in value.items())
    return "{\n" + ",\n".join(pairs) + f"\n{indent}}}"


def unpack(value: Any, arrays: Mapping[str, Array]) -> Any:
    """The value that `pack` wrote.

    Raises
    ------
    RunError
        A name that is not in the registry, or an array that is not there.

    >>> unpack([1.5, {'$number': 'inf'}, {'$list': [2]}], {})
    (1.5, inf, [2])
    """
    if isinstance(value, list):
        return tuple(unpack(v, arrays) for v in value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        if value["$array"] not in arrays:
            raise RunError(f"arrays.npz has no array {value['$array']!r}, which run.json names")
        return arrays[value["$array"]]
    if "$number" in value:
        return float(value["$number"])
    if "$list" in value:
        return [unpack(v, arrays) for v in value["$list"]]
    if "$map" in value:
        return {unpack(k, arrays): unpack(v, arrays) for k, v in value["$map"]}
    if "$params" in value:
        return Params({k: unpack(v, arrays) for k, v in value["$params"]}, events=value["events"])
    if "$type" in value:
        return _unpack_dataclass(value, arrays)
    return {k: unpack(v, arrays) for k, v in value.items()}


def _unpack_dataclass(value: dict[str, Any], arrays: Mapping[str, Array]) -> Any:
    name = value["$type"]
    cls = type_of(name)
    # past __init__: a class may take its fields in another form than it keeps them
    out: Any = object.__new__(cls)
    for f in fields(cls):
        if f.name in value:
            made = unpack(value[f.name], arrays)
        elif f.default_factory is not MISSING:
            made = f.default_factory()
        elif f.default is not MISSING:
            made = f.default
        else:
            raise RunError(f"run.json lacks {f.name!r} of {name}: it was written by another version of unseen")
        object.__setattr__(out, f.name, made)
    return out
