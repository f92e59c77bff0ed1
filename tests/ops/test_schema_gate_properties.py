"""Any clean batch passes the rules it taught; any single corruption of it is refused with the name of its column."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import settings as hypothesis
from hypothesis import strategies as st

from tests.ops.ingest_case import findings, rules, said, settings, write
from unseen.ops.ingest.observed import observe

Columns = dict[str, list[Any]]
NAMES = st.text("abcdefghij_ 'é#{", min_size=2, max_size=9).filter(lambda s: s.strip() == s and s.strip("_ '#{"))


@st.composite
def batches(draw: Any) -> tuple[Columns, dict[str, str]]:
    """A table without equal rows and the kind of each column; at least one of each kind."""
    rows = draw(st.integers(40, 90))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    kinds = [
        "number",
        "integer",
        "category",
        *draw(st.lists(st.sampled_from(["number", "integer", "category"]), max_size=2)),
    ]
    names = draw(st.lists(NAMES, min_size=len(kinds), max_size=len(kinds), unique=True))
    columns: Columns = {}
    for name, kind in zip(names, kinds, strict=True):
        if kind == "number":
            cells = (random.normal(0, 1, rows) + draw(st.sampled_from([-3.0, 5.0]))).tolist()
        elif kind == "integer":
            cells = (random.permutation(rows) + draw(st.sampled_from([1, 1000]))).tolist()
        else:
            cells = random.choice(["red", "green", "blue"], rows).tolist()
        gaps = random.random(rows) < draw(st.sampled_from([0.0, 0.1]))
        columns[name] = [None if gap and i else cell for i, (gap, cell) in enumerate(zip(gaps, cells, strict=True))]
    return columns, dict(zip(names, kinds, strict=True))


def rename(columns: Columns, name: str) -> Columns:
    return {("the " + k if k == name else k): v for k, v in columns.items()}


def drop(columns: Columns, name: str) -> Columns:
    return {k: v for k, v in columns.items() if k != name}


def retype(columns: Columns, name: str) -> Columns:
    numeric = not any(isinstance(v, str) for v in columns[name])
    return columns | {name: [f"about {i}" if numeric else i + 0.5 for i in range(len(columns[name]))]}


def scale(columns: Columns, name: str) -> Columns:
    return columns | {name: [None if v is None else 60 * v for v in columns[name]]}


def blank(columns: Columns, name: str) -> Columns:
    return columns | {name: [None if i % 5 < 3 else v for i, v in enumerate(columns[name])]}


def invent(columns: Columns, name: str) -> Columns:
    return columns | {name: ["violet" if i % 9 == 7 else v for i, v in enumerate(columns[name])]}


def halve(columns: Columns, name: str) -> Columns:
    half = len(columns[name]) // 2
    return {k: v[:half] + v[:half] for k, v in columns.items()}


CORRUPTIONS: list[tuple[str, Callable[[Columns, str], Columns], str, str]] = [
    ("number", rename, "missing_column", "column"),
    ("category", drop, "missing_column", "column"),
    ("number", retype, "type", "column"),
    ("integer", retype, "type", "column"),
    ("category", retype, "type", "column"),
    ("number", scale, "range", "column"),
    ("integer", scale, "range", "column"),
    ("number", blank, "missing", "column"),
    ("category", blank, "missing", "column"),
    ("category", invent, "categories", "column"),
    ("integer", halve, "duplicates", "rows"),
]


@hypothesis(max_examples=25, deadline=None)
@given(
    batches(), st.sampled_from(CORRUPTIONS), st.sampled_from([".parquet", ".csv"]), st.integers(0, 10), st.booleans()
)
def test_clean_passes_and_corrupt_is_named(batch, corruption, ending, pick, tight):
    columns, kinds = batch
    kind, corrupt, check, where = corruption
    candidates = [name for name in columns if kinds[name] == kind]
    name = candidates[pick % len(candidates)]
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        file = home / "data" / f"batch{ending}"
        write(file, columns)
        declared = rules(file, missing=0.2) if tight else observe([file]).rules
        if check == "categories" and "values" not in declared[name]:
            return  # too few rows of some category for `unseen init` to write it down
        given_settings = settings(home, schema={"columns": declared, "duplicates": 0.2})
        assert findings(given_settings) == ()

        write(file, corrupt(columns, name))
        found = findings(given_settings)
        assert (check, name if where == "column" else None) in said(found)
        assert {f.column for f in found} <= {name, "the " + name, None}
        text = " ".join(f.message for f in found)
        assert not any(word in text for word in ("red", "green", "blue", "violet", "about 1"))


@hypothesis(max_examples=15, deadline=None)
@given(batches(), NAMES)
def test_an_added_column_is_named(batch, name):
    columns, _ = batch
    if name in columns:
        return
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        declared = rules(write(home / "data" / "batch.parquet", columns))
        write(home / "data" / "batch.parquet", columns | {name: [1] * len(next(iter(columns.values())))})
        assert said(findings(settings(home, schema={"columns": declared}))) == [("extra_column", name)]
