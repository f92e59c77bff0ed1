"""``unseen.yaml`` as ``unseen init`` writes it: every key with its description, made from the models themselves."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unseen.ops.config.base import Section
from unseen.ops.config.keys import section_of
from unseen.ops.config.schema import FILE, of_section
from unseen.ops.config.settings import Settings
from unseen.ops.config.writing import is_empty, numbers, written

if TYPE_CHECKING:
    from unseen.core.block import Field

WIDTH = 110
_HEAD = f"""\
# yaml-language-server: $schema={FILE}
#
# One production loop. `unseen check` says what this file would do; `unseen retrain` does it.
# A line such as "#window: 6" is switched off, and its default holds: take the # away to use it. Relative paths start
# from the folder of this file. UNSEEN__FIT__RESTARTS=3 in the environment goes over fit: restarts. Secrets are never
# written here: env:NAME or file:/path says where they are.
"""
#: written as a rule or two on one line each, since there is one per column
_RULES: Mapping[str, Mapping[str, Any]] = {
    "dep_delay": {"type": "number", "min": -60, "max": 1500, "missing": 0.05, "outside": 0.001, "median": [-10, 30]},
    "origin": {"type": "category", "values": ["EWR", "JFK", "LGA"], "missing": 0.0},
}


def template(
    name: str = "my-model",
    schema: Sequence[Field] | None = None,
    *,
    given: Mapping[str, Any] | None = None,
    rules: Mapping[str, Mapping[str, Any]] | None = None,
    notes: Mapping[str, Sequence[str]] | None = None,
) -> str:
    """A commented file that loads as it is.

    Parameters
    ----------
    name : the model's name
    schema : columns of the data; each gets a rule for its type, unless ``rules`` says more
    given : values of keys by their dotted path, ``{"data.path": "data/*.parquet"}``
    rules : rules of columns, in the words of the file
    notes : comments above a key by its dotted path
    """
    from unseen.core.block import EMPTY

    if rules is None and schema is not None:
        rules = {f.name: {"type": f.kind} for f in schema if f.kind != EMPTY}
    values = {"name": name, "data.path": "data/*.parquet", "model.components": "1:8", **(given or {})}
    lines = _Lines(values, rules or {}, notes or {})
    return "\n".join([_HEAD, *lines.section(Settings, (), 0)]) + "\n"


class _Lines:
    def __init__(
        self, values: Mapping[str, Any], rules: Mapping[str, Mapping[str, Any]], notes: Mapping[str, Sequence[str]]
    ) -> None:
        self.values, self.rules, self.notes = values, rules, notes
        self.told: set[type[Section]] = set()

    def section(self, section: type[Section], path: tuple[str, ...], depth: int) -> Iterator[str]:
        """The keys of a section, described where the section is met for the first time."""
        fresh = section not in self.told
        self.told.add(section)
        for field_name, field in section.model_fields.items():
            key = field.alias or field_name
            here, inside = (*path, key), section_of(field.annotation)
            dotted, pad = ".".join(here), "  " * depth
            if depth == 0 and inside is not None:
                yield ""
            if fresh:
                about = field.description or " ".join((inside.__doc__ or "").split()) if inside else field.description
                yield from _comment(_with_choices(about or "", section, key), pad)
            for note in self.notes.get(dotted, ()):
                yield from _comment(note, pad)
            if dotted == "schema.columns" and inside is not None:
                yield from self._rules(inside, pad)
            elif inside is not None:
                yield f"{pad}{key}:"
                yield from self.section(inside, here, depth + 1)
            else:
                yield pad + self._line(dotted, key, field)

    def _line(self, dotted: str, key: str, field: Any) -> str:
        if dotted in self.values:
            return f"{key}: {written(self.values[dotted])}"
        default = field.get_default()
        if not field.examples:
            return f"#{key}: {written(default)}"
        told = numbers(default) if key == "components" else written(default)
        return f"#{key}: {written(field.examples[0])}  # {'for example' if is_empty(default) else f'default: {told}'}"

    def _rules(self, rule: type[Section], pad: str) -> Iterator[str]:
        for key, field in rule.model_fields.items():
            yield from _comment(_with_choices(f"  {key}: {field.description}", rule, key), pad, hang="    ")
        off = "" if self.rules else "#"
        yield f"{pad}{off}columns:"
        for column, facts in (self.rules or _RULES).items():
            yield f"{pad}  {off}{written(column)}: {written(facts)}"


def _with_choices(about: str, section: type[Section], key: str) -> str:
    choices = of_section(section)[key].get("enum")
    return f"{about} One of {', '.join(choices)}." if choices else about


def _comment(text: str, pad: str, hang: str = "") -> Iterator[str]:
    first = f"{pad}# "
    yield from textwrap.wrap(text, WIDTH, initial_indent=first, subsequent_indent=first + hang)


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
