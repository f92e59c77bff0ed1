"""Where files are: several, folders, keys in the names of folders, patterns; and what is not there."""

from __future__ import annotations

import gzip
import io
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from tests.front_door.zoo import (
    LEFT_OUT,
    LEVELS,
    MODELLED,
    PEOPLE,
    Case,
    N,
    each,
    joined,
    judge,
    levels,
    lines,
    out,
    people,
    picks,
    read,
    real,
    reals,
    refused,
    strings,
    table,
    want,
    whole,
    wholes,
)

HEAD, *ROWS = lines(table(people()))
FIRST, SECOND, THIRD = (joined([HEAD, *ROWS[at : at + 30]]) for at in (0, 30, 60))
NAMES = ("d/jan.csv", "d/feb.csv", "d/mar.csv")
THREE = dict(zip(NAMES, (FIRST, SECOND, THIRD), strict=True))
BAD = b'age,height,visits,city\n30,170.5,2,Oslo\n31,171.5,2,"Oslo\n32,172.5,2,Oslo\n'


def parquet(columns: Mapping[str, Any] | pd.DataFrame, **how: Any) -> bytes:
    made = io.BytesIO()
    frame = columns if isinstance(columns, pd.DataFrame) else None
    pq.write_table(pa.table(dict(columns)) if frame is None else pa.Table.from_pandas(frame), made, **how)
    return made.getvalue()


def many(count: int) -> dict[str, bytes]:
    return {f"d/part-{i:03d}.csv": joined([HEAD, ROWS[i % N]]) for i in range(count)}


def folder(name: str, files: Mapping[str, bytes], *options: str, **more: Any) -> Case:
    columns = more.pop("columns", PEOPLE)
    return read(name, files, columns, *options, data=more.pop("data", ("d",)), **more)


def no_folder(name: str, files: Mapping[str, bytes], *words: str, **more: Any) -> Case:
    return refused(name, files, *words, data=more.pop("data", ("d",)), **more)


SEVERAL = [
    read("several files", THREE, PEOPLE, only=True),
    folder("a folder", THREE, only=True),
    folder("a folder, names in any case", dict(zip(("d/jan.csv", "d/FEB.CSV", "d/Mar.Csv"), THREE.values(),
    strict=True)),
           only=True),
    folder("folders within a folder", dict(zip(("d/a/jan.csv", "d/b/feb.csv", "d/b/c/mar.csv"), THREE.values(),
    strict=True)),
           only=True),
    folder("a folder of compressed and plain", {"d/jan.csv.gz": gzip.compress(FIRST), "d/feb.csv": SECOND,
    "d/mar.CSV": THIRD},
           only=True),
    folder("hidden and other files beside", {**THREE, "d/.DS_Store": b"\x00\x00\x00\x01Bud1",
    "d/._jan.csv": b"\x00\x05",
           "d/_SUCCESS": b"", "d/.jan.csv.crc": b"crc\x00", "d/_metadata": b"x"}, only=True),
    folder("a note beside: told", {**THREE, "d/README.md": b"# about it\n", "d/photo.png": b"\x89PNG"},
           only=True),
    folder("names with blanks and other letters", dict(zip(("d/jan 1.csv", "d/février.csv", "d/три.csv"),
    THREE.values(),
           strict=True)), only=True),
    folder("a name with a line break", dict(zip(("d/jan\n1.csv", "d/feb.csv", "d/mar.csv"), THREE.values(),
    strict=True)),
           only=True),
    folder("columns in another order", {**THREE, "d/mar.csv": joined([",".join(reversed(r.split(","))) for r in
           lines(SECOND)])}, only=True),
    folder("other delimiters in one of them", {**THREE, "d/feb.csv": SECOND.replace(b",", b";")}, only=True),
    folder("other line ends in one of them", {**THREE, "d/feb.csv": SECOND.replace(b"\n", b"\r\n")}, only=True),
    folder("decimals in the last file only", {"d/a.csv": joined(["v,w", *(f"{a},{b}" for a, b in zip(wholes(), picks(),
           strict=True))][:60]), "d/b.csv": joined(["v,w", *(f"{a},{b}" for a, b in zip(reals(), picks(),
           strict=True))][:32])},
           columns={"v": real(), "w": levels()}, only=True),
    folder("a file with a header only", {**THREE, "d/apr.csv": joined([HEAD])}, only=True),
    folder("a hundred files", many(100), rows=100, only=True),
    folder("Parquet in three", {f"d/{i}.parquet": parquet({k: v[i::3] for k, v in people().items()}) for i in range(3)},
           only=True),
    read("a pattern", {**THREE, "d/other.txt": b"a\n1\n"}, PEOPLE, data=("d/*.csv",), only=True),
    read("a pattern of one letter", {**THREE, "d/other.csv": b"a\n1\n"}, PEOPLE, data=("d/???.csv",), only=True),
    read("a pattern through folders", {"d/a/x.csv": FIRST, "d/b/c/x.csv": SECOND, "d/x.csv": THIRD}, PEOPLE,
         data=("d/**/*.csv",), only=True),
    read("brackets in a name are no pattern", {"d/x[1].csv": table(people())}, PEOPLE, only=True),
    read("a file and a folder", {"d/jan.csv": FIRST, "d/feb.csv": SECOND, "mar.csv": THIRD}, PEOPLE, data=("d",
         "mar.csv"),
         only=True),
]  # fmt: skip

