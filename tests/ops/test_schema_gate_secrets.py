"""Names, addresses and card numbers of people, planted wherever a reader might quote them, never come out."""

from __future__ import annotations

import logging
import traceback
import warnings

import pyarrow as pa
import pytest

from tests.ops.ingest_case import findings, rules, settings, table, write
from unseen.errors import UnseenError
from unseen.ops.ingest import take_in
from unseen.ops.ingest.rules import discreet

SECRETS = ("Ada Lovelace", "ada@example.org", "4929 1234 5678 9012", "O'Hara", "07700 900123")
ROWS = len(SECRETS)
# parts of them that chance does not write: a time stamp or a hash holds four digits in a row now and then, but no space
# between digits, no letters beyond f, and fifteen digits of ours about once in 10^13 files
PARTS = (
    "Lovelace",
    "Hara",
    "ada@",
    "example.org",
    "4929 1",
    "1234 5",
    "8 9012",
    "07700 ",
    "0 900123",
    "929123456789012",
)


def columns(**more):
    return {
        "person": [*SECRETS],
        "delay": [1.0, 2.0, 3.0, 4.0, 5.0],
        "distance": [10, 20, 30, 40, 50],
        **more,
    }


def csv(text):
    return text.encode()


ROW = ",".join(f'"{s}"' for s in SECRETS)
BATCHES = {
    "clean": ("b.parquet", columns()),
    "clean.csv": ("b.csv", columns()),
    "renamed": ("b.parquet", {"persona": [*SECRETS], "delay": [1.0] * ROWS, "distance": [1] * ROWS}),
    "text in numbers": ("b.parquet", columns(delay=[*SECRETS])),
    "stray text": ("b.csv", columns(delay=["1", "2", "3", "4", SECRETS[1]], distance=["1", "2", "3", "4", SECRETS[2]])),
    "other people": ("b.parquet", columns(person=[s + "!" for s in SECRETS])),
    "out of range": ("b.csv", columns(distance=[4929123456789012] * ROWS)),
    "extra": ("b.csv", columns(card=[SECRETS[2]] * ROWS)),
    "nested": ("b.parquet", columns(notes=pa.array([[s] for s in SECRETS]))),
    "twice": ("b.parquet", {k: v + v for k, v in columns().items()}),
    "no header": ("b.csv", csv(f"{ROW}\n{ROW}\n")),
    "no header, repeated cells": ("b.csv", csv(f"{ROW},{ROW}\n{ROW},{ROW}\n")),
    "no header, some names by chance": ("b.csv", csv(f"person,delay,{ROW}\n1,2,{ROW}\n")),
    "broken quote": ("b.csv", csv(f'person,delay,distance\n"{SECRETS[0]},1,2\n{SECRETS[1]},3,4\n')),
    "uneven": ("b.csv", csv(f"person,delay,distance\n{ROW}\n")),
    "not text": ("b.csv", b"person,delay,distance\n\xff\xfe" + SECRETS[0].encode() + b",1,2\n"),
    "not parquet": ("b.parquet", ROW.encode()),
    "cut short": ("b.parquet", b"PAR1" + ROW.encode() + b"PAR1"),
    "not gzip": ("b.csv.gz", ROW.encode()),
}


@pytest.mark.parametrize("rule", ["declared", "first partition", "itself"])
@pytest.mark.parametrize("name", BATCHES)
def test_no_cell_ever_comes_out(tmp_path, capfd, caplog, name, rule):
    caplog.set_level(logging.DEBUG)
    file, content = BATCHES[name]
    schema = {"duplicates": 0.1}
    if rule == "declared":
        schema["columns"] = rules(write(tmp_path / "rules.parquet", columns()))
    elif rule == "first partition":
        write(
            tmp_path / "data" / f"a.{file.partition('.')[2]}".replace(".gz", ""),
            columns(person=["x", "y", "z", "v", "w"]),
        )
    target = tmp_path / "data" / file
    if isinstance(content, bytes):
        target.parent.mkdir(exist_ok=True)
        target.write_bytes(content)
    else:
        write(target, content)
    given = settings(tmp_path, schema=schema)
    said = []
    with warnings.catch_warnings(record=True) as warned:
        warnings.simplefilter("always")
        try:
            said += [finding.model_dump_json() for finding in findings(given)]
            said.append(repr(take_in(given)))
        except UnseenError as error:
            said += traceback.format_exception_only(error)
    if rule == "declared":
        assert (len(said) > 1) != name.startswith("clean"), "the gate said nothing, or something of a clean batch"
    out = capfd.readouterr()
    state = [p.read_text() for p in (tmp_path / ".unseen").rglob("*") if p.is_file()]
    everything = "\n".join([*said, *map(str, warned), caplog.text, out.out, out.err, *state])
    for secret in (*SECRETS, *PARTS):
        assert secret not in everything, secret


def test_unknown_names_are_struck_out():
    assert discreet("column 'a' and \"O'Hara\" and 'b\\'c' in 'f.csv'", ["a", "f.csv"]) == (
        "column 'a' and (a name) and (a name) in 'f.csv'"
    )


def test_a_header_of_numbers_is_believed_if_it_was_declared(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "b.csv").write_text("name,2019,2020\na,1,2\nb,3,4\n")
    (found,) = findings(settings(tmp_path))
    assert found.check == "header" and "2019" not in found.message
    years = {"2019": {"type": "integer"}, "2020": {"type": "integer"}, "name": {"type": "category"}}
    assert findings(settings(tmp_path, schema={"columns": years})) == ()


def test_a_headless_first_partition_is_not_the_rule(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a.csv").write_text(f"{ROW}\n{ROW}\n")
    write(tmp_path / "data" / "b.csv", table())
    (found,) = findings(settings(tmp_path))
    assert found.check == "header" and "'a.csv'" in found.message


def test_a_file_of_other_columns_is_refused_without_naming_them(tmp_path):
    write(tmp_path / "data" / "a.csv", columns())
    (tmp_path / "data" / "b.csv").write_text("Ada Lovelace,London,late\nGrace Hopper,Arlington,early\n")
    found = findings(settings(tmp_path))
    assert [f.message for f in found] == [
        "'b.csv' has none of the 3 columns it should have, and 3 others: is it the right file, and do names stand in "
        "its first line?"
    ]
