"""Data sets as they are distributed: what a practitioner would write about each column, holes as published.

Those that the project may not carry are looked for beside it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.front_door.zoo import (
    DATES,
    HURDLES,
    LEFT_OUT,
    LEVELS,
    MODELLED,
    NUMBERS,
    TRUTH,
    WHOLE,
    Want,
    dates,
    judge,
    levels,
    out,
    read,
    real,
    want,
    whole,
)

HERE = Path(__file__).parents[1] / "data" / "front_door"
BESIDE = Path(__file__).resolve().parents[3] / "shared" / "data"
CONSTANT, COUNTER, NO_HEADER = "constant|one value|same value", "count|number|running|row|identif", "header"
YES_NO = want(TRUTH, family=frozenset({"bernoulli", "categorical"}))
ONE_ZERO = want(("boolean", "integer", "number"), family="bernoulli")


def holed(expected: Want, missing: int, *note: str) -> Want:
    return Want(expected.kind, note or ("missing",), expected.family, missing)


def few(missing: int = 0) -> Want:
    """A few whole numbers."""
    return want(WHOLE, family=NUMBERS | LEVELS, missing=missing)


def here(name: str) -> bytes:
    return (HERE / name).read_bytes()


def beside(name: str) -> bytes:
    if not (BESIDE / name).exists():
        pytest.skip(f"{name} is not beside the project: its licence is not known well enough to carry it")
    return (BESIDE / name).read_bytes()


def cleveland() -> bytes:
    """As distributed: the line of names above the rows was added later."""
    return beside("heart/processed.cleveland.data").split(b"\n", 1)[1]


def bank() -> bytes:
    beside("bank/bank-additional.zip")
    with zipfile.ZipFile(BESIDE / "bank/bank-additional.zip") as archive:
        return archive.read("bank-additional/bank-additional.csv")


def numbered(*expected: Want) -> dict[str, Want]:
    return {f"column_{i}": each for i, each in enumerate(expected, 1)}


PENGUINS = {
    "studyName": levels(),
    "Sample Number": want("integer", family=None),
    "Species": levels(),
    "Region": out(CONSTANT),
    "Island": levels(),
    "Stage": out(CONSTANT),
    "Individual ID": want("category", family=None),
    "Clutch Completion": YES_NO,
    "Date Egg": dates(),
    "Culmen Length (mm)": real("missing", missing=2),
    "Culmen Depth (mm)": real("missing", missing=2),
    "Flipper Length (mm)": whole("missing", missing=2),
    "Body Mass (g)": whole("missing", missing=2),
    "Sex": levels("missing", missing=11),
    "Delta 15 N (o/oo)": real("missing", missing=14),
    "Delta 13 C (o/oo)": real("missing", missing=13),
    "Comments": want("category", "missing", missing=290),
}
ADULT = numbered(
    whole(), levels("missing", missing=5), want("integer"), levels(), few(), levels(), levels("missing", missing=5),
    levels(), levels(), levels(), want("integer"), want("integer"), whole(),
    levels("missing", missing=5), levels(),
)  # fmt: skip
MASSES = numbered(holed(few(), 1), whole(), holed(few(), 8), holed(few(), 20), holed(few(), 47), ONE_ZERO)
PBC = {
    "sno.": out(COUNTER),
    "id": want("integer"),
    "years": real(),
    "status": levels(),
    "drug": levels(),
    "age": real(),
    "sex": levels(),
    "year": real(),
    "ascites": holed(YES_NO, 9),
    "hepatomegaly": holed(YES_NO, 10),
    "spiders": holed(YES_NO, 9),
    "edema": levels(),
    "serBilir": real(),
    "serChol": whole("missing", missing=210),
    "albumin": real(),
    "alkaline": want(WHOLE, "missing", family=NUMBERS, missing=10),
    "SGOT": real(),
    "platelets": whole("missing", missing=12),
    "prothrombin": real(),
    "histologic": few(),
    "status2": want(None),
}
CREDIT = {
    "Status": levels(),
    "Seniority": whole(),
    "Home": levels(missing=2),
    "Time": few(),
    "Age": whole(),
    "Marital": levels(),
    "Records": YES_NO,
    "Job": levels(missing=1),
    "Expenses": whole(),
    "Income": want(WHOLE, family=NUMBERS, missing=55),
    "Assets": want(WHOLE, family=NUMBERS, missing=3),
    "Debt": want(WHOLE, family=NUMBERS, missing=2),
    "Amount": whole(),
    "Price": whole(),
}
BANK = {
    "age": whole(),
    "job": levels("missing", missing=39),
    "marital": levels("missing", missing=11),
    "education": levels("missing", missing=167),
    "default": holed(YES_NO, 803),
    "housing": holed(YES_NO, 105),
    "loan": holed(YES_NO, 105),
    "contact": levels(),
    "month": levels(),
    "day_of_week": levels(),
    "duration": whole(),
    "campaign": whole(),
    "pdays": want("integer", "--missing", family=HURDLES),
    "previous": want("integer", family=NUMBERS),
    "poutcome": levels(),
    "emp.var.rate": want("number", family=MODELLED),
    "cons.price.idx": want("number", family=MODELLED),
    "cons.conf.idx": want("number", family=MODELLED),
    "euribor3m": real(),
    "nr.employed": want("number", family=MODELLED),
    "y": YES_NO,
}
NHANES = {
    "age": levels(),
    "bmi": real("missing", missing=9),
    "hyp": holed(YES_NO, 8),
    "chl": whole("missing", missing=10),
}
HEART = numbered(
    want(WHOLE, family=NUMBERS), ONE_ZERO, few(), want(WHOLE, family=NUMBERS), want(WHOLE, family=NUMBERS), ONE_ZERO,
    few(), want(WHOLE, family=NUMBERS), ONE_ZERO, real(), few(), want(None, missing=4), want(None, missing=2), few(),
)  # fmt: skip
TITANIC = {
    "pclass": few(),
    "survived": ONE_ZERO,
    "name": out("unique|own|identif|nearly|differ|distinct", kind="category"),
    "sex": levels(),
    "age": real(missing=263),
    "sibsp": few(),
    "parch": few(),
    "ticket": want("category"),
    "fare": real(missing=1),
    "cabin": want("category", missing=1014),
    "embarked": levels(missing=2),
    "boat": want("category", missing=823),
    "body": want("integer", missing=1188),
    "home.dest": want("category", missing=564),
}
TABLES: dict[str, tuple[str, Callable[[], bytes], int, Mapping[str, Want], dict[str, Any]]] = {
    "penguins": ("penguins_raw.csv", lambda: here("penguins_raw.csv"), 344, PENGUINS, {"only": True}),
    "adult": ("adult.data", lambda: here("adult.data"), 120, ADULT, {"only": True, "told": (NO_HEADER,)}),
    "mammographic masses": (
        "mammographic_masses.data",
        lambda: here("mammographic_masses.data"),
        150,
        MASSES,
        {"only": True, "told": (NO_HEADER,)},
    ),
    "pbc": ("pbc2.csv", lambda: here("pbc2.csv"), 400, PBC, {"only": True}),
    "credit": ("credit_data.csv", lambda: here("credit_data.csv"), 900, CREDIT, {"only": True}),
    "bank": ("bank-additional.csv", bank, 4119, BANK, {"only": True}),
    "nhanes": ("nhanes2.csv", lambda: here("nhanes2.csv"), 25, NHANES, {"told": (COUNTER,)}),
    "heart": ("processed.cleveland.data", cleveland, 303, HEART, {"only": True, "told": (NO_HEADER,)}),
    "titanic": ("titanic3.csv", lambda: here("titanic3.csv"), 1309, TITANIC, {"only": True}),
}


@pytest.mark.parametrize("name", TABLES)
def test_public_tables(name: str, tmp_path: Path) -> None:
    file, content, rows, columns, more = TABLES[name]
    judge(read(name, content(), columns, file=file, rows=rows, **more), tmp_path)


WITH_OPTIONS = {
    "bank: 999 days named": (bank, 4119, "b.csv", {"pdays": want("integer", "missing", missing=3959)}, ["pdays=999"]),
    "bank: unknown kept": (bank, 4119, "b.csv", {"job": levels(), "default": want("category")}, ["none"]),
    "adult: ? kept": (lambda: here("adult.data"), 120, "a.data", {"column_2": levels(), "column_7": levels()},
    ["none"]),
    "credit: a word for missing": (
        lambda: here("credit_data.csv"), 900, "c.csv", {"Home": levels("missing", missing=5)}, ["ignore"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", WITH_OPTIONS)
def test_public_tables_with_missing_named(name: str, tmp_path: Path) -> None:
    content, rows, file, columns, marks = WITH_OPTIONS[name]
    options = [word for mark in marks for word in ("--missing", mark)]
    judge(read(name, content(), columns, *options, file=file, rows=rows), tmp_path)


def test_dates_of_penguins_are_no_categories(tmp_path: Path) -> None:
    columns = {"Date Egg": want(DATES, "date", family=LEFT_OUT)}
    judge(read("penguins", here("penguins_raw.csv"), columns, rows=344), tmp_path)