IDS = [
    folder("keys of folders are columns", {f"d/year={2021 + i}/carrier={c}/x.csv": made for i, c, made in
           zip(range(3), ("AA", "BB", "AA"), THREE.values(), strict=True)},
           columns={**PEOPLE, "year": want("integer", family=MODELLED), "carrier": levels()}, only=True),
    folder("a key with leading zeros is text", {f"d/month={i + 7:02d}/x.csv": made for i,
    made in enumerate(THREE.values())},
           columns={**PEOPLE, "month": levels()}, only=True),
    folder("a key that is missing", dict(zip(("d/c=AA/x.csv", "d/c=__HIVE_DEFAULT_PARTITION__/x.csv", "d/c=BB/x.csv"),
           THREE.values(), strict=True)), columns={**PEOPLE, "c": levels(missing=30)}, only=True),
    folder("a key with signs", dict(zip(("d/c=a%2Fb/x.csv", "d/c=a%20c/x.csv", "d/c=d/x.csv"), THREE.values(),
    strict=True)),
           columns={**PEOPLE, "c": levels()}, only=True),
    folder("a key that is a date", {f"d/day=2021-05-0{i + 1}/x.csv": made for i, made in enumerate(THREE.values())},
           columns={**PEOPLE, "day": want(("dates", "other"), "date", family=LEFT_OUT)}, only=True),
    folder("a key that is the same everywhere", {f"d/year=2021/{i}.csv": made for i, made in enumerate(THREE.values())},
           columns={**PEOPLE, "year": out("constant|one value|same value")}, only=True),
    folder("keys beside Parquet", {f"d/year={2021 + i}/x.parquet": parquet({k: v[i::3] for k, v in people().items()})
           for i in range(3)}, columns={**PEOPLE, "year": want("integer", family=MODELLED)}, only=True),
    read("one file below keys", {"d/year=2021/x.csv": table(people())}, {**PEOPLE, "year": out()}, data=("d",)),
    folder("equals signs in a file's name are no keys", {f"d/a={i}.csv": made for i, made in enumerate(THREE.values())},
           only=True),
    no_folder("keys of different names", {"d/year=2021/x.csv": FIRST, "d/month=5/x.csv": SECOND}, "year", "month"),
    no_folder("a key that is a column too", {"d/city=Oslo/x.csv": FIRST, "d/city=Lyon/x.csv": SECOND}, "city"),
]  # fmt: skip

