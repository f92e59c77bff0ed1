"""YAML as it is meant here: every plain scalar stays text until a setting gives it a type, and nothing is said twice.

YAML 1.1 reads ``no`` as false, ``1:8`` as 68, ``2026-07-01`` as a date and ``1e-7`` as text. Settings have types of
their own, so a scalar is kept as it is written: a category ``no`` is the category "no".
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import yaml

from unseen.errors import ConfigError

Keys = tuple[str | int, ...]
MOST_NODES = 250_000
LONGEST = 60
_TAG = "tag:yaml.org,2002:"
_PLAIN = {_TAG + kind for kind in ("str", "int", "float", "bool", "null", "map", "seq")}


class _Loader(yaml.SafeLoader):
    """PyYAML's reader without its guesses: a plain scalar is text, nothing (null), or the merge sign."""

    yaml_implicit_resolvers: dict[str, Any] = {}


_Loader.add_implicit_resolver(_TAG + "null", re.compile(r"^(?:~|null|Null|NULL|)$"), ["~", "n", "N", ""])
_Loader.add_implicit_resolver(_TAG + "merge", re.compile(r"^<<$"), ["<"])


@dataclass
class Document:
    """What a text says, and in which line (from 1) each of its keys stands."""

    data: Any = None
    lines: dict[Keys, int] = field(default_factory=dict)

    def line(self, keys: Keys) -> int | None:
        """The line of a key, or of the nearest thing around it that the text names."""
        while keys and keys not in self.lines:
            keys = keys[:-1]
        return self.lines.get(keys)


def read(text: str, name: str, may_name: Callable[[Keys], bool] = bool) -> Document:
    """Parse one YAML document; ``name`` is what messages call it, ``may_name`` says which keys they may show.

    Raises
    ------
    ConfigError
        The text is not YAML, or says a key twice; with line and column, never with a value.

    >>> read("components: 1:8\\nsmoker: no", "unseen.yaml").data
    {'components': '1:8', 'smoker': 'no'}
    """
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
        built = _Builder(loader, may_name)
        return Document(None if node is None else built.value(node, ()), built.lines)
    except yaml.YAMLError as error:
        raise ConfigError(f"{name}{place(error, text)}: {reason(error)}") from None
    except RecursionError:
        raise ConfigError(f"{name}: this is nested far too deeply to be meant") from None


class _Builder:
    """Nodes to dictionaries, lists and text, with the line of each key."""

    def __init__(self, loader: _Loader, may_name: Callable[[Keys], bool]) -> None:
        self.loader, self.may_name, self.lines = loader, may_name, dict[Keys, int]()
        self.open: set[int] = set()
        self.flat: set[int] = set()

    def value(self, node: Any, keys: Keys) -> Any:
        if len(self.lines) > MOST_NODES:
            raise _Refused("aliases make this far larger than it looks", node)
        self.lines.setdefault(keys, node.start_mark.line + 1)
        if node.tag not in _PLAIN:
            raise _Refused("tags (words that begin with !) mean nothing here: quote a value that begins so", node)
        if isinstance(node, yaml.ScalarNode):
            return None if node.tag == _TAG + "null" else node.value
        if id(node) in self.open:
            raise _Refused("an alias stands inside what it refers to", node)
        self.open.add(id(node))
        if isinstance(node, yaml.MappingNode):
            built: Any = self._mapping(node, keys)
        else:
            built = [self.value(item, (*keys, i)) for i, item in enumerate(node.value)]
        self.open.remove(id(node))
        return built

    def _mapping(self, node: Any, keys: Keys) -> dict[str, Any]:
        first: dict[str, int] = {}
        for key, _ in () if id(node) in self.flat else node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _Refused("a key must be a word; does a value that begins with { or [ need quotes?", key)
            if key.value in first:
                told = shown((*keys, key.value)) if self.may_name((*keys, key.value)) else "a key"
                raise _Refused(f"{told} is said twice, first in line {first[key.value]}", key)
            first[key.value] = key.start_mark.line + 1
        self.flat.add(id(node))
        self.loader.flatten_mapping(node)  # `<<: *name` takes over the keys of another section
        built = {}
        for key, value in node.value:
            self.lines[(*keys, key.value)] = key.start_mark.line + 1
            built[key.value] = self.value(value, (*keys, key.value))
        return built


def shown(keys: Keys) -> str:
    """A dotted path that is safe to print, whatever the keys hold; the first entry of a list is ``[1]``."""
    out = ""
    for key in keys:
        if isinstance(key, int):
            out += f"[{key + 1}]"
            continue
        text = "".join(c if c.isprintable() else "?" for c in key)
        out += ("." if out else "") + (text if len(text) <= LONGEST else text[:LONGEST] + "...")
    return out


class _Refused(yaml.MarkedYAMLError):
    """Well-formed YAML that is not accepted; the sentence is ours."""

    def __init__(self, sentence: str, node: Any) -> None:
        super().__init__(problem=sentence, problem_mark=node.start_mark)


# ---- what PyYAML complains about, said without the text that it met: that text may be a secret

_QUOTES = "a value that begins with {} must stand in quotes"
#: (what PyYAML says, what to do about it), the first that fits; nothing of the text is repeated
_HINTS = (
    (r"alias", _QUOTES.format("*")),
    (r"anchor", _QUOTES.format("&")),
    (r"tag|'!'", _QUOTES.format("!")),
    (r"directive|'%'", _QUOTES.format("%")),
    (r"found character '\\t'", "indent with spaces: YAML takes no tabs"),
    (r"found character '[@`]'", _QUOTES.format("@ or `")),
    (r"mapping values are not allowed", "the indentation is off, or a value with a colon and a space needs quotes"),
    (r"could not find expected ':'", "a colon is missing after a key, or a line is indented wrongly"),
    (r"found undefined|found duplicate", "this name is not defined, or is defined twice"),
    (r"escape", 'in double quotes a backslash begins an escape: use single quotes, or write it as "\\\\"'),
    (r"unexpected end of stream", "a quote is opened and never closed"),
    (r"another document", "this is a second document (---): the file must hold one"),
    (r"expected ',' or ']'", "a list is not closed by ]"),
    (r"expected ',' or '}'", "a section in braces is not closed by }"),
    (r"<block end>", "the indentation is off, or a quote or bracket ends too early"),
    (r"block sequence|sequence entries", "a list entry (- ...) cannot stand here"),
    (r"special characters", "a character that YAML does not allow stands here"),
)


def place(error: Any, text: str) -> str:
    """`, line L, column C` of an error, counted from 1, as far as it is known."""
    mark = getattr(error, "problem_mark", None) or getattr(error, "context_mark", None)
    if mark is not None:
        return f", line {mark.line + 1}, column {mark.column + 1}"
    at = getattr(error, "position", None)
    if not isinstance(at, int):
        return ""
    before = text[:at]
    return f", line {before.count(chr(10)) + 1}, column {at - before.rfind(chr(10))}"


def reason(error: Any) -> str:
    """What is wrong, in words of ours."""
    if isinstance(error, _Refused):
        return str(error.problem)
    said = " ".join(str(getattr(error, part, None) or "") for part in ("context", "problem", "reason"))
    hint = next((hint for pattern, hint in _HINTS if re.search(pattern, said)), "a word or sign is out of place")
    return f"this is not YAML: {hint}"
