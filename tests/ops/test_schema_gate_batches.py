"""Where rules come from, batches of several partitions, and what is remembered of them."""

from __future__ import annotations

import json
from pathlib import Path

import pyarrow as pa
import pytest

from tests.ops.ingest_case import (
    CHAMPION,
    aged,
    changed,
    findings,
    gate,
    rules,
    said,
    settings,
    table,
    with_rule,
    without,
    write,
)
from unseen.core.block import NUMBER, Field
from unseen.ops.ingest import check, take_in
from unseen.ops.ingest.rules import rules_of

# ---- where rules come from


def test_without_a_schema_the_first_partition_is_the_rule(tmp_path):
    write(tmp_path / "data" / "a.parquet", table())
    write(tmp_path / "data" / "b.parquet", table(seed=1) | {"distance": ["far"] * 300, "more": [1] * 300})
    assert said(findings(settings(tmp_path))) == [("extra_column", "more"), ("type", "distance")]


def test_without_a_schema_the_champion_is_the_rule(tmp_path):
    assert gate(tmp_path, champion=CHAMPION, schema={}) == ()
    assert said(gate(tmp_path, without("carrier"), champion=CHAMPION, schema={})) == [("missing_column", "carrier")]
    found = gate(tmp_path, changed(distance=[0.5] * 300, carrier=[1] * 300), champion=CHAMPION, schema={})
    assert said(found) == [("type", "carrier"), ("type", "distance")]


def test_columns_that_the_champion_never_read_are_no_news(tmp_path):
    write(tmp_path / "data" / "a.parquet", table())
    write(tmp_path / "data" / "b.parquet", table(seed=1))
    assert findings(settings(tmp_path), CHAMPION) == ()
    write(tmp_path / "data" / "b.parquet", table(seed=1) | {"mood": ["fine"] * 300})
    assert said(findings(settings(tmp_path), CHAMPION)) == [("extra_column", "mood")]


def test_the_rules_have_an_identity():
    given = settings(Path("."), schema={"duplicates": 0.5})
    same = settings(Path("/"), schema={"duplicates": 0.5})
    other = settings(Path("."), schema={"duplicates": 0.4})
    fields = (Field("x", NUMBER),)
    assert rules_of(given, None, fields).id == rules_of(same, None, fields).id
    assert rules_of(given, None, fields).id != rules_of(other, None, fields).id
    assert rules_of(given, None, fields).id != rules_of(given, None, (Field("y", NUMBER),)).id


# ---- several partitions


def test_all_that_is_wrong_is_said_at_once(tmp_path):
    write(tmp_path / "rules.parquet", table())
    declared = {"columns": rules(tmp_path / "rules.parquet"), "duplicates": 0.1}
    write(tmp_path / "data" / "a.parquet", table())
    write(tmp_path / "data" / "b.parquet", changed(carrier=["ZZ"] * 300, distance=[None] * 300))
    write(tmp_path / "data" / "c.parquet", {k: v[:150] * 2 for k, v in without("cancelled").items()})
    (tmp_path / "data" / "d.parquet").write_bytes(b"PAR1 and then nothing")
    found = findings(settings(tmp_path, schema=declared))
    assert said(found) == [
        ("missing", "distance"),
        ("categories", "carrier"),
        ("missing_column", "cancelled"),
        ("duplicates", None),
        ("unreadable", None),
    ]
    assert [f.message.count(n) for f, n in zip(found, ["b.par", "b.par", "c.par", "c.par", "d.par"], strict=True)] == [
        1
    ] * 5


@pytest.mark.parametrize("again", ["copy.parquet", "copy.csv"])
def test_the_same_rows_under_another_name_are_found(tmp_path, again):
    write(tmp_path / "data" / "a.parquet", table())
    upside_down = table() if again.endswith("parquet") else {k: v[::-1] for k, v in table().items()}
    write(tmp_path / "data" / again, upside_down, row_group=70)
    (found,) = findings(settings(tmp_path))
    assert found.message.startswith(f"'{again}' holds the same rows as 'a.parquet'")
    write(tmp_path / "data" / again, table(seed=5))
    assert said(findings(settings(tmp_path))) == ([] if again.endswith("parquet") else [("together", None)])


