"""JSON lines, and arrays of objects: keys are columns, kinds come with the values, what is no table is refused."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from tests.front_door.zoo import (
    DATES,
    LEFT_OUT,
    MODELLED,
    PEOPLE,
    Case,
    N,
    each,
    judge,
    levels,
    out,
    people,
    picks,
    read,
    real,
    reals,
    refused,
    strings,
    want,
    whole,
    wholes,
)

X = reals(seed=9)


def rows_of(columns: Mapping[str, Iterable[Any]]) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def dumped(rows: Iterable[object], **how: Any) -> bytes:
    return "".join(json.dumps(row, **how) + "\n" for row in rows).encode()


def beside(cells: Iterable[Any]) -> bytes:
    return dumped(rows_of({"v": cells, "x": reals(seed=12), "colour": picks(seed=11)}))


def cell(name: str, cells: Iterable[Any], expected: object) -> Case:
    made = {"v": expected, "x": real(), "colour": levels()}
    return read(name, beside(cells), made, file="t.jsonl", only=True)  # type: ignore[arg-type]


def some(cells: Iterable[Any], other: Any) -> list[Any]:
    return [other if i % 9 == 4 else c for i, c in enumerate(cells)]


GOOD = dumped(rows_of(people()))
LINES = GOOD.splitlines(keepends=True)
BROKEN = [*LINES[:40], b'{"age": 30, "height": 17', b"\n", *LINES[40:]]
FEWER = [{k: v for k, v in row.items() if i % 9 != 4 or k != "height"} for i, row in enumerate(rows_of(people()))]
LATE = [row if i > 60 else {k: v for k, v in row.items() if k != "city"} for i, row in enumerate(rows_of(people()))]

READ = [
    read("lines, .jsonl", GOOD, PEOPLE, file="t.jsonl", only=True),
    read("lines, .ndjson", GOOD, PEOPLE, file="t.ndjson", only=True),
    read("lines, .json", GOOD, PEOPLE, file="t.json", only=True),
    read("lines, .JSONL", GOOD, PEOPLE, file="T.JSONL", only=True),
    read("lines within gzip", gzip.compress(GOOD), PEOPLE, file="t.jsonl.gz", only=True),
    read("an array of objects", json.dumps(rows_of(people())).encode(), PEOPLE, file="t.json", only=True),
    read("an array of objects, indented", json.dumps(rows_of(people()), indent=2).encode(), PEOPLE, file="t.json",
         only=True),
    read("lines with a mark", b"\xef\xbb\xbf" + GOOD, PEOPLE, file="t.jsonl", only=True),
    read("lines that end in carriage returns too", GOOD.replace(b"\n", b"\r\n"), PEOPLE, file="t.jsonl", only=True),
    read("empty lines between", GOOD.replace(b"\n", b"\n\n"), PEOPLE, file="t.jsonl", only=True),
    read("no line end at the end", GOOD.rstrip(), PEOPLE, file="t.jsonl", only=True),
    read("keys in another order", dumped(dict(sorted(r.items(), reverse=i % 2 == 0)) for i, r in
         enumerate(rows_of(people()))), PEOPLE, file="t.jsonl"),
    read("a key that is not everywhere", dumped(FEWER), {**PEOPLE, "height": real(missing=10)}, file="t.jsonl",
         only=True),
    read("a key that comes late", dumped(LATE), {**PEOPLE, "city": levels(missing=61)}, file="t.jsonl", only=True),
    read("a key without letters", dumped(rows_of({"": wholes(), "x": X})), {"x": real()}, file="t.jsonl"),
    read("letters as escapes", dumped(rows_of({"πόλη": picks("Αθήνα Πάτρα"), "x": X})), {"πόλη": levels(), "x": real()},
         file="t.jsonl", only=True),
    read("letters as they are", dumped(rows_of({"πόλη": picks("Αθήνα Πάτρα"), "x": X}), ensure_ascii=False),
         {"πόλη": levels(), "x": real()}, file="t.jsonl", only=True),
    cell("null", some(X, None), real(missing=10)),
    cell("null in text", some(picks("ab cd ef"), None), levels(missing=10)),
    cell("empty text in text", some(picks("ab cd ef"), ""), levels(missing=10)),
    cell("null everywhere", [None] * N, out("empty|no value", kind="empty", missing=N)),
    cell("true and false", [c == "t" for c in picks("t f")], want("boolean", family="bernoulli")),
    cell("true, false and null", some([c == "t" for c in picks("t f")], None),
         want("boolean", family="bernoulli", missing=10)),
    cell("whole numbers and decimals", some(wholes(), 33.5), real()),
    cell("whole numbers written as decimals", [float(v) for v in wholes()], want(("integer", "number"),
    family=MODELLED)),
    cell("NaN as Python writes it", some(X, float("nan")), real(missing=10)),
    cell("numbers as text", strings(X), real("text|quoted|string")),
    cell("numbers as text with a marker", some(strings(X), "?"), real("missing", missing=10)),
    cell("codes as text", [f"{v:05d}" for v in wholes(2100, 2106)], levels()),
    cell("whole numbers beyond 2^63", [2**63 + v for v in wholes(10_000, 99_999)], want(None, family=LEFT_OUT)),
    cell("dates as text", [f"2021-{1 + i % 12:02d}-{1 + i % 28:02d}" for i in range(N)], want(DATES, "date",
    family=LEFT_OUT)),
    cell("text that holds a comma and a quote", [f'{w}, "so"' for w in picks("well ill")], levels()),
    cell("lists", [[v, v + 1] for v in wholes()], out("list|nested|array", missing=None)),
    cell("text with line breaks", [f"{w}\nthen" for w in picks("well ill")], levels()),
]  # fmt: skip

NESTED = dumped(rows_of({"who": [{"age": a, "zip": f"{a:05d}"} for a in wholes()], "x": X}))
REFUSED = [
    read("objects within objects are columns or told", NESTED, {"x": real()}, file="t.jsonl", told=("who",)),
    refused("a line cut", b"".join(BROKEN), "line 41", "json", file="t.jsonl", secret=("height\": 17",)),
    refused("the last line cut", GOOD[:-12], "line 90", "json", file="t.jsonl"),
    refused("an array cut", json.dumps(rows_of(people())).encode()[:-30], "json", file="t.json"),
    refused("a line that is a number", b"".join([*LINES[:40], b"42\n", *LINES[40:]]), "line 41", "object",
            file="t.jsonl"),
    refused("lines of lists", dumped([[a, b] for a, b in zip(wholes(), X, strict=True)]), "object|list|array",
            file="t.jsonl"),
    read("one object is one row", b'{"name": "x", "steps": [1, 2], "deep": {"a": 1}}',
         {"steps": out("list", kind=None)}, rows=1, file="t.json"),
    refused("numbers and words under one key", beside(some(X, "ill")), "v", "--missing|--number|--text", file="t.jsonl",
            secret=("ill\"",)),
    refused("nothing", b"", "empty|no row|no data", file="t.jsonl"),
    refused("an empty array", b"[]", "empty|no row|no data", file="t.json"),
    refused("commas in a .jsonl", b"a,b\n1,2\n3,4\n", "json", "line 1", file="t.jsonl"),
    refused("a page (HTML)", b"<!DOCTYPE html>\n<html></html>\n", "html|json", file="t.json"),
]  # fmt: skip

CASES: list[Case] = [*READ, *REFUSED, read("whole numbers stay whole", GOOD, {"age": whole()}, file="t.jsonl")]


@each(CASES)
def test_json_lines(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
