"""Columns that say nothing stay out with a note, and what is modelled gets the family that fits it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from tests.front_door.zoo import (
    COUNTS,
    HURDLES,
    LEVELS,
    NUMBERS,
    PEOPLE,
    PLAIN,
    REALS,
    Case,
    N,
    beside,
    column,
    each,
    holes,
    judge,
    levels,
    out,
    people,
    picks,
    read,
    real,
    reals,
    strings,
    table,
    want,
    whole,
    wholes,
)

RNG = np.random.default_rng(21)
NUMBERED = "count|number|running|row"
CONSTANT, EMPTY, TWICE = "constant|one value|same value", "empty|no value", "same as|duplicate|copy|equal|follow"
UNIQUE = "unique|own|identif|nearly|differ|distinct"
NAMES = [
    f"{a} {b}"
    for a in ["Ada", "Ben", "Cleo", "Dan", "Eve", "Flo", "Gus", "Hal", "Ida", "Jon"]
    for b in ["Abel", "Boole", "Cantor", "Dirac", "Euler", "Fermat", "Gauss", "Hardy", "Ito"]
]
NOTES = [f"patient seen on ward {i * 7 % 90}, feels {w}" for i, w in enumerate(picks("well ill tired better"))]


def at_front(name: str, cells: object, columns: dict[str, object] | None = None) -> bytes:
    return table({name: cells, **(columns or people())})


COUNTERS = [
    read("a counter without a name, from 0", at_front("", range(N)), {**PEOPLE}, told=(NUMBERED,)),
    read("a counter without a name, from 1", at_front("", range(1, N + 1)), {**PEOPLE}, told=(NUMBERED,)),
    read("a counter without a name, quoted", table({"": range(1, N + 1), **people()}, quoting=2), {**PEOPLE},
         told=(NUMBERED,)),
    read("a counter with pandas' name", at_front("Unnamed: 0", range(N)), {"Unnamed: 0": out(NUMBERED), **PEOPLE}),
    read("two counters of pandas", table({"Unnamed: 0.1": range(N), "Unnamed: 0": range(N), **people()}),
         {"Unnamed: 0": out(), "Unnamed: 0.1": out(), **PEOPLE}),
    read("row names of R", at_front("rownames", range(1, N + 1)), {"rownames": out(NUMBERED), **PEOPLE}),
    read("id from 1", at_front("id", range(1, N + 1)), {"id": out(NUMBERED + "|identif"), **PEOPLE}),
    read("id from 1001", at_front("id", range(1001, 1001 + N)), {"id": out(NUMBERED + "|identif"), **PEOPLE}),
    read("id downwards", at_front("id", range(N, 0, -1)), {"id": out(NUMBERED + "|identif"), **PEOPLE}),
    read("id in no order", at_front("id", RNG.permutation(N) + 1), {"id": out(NUMBERED + "|identif"), **PEOPLE}),
    read("id with a gap", at_front("id", [i for i in range(1, N + 4) if i not in (7, 30, 55)]),
         {"id": out(NUMBERED + "|identif"), **PEOPLE}),
    read("a counter by another name", at_front("Sample Number", range(1, N + 1)), {"Sample Number": out(NUMBERED)}),
    read("a counter at the end", table({**people(), "row": range(N)}), {**PEOPLE, "row": out(NUMBERED)}),
    read("a counter written as decimals", at_front("id", strings(range(N), "{}.0")),
         {"id": out(NUMBERED + "|identif")}),
    read("an index of text without a name", at_front("", [f"R{i}" for i in range(N)]), {**PEOPLE}, told=(UNIQUE,)),
    read("an index of a filtered frame", at_front("", sorted(RNG.choice(900, N, replace=False))), {**PEOPLE},
         told=("name|index|" + NUMBERED,)),
]  # fmt: skip

NOTHING = [
    column("a constant number", [7] * N, out(CONSTANT)),
    column("a constant decimal", [7.5] * N, out(CONSTANT)),
    column("a constant zero", [0] * N, out(CONSTANT)),
    column("a constant word", ["yes"] * N, out(CONSTANT)),
    column("a constant with holes", holes([7] * N, ""), out(CONSTANT, missing=10)),
    column("a constant word with markers", holes(["yes"] * N, "NA"), out(CONSTANT, missing=10)),
    column("a constant date", ["2021-05-01"] * N, out()),
    column("constant money", ["$5.00"] * N, out(CONSTANT)),
    column("nothing at all", [""] * N, out(EMPTY, kind="empty", missing=N)),
    column("NA everywhere", ["NA"] * N, out(EMPTY, kind="empty", missing=N)),
    column("many markers, no value", holes(["?"] * N, "NA", ""), out(EMPTY, kind="empty", missing=N)),
    column("blanks everywhere", ["  "] * N, out(EMPTY, kind="empty", missing=N)),
    column("one value in ninety", ["4.5"] + [""] * (N - 1), out(missing=N - 1)),
    column("names of people", NAMES, out(UNIQUE, kind="category")),
    column("free text", NOTES, out(UNIQUE, kind="category")),
    column("free text in a few", [t if i % 3 == 0 else "" for i, t in enumerate(NOTES)],
           out(UNIQUE, kind="category", missing=60)),
    column("free text with commas and quotes", [f'{t}, "so he said", again' for t in NOTES], out(UNIQUE)),
    column("free text with line breaks", [t.replace(",", "\n") for t in NOTES], out(UNIQUE)),
    read("two empty columns of many", table({"a": [""] * N, **people(), "b": ["NA"] * N}),
         {"a": out(EMPTY, kind="empty", missing=N), "b": out(EMPTY, kind="empty", missing=N), **PEOPLE}),
]  # fmt: skip

X, CITY = reals(), picks("Lyon Oslo Turin")
SAME = [
    read("a number twice", table({"x": X, "y": X, "c": CITY}), {"x": real(), "y": out(TWICE), "c": levels()}),
    read("a text twice", table({"x": X, "c": CITY, "town": CITY}), {"x": real(), "c": levels(), "town": out(TWICE)}),
    read("a text twice in other words", table({"x": X, "c": CITY, "code": [t[0] for t in CITY]}),
         {"x": real(), "c": levels(), "code": out(TWICE + "|code|one to one")}),
    read("a number twice, with holes", table({"x": holes(X, ""), "y": holes(X, ""), "c": CITY}),
         {"x": real(missing=10), "y": out(TWICE, missing=10)}),
    read("inches and centimetres", table({"inch": X, "cm": [round(v * 2.54, 4) for v in X], "c": CITY}),
         {"inch": real(), "cm": out("follow|linear|same|depend")}),
    read("a sum of two others", table({"a": wholes(), "b": wholes(seed=8), "c": [p + q for p, q in
         zip(wholes(), wholes(seed=8), strict=True)], "city": CITY}), {"a": whole(), "b": whole(),
         "c": out("follow|sum|linear|depend")}),
    read("nearly the same is not the same", table({"x": X, "y": [round(v + e, 2) for v, e in
         zip(X, reals(0, 1, 2, seed=9), strict=True)], "c": CITY}), {"x": real(), "y": real(), "c": levels()}),
]  # fmt: skip

VISITS = [int(v) for v in RNG.poisson(3, N)]
SPREAD = [int(v) for v in RNG.negative_binomial(1, 0.08, N)]
ZEROS = [int(v) if i % 2 else 0 for i, v in enumerate(RNG.poisson(4, N))]
BINARY = picks("0 1")
FITS = [
    column("0 and 1", BINARY, want(("boolean", "integer"), family="bernoulli")),
    column("0 and 1 with holes", holes(BINARY, ""), want(("boolean", "integer"), family="bernoulli", missing=10)),
    column("0 and 1 with NA", holes(BINARY, "NA"), want(("boolean", "integer"), family="bernoulli", missing=10)),
    column("0.0 and 1.0", picks("0.0 1.0"), want(None, family="bernoulli")),
    column("0.0 and 1.0 with holes, as pandas writes it", holes(picks("0.0 1.0"), ""),
           want(None, family="bernoulli", missing=10)),
    column("true and false with holes", holes(picks("true false"), ""),
           want("boolean", family="bernoulli", missing=10)),
    column("True and False as Python writes them", picks("True False"), want("boolean", family="bernoulli")),
    column("rare ones", [1 if i % 18 == 5 else 0 for i in range(N)], want(("boolean", "integer"), family="bernoulli")),
    column("1 and 2", picks("1 2"), want("integer", family=LEVELS)),
    column("small counts", VISITS, want("integer", family=COUNTS | LEVELS | {"gaussian"})),
    column("small counts with holes", holes(VISITS, ""), want("integer", family=COUNTS | LEVELS, missing=10)),
    column("small counts as pandas writes them with holes", holes(strings(VISITS, "{}.0"), ""),
           want(("integer", "number"), family=COUNTS | LEVELS, missing=10)),
    column("counts of large spread", SPREAD, want("integer", family=COUNTS | HURDLES)),
    column("counts, many zeros", ZEROS, want("integer", family=COUNTS | HURDLES | LEVELS)),
    column("ratings from 1 to 5", wholes(1, 6), want("integer", family=LEVELS)),
    column("ages", wholes(), want("integer", family=NUMBERS)),
    column("lengths", reals(), want("number", family=REALS)),
    column("incomes", [float(v) for v in RNG.lognormal(10, 1, N).round(2)], want("number", family="log_normal")),
    column("rain: zero on most days", [round(float(v), 1) if i % 3 == 0 else 0.0 for i, v in
           enumerate(RNG.lognormal(1, 0.8, N))], want("number", family=HURDLES)),
    column("three words", picks(), want("category", family="categorical")),
    column("three words with holes", holes(picks(), ""), want("category", family="categorical", missing=10)),
    column("many words, each often", picks(" ".join(f"w{i}" for i in range(20))), levels()),
    read("nothing is left out of a clean table", table(people()), {**PEOPLE}, only=True),
    read("columns that stay out do not take others along", table({"": range(N), "k": [1] * N, **beside(X)}),
         {"k": out(CONSTANT), "v": real(), **PLAIN}),
]  # fmt: skip

CASES: list[Case] = [*COUNTERS, *NOTHING, *SAME, *FITS]


@each(CASES)
def test_columns_that_stay_out(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
