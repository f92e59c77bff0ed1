"""The tables of the pages: options of a fit, and what each kind of model can do, made from what they declare.

``python -m unseen.cli.reference docs/command-line.md docs/files.md docs/kinds.md`` renews them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from unseen.core.capabilities import Completing, Decoding, Generative, Predictive, Projecting, Structured
from unseen.core.model import Assigning, Latent, Penalised
from unseen.core.option import FIT, FLAG, Option
from unseen.core.reading import READ
from unseen.store.kinds import model, models

#: what a column of the table says, by the capability that it needs
CAN = {
    "assigns": Assigning,
    "labels": Latent,
    "priors": Penalised,
    "imputes": Completing,
    "samples": Generative,
    "predicts": Predictive,
    "decodes paths": Decoding,
    "scores": Projecting,
    "families of columns": Structured,
}


def options_table(options: Sequence[Option] = FIT) -> str:
    """The options as rows of a Markdown table."""
    rows = ["| option | what it says | default |", "|---|---|---|"]
    for option in options:
        given = option.told or ("none" if option.default is None else f"`{option.default}`")
        choices = f" One of {', '.join(f'`{c}`' for c in option.choices)}." if option.choices else ""
        given = "required" if option.required else "1 to 8" if option.order else given
        name = option.name.replace("_", "-")
        name = f"--{name}`, `--no-{name}" if option.kind == FLAG and option.optional else f"--{name}"
        rows.append(f"| `{name}` | {option.sentence}{choices} | {given} |")
    return "\n".join(rows)


def kinds_table() -> str:
    """What each kind can do, and what it says of rows, as a Markdown table."""
    head = ["kind", "own options", "statistics", *CAN]
    rows = [head, ["---"] * len(head)]
    for name in models():
        cls = model(name)
        own = ", ".join(f"`--{o.name.replace('_', '-')}`" for o in cls.options)
        rows.append([f"`{name}`", own, cls.kind.value, *("yes" if issubclass(cls, c) else "" for c in CAN.values())])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def own_options() -> str:
    """The options that each kind of model has of its own."""
    parts = [f"`--model {name}`\n\n{options_table(model(name).options)}" for name in models()]
    return "\n\n".join(parts)


def reading_table() -> str:
    """The options for what files do not say themselves."""
    return options_table(READ)


TABLES = {
    "options of a fit": options_table,
    "kinds": kinds_table,
    "own options": own_options,
    "options of reading": reading_table,
}


def renewed(page: str) -> str:
    """A page with its tables made anew: each stands between ``<!-- NAME -->`` and ``<!-- end -->``."""
    for name, make in TABLES.items():
        head, begins, rest = page.partition(f"<!-- {name} -->")
        if begins:
            page = f"{head}{begins}\n\n{make()}\n\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return page


if __name__ == "__main__":
    for path in map(Path, sys.argv[1:]):
        path.write_text(renewed(path.read_text(encoding="utf-8")), encoding="utf-8")
