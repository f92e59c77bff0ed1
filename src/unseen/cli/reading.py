"""Options for what files do not say themselves: how they are to be read."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any, TypeVar

import click

from unseen.cli.kinds import as_click
from unseen.core.reading import READ, Reading, reading

F = TypeVar("F", bound=Callable[..., Any])


def hidden_read_options(command: F) -> F:
    """Add what files are read by to a command that reads new data of a run, which remembers how: rarely needed."""
    return read_options(command, hidden=True)


def read_options(command: F, hidden: bool = False) -> F:
    """Add what files are read by, the same for every command that reads some."""
    for option in reversed(READ):
        made = as_click(option)
        names = [*made.opts, *made.secondary_opts]
        spelled = ["/".join(names)] if made.secondary_opts else names
        click.option(
            *spelled, made.name, type=made.type, help=made.help, default=made.default, is_flag=made.is_flag or None,
            metavar=made.metavar, multiple=made.multiple, hidden=hidden,
        )(command)  # fmt: skip
    return command


def asked_reading(options: Mapping[str, Any], before: Reading | None = None) -> Reading:
    """The reading that a command's options say, over that of the run ``before``."""
    given = {f.name: options[f.name] for f in fields(Reading) if options.get(f.name) not in (None, (), False)}
    if options.get("header") is False:
        given["header"] = False
    asked = reading(given)
    return asked if before is None else replace(before, **{name: getattr(asked, name) for name in given})
