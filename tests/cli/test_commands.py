"""Every command, and what it prints and writes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

import unseen
from tests.cli.calling import FAST, call, ok, people
from unseen.cli.shell import COMMANDS

# ---- help, version, speed


def test_unseen_alone_prints_help_and_every_exit_code() -> None:
    for args in ((), ("--help",), ("-h",)):
        text = ok(*args).stdout
        assert all(re.search(rf"^  {name} ", text, re.M) for name in COMMANDS)
        assert all(re.search(rf"^ +{code} ", text, re.M) for code in (0, 1, 2, 3, 4, 5, 130))
    assert ok("--version").stdout == f"unseen, version {unseen.__version__}\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_an_example_and_json(command: str) -> None:
    text = ok(command, "--help").stdout
    assert f"unseen {command} " in text.split("Example")[1]
    assert "--json" in text


def test_help_loads_neither_numpy_nor_arrow() -> None:
    code = (
        "import sys\nfrom unseen.cli.shell import cli\n"
        "for args in (['--help'], ['fit', '--help']):\n"
        "    try: cli(args)\n    except SystemExit: pass\n"
        "print({m.partition('.')[0] for m in sys.modules} & {'numpy', 'pyarrow', 'plotly', 'tqdm', 'scipy'})"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "set()"


# ---- fit and what follows


def test_fit_prints_columns_summary_and_what_next(here: Path) -> None:
    text = ok("fit", "people.parquet", "--components", "1:3", "--restarts", "2", "--out", "runs/").stdout
    rows = {line.split()[0]: line for line in text.splitlines()[2:7]}
    kinds = {"age": "gaussian", "visits": "gaussian", "plan": "categorical", "retired": "bernoulli", "since": "-"}
    assert {name: line.split()[2] for name, line in rows.items()} == kinds
    assert "3 categories" in rows["plan"] and "%" in rows["age"]
    (run,) = (here / "runs").iterdir()
    assert re.fullmatch(r"20\d\d-\d\d-\d\d-\d{6}-[0-9a-f]{4}", run.name)
    assert f"Saved as runs/{run.name}" in text and f"unseen report runs/{run.name} people.parquet" in text
    result = unseen.load(run)
    assert result.summary() in text and result.model.components == 2
    assert [t.columns for t in result.model.family.terms] == [("age",), ("visits",), ("plan",), ("retired",)]
    assert "visits: negative_binomial inside components, in place of gaussian, by the criterion" in text


def test_a_column_that_follows_from_others_is_left_out(here: Path) -> None:
    rng = np.random.default_rng(0)
    hour, minute = rng.integers(5, 23, 200), rng.integers(0, 60, 200)
    table = pa.table({"hour": hour, "minute": minute, "clock": 100 * hour + minute})
    pq.write_table(table, here / "times.parquet")
    told = ok("fit", here / "times.parquet", "--components", "1", "--restarts", "1", "--out", here / "a")
    assert "left out: follows from hour, minute" in told.output
    kept = ok("fit", here / "times.parquet", "-k", "1", "--covariance", "diagonal", "--out", here / "b")
    assert "left out: follows" not in kept.output


def test_a_csv_gives_the_same_fit_as_parquet(here: Path) -> None:
    for name in ("people.csv", "people.parquet"):
        ok("fit", name, "-k", "2", "--name", name.split(".")[1], *FAST)
    a, b = unseen.load("runs/csv"), unseen.load("runs/parquet")
    assert a.loglik == pytest.approx(b.loglik, rel=1e-12)


def test_options_reach_the_model(here: Path) -> None:
    args = ["--columns", "age,plan", "--columns", "visits", "--family", "visits=poisson", "--family", "age=student_t"]
    ok("fit", "people.parquet", *args, "-k", "2", "--seed", "3", "--prior", "1", "--name", "a", *FAST)
    result = unseen.load("runs/a")
    families = [(t.columns, type(t.family).__name__) for t in result.model.family.terms]
    assert families == [(("age",), "StudentT"), (("visits",), "Poisson"), (("plan",), "Categorical")]
    assert (result.seed, result.options["prior"], len(result.restarts)) == (3, 1.0, 2)
    ok(
        "fit",
        "people.parquet",
        "--columns",
        "age,visits",
        "--covariance",
        "tied-diagonal",
        "-k",
        "2",
        "--name",
        "b",
        *FAST,
    )
    family = unseen.load("runs/b").model.family
    assert (type(family).__name__, family.covariance, family.tied) == ("Gaussian", "diagonal", True)


def test_weights_and_labels(here: Path) -> None:
    table = people().append_column("w", pa.array([2.0] * 120))
    some = [("o" if i % 2 == 0 else "y") if i % 5 == 0 else None for i in range(120)]
    pq.write_table(table.append_column("known", pa.array(some)), "more.parquet")
    ok("fit", "more.parquet", "-k", "2", "--weights", "w", "--labels", "known", "--name", "a", "--quiet")
    result = unseen.load("runs/a")
    assert (result.weight, result.encoding.labels) == (240.0, "known")
    assert len(result.restarts) <= 2  # one from the labels, one from the other form
    assert result.encoding.classes == ("o", "y")


def test_several_files_are_one_table(here: Path) -> None:
    pq.write_table(people(60), "half.parquet")
    ok("fit", "people.parquet", "half.parquet", "-k", "1", "--name", "a", *FAST)
    assert unseen.load("runs/a").profile.rows == 180


def test_json_is_one_object(here: Path) -> None:
    told = json.loads(ok("fit", "people.parquet", "-k", "1:2", "--restarts", "2", "--json").stdout)
    assert unseen.load(told["run"]).bic == told["bic"]
    assert told["columns"][4] == {
        "column": "since",
        "kind": "other",
        "family": None,
        "missing": None,
        "note": told["columns"][4]["note"],
    }
    assert json.loads(ok("show", told["run"], "--json").stdout)["loglik"] == told["loglik"]
    scored = json.loads(ok("score", told["run"], "people.parquet", "--json").stdout)
    assert scored["mean"] * 120 == pytest.approx(told["loglik"], rel=1e-12) and scored["se"] > 0


def test_quiet_prints_the_run_alone(here: Path) -> None:
    assert ok("fit", "people.parquet", "-k", "1", "--name", "a", "--quiet").stdout == "runs/a\n"


def test_show_takes_the_newest_run_of_a_folder(here: Path, fitted: Path) -> None:
    done = ok("show", fitted.parent)
    assert done.stdout == unseen.load(fitted).summary()
    assert done.stderr == f"unseen: newest run in {fitted.parent}: a\n"


def test_report_writes_a_page(here: Path, fitted: Path) -> None:
    ok("report", fitted, "people.parquet", "-o", "page.html")
    assert Path("page.html").read_text().lstrip().lower().startswith("<!doctype html")


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_assign_keeps_the_columns_and_adds_its_own(here: Path, fitted: Path, ending: str) -> None:
    ok("assign", fitted, "people.parquet", "-o", f"out.{ending}", "--prefix", "u_")
    out = pq.read_table("out.parquet") if ending == "parquet" else pacsv.read_csv("out.csv")
    new = ["u_component", "u_log_density", "u_responsibility_0", "u_responsibility_1"]
    assert out.column_names == [*people().column_names, *new]
    assert out["u_component"].to_pylist() == unseen.load(fitted).assign("people.parquet").tolist()


def test_impute_fills_every_modelled_cell(here: Path, fitted: Path) -> None:
    ok("impute", fitted, "people.parquet", "-o", "one.parquet")
    assert [pq.read_table("one.parquet")[c].null_count for c in ("age", "plan")] == [0, 0]
    told = json.loads(ok("impute", fitted, "people.parquet", "-o", "many.parquet", "--draws", "3", "--json").stdout)
    many = pq.read_table("many.parquet")
    assert (told["rows"], many.num_rows, set(many["draw"].to_pylist())) == (360, 360, {1, 2, 3})


def test_sample_prints_csv_or_writes_a_file(here: Path, fitted: Path) -> None:
    text = ok("sample", fitted, "-n", "5", "--seed", "1").stdout
    assert text.splitlines()[0] == ",".join(unseen.load(fitted).sample(1)) and len(text.splitlines()) == 6
    assert ok("sample", fitted, "-n", "5", "--seed", "1").stdout == text
    ok("sample", fitted, "-n", "7", "-o", "new.parquet")
    assert pq.read_table("new.parquet").num_rows == 7
    assert len(json.loads(ok("sample", fitted, "-n", "2", "--json").stdout)["columns"]["plan"]) == 2


def test_start_from_a_run_goes_on_where_it_stood(here: Path) -> None:
    done = call("fit", "people.parquet", "-k", "2", "--max-iterations", "2", "--name", "short", *FAST)
    assert done.exit_code == 4 and "short" in done.stdout
    stood = unseen.load("runs/short")
    assert (stood.outcome.name, stood.iterations) == ("hit the cap", 2)
    ok("fit", "people.parquet", "--start", "runs/short", "--name", "long", "--quiet")
    went_on = unseen.load("runs/long")
    assert went_on.converged and len(went_on.restarts) == 1
    assert went_on.trace[0].objective * 120 == pytest.approx(stood.loglik, rel=1e-10)