def test_partitions_that_cannot_be_read_as_one_are_found_before_the_fit(tmp_path):
    days = range(len(table()["distance"]))
    write(tmp_path / "data" / "a.parquet", changed(distance=pa.array(days, pa.date32())))
    write(tmp_path / "data" / "b.parquet", changed(distance=pa.array(days, pa.timestamp("s"))))
    (found,) = findings(settings(tmp_path))
    assert found.check == "together" and "column 'distance' is date32" in found.message


def test_a_corruption_in_the_last_chunk_is_found(tmp_path, monkeypatch):
    monkeypatch.setattr("unseen.ops.ingest.intake.CHUNK", 64)
    late = table()["distance"][:-1] + [10**6]
    assert gate(tmp_path) == ()
    assert said(gate(tmp_path, changed(distance=late))) == [("range", "distance")]
    early = [10**6] + table()["distance"][1:]
    assert with_rule(tmp_path, "distance", changed(distance=early), outside=1 / 300) == ()
    assert said(gate(tmp_path, {k: v[:150] * 2 for k, v in table().items()}, schema={"duplicates": 0.4})) == [
        ("duplicates", None)
    ]


# ---- memory


def test_what_passed_is_not_read_again(tmp_path, monkeypatch):
    for month, seed in (("a", 0), ("b", 1)):
        write(tmp_path / "data" / f"{month}.parquet", table(seed=seed))
    given = settings(tmp_path)
    assert findings(given) == ()
    looked = []
    import unseen.ops.ingest.gate as module

    real = module.examine
    monkeypatch.setattr(module, "examine", lambda name, *rest: looked.append(name) or real(name, *rest))
    assert findings(given) == () and looked == []
    write(tmp_path / "data" / "c.parquet", table(seed=2))
    assert findings(given) == () and looked == ["c.parquet"]
    write(tmp_path / "data" / "a.parquet", table(seed=3))
    aged(tmp_path / "data" / "a.parquet", 9)
    assert findings(given) == () and looked[1:] == ["a.parquet"]
    assert findings(settings(tmp_path, schema={"min_rows": 2})) == () and looked[2:] == [f"{m}.parquet" for m in "abc"]


def test_what_did_not_pass_is_read_again(tmp_path):
    write(tmp_path / "data" / "a.parquet", table())
    given = settings(tmp_path, schema={"min_rows": 999})
    assert said(findings(given)) == said(findings(given)) == [("rows", None)]


def test_same_rows_are_found_among_remembered_partitions(tmp_path):
    for name, seed in (("a", 0), ("b", 1)):
        write(tmp_path / "data" / f"{name}.parquet", table(seed=seed))
    assert findings(settings(tmp_path)) == ()
    write(tmp_path / "data" / "c.parquet", table(), row_group=99)
    assert said(findings(settings(tmp_path))) == [("same_rows", None)]
    assert said(findings(settings(tmp_path))) == [("same_rows", None)]


@pytest.mark.parametrize("content", ["", "{", "[]", '{"partitions": {"x": 1}}', '{"passed": true}'])
def test_a_damaged_memory_is_no_pass(tmp_path, content):
    write(tmp_path / "data" / "a.parquet", table())
    given = settings(tmp_path, schema={"min_rows": 999})
    (tmp_path / ".unseen").mkdir()
    (tmp_path / ".unseen" / "checked.json").write_text(content)
    assert said(findings(given)) == [("rows", None)]


def test_the_memory_holds_names_and_counts_only(tmp_path):
    write(tmp_path / "data" / "a.parquet", table())
    given = settings(tmp_path)
    intake = take_in(given)
    assert check(intake, given, None) == ()
    (known,) = json.loads((tmp_path / ".unseen" / "checked.json").read_text())["partitions"].values()
    assert known.keys() == {"name", "rows", "fields", "passed"}
    assert known["rows"] == 300 and [f[0] for f in known["fields"]] == list(table())
