"""The table of all keys in ``docs/configuration.md``, made from the models.

``python -m unseen.ops.config.reference docs/configuration.md`` writes it anew; a test compares the two.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

from unseen.ops.config.base import Section
from unseen.ops.config.schema import about, known, shown
from unseen.ops.config.settings import Settings

BEGIN, END = "<!-- keys: made by python -m unseen.ops.config.reference -->", "<!-- end of keys -->"


def reference() -> str:
    """Every key with what may stand there, its default and what it means, as Markdown."""
    lines = ["### Top level", "", *_table(Settings, ())]
    told: dict[type[Section], str] = {}
    for key in known().values():
        if key.section is None:
            continue
        title = shown(key.inside)
        lines += ["", f"### `{title}`", ""]
        if told.setdefault(key.section, title) == title:
            lines += _table(key.section, key.inside)
        else:
            lines.append(f"The same keys as in `{told[key.section]}`.")
    return "\n".join(lines)


def renewed(page: str) -> str:
    """A page with the part between the two marks made anew."""
    before, _, rest = page.partition(BEGIN)
    return f"{before}{BEGIN}\n\n{reference()}\n\n{END}{rest.partition(END)[2]}"


def _table(section: type[Section], path: tuple[str, ...]) -> Iterator[str]:
    yield from (about(section, whole=True), "", "| key | value | default | meaning |", "|---|---|---|---|")
    for key in known().values():
        if key.path[:-1] == path:
            default = "required" if key.field.is_required() else f"`{key.default}`" if key.default else ""
            cells = (f"`{key.name}`", key.words, default, key.sentence)
            yield "| " + " | ".join(cell.replace("|", r"\|") for cell in cells) + " |"


if __name__ == "__main__":
    for page in map(Path, sys.argv[1:]):
        page.write_text(renewed(page.read_text(encoding="utf-8")), encoding="utf-8")
