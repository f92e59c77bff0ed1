"""``unseen.yaml`` as ``unseen init`` writes it: the keys that matter, and how values are written."""

from __future__ import annotations

import math
import os
import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

WIDTH = 110
_HEAD = """\
# yaml-language-server: $schema=unseen.schema.json
# One production loop: `unseen check` says what this file would do, `unseen retrain` does it. Every other key has a
# default: `unseen config show` lists them all, `unseen config explain KEY` says what one means.
"""


def file_of(values: Mapping[str, Any], notes: Mapping[str, Sequence[str]] | None = None) -> str:
    """A file that loads as it is.

    Parameters
    ----------
    values : values of keys by their dotted paths, in the order of the file; of a table of rules each gets a line
    notes : comments above a key, by its dotted path
    """
    lines, around = [_HEAD], list[str]()
    for dotted, value in values.items():
        *sections, key = dotted.split(".")
        same = len(os.path.commonprefix([sections, around]))
        lines += [f"{'  ' * depth}{sections[depth]}:" for depth in range(same, len(sections))]
        around, pad = sections, "  " * len(sections)
        for note in (notes or {}).get(dotted, ()):
            lines += textwrap.wrap(note, WIDTH, initial_indent=f"{pad}# ", subsequent_indent=f"{pad}#   ")
        if isinstance(value, Mapping):
            lines += [f"{pad}{key}:", *(f"{pad}  {written(name)}: {written(inner)}" for name, inner in value.items())]
        elif len(line := f"{pad}{key}: {written(value)}") <= WIDTH or not isinstance(value, (list, tuple)):
            lines.append(line)
        else:
            lines += [f"{pad}{key}:", *_list(value, pad + "  ")]
    return "\n".join(lines) + "\n"


def _list(values: Sequence[Any], pad: str) -> Iterator[str]:
    """A long list over several lines."""
    line = f"{pad}["
    for i, value in enumerate(values):
        piece = written(value) + ("," if i < len(values) - 1 else "]")
        if len(line) + len(piece) > WIDTH and line.strip() != "[":
            yield line.rstrip()
            line = f"{pad} "
        line += piece + " "
    yield line.rstrip()


def written(value: Any) -> str:
    """One value on one line, quoted wherever any YAML reader could take it for something else.

    >>> written({"type": "category", "values": ["no", "EWR"], "missing": 0.5})
    "{type: category, values: ['no', EWR], missing: 0.5}"
    """
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{written(str(k))}: {written(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(written, value)) + "]"
    if isinstance(value, float):
        value = int(value) if value.is_integer() and abs(value) < 1e15 else float(value)
    elif not isinstance(value, bool | int | None):
        value = str(value)
    broken = isinstance(value, str) and not value.isprintable()
    style = '"' if broken else None  # escapes, so that a line break stays on the line
    text = yaml.safe_dump([value], default_flow_style=True, default_style=style, allow_unicode=True, width=math.inf)
    return str(text).strip()[1:-1]


def numbers(values: tuple[int, ...]) -> str:
    """Numbers of components as a user writes them.

    >>> numbers((1, 2, 3)), numbers((2, 4))
    ('1:3', '2,4')
    """
    first, last = values[0], values[-1]
    if len(values) > 1 and values == tuple(range(first, last + 1)):
        return f"{first}:{last}"
    return ",".join(map(str, values))


def model_name(data: Path | None) -> str:
    """A name that the file accepts, from that of the data or of the folder around it.

    >>> model_name(Path("2013 flights.parquet")), model_name(Path("delays/data/*.csv"))
    ('flights', 'delays')
    """
    for part in reversed(data.parts if data else ()):
        name = re.sub(r"[^A-Za-z0-9_-]+", "-", part.split(".")[0])
        name = re.sub(r"^[^A-Za-z]+", "", name).strip("-")[:63]
        if name and name != "data":
            return name
    return "my-model"
