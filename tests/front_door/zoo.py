"""Small files as people have them, and what must be said of them: builders of bytes, and the judge of what came out.

Words that must be said are written `a|b|c`: one of them is enough, in any case of letters.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

from unseen.cli.shell import cli

N = 90
LEFT_OUT = "-"
COUNTS = frozenset(f"{zeros}{law}" for law in ("poisson", "negative_binomial") for zeros in ("", "zero_inflated_"))
HURDLES = frozenset(
    f"hurdle_{law}" for law in (*["gaussian", "log_normal", "student_t", "gamma", "beta"], *sorted(COUNTS)[:2])
)
REALS = frozenset({"gaussian", "log_normal", "student_t", "gamma"})
NUMBERS = REALS | COUNTS | HURDLES | {"ordinal", "beta"}
LEVELS = frozenset({"categorical", "ordinal", "bernoulli"})
MODELLED = NUMBERS | LEVELS
WHOLE = ("integer", "number")
DATES = ("dates", "other")
TRUTH = ("boolean", "category")


@dataclass(frozen=True)
class Want:
    """What must be said of one column; None is not judged."""

    kind: str | Sequence[str] | None
    note: tuple[str, ...] = ()
    family: str | frozenset[str] | None = None
    missing: int | None = 0


def want(kind: str | Sequence[str] | None, *note: str, family: Any = None, missing: int | None = 0) -> Want:
    return Want(kind, note, family, missing)


def real(*note: str, missing: int = 0) -> Want:
    return Want("number", note, NUMBERS, missing)


def whole(*note: str, missing: int = 0) -> Want:
    return Want("integer", note, NUMBERS, missing)


def levels(*note: str, missing: int = 0) -> Want:
    return Want("category", note, LEVELS, missing)


def out(*note: str, kind: Any = None, missing: int | None = 0) -> Want:
    return Want(kind, note, LEFT_OUT, missing)


def dates(*note: str, missing: int = 0) -> Want:
    return Want(DATES, note or ("date|time",), LEFT_OUT, missing)


@dataclass(frozen=True)
class Case:
    name: str
    files: Mapping[str, bytes]
    columns: Mapping[str, Want] = field(default_factory=dict)
    rows: int | None = N
    options: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    only: bool = False
    refused: tuple[str, ...] | None = None
    secret: tuple[str, ...] = ()
    data: tuple[str, ...] | None = None
    code: int | tuple[int, ...] = 3
    at_home: bool = False


def read(name: str, made: bytes | Mapping[str, bytes], columns: Mapping[str, Want], *options: str, **more: Any) -> Case:
    """Bytes, or several files, that are read; `told` is what the reading or a note must say, `only` all columns."""
    files = {more.pop("file", "t.csv"): made} if isinstance(made, bytes) else made
    return Case(name, files, columns, options=options, **more)


def refused(
    name: str, made: bytes | Mapping[str, bytes], *words: str, options: Sequence[str] = (), **more: Any
) -> Case:
    """Bytes, or several files, that are refused in one sentence that holds the words and no `secret` value."""
    files = {more.pop("file", "t.csv"): made} if isinstance(made, bytes) else made
    return Case(name, files, options=tuple(options), refused=words, **more)


def each(cases: Iterable[Case]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.name)


# what cells hold


def reals(mean: float = 50, sd: float = 12, digits: int = 2, rows: int = N, seed: int = 1) -> list[float]:
    return [float(v) for v in np.random.default_rng(seed).normal(mean, sd, rows).round(digits)]


def amounts(rows: int = N, seed: int = 2) -> list[float]:
    return [float(v) for v in np.random.default_rng(seed).lognormal(10.8, 0.5, rows).round(2)]


def wholes(low: int = 18, high: int = 80, rows: int = N, seed: int = 3) -> list[int]:
    return [int(v) for v in np.random.default_rng(seed).integers(low, high, rows)]


def picks(text: str = "red green blue", rows: int = N, seed: int = 4) -> list[str]:
    return [str(v) for v in np.random.default_rng(seed).choice(text.split(), rows)]


def strings(values: Iterable[object], how: str | Callable[[Any], str] = "{}") -> list[str]:
    return [how.format(v) if isinstance(how, str) else how(v) for v in values]


def holes(cells: Iterable[object], *marks: str, every: int = 9, at: int = 4) -> list[str]:
    """Every ninth cell of ninety: ten holes, with the marks in turn."""
    cells = [str(c) for c in cells]
    for turn, row in enumerate(range(at, len(cells), every)):
        cells[row] = marks[turn % len(marks)]
    return cells


def comma(value: float, digits: int = 2) -> str:
    return f"{value:.{digits}f}".replace(".", ",")


def grouped(separator: str, decimal: str = ".", digits: int = 2) -> Callable[[float], str]:
    def one(value: float) -> str:
        return f"{value:,.{digits}f}".translate(str.maketrans({",": separator, ".": decimal}))

    return one


# what files hold


def table(
    columns: Mapping[str, Iterable[object]],
    sep: str = ",",
    eol: str = "\n",
    encoding: str = "utf-8",
    header: bool = True,
    quoting: Any = csv.QUOTE_MINIMAL,
    quote: str = '"',
) -> bytes:
    made = io.StringIO()
    writer = csv.writer(made, delimiter=sep, lineterminator=eol, quoting=quoting, quotechar=quote)
    if header:
        writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return made.getvalue().encode(encoding)


def beside(cells: Sequence[object], decimal: str = ".") -> dict[str, Sequence[object]]:
    """The column `v` that a case is about, beside a number and a category."""
    x = reals(0, 1, 3, len(cells), seed=7)
    return {
        "v": cells,
        "x": [comma(v) for v in x] if decimal == "," else x,
        "colour": picks(rows=len(cells), seed=11),
    }


PLAIN = {"x": real(), "colour": levels()}


def people(rows: int = N, seed: int = 0) -> dict[str, list[Any]]:
    """A plain table: a whole number, a real one, a count, a category."""
    return {
        "age": wholes(rows=rows, seed=seed + 3),
        "height": reals(170, 9, 1, rows, seed + 5),
        "visits": [int(v) for v in np.random.default_rng(seed + 6).poisson(3, rows)],
        "city": picks("Lyon Oslo Turin", rows, seed + 8),
    }


PEOPLE = {"age": whole(), "height": real(), "visits": whole(), "city": levels()}


def lines(text: bytes) -> list[str]:
    return text.decode().splitlines()


def joined(rows: Iterable[str]) -> bytes:
    return ("\n".join(rows) + "\n").encode()


def column(name: str, cells: Sequence[object], expected: Want, *options: str, sep: str = ",", **more: Any) -> Case:
    """One column to judge, beside a number and a category that must stay what they are."""
    decimal = more.pop("decimal", "," if sep == ";" else ".")
    made = table(beside(cells, decimal), sep, encoding=more.pop("encoding", "utf-8"))
    return read(name, made, {"v": expected, **PLAIN}, *options, rows=len(cells), **more)


# the judge


def texts(value: object) -> str:
    """All that a JSON value says, as one text in small letters."""
    if isinstance(value, Mapping):
        return " ".join(texts(v) for pair in value.items() for v in pair)
    if isinstance(value, list):
        return " ".join(texts(v) for v in value)
    return "" if value is None else str(value).lower()


def holds(said: str, words: str) -> bool:
    return any(word.lower() in said for word in words.split("|"))


def check_column(got: Mapping[str, Any], expected: Want) -> None:
    shown = json.dumps(got, ensure_ascii=False)
    if expected.kind is not None:
        kinds = [expected.kind] if isinstance(expected.kind, str) else expected.kind
        assert got["kind"] in kinds, f"kind {kinds}: {shown}"
    if expected.family == LEFT_OUT:
        assert got["family"] is None, f"left out: {shown}"
        assert got["note"], f"a note says why it stays out: {shown}"
    elif expected.family is not None:
        family = expected.family
        assert got["family"] in ({family} if isinstance(family, str) else family), f"family {family}: {shown}"
    if expected.missing is not None:
        assert got["missing"] == expected.missing, f"missing {expected.missing}: {shown}"
    for words in expected.note:
        assert holds((got["note"] or "").lower(), words), f"the note holds {words!r}: {shown}"


def judge(case: Case, folder: Path) -> None:
    for name, content in case.files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    names = case.data if case.data is not None else case.files
    data = [name if case.at_home else str(folder / name) for name in names]
    before = sorted(folder.rglob("*"))
    result = CliRunner().invoke(cli, ["columns", *data, *case.options, "--json"])
    assert sorted(folder.rglob("*")) == before, "nothing is written beside the data"
    assert result.exception is None or isinstance(result.exception, SystemExit), repr(result.exception)
    here = str(folder).lower()
    if case.refused is not None:
        assert result.exit_code in (case.code if isinstance(case.code, tuple) else (case.code,)), result.output
        try:
            said = texts(json.loads(result.stdout))
        except ValueError:
            said = result.stdout.lower()
        said = f"{said} {result.stderr.lower()}".replace(here, "")
        for words in case.refused:
            assert holds(said, words), f"the sentence holds {words!r}: {said}"
        for value in case.secret:
            assert value.lower() not in said, f"no cell's value is told: {said}"
        return
    assert result.exit_code == 0, result.output
    answer = json.loads(result.stdout)
    if case.rows is not None:
        assert answer["rows"] == case.rows
    found = {c["column"]: c for c in answer["columns"]}
    assert len(found) == len(answer["columns"])
    assert set(case.columns) <= set(found), list(found)
    if case.only:
        assert list(found) == list(case.columns)
    for name, expected in case.columns.items():
        check_column(found[name], expected)
    notes = " ".join(str(c["note"] or "") for c in answer["columns"])
    said = f"{texts(answer['reading'])} {notes.lower()} {result.stderr.lower()}".replace(here, "")
    for words in case.told:
        assert holds(said, words), f"told: {words!r} in {said}"
