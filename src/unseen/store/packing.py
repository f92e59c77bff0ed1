"""Frozen dataclasses to JSON: the same values to the last bit; `unseen.store.unpacking` is the way back.

Arrays go to one side table by name. Marks begin with ``$``: ``{"$kind": "gaussian", "version": 1, ...}`` is a
dataclass under the name and version of its kind, ``{"$array": name}`` an array, ``{"$number": "nan"}`` a number JSON
has no word for, ``{"$list": [...]}`` a list (a plain JSON list is a tuple), ``{"$map": [[k, v], ...]}`` a mapping whose
keys JSON could not keep.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from typing import Any

import numpy as np

from unseen.core.stats import Array, Params
from unseen.errors import RunError
from unseen.store.declared import GROUP, UNSEEN, Origin
from unseen.store.kinds import kind_of

_PLAIN_NAME = re.compile(r"[\w][\w .+\-()]{0,100}")


@dataclass
class Packing:
    """What a value becomes beside its JSON: arrays by name, and where the kinds come from that are not unseen's own.

    >>> side = Packing()
    >>> side.pack((1.5, np.zeros(2), float("inf")), "x")
    [1.5, {'$array': 'x.1'}, {'$number': 'inf'}]
    >>> list(side.arrays)
    ['x.1']
    """

    arrays: dict[str, Array] = field(default_factory=dict)
    origins: dict[str, Origin] = field(default_factory=dict)

    def pack(self, value: Any, path: str = "") -> Any:
        """The JSON form of a value; ``path`` is where it stands, and names its arrays.

        Raises
        ------
        RunError
            The value holds something that a file without code cannot bring back.
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
            return {"$array": self._keep(value, path)}
        if isinstance(value, tuple):
            return [self.pack(v, f"{path}.{i}") for i, v in enumerate(value)]
        if isinstance(value, list):
            return {"$list": [self.pack(v, f"{path}.{i}") for i, v in enumerate(value)]}
        if isinstance(value, Params):
            inside = {k: {"$array": self._keep(v, f"{path}.{k}")} for k, v in value.items()}
            return {"$params": [[k, v] for k, v in inside.items()], "events": dict(value.events)}
        if isinstance(value, Mapping):
            return self._mapping(value, path)
        if is_dataclass(value) and not isinstance(value, type):
            return self._dataclass(value, path)
        what = f"{type(value).__module__}.{type(value).__qualname__}".removeprefix("builtins.")
        raise RunError(
            f"a run cannot keep {path or 'this'}, a {what}: no data file can hold one. Make a model or family a frozen "
            "dataclass of numbers, text, arrays, tuples and mappings, and declare it in a package (entry points of the "
            f"group {GROUP})"
        )

    def _mapping(self, value: Mapping[Any, Any], path: str) -> Any:
        if all(isinstance(k, str) and not k.startswith("$") for k in value):
            return {k: self.pack(v, f"{path}.{k}") for k, v in value.items()}
        return {"$map": [[self.pack(k, path), self.pack(v, f"{path}.{k}")] for k, v in value.items()]}

    def _dataclass(self, value: Any, path: str) -> Any:
        found, origin = kind_of(type(value))
        for f in fields(value):
            if f.name.startswith("_") and f.default is MISSING and f.default_factory is MISSING:
                raise RunError(
                    f"a run cannot keep a {type(value).__qualname__}: its field {f.name!r} begins with an underscore, "
                    "so it is not stored, and has no default to begin with again: give it one"
                )
        if origin != UNSEEN:
            self.origins[found.name] = origin
        inside = {name: self.pack(getattr(value, name), f"{path}.{name}".lstrip(".")) for name in found.fields}
        return {"$kind": found.name, "version": found.version, **inside}

    def _keep(self, value: Array, path: str) -> str:
        if value.dtype.hasobject:
            raise RunError(f"a run cannot keep {path}: an array of Python objects would need pickles")
        name = path if _PLAIN_NAME.fullmatch(path) and path not in self.arrays else f"array{len(self.arrays)}"
        self.arrays[name] = value
        return name


def check_kept(model: Any) -> None:
    """Refuse a model that no run can keep, before hours are spent on fitting it.

    Raises
    ------
    RunError
        It, or a family in it, could not be read back by another process; the message says what to do.

    >>> from unseen import Gaussian, Mixture
    >>> check_kept(Mixture(Gaussian(), 2))
    """
    Packing().pack(model, "model")


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
