"""Small tables on disk, the settings that point at them, and how a gate answers."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq

from unseen.core.block import CATEGORY, INTEGER, NUMBER, Field, Slot
from unseen.core.encoding import Encoding
from unseen.core.profile import merged, profile_frame
from unseen.ops.config.settings import Settings
from unseen.ops.ingest import check, take_in
from unseen.ops.record import Finding
from unseen.sources.files import open_files

LONG_AGO = 1_600_000_000


def table(rows: int = 300, seed: int = 0) -> dict[str, Any]:
    """Delays in minutes, a distance, a carrier, whether it was cancelled: no two rows alike."""
    draw = np.random.default_rng(seed)
    delay = draw.normal(5, 20, rows).round(2)
    return {
        "arr_delay": [
            None if gap else value for gap, value in zip(draw.random(rows) < 0.04, delay.tolist(), strict=True)
        ],
        "distance": draw.integers(100, 2500, rows).tolist(),
        "carrier": draw.choice(["AA", "B6", "UA"], rows).tolist(),
        "cancelled": (draw.random(rows) < 0.1).tolist(),
    }


def write(path: Path, columns: Mapping[str, Any], *, row_group: int | None = None) -> Path:
    """A table as Parquet or CSV, by the ending of the name; old enough for its hash to be remembered."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = columns if isinstance(columns, pa.Table) else pa.table(dict(columns))
    if path.suffix == ".csv":
        pacsv.write_csv(data, path)
    else:
        pq.write_table(data, path, row_group_size=row_group)
    return aged(path)


def aged(path: Path, seconds: int = 0) -> Path:
    os.utime(path, (LONG_AGO + seconds, LONG_AGO + seconds))
    return path


def settings(folder: Path, path: str = "data", **sections: Any) -> Settings:
    """Settings whose file lies in ``folder``; sections are merged over a path to the data."""
    data = {"path": path, **sections.pop("data", {})}
    made = Settings.model_validate({"name": "flights", "data": data, **sections})
    made._folder = folder
    return made


def rules(path: Path, missing: float = 0.0) -> dict[str, Any]:
    """The tightest rules that a file keeps, as ``schema.columns``, with some room for missing cells."""
    source = open_files(path)
    fields = source.schema()
    names = [f.name for f in fields]
    profile = merged([profile_frame(source.read(part, names), fields) for part in source.manifest()])
    out: dict[str, Any] = {}
    for f, seen in zip(fields, profile.columns, strict=True):
        out[f.name] = {"type": f.kind, "missing": min(1.0, seen.missing / seen.rows + missing)}
        if f.kind == CATEGORY:
            out[f.name]["values"] = seen.categories
        elif f.kind in (NUMBER, INTEGER):
            out[f.name] |= {"min": seen.low, "max": seen.high}
    return out


def findings(given: Settings, champion: Encoding | None = None) -> tuple[Finding, ...]:
    """What the gate says of everything there is."""
    return check(take_in(given), given, champion)


def said(found: tuple[Finding, ...]) -> list[tuple[str, str | None]]:
    return [(finding.check, finding.column) for finding in found]


CHAMPION = Encoding(
    (Field("arr_delay", NUMBER), Field("carrier", CATEGORY), Field("distance", INTEGER)),
    (Slot(("arr_delay",)), Slot(("carrier", "distance"), CATEGORY, (("AA",), ("1",)))),
)


def changed(**columns: Any) -> dict[str, Any]:
    return {**table(), **columns}


def without(name: str) -> dict[str, Any]:
    return {k: v for k, v in table().items() if k != name}


def gate(
    folder: Path,
    columns: Any = None,
    *,
    name: str = "b.parquet",
    champion: Encoding | None = None,
    schema: dict[str, Any] | None = None,
    **sections: Any,
) -> tuple[Finding, ...]:
    """Findings about one partition, under the rules that `table` keeps or under those that are given."""
    if schema is None:
        schema = {"columns": rules(write(folder / "rules.parquet", table()))}
    write(folder / "data" / name, table() if columns is None else columns)
    return findings(settings(folder, schema=schema, **sections), champion)


def with_rule(folder: Path, column: str, columns: Any = None, **changes: Any) -> tuple[Finding, ...]:
    """Findings under the rules of `table`, one of them changed."""
    declared = rules(write(folder / "rules.parquet", table()))
    declared[column] |= changes
    return gate(folder, columns, schema={"columns": declared})