REFUSED = [
    no_folder("a file with a column less", {**THREE, "d/feb.csv": joined([r.rsplit(",", 1)[0] for r in lines(SECOND)])},
              "feb.csv", "city"),
    no_folder("a file with a column more", {**THREE, "d/feb.csv": joined([f"{r},{i}" if i else f"{r},extra" for i, r in
              enumerate(lines(SECOND))])}, "extra", "feb.csv"),
    no_folder("one bad file among many: it is named", {**many(20), "d/part-007.csv": BAD}, "part-007.csv", "line 3",
    "--skip-bad",
              secret=("Oslo",)),
    folder("--skip-bad leaves it out and counts", {**many(20), "d/part-007.csv": BAD}, "--skip-bad", rows=None,
           told=("part-007|1|one", "skip|bad|left out")),
    no_folder("one empty file among many", {**many(20), "d/part-007.csv": b""}, "part-007.csv", "empty"),
    no_folder("a picture that is named .csv among many", {**many(20), "d/part-007.csv": b"\x89PNG\r\n\x1a\n\x00\x00"},
              "part-007.csv", "png|image|picture"),
    no_folder("words in one file, numbers in the others", {**many(20), "d/part-007.csv": joined([HEAD,
    "ill,170.5,2,Oslo"])},
              "age", "--missing", secret=("ill,",)),
    no_folder("formats of two kinds", {"d/a.csv": FIRST, "d/b.parquet": parquet(people())}, "csv", "parquet"),
    no_folder("no table in a folder", {"d/README.md": b"# about it\n"}, "no "),
    no_folder("hidden files only", {"d/.hidden.csv": FIRST}, "no "),
    no_folder("a pattern that nothing fits", {"d/jan.csv": FIRST}, "nothing|no file|no match", data=("d/*.tsv",)),
    no_folder("a file that is not there", {"d/jan.csv": FIRST}, "no file|not there|does not exist|not found",
              data=("d/fbe.csv",), code=(2, 3)),
    no_folder("the same file twice", {"d/jan.csv": FIRST}, "twice|same file|two times", data=("d/jan.csv",
    "d/jan.csv")),
]  # fmt: skip

FRAME = pd.DataFrame(people())
TYPED = [
    read("Parquet of a filtered frame: its index stays out",
         parquet(FRAME.set_index(pd.Index([i * i for i in FRAME.index]))),
         {**PEOPLE, "__index_level_0__": out("index", missing=None)}, file="t.parquet"),
    read("Parquet of a frame with a named index",
         parquet(FRAME.set_index(pd.Index([i * i for i in FRAME.index], name="row"))),
         {**PEOPLE,
         "row": out("index", missing=None)}, file="t.parquet"),
    read("Parquet: numbers as text are numbers, and told", parquet({"v": strings(reals()), "x": reals(seed=9)}),
         {"v": real("text|string"), "x": real()}, file="t.parquet", only=True),
    read("Parquet: codes as text are text", parquet({"v": strings(wholes(2100, 2106), "{:05d}"), "x": reals()}),
         {"v": levels(), "x": real()}, file="t.parquet", only=True),
    read("Parquet: nulls and NaN are missing", parquet({"v": [None if i % 9 == 4 else float("nan") if i % 9 == 5 else v
         for i, v in enumerate(reals())], "x": reals(seed=9)}), {"v": real(missing=20), "x": real()}, file="t.parquet",
         only=True),
    read("Parquet: 0 and 1 with nulls", parquet({"v": [None if i % 9 == 4 else v for i, v in enumerate(wholes(0, 2))],
         "x": reals()}), {"v": want(None, family="bernoulli", missing=10), "x": real()}, file="t.parquet", only=True),
    read("Parquet: categories of pandas", parquet(FRAME.assign(city=FRAME["city"].astype("category"))), PEOPLE,
         file="t.parquet", only=True),
    read("Parquet: dates", parquet(FRAME.assign(day=pd.date_range("2021-01-01", periods=N))), {**PEOPLE,
         "day": want(("dates", "other"), "date|time", family=LEFT_OUT, missing=None)}, file="t.parquet", only=True),
    read("Parquet in ninety groups of rows", parquet(people(), row_group_size=1), PEOPLE, file="t.parquet", only=True),
    read("Parquet: ratings of one byte", parquet({"v": pa.array(wholes(1, 6), pa.int8()), "x": reals()}),
         {"v": want("integer", family=LEVELS), "x": real()}, file="t.parquet", only=True),
    read("Parquet: a column of nothing", parquet({"v": pa.nulls(N), "x": reals()}), {"v": out(kind="empty", missing=N),
         "x": real()}, file="t.parquet", only=True),
    read("Parquet: whole numbers with nulls stay whole", parquet({"v": [None if i % 9 == 4 else v for i, v in
         enumerate(wholes())], "x": reals()}), {"v": whole(missing=10), "x": real()}, file="t.parquet", only=True),
]  # fmt: skip

CASES: list[Case] = [*SEVERAL, *IDS, *REFUSED, *TYPED]


@each(CASES)
def test_folders(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)


def test_home_is_a_tilde(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "people.csv").write_bytes(table(people()))
    monkeypatch.setenv("HOME", str(tmp_path))
    judge(Case("~", {}, PEOPLE, data=("~/people.csv",), at_home=True), tmp_path)
