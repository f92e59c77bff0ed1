"""`unseen config`: what a key of unseen.yaml means, and what holds here."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from unseen.cli.common import as_json, needs_ops
from unseen.cli.common import config as config_option
from unseen.cli.exits import print_json


@click.group(epilog="\b\nExamples:\n  unseen config explain gates.heldout_drop\n  unseen config show --json")
def config() -> None:
    """Tell what the keys of unseen.yaml mean and which values hold."""


@config.command(epilog="\b\nExamples:\n  unseen config explain\n  unseen config explain data.window")
@click.argument("key", metavar="[KEY]", required=False)
@config_option
@as_json
@needs_ops
def explain(key: str | None, config: Path, as_json: bool) -> None:
    """Tell what a key means; without KEY, every key with one sentence.

    KEY is its dotted path, or its last word where only one key ends so. What holds here is told too, if unseen.yaml is
    there.
    """
    from unseen.ops.config.explain import every_key, explained, found
    from unseen.ops.config.load import loaded

    if key is None:
        told = every_key()
        return print_json(told) if as_json else click.echo("\n".join(_listed(told)))
    facts = explained(found(key), loaded(config) if config.exists() else None)
    print_json(facts) if as_json else click.echo("\n".join(_sentences(facts, config)))


@config.command(epilog="\b\nExample:\n  unseen config show --json")
@config_option
@as_json
@needs_ops
def show(config: Path, as_json: bool) -> None:
    """Show every key with its value, and who says so: a line of the file, a variable, or the default."""
    from unseen.ops.config.explain import values
    from unseen.ops.config.load import loaded

    found = values(loaded(config))
    if as_json:
        return print_json(found)
    wide = min(40, max(map(len, found)))
    by = min(20, max(len(told["by"]) for told in found.values()))
    for key, told in found.items():
        click.echo(f"{key:<{wide}}  {told['by']:<{by}}  {told['value']}")


def _listed(told: dict[str, dict[str, str]]) -> list[str]:
    lines = []
    for section, keys in told.items():
        lines += [f"\n{section}" if section else "top level"]
        lines += [f"  {key:<22}  {sentence}" for key, sentence in keys.items()]
    return lines


def _sentences(facts: dict[str, Any], file: Path) -> list[str]:
    lines = [f"{facts['key']}: {facts['sentence']}"]
    if facts["keys"]:
        return [*lines, *(f"  {key:<22}  {sentence}" for key, sentence in facts["keys"].items())]
    stands = f"{facts['section']}: {facts['about']}" if facts["section"] else "the top level"
    said = {
        "type": facts["type"],
        "default": facts["default"],
        "example": facts["example"],
        "stands in": stands,
        "here": facts["here"] and f"{facts['here']['value']} ({_by(facts['here']['by'], file)})",
    }
    return lines + [f"  {what:<10}{value}" for what, value in said.items() if value]


def _by(by: str, file: Path) -> str:
    return f"{file}, {by}" if by.startswith("line ") else by
