"""What is wrong with a file or an environment variable: where it stands, which key, why, and the nearest known key.

Offending values are never repeated: a line may hold a secret that was put in the wrong place.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from unseen.errors import ConfigError
from unseen.ops.config.document import Document, Keys, shown
from unseen.ops.config.schema import ANY, general, known, nearest

#: problems told at once
MOST = 5

_SENTENCES = {
    "missing": "is required",
    **dict.fromkeys(("bool_type", "bool_parsing"), "must be true or false"),
    **dict.fromkeys(("int_type", "int_parsing", "int_from_float"), "must be a whole number"),
    "int_parsing_size": "is too large a number",
    **dict.fromkeys(("float_type", "float_parsing"), "must be a number"),
    "finite_number": "must be a finite number",
    "string_type": "must be text",
    "string_too_short": "must not be empty",
    "tuple_type": "must be a list, such as [a, b]",
    **dict.fromkeys(("dict_type", "model_type"), "must be a section: indented lines of key: value"),
}
_LIMITS = {
    "greater_than": ("gt", "must be more than"),
    "greater_than_equal": ("ge", "must be at least"),
    "less_than": ("lt", "must be less than"),
    "less_than_equal": ("le", "must be at most"),
}
#: what patterns ask for, in words
_FORMS = {
    "name": "must be a letter, then letters, digits, _ or -, at most 63 in all",
    "metric": "must be module:function",
    "textfile": "must end in .prom: node_exporter reads no other files",
    "smarthost": "must be host:port",
    "sender": "must be a mail address",
    "email": "must be a mail address",
}


@dataclass(frozen=True, order=True)
class Problem:
    """One thing that is wrong: the line if known, the key or the variable, the sentence."""

    line: float
    where: str
    sentence: str

    def __str__(self) -> str:
        line = f"line {self.line}, " if self.line < NO_LINE else ""
        return f"{line}{self.where}: {self.sentence}"


NO_LINE = float("inf")


def problems(errors: Iterable[Any], document: Document, variables: Mapping[Keys, str]) -> list[Problem]:
    """The errors of pydantic, in the order of the file; ``variables`` tells which keys the environment set."""
    return sorted({_problem(error, document, variables) for error in errors})


def joined(name: str, found: list[Problem]) -> ConfigError:
    """One sentence for one problem, or a list of the first few."""
    if len(found) == 1:
        outside = found[0].where.startswith("UNSEEN__")
        return ConfigError(str(found[0]) if outside else f"{name}, {found[0]}")
    more = [f"and {len(found) - MOST} more"] if len(found) > MOST else []
    return ConfigError("\n  ".join([f"{name} has {len(found)} problems:", *map(str, found[:MOST]), *more]))


def _problem(error: Any, document: Document, variables: Mapping[Keys, str]) -> Problem:
    keys: Keys = tuple(error["loc"])
    if error["type"] == "clash":
        keys += tuple(error["ctx"]["key"].split("."))
    if keys and keys[-1] == "[key]":
        keys = keys[:-1]
    sentence = _sentence(error, keys)
    variable = next((name for at, name in variables.items() if keys[: len(at)] == at), None)
    if variable is not None:
        return Problem(NO_LINE, variable, sentence)
    missing = error["type"] == "missing"
    line = None if not keys or (missing and len(keys) == 1) else document.line(keys[:-1] if missing else keys)
    if error["type"] == "extra_forbidden":  # what follows a forgotten space may be a secret
        keys = (*keys[:-1], _word(keys))
    return Problem(NO_LINE if line is None else line, shown(keys) or "the whole file", sentence)


def _word(keys: Keys) -> str:
    return re.split(r"[^\w .*+-]", str(keys[-1]))[0]


def _sentence(error: Any, keys: Keys) -> str:
    kind, context = error["type"], error.get("ctx", {})
    if kind == "extra_forbidden":
        return f"unknown key; {_unknown(keys)}"
    if kind == "literal_error":
        choices = re.findall(r"'([^']*)'", context["expected"])
        meant = difflib.get_close_matches(str(error["input"]).lower(), choices, n=1, cutoff=0.6)
        return f"must be one of {', '.join(choices)}" + (f"; did you mean {meant[0]}?" if meant else "")
    if kind in _LIMITS:
        limit, words = _LIMITS[kind]
        return f"{words} {context[limit]:g}"
    if kind in ("too_short", "too_long"):
        return f"must be a list of {context.get('min_length', context.get('max_length'))} entries"
    if kind == "value_error":
        return str(context["error"])
    if kind == "clash":
        return str(error["msg"])
    if kind == "string_pattern_mismatch":
        return _FORMS.get(str(keys[-1]), "does not have the form that it must have")
    return _SENTENCES.get(kind, "is not what can stand here")


def _unknown(keys: Keys) -> str:
    """What an unknown key may have been meant to be."""
    if _word(keys) != keys[-1]:
        return "is a space missing after a colon?"
    meant, around = nearest(keys), general(keys[:-1])
    siblings = ", ".join(path[-1] for path in known() if path[:-1] == around and path[-1] != ANY)
    return f"did you mean {meant}?" if meant else f"known here: {siblings}"
