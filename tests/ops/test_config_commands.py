"""`unseen init` and `unseen check`, called as a user does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from tests.cli.calling import call, fails, ok
from unseen.ops.config import load
from unseen.ops.ingest.observed import observe

PLANTED = "Ada Lovelace ada@example.org"


def month(number: int, rows: int = 400) -> pa.Table:
    """A month of everything that a column can be; one person's name among the text, another column full of them."""
    rng = np.random.default_rng(number)
    delay = rng.normal(10, 5, rows).round(2)
    return pa.table(
        {
            "month": np.full(rows, number),
            "number": np.arange(rows) + number * rows,
            "delay": pa.array(delay, mask=rng.random(rows) < 0.1),
            "double": 2 * delay + 1,
            "taken": rng.poisson(3, rows),
            "late": delay > 10,
            "origin": np.array(["EWR", "no", "1:8"])[rng.integers(0, 3, rows)],
            "pilot": [PLANTED if i == 7 else "someone" for i in range(rows)],
            "passenger": [f"{PLANTED} {number} {i}" for i in range(rows)],
            "fixed": np.full(rows, 4.5),
            "nothing": pa.nulls(rows),
            "day": pa.array(np.arange(rows).astype("datetime64[D]")),
            "wild": np.where(np.arange(rows) == 3, np.inf, delay),
        }
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    (tmp_path / "data").mkdir()
    for number in (9, 10, 11):
        pq.write_table(month(number), tmp_path / "data" / f"month-{number}.parquet")
    monkeypatch.chdir(tmp_path)
    return tmp_path


# ---- init


def test_init_alone_writes_a_file_that_loads_and_the_schema_beside_it(here: Path) -> None:
    said = ok("init", "--name", "delays").stdout
    assert "next: set data.path" in said
    assert load("unseen.yaml", {}).name == "delays"
    assert json.loads((here / "unseen.schema.json").read_text())["title"] == "unseen.yaml"


def test_init_with_data_writes_rules_with_room_and_columns_to_model(here: Path) -> None:
    said = ok("init", "data/*.parquet").stdout
    settings = load("unseen.yaml", {})
    assert (settings.name, settings.data.path, settings.data.ignore) == (
        here.name[:63],
        "data/*.parquet",
        ("nothing", "wild"),
    )
    rules = settings.schema_.columns
    tables = pa.concat_tables([pq.read_table(p) for p in Path("data").iterdir()])
    assert set(rules) == set(tables.column_names) - {"nothing", "wild"}
    delay = rules["delay"]
    low, high = min(tables["delay"].drop_null().to_pylist()), max(tables["delay"].drop_null().to_pylist())
    assert delay.type == "number" and delay.min is not None and delay.max is not None and delay.median is not None
    assert delay.min < low < high < delay.max < 3 * high
    assert 0.1 < delay.missing < 0.4 and low < delay.median[0] < 10 < delay.median[1] < high
    assert rules["taken"].type == "integer" and rules["taken"].min == 0
    assert rules["origin"].values == ("1:8", "EWR", "no") and rules["pilot"].values is None
    assert rules["month"].max is None and rules["number"].max is None
    assert rules["late"].type == "boolean" and rules["day"].type == "other"
    assert settings.model.columns == ("delay", "taken", "late", "origin", "pilot")
    text = (here / "unseen.yaml").read_text()
    for column, why in {
        "month": "constant|goes on from file to file",
        "number": "counts rows",
        "double": "follows from delay",
        "fixed": "constant",
        "passenger": "more than 1,000 categories",
        "nothing": "no value at all",
        "wild": "infinite values",
    }.items():
        assert any(f"left out: {column} ({one}" in said for one in why.split("|")), said
        assert any(f"Left out: {column} ({one}" in text for one in why.split("|"))
    assert settings.data.window == 6 and settings.gates.heldout_drop == 0.05 and settings.validate_.share == 0.4
    gaps = min(pq.read_table(p)["delay"].null_count / 400 for p in Path("data").iterdir())
    assert 0.45 * gaps < delay.missing_min < 0.5 * gaps and 0.05 < delay.common < 0.2 and delay.spread is not None
    # rows without a delay say little by which they could be told apart: a tenth of them repeat each other
    assert settings.schema_.duplicates == 0.03 and 0.2 < settings.schema_.repeats < 0.75
    assert len(text.splitlines()) <= 45
    assert "1,200 rows in 3 files" in said and "the categories of origin" in said
    assert "Ada" not in text + said and "example.org@" not in text and "ada@" not in text


def test_rules_that_init_made_let_the_same_data_and_the_next_month_pass(here: Path) -> None:
    from unseen.ops.ingest import check, take_in

    ok("init", "data")
    pq.write_table(month(12), here / "data" / "month-12.parquet")
    settings = load("unseen.yaml", {})
    findings = check(take_in(settings), settings, None)
    assert [f.message for f in findings] == []
    changed = month(13).set_column(2, "delay", pa.array(60 * np.random.default_rng(0).normal(10, 5, 400)))
    pq.write_table(changed, here / "data" / "month-13.parquet")
    assert {f.column for f in check(take_in(settings), settings, None)} == {"delay"}


@pytest.mark.parametrize(
    ("args", "path"),
    [
        (["data"], "data"),
        (["data/month-9.parquet"], "data/month-9.parquet"),
        (["data/month-9.parquet", "data/month-10.parquet"], "data/*.parquet"),
        (["data/month-9.parquet", "-c", "loop/unseen.yaml"], "../data/month-9.parquet"),
    ],
)
def test_init_names_the_data_as_seen_from_the_file(here: Path, args: list[str], path: str) -> None:
    facts = json.loads(ok("init", *args, "--json").stdout)
    settings = load(facts["config"], {})
    assert settings.data.path == path
    assert facts["name"] == settings.name and "delay" in facts["columns"] and facts["listed"] == ["origin"]


def test_init_reads_text_files_too(here: Path) -> None:
    pacsv.write_csv(month(1).drop_columns(["nothing"]), here / "january.csv")
    said = ok("init", "january.csv", "--name", "delays").stdout
    settings = load("unseen.yaml", {})
    assert settings.schema_.columns["origin"].values == ("1:8", "EWR", "no")
    assert "left out: passenger (hardly two rows share a category)" in said
    assert "passenger" not in settings.model.columns


def test_init_writes_over_a_file_only_when_told_to(here: Path) -> None:
    (here / "unseen.yaml").write_text("mine")
    fails(2, "unseen.yaml is there already: --force", "init")
    fails(2, "unseen.yaml is there already: --force", "init", "data")
    assert (here / "unseen.yaml").read_text() == "mine"
    ok("init", "--schema")
    assert (here / "unseen.yaml").read_text() == "mine" and (here / "unseen.schema.json").exists()
    ok("init", "--force")
    assert (here / "unseen.yaml").read_text() != "mine"


def test_init_that_fails_leaves_nothing(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pq.write_table(month(1, rows=0), here / "empty.parquet")
    pq.write_table(month(1).select(["day"]), here / "days.parquet")
    fails(3, "names no data file", "init", "none.parquet")
    fails(3, "no rows", "init", "empty.parquet")
    fails(3, "no column of the data can be used", "init", "days.parquet")
    fails(2, "put it in quotes", "init", "empty.parquet", "data/month-9.parquet")
    fails(2, "leave the rest out", "init", "--schema", "data")
    fails(2, "name: must be a letter", "init", "--name", "9 lives")
    (here / "blocked").write_text("a file, not a folder")
    fails(14, "cannot write blocked", "init", "-c", "blocked/unseen.yaml")


def test_a_look_at_much_data_takes_the_newest_files(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = [Path(f"data/month-{i}.parquet") for i in (9, 10, 11)]
    size = max(p.stat().st_size for p in paths)
    monkeypatch.setattr("unseen.ops.ingest.observed.MOST_BYTES", size + 1)
    assert (observe(paths).files, observe(paths).rows) == (2, 800)
    monkeypatch.setattr("unseen.ops.ingest.observed.MOST_BYTES", 1)
    assert observe(paths).files == 1


# ---- check


def test_check_says_what_would_be_trained_and_warns(here: Path) -> None:
    ok("init", "data", "--name", "delays")
    done = ok("check")
    assert "delays, state in " in done.stdout
    assert "3 partitions, trains on all; 40 % of month-11.parquet judge" in done.stdout
    assert "heldout_drop 0.05" in done.stdout
    assert "1:8 components by bic, covariance full" in done.stdout
    facts = json.loads(ok("check", "--json").stdout)
    assert facts["partitions"] == {"found": 3, "trained_on": 3, "newest": "month-11.parquet"}
    assert facts["problems"] == [] and not any("gates" in w for w in facts["warnings"])


def test_check_is_content_with_a_complete_file(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ok("init", "data")
    for name, value in {
        "GATES__HELDOUT_DROP": "0.01",
        "GATES__FIRST": "allow",
        "DATA__WINDOW": "2",
        "LIMITS__SECONDS": "60",
        "ALERTS__PAGE__WEBHOOK": "env:HOOK",
        "MODEL__FAMILY": "{delay: student_t}",
    }.items():
        monkeypatch.setenv(f"UNSEEN__{name}", value)
    assert json.loads(ok("check", "--json").stdout)["warnings"] == [
        "the secret env:HOOK is not there (in this environment)"
    ]
    monkeypatch.setenv("HOOK", "https://hooks/opensesame")
    text = ok("check").stdout
    assert "warning" not in text and "opensesame" not in text
    assert "trains on the newest 2" in text and "heldout_drop 0.01" in text and "delay as student_t" in text


def test_check_names_columns_that_are_not_there(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "unseen.yaml").write_text(
        "name: delays\ndata: {path: data, weights: copies, ignore: [nothing]}\nmodel: {columns: [dealy]}\n"
        "schema: {columns: {delay: {type: number}, gone: {type: number}}}\n"
    )
    done = call("check", "--json")
    assert done.exit_code == 3
    problems = json.loads(done.stdout)["problems"]
    assert "data.weights names 'copies', which the newest partition does not have" in problems
    assert "model.columns names 'dealy', which the newest partition does not have; did you mean 'delay'?" in problems
    assert "column 'taken' has no rule in schema.columns, and schema.extra is refuse" in problems
    assert not any("'nothing'" in p for p in problems)


def test_check_tells_a_broken_file_in_one_sentence(here: Path) -> None:
    fails(2, "there is no unseen.yaml: `unseen init` writes one", "check")
    (here / "unseen.yaml").write_text("name: a\ndata: {path: none/*.csv}\n")
    fails(3, "data.path: 'none/\\*.csv' names no data file", "check")
    (here / "unseen.yaml").write_text("name: a\ndata: {path: data}\ngates:\n  heldout_dorp: 1\n")
    done = call("check", "--json")
    assert done.exit_code == 2
    error = json.loads(done.stdout)["error"]
    assert error["kind"] == "ConfigError"
    assert error["message"] == "unseen.yaml, line 4, gates.heldout_dorp: unknown key; did you mean gates.heldout_drop?"


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        ("model: {columns: []}", 2, "model.columns: names no column"),
        ("model: {columns: [delay, taken, delay]}", 2, "model.columns: names .delay. more than once"),
        ("validate: {share: 0.99}", 3, "validate.share 0.99 leaves 1[12] of 1,200 rows to train on"),
        ("state: held", 3, "state names 'held', which is a file"),
        ("state: data/held", 3, "state 'data/held' lies among the data of data.path"),
        ("state: data", 3, "no data file|lies among the data"),
        ("state: data/.held", 0, "name +delays"),
    ],
)
def test_check_refuses_what_leaves_nothing_to_learn_or_no_room(here: Path, text: str, code: int, said: str) -> None:
    (here / "held").write_text("a file")
    Path("unseen.yaml").write_text(f"name: delays\ndata: {{path: data, ignore: [wild, nothing]}}\n{text}\n")
    done = call("check")
    assert done.exit_code == code, done.output
    assert re.search(said, done.output), done.output
