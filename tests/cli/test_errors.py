"""Wrong usage, bad data and bad runs: one sentence, the right exit code, nothing half-written."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import unseen
from tests.cli.calling import FAST, call, fails, ok, people

# ---- wrong usage: 2


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("the nearest is .fit.", ["fti"]),
        ("No such option", ["fit", "people.parquet", "--component", "3"]),
        ("Missing argument", ["fit"]),
        ("each 1 or more", ["fit", "people.parquet", "-k", "0"]),
        ("each 1 or more", ["fit", "people.parquet", "-k", "0:3"]),
        ("at least one", ["fit", "people.parquet", "-k", "5:2"]),
        ("no number of components", ["fit", "people.parquet", "-k", "many"]),
        ("not COLUMN=FAMILY", ["fit", "people.parquet", "--family", "age"]),
        ("not COLUMN=FAMILY", ["fit", "people.parquet", "--family", "age=normal"]),
        ("both used and left out", ["fit", "people.parquet", "--family", "age=student_t", "--ignore", "age"]),
        ("not among the chosen", ["fit", "people.parquet", "--family", "age=student_t", "--columns", "visits"]),
        ("needs --labels", ["fit", "people.parquet", "--start", "labels"]),
        ("brings its own model", ["fit", "people.parquet", "--start", "runs", "--covariance", "full"]),
        ("is not one of", ["fit", "people.parquet", "--covariance", "round"]),
        ("is not one of", ["fit", "people.parquet", "--engine", "gpu"]),
        ("one plain folder name", ["fit", "people.parquet", "--name", "../up"]),
        ("Missing option", ["assign", "runs", "people.parquet"]),
        ("not in the range", ["sample", "runs", "-n", "0"]),
        ("not in the range", ["fit", "people.parquet", "--tol", "-1"]),
    ],
)
def test_wrong_usage(here: Path, message: str, args: list[str]) -> None:
    fails(2, message, *args)


# ---- bad data: 3


def table(**columns: Any) -> pa.Table:
    return pa.table({"x": np.arange(30.0) % 7, **columns})


BAD = {
    "no file": (None, [], r"there is no file 'no\.parquet'"),
    "not parquet": (b"hello", [], "not Parquet|not a Parquet"),
    "no rows": (table().slice(0, 0), [], "no rows"),
    "all missing": (table(m=pa.nulls(30, pa.float64())), ["--columns", "x,m"], r"'m' is empty.*--ignore"),
    "constant": (table(c=np.ones(30)), ["--columns", "x,c"], r"'c' is constant.*--ignore c"),
    "constant text": (table(c=["a"] * 30), ["--family", "c=categorical"], r"'c' is constant.*--ignore c"),
    "a name to quote": (table(**{"a b": np.ones(30)}), ["--columns", "a b"], r"--ignore 'a b'"),
    "nothing but constants": (table().drop_columns(["x"]).append_column("c", [[1.0] * 30]), [], "no column is left"),
    "infinite": (table(i=np.r_[np.inf, np.arange(29.0)]), [], r"'i' has 1 infinite values"),
    "too few rows": (table().slice(0, 3), ["-k", "5"], "3 rows cannot tell 5 components apart"),
    "negative weights": (table(w=np.r_[-1.0, np.ones(29)]), ["--weights", "w"], "1 of 30 row weights are negative"),
    "zero weights": (table(w=np.zeros(30)), ["--weights", "w"], "all row weights are zero"),
    "text as gaussian": (table(t=["a", "b"] * 15), ["--family", "t=gaussian"], "'t' holds text"),
    "negative counts": (table(n=np.arange(30) - 3), ["--family", "n=poisson"], "'n' has negative"),
    "no such column": (table(), ["--columns", "y"], "there is no column 'y'; the columns are 'x'"),
    "no such ignore": (table(), ["--ignore", "y"], "there is no column 'y'"),
    "no such weights": (table(), ["--weights", "y"], "there is no column 'y'"),
    "nothing left": (table(), ["--ignore", "x"], "no column is left"),
    "more classes": (table(k=["a", "b", "c"] * 10), ["--labels", "k", "-k", "2"], "3 classes .* 2 components"),
}


@pytest.mark.parametrize("case", BAD)
def test_bad_data(here: Path, case: str) -> None:
    content, args, message = BAD[case]
    if isinstance(content, bytes):
        Path("no.parquet").write_bytes(content)
    elif content is not None:
        pq.write_table(content, "no.parquet")
    components = [] if "-k" in args else ["-k", "2"]
    done = fails(3, message, "fit", "no.parquet", *components, *args, *FAST)
    told = json.loads(call("fit", "no.parquet", *components, *args, "--json").stdout)
    assert told["error"]["exit"] == 3 and told["error"]["message"] in done.stderr


def test_more_than_a_thousand_categories(here: Path) -> None:
    pq.write_table(pa.table({"id": [f"n{i}" for i in range(1001)]}), "ids.parquet")
    asked = ("--columns", "id")
    fails(3, r"'id' has more than 1,000 different values.*--ignore id", "fit", "ids.parquet", "-k", "1", *asked, *FAST)
    fails(3, r"no column is left to fit: 'id' left out.*1,000 different values", "fit", "ids.parquet", "-k", "1", *FAST)


def test_duplicated_names(here: Path) -> None:
    Path("twice.csv").write_text("a,b,a\n1,2,3\n4,5,6\n")
    fails(3, "'a'", "fit", "twice.csv", "-k", "1", *FAST)


def test_errors_never_show_values(here: Path) -> None:
    Path("mixed.csv").write_text("a,b\n" + "".join(f"{i},2\n" for i in range(50)) + "secret,3\n" * 3 + "9,inf\n")
    done = call("fit", "mixed.csv", "-k", "1", *FAST)
    assert done.exit_code == 3 and "secret" not in done.output


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda t: t.drop_columns(["age"]), "has no column 'age', which the model was fitted on"),
        (lambda t: t.set_column(1, "visits", pa.array(["x"] * 120)), "'visits' was integer .* and is category now"),
        (lambda t: t.set_column(2, "plan", pa.array(["new"] * 120)), r"'plan' has a category .*--unknown missing"),
        (lambda t: t.append_column("component", t["visits"]), "'component'"),
    ],
)
def test_data_that_does_not_fit_the_run(here: Path, fitted: Path, change: Any, message: str) -> None:
    pq.write_table(change(people()), "other.parquet")
    Path("out.parquet").write_bytes(b"precious")
    fails(3, message, "assign", fitted, "other.parquet", "-o", "out.parquet", "--quiet")
    assert Path("out.parquet").read_bytes() == b"precious"


def test_reordered_and_extra_columns_are_fine_and_unknown_categories_can_be(here: Path, fitted: Path) -> None:
    shuffled = people().select(["plan", "since", "retired", "visits", "age"]).append_column("z", pa.array(range(120)))
    pq.write_table(shuffled, "other.parquet")
    assert ok("score", fitted, "other.parquet").stdout == ok("score", fitted, "people.parquet").stdout
    pq.write_table(people().set_column(2, "plan", pa.array(["new"] * 120)), "other.parquet")
    ok("score", fitted, "other.parquet", "--unknown", "missing")


def test_empty_data_is_not_scored(here: Path, fitted: Path) -> None:
    pq.write_table(people().slice(0, 0), "empty.parquet")
    fails(3, "no rows", "score", fitted, "empty.parquet")


def test_impossible_rows_are_counted_with_their_columns_and_exit_3(here: Path) -> None:
    rng = np.random.default_rng(0)
    good = pa.table({"amount": rng.lognormal(0, 1, 200), "age": rng.normal(40, 5, 200), "n": rng.poisson(3.0, 200)})
    pq.write_table(good, "good.parquet")
    families = ("--family", "amount=log_normal", "--family", "age=gaussian", "--family", "n=poisson")
    run = ok("fit", "good.parquet", "-k", "2", *families, *FAST).stdout.strip()
    clean = json.loads(ok("score", run, "good.parquet", "--json").stdout)
    assert (clean["rows_impossible"], clean["columns_impossible"], clean["mean_possible"]) == (0, [], clean["mean"])
    amount, age = good["amount"].to_numpy().copy(), good["age"].to_numpy().copy()
    amount[[3, 5]], age[3] = (0.0, -98765.4321), np.nan
    pq.write_table(good.set_column(0, "amount", pa.array(amount)), "bad.parquet")
    done = call("score", run, "bad.parquet")
    assert done.exit_code == 3 and done.stdout.startswith("mean log-density -inf over 200 rows")
    assert "2 rows have density zero" in done.stderr and "(column 'amount')" in done.stderr
    assert "over the other 198 rows" in done.stderr and "98765" not in done.output
    done = call("score", run, "bad.parquet", "--json")
    told = json.loads(done.stdout)
    assert done.exit_code == 3 and told["mean"] is None and told["se"] is None
    assert (told["rows"], told["rows_impossible"], told["columns_impossible"]) == (200, 2, ["amount"])
    kept = np.delete(unseen.load(run).log_prob(pq.read_table("good.parquet")), [3, 5])
    assert told["mean_possible"] == pytest.approx(kept.mean(), rel=1e-12)
    assert told["se_possible"] == pytest.approx(kept.std(ddof=1) / np.sqrt(198), rel=1e-9)
    pq.write_table(good.set_column(0, "amount", pa.array(np.zeros(200))), "none.parquet")
    told = json.loads(call("score", run, "none.parquet", "--json").stdout)
    assert told["rows_impossible"] == 200 and told["mean_possible"] is None


# ---- did not converge: 4; runs: 5


def test_a_fit_that_did_not_converge_is_saved_and_exits_4(here: Path) -> None:
    done = call("fit", "people.parquet", "-k", "3", "--max-iterations", "1", "--restarts", "1", "--json")
    assert done.exit_code == 4
    told = json.loads(done.stdout)
    assert told["outcome"]["name"] == "hit the cap" and unseen.load(told["run"]).size == told["parameters"]


def test_bad_runs(here: Path) -> None:
    ok("fit", "people.parquet", "-k", "1", "--name", "a", *FAST)
    fails(5, "there is no run at nowhere", "show", "nowhere")
    fails(5, "holds none", "show", ".")
    fails(5, "exists already", "fit", "people.parquet", "-k", "1", "--name", "a", *FAST)
    fails(5, "is a file, not a folder", "fit", "people.parquet", "-k", "1", "--out", "people.csv", *FAST)
    fails(5, "no folder", "assign", "runs/a", "people.parquet", "-o", "no/out.parquet")
    fails(5, r"ends in \.parquet, \.feather, \.csv", "assign", "runs/a", "people.parquet", "-o", "out.xls")
    with open("runs/a/arrays.npz", "ab") as file:
        file.write(b"x")
    for command in (
        ["show", "runs"],
        ["score", "runs/a", "people.parquet"],
        ["fit", "people.parquet", "--start", "runs/a"],
    ):
        fails(5, r"arrays\.npz was altered", *command)


def test_a_run_of_other_columns_cannot_be_gone_on_from(here: Path, fitted: Path) -> None:
    pq.write_table(people().drop_columns(["age"]), "less.parquet")
    fails(3, "has no column 'age'", "fit", "less.parquet", "--start", fitted, "--quiet")
    fails(2, "2 components: leave --components out", "fit", "people.parquet", "--start", fitted, "-k", "3", "--quiet")
    pq.write_table(people().set_column(2, "plan", pa.array(["x", "y"] * 60)), "other.parquet")
    fails(2, "categories of this data", "fit", "other.parquet", "--start", fitted, "--quiet")


def test_what_is_read_is_not_written_over_and_what_is_left_is_told(here: Path, fitted: Path) -> None:
    before = (here / "people.parquet").read_bytes()
    for verb in ("assign", "impute", "report"):
        done = call(verb, fitted, "people.parquet", "-o", "people.parquet")
        words = "HTML page" if verb == "report" else "among the data that is read"
        assert done.exit_code == 5 and words in done.stderr
    assert (here / "people.parquet").read_bytes() == before
    assert "left as they are with their holes: since" in ok("impute", fitted, "people.parquet", "-o", "o.csv").stderr
