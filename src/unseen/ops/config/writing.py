"""Values as they are written in ``unseen.yaml``."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import yaml


def written(value: Any) -> str:
    """One value on one line, quoted wherever any YAML reader could take it for something else.

    >>> written({"type": "category", "values": ["no", "EWR"], "missing": 0.5})
    "{type: category, values: ['no', EWR], missing: 0.5}"
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(str(k))}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(written, value)) + "]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        text = str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
        return text if "." in text else text.replace("e", ".0e")  # 1e-07 is text to YAML 1.1
    if isinstance(value, int):
        return str(value)
    style = None if str(value).isprintable() else '"'  # escapes, so that a line break stays on the line
    text = yaml.safe_dump(
        [str(value)], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf
    )
    return str(text).strip()[1:-1]


def is_empty(value: Any) -> bool:
    """Whether a default means that there is nothing."""
    return value is None or value == () or value == {}


def numbers(values: tuple[int, ...]) -> str:
    """Numbers of components as a user writes them.

    >>> numbers((1, 2, 3)), numbers((2, 4))
    ('1:3', '2,4')
    """
    first, last = values[0], values[-1]
    if len(values) > 1 and values == tuple(range(first, last + 1)):
        return f"{first}:{last}"
    return ",".join(map(str, values))
