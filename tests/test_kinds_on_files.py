"""Kinds of model on files as people have them: codes with zeros before them, columns too many, strangers."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import unseen
from unseen.cli.shell import cli
from unseen.plan import fitted, plan
from unseen.rows import write_assign
from unseen.sources.arrays import Arrays

VOTE = ("--model", "dawid_skene", "--item", "item")


def call(*args: str, code: int = 0) -> Result:
    done = CliRunner().invoke(cli, list(args))
    assert done.exit_code == code and "bug" not in done.output, done.output
    return done


@pytest.fixture
def votes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, np.ndarray]:
    """Five workers whose names are numbers with zeros before them, quoted or not, beside a column of seconds."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, 60)
    names = np.array(["01", "1", "001", "2", "02"])
    item, worker = np.repeat(np.arange(60), 5), np.tile(np.arange(5), 60)
    right = rng.random(300) < np.array([0.95, 0.6, 0.9, 0.7, 0.85])[worker]
    data = {
        "item": np.array([f"{i:05d}" for i in item]),
        "worker": names[worker],
        "label": np.where(right, truth[item], 1 - truth[item]),
        "seconds": rng.integers(1, 90, 300),
    }
    for name, quoting in (("plain.csv", csv.QUOTE_MINIMAL), ("quoted.csv", csv.QUOTE_ALL)):
        with open(name, "w", newline="") as out:
            written = csv.writer(out, quoting=quoting)
            written.writerow(data)
            written.writerows(zip(*data.values(), strict=True))
    pq.write_table(pa.table({n: pa.array(c.tolist()) for n, c in data.items()}), "table.parquet")
    return data


@pytest.mark.parametrize("name", ["plain.csv", "quoted.csv", "table.parquet"])
def test_codes_keep_their_zeros_and_other_columns_are_not_read(votes: dict[str, np.ndarray], name: str) -> None:
    told = call("fit", name, *VOTE, "--name", "votes").stdout
    assert "5 categories" in told and "not read by dawid_skene" in told
    run = unseen.load("runs/votes")
    other = unseen.fit(unseen.DawidSkene(), {n: votes[n] for n in ("item", "worker", "label")}, unit="item")
    assert run.model.workers == other.model.workers and len(run.model.workers) == 5
    assert run.loglik == pytest.approx(other.loglik, rel=1e-6)
    call("assign", "runs/votes", name, "-o", "out.csv")
    with open("out.csv", newline="") as written:
        rows = list(csv.DictReader(written))
    assert [r["item"] for r in rows] == votes["item"].tolist() and [r["worker"] for r in rows] == votes[
        "worker"
    ].tolist()
    assert {r["truth"] for r in rows} == {"0", "1"}


def test_a_truth_is_of_the_type_of_the_labels(votes: dict[str, np.ndarray]) -> None:
    call("fit", "table.parquet", *VOTE, "--name", "votes")
    call("assign", "runs/votes", "table.parquet", "-o", "out.parquet")
    written = pq.read_table("out.parquet")
    assert written.schema.field("truth").type == pa.int64() == written.schema.field("label").type


def test_votes_of_strangers_do_not_count(votes: dict[str, np.ndarray]) -> None:
    call("fit", "table.parquet", *VOTE, "--name", "votes")
    run = unseen.load("runs/votes")
    known = {n: votes[n] for n in ("item", "worker", "label")}
    strange = {**known, "worker": np.where(np.arange(300) < 150, "stranger", known["worker"])}
    half = {n: c[150:] for n, c in known.items()}
    assert run.score(strange, unknown="missing") == pytest.approx(run.score(half))
    pq.write_table(pa.table({n: pa.array(c.tolist()) for n, c in strange.items()}), "strange.parquet")
    said = json.loads(call("score", "runs/votes", "strange.parquet", "--unknown", "missing", "--json").stdout)
    assert said["rows_all_missing"] == 150 and said["mean"] == pytest.approx(run.score(half)[0])
    nobody = {**known, "worker": np.full(300, "stranger")}
    with pytest.raises(unseen.DataError, match="nothing to score"):
        run.score(nobody, unknown="missing")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["plain.csv", "plain.csv", *VOTE], "is given twice"),
        (["plain.csv", *VOTE, "--worker", "item"], "says which rows belong together"),
        (["plain.csv", *VOTE, "--ignore", "item"], "says which rows belong together"),
        (["plain.csv", *VOTE, "--labels", "seconds"], "takes no labels"),
        (["plain.csv", *VOTE, "--columns", "worker,label,seconds"], "reads worker, label alone"),
        (["plain.csv", *VOTE, "--columns", "worker"], "is the label of model 'dawid_skene', and is left out (ignored)"),
        (["plain.csv", "--model", "dawid_skene"], "needs item, the column that says what was voted on (--item COL)"),
    ],
)
def test_what_is_wrong_is_said(votes: dict[str, np.ndarray], args: list[str], words: str) -> None:
    done = CliRunner().invoke(cli, ["fit", *args])
    assert done.exit_code in (2, 3) and words in done.output, done.output


def test_users_of_whom_nothing_is_known_are_told(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    user, item = np.repeat(np.arange(40), 6), np.tile(np.arange(6), 40)
    ratings = {"user": user, "item": item, "rating": rng.normal(size=240) + item}
    run = unseen.fit(unseen.MatrixFactorization(1), ratings, unit="user", prior=1.0)
    new = pa.table({"user": [0, 1, 1], "item": [2, 2, 3], "rating": pa.array([1.0, None, None])})
    pq.write_table(new, tmp_path / "new.parquet")
    with pytest.warns(UserWarning, match="1 unit has no observed cell in this data"):
        write_assign(run, tmp_path / "new.parquet", tmp_path / "out.parquet")


def test_heavy_tails_that_have_nothing_to_do_with_each_other_may_stand_apart() -> None:
    rng = np.random.default_rng(1)
    data = {"a": 3 * rng.standard_t(2.5, 800), "b": rng.standard_t(3, 800) + 1}
    found = fitted(plan(Arrays(data)), seed=0)
    assert found.model.components == 1 and "StudentT" in found.model.family.label
    one = unseen.fit(unseen.Mixture(unseen.Product({"a": unseen.StudentT(), "b": unseen.StudentT()}), 1), data)
    assert found.bic <= one.bic + 1e-3


def test_a_number_in_nines_far_out_stands_for_unknown_however_rare() -> None:
    rng = np.random.default_rng(0)
    age = rng.integers(12, 90, 2000)
    age[17] = 999
    (told,) = (c for c in plan(Arrays({"age": age, "x": rng.normal(size=2000)})).columns if c["column"] == "age")
    assert told["set_apart"] == [999.0] and "999 stands apart" in told["note"]
