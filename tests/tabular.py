"""A small table of mixed columns, and what a source makes of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa


def cells(source, name):
    """All cells of a column, None where missing, categories as text."""
    out = []
    for part in source.manifest():
        c = source.read(part, [name]).columns[name]
        values = [c.categories[v] for v in c.values] if c.categories else c.values.tolist()
        seen = np.ones(part.rows, bool) if c.observed is None else c.observed
        out += [v if s else None for v, s in zip(values, seen, strict=True)]
    return out


def kinds(source):
    return {f.name: f.kind for f in source.schema()}


def table_of(rows: int, seed: int = 0) -> pa.Table:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=rows)
    return pa.table(
        {
            "x": pa.array(x, mask=rng.random(rows) < 0.1),
            "y": rng.normal(size=rows).astype(np.float32),
            "c": pa.array(np.array(["u", "v", "w"])[rng.integers(0, 3, rows)], mask=rng.random(rows) < 0.1),
            "k": pa.array(np.sort(rng.integers(0, rows // 7 + 1, rows))),
        }
    )
