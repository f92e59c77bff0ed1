"""Checks of a source against the table it was made from."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from unseen.core.source import input_places
from unseen.core.stats import Array


def check_source(source: Any, expected: Mapping[str, Sequence[Any]]) -> None:
    """Every cell arrives once, in order, with holes as masks and finite values under them.

    A source that puts rows of one unit side by side has to say where they stood.

    expected : columns by name in the order of the input, with None for a missing cell.
    """
    schema = source.schema()
    assert {f.name for f in schema} >= set(expected), "a column is missing from the schema"
    parts = source.manifest()
    assert [p.id for p in parts] == list(range(len(parts))), "block ids count from 0"
    names = tuple(expected)
    rows = {name: [] for name in names}  # type: dict[str, list[Any]]
    for part in parts:
        frame = source.read(part, names)
        again = source.read(part, names)
        assert frame.rows == part.rows or len(parts) == 1
        assert frame.offsets is None or (frame.offsets[0] == 0 and frame.offsets[-1] == frame.rows)
        for name in names:
            column = frame.columns[name]
            assert np.array_equal(column.values, again.columns[name].values), "reading twice differs"
            assert np.isfinite(np.asarray(column.values, float)).all(), "a hole shows through"
            rows[name].extend(_cells(column.values, column.observed, column.categories))
    places = [p for part in parts if (p := input_places(source, part)) is not None]
    if places:
        order = np.concatenate(places)
        assert np.array_equal(np.sort(order), np.arange(len(order))), "rows are lost, or stand in two places"
        rows = {name: [cells[i] for i in np.argsort(order)] for name, cells in rows.items()}
    for name in names:
        assert len(rows[name]) == len(expected[name]), f"{name}: {len(rows[name])} rows of {len(expected[name])}"
        for got, want in zip(rows[name], expected[name], strict=True):
            assert (got is None) == (want is None), f"{name}: a hole is filled, or a value lost"
            assert want is None or got == want or abs(float(got) - float(want)) < 1e-6 * (1 + abs(float(want)))
    assert source.fingerprint() == source.fingerprint() and source.fingerprint()["rows"] == len(rows[names[0]])


def _cells(values: Array, observed: Array | None, categories: tuple[str, ...]) -> list[Any]:
    seen = np.ones(len(values), bool) if observed is None else observed
    plain = [categories[int(v)] if categories and s else v for v, s in zip(values, seen, strict=True)]
    return [v if s else None for v, s in zip(plain, seen, strict=True)]
