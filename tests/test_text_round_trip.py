"""What goes in comes out: every cell of a text file, whatever it holds and however it is written."""

from __future__ import annotations

import csv
import gzip
import io
import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import unseen
from unseen.rows import write_assign, write_impute

#: letters of everyday files, and what dialects are made of
LETTERS = st.characters(codec="utf-8", exclude_categories=("Cs", "Cc"), exclude_characters="\ufeff\u2028\u2029\x85")
CELL = st.text(LETTERS | st.sampled_from(',;\t"\n|.-+$% 0123456789'), max_size=12)
PLAIN = st.sampled_from(
    ["007", "+4479123456", "1,5", "1.5", "NA", "?", "", " ", "x", "12 kg", "9223372036854775809", "1E5"]
)
ROWS = 12


@pytest.fixture(scope="module")
def model() -> unseen.Result:
    x = np.random.default_rng(0).normal(size=200).round(3)
    return unseen.fit(unseen.Mixture(unseen.Gaussian(), 1), {"x": x}, restarts=1)


def written(rows: list[list[str]], delimiter: str, encoding: str = "utf-8") -> bytes:
    made = io.StringIO(newline="")
    csv.writer(made, delimiter=delimiter, lineterminator="\n").writerows(rows)
    return made.getvalue().encode(encoding)


def read(path: Path, delimiter: str, encoding: str = "utf-8") -> list[list[str]]:
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return list(csv.reader(io.StringIO(raw.decode(encoding), newline=""), delimiter=delimiter))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    cells=st.lists(st.tuples(CELL, PLAIN), min_size=ROWS, max_size=ROWS),
    delimiter=st.sampled_from(",;\t|"),
    ending=st.sampled_from([".csv", ".csv.gz"]),
)
def test_assign_keeps_every_cell(model, tmp_path: Path, cells, delimiter: str, ending: str) -> None:
    rows = [["x", "note", "code"], *([f"{i / 8:.3f}", a, b] for i, (a, b) in enumerate(cells))]
    source, target = tmp_path / "in.csv", tmp_path / f"out{ending}"
    source.write_bytes(written(rows, delimiter))
    options = {"delimiter": delimiter, "header": True, "text": ["note"]}
    write_assign(_reading(model, options), source, target)
    assert [row[:3] for row in read(target, delimiter)] == rows


def _reading(model: unseen.Result, options: dict) -> unseen.Result:
    from dataclasses import replace

    from unseen.core.reading import reading

    return replace(model, encoding=replace(model.encoding, reading=reading(options)))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    numbers=st.lists(st.none() | st.floats(-1e6, 1e6).map(lambda v: round(v, 2)), min_size=ROWS, max_size=ROWS),
    beside=st.lists(PLAIN, min_size=ROWS, max_size=ROWS),
    how=st.sampled_from(["{:.2f}", "{:,.2f}", "$ {:.2f}", "{:.2f} kg", "{:.2f}%"]),
    mark=st.sampled_from(["", "NA", "?", "n/a"]),
)
def test_impute_changes_holes_alone(model, tmp_path: Path, numbers, beside, how: str, mark: str) -> None:
    cells = [mark if v is None else how.format(v) for v in numbers]
    cells += [how.format(v) for v in (12.25, 1234.5, -3.75)]  # so that the notation can be seen
    rows = [["x", "code"], *([c, b] for c, b in zip(cells, [*beside, "a", "b", "c"], strict=True))]
    (tmp_path / "in.csv").write_bytes(written(rows, ";"))
    write_impute(
        _reading(model, {"header": True, "text": ["code"], "number": ["x"]}), tmp_path / "in.csv", tmp_path / "out.csv"
    )
    out = read(tmp_path / "out.csv", ";")
    assert [row[1] for row in out] == [row[1] for row in rows] and len(out) == len(rows)
    for before, after in zip(cells, out[1:], strict=True):
        assert after[0] == before if before != mark or mark == "" and before else after[0] not in ("", mark)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-16", "utf-8-sig", "cp1251"])
def test_the_encoding_of_the_input_is_that_of_the_output(model, tmp_path: Path, encoding: str) -> None:
    word = "Привет" if encoding == "cp1251" else "Köln"
    rows = [["x", "stadt"], *([f"{i / 8:.3f}", f"{word} {i}"] for i in range(ROWS))]
    (tmp_path / "in.csv").write_bytes(written(rows, ";", encoding))
    write_assign(_reading(model, {"encoding": encoding}), tmp_path / "in.csv", tmp_path / "out.csv")
    assert [row[:2] for row in read(tmp_path / "out.csv", ";", encoding)] == rows


def test_lines_end_as_they_did(model, tmp_path: Path) -> None:
    (tmp_path / "in.csv").write_bytes(b"x;y\r\n" + b"".join(b"%d.5;a\r\n" % i for i in range(ROWS)))
    write_assign(model, tmp_path / "in.csv", tmp_path / "out.csv")
    out = (tmp_path / "out.csv").read_bytes()
    assert out.count(b"\r\n") == out.count(b"\n") == ROWS + 1


def test_objects_stay_as_they_are(model, tmp_path: Path) -> None:
    rows = [
        {"x": None if i % 5 == 2 else i / 8, "who": {"zip": "007", "tags": ["a", i], "big": 2**70 + i}, "n": "n/a"}
        for i in range(ROWS)
    ]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    write_assign(model, tmp_path / "in.jsonl", tmp_path / "out.jsonl")
    out = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    assert [{key: row[key] for key in rows[0]} for row in out] == rows and "component" in out[0]
    write_impute(model, tmp_path / "in.jsonl", tmp_path / "full.jsonl")
    full = [json.loads(line) for line in (tmp_path / "full.jsonl").read_text().splitlines()]
    for before, after in zip(rows, full, strict=True):
        assert after == before if before["x"] is not None else after["x"] == pytest.approx(after["x"])
        assert isinstance(after["x"], float) and after["who"] == before["who"]
