"""The command line: every command, every bad input, every exit code; no traceback and nothing half-written."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import signal
import struct
import subprocess
import sys
import termios
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

import unseen
from unseen.cli.shell import COMMANDS, cli

UNSEEN = [sys.executable, "-c", "from unseen.cli import main; main()"]
FAST = ["--restarts", "2", "--quiet"]


def people(rows: int = 120) -> pa.Table:
    """Two groups, four kinds of columns and a date; some cells missing."""
    rng = np.random.default_rng(0)
    old = np.arange(rows) % 2 == 0
    age = np.where(old, rng.normal(70, 5, rows), rng.normal(25, 4, rows)).round(1)
    visits = rng.poisson(np.where(old, 9, 2))
    plan = np.where(old, "gold", np.where(rng.random(rows) < 0.5, "blue", "red"))
    gap = rng.random(rows) < 0.1
    return pa.table(
        {
            "age": pa.array(age, mask=gap),
            "visits": visits,
            "plan": pa.array(plan, mask=rng.random(rows) < 0.1),
            "retired": old ^ (rng.random(rows) < 0.05),
            "since": pa.array(np.arange(rows).astype("datetime64[D]")),
        }
    )


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder with people.parquet and people.csv in it."""
    pq.write_table(people(), tmp_path / "people.parquet")
    pacsv.write_csv(people(), tmp_path / "people.csv")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def call(*args: object) -> Result:
    return CliRunner().invoke(cli, [str(a) for a in args])


def ok(*args: object) -> Result:
    done = call(*args)
    assert done.exit_code == 0, done.output
    return done


def fails(code: int, message: str, *args: object) -> Result:
    """The command ends with this code and one sentence that has the message; nothing else is written."""
    before = sorted(p for p in Path().rglob("*"))
    done = call(*args)
    assert done.exit_code == code, done.output
    assert re.search(message, done.stderr), done.stderr
    assert "Traceback" not in done.output
    sentences = [s for s in done.stderr.splitlines() if not s.startswith("unseen: newest run")]
    assert len(sentences) == 1 or sentences[0].startswith("Usage:"), sentences
    assert sorted(p for p in Path().rglob("*")) == before
    return done


@pytest.fixture(scope="module")
def fitted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two components on the people."""
    folder = tmp_path_factory.mktemp("fitted")
    pq.write_table(people(), folder / "people.parquet")
    ok(
        "fit",
        folder / "people.parquet",
        "-k",
        "2",
        "--family",
        "visits=poisson",
        "--out",
        folder / "runs",
        "--name",
        "a",
        *FAST,
    )
    return folder / "runs" / "a"


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
    assert [t.columns for t in result.model.family.terms] == [("age", "visits"), ("plan",), ("retired",)]


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
    assert families == [(("age",), "StudentT"), (("plan",), "Categorical"), (("visits",), "Poisson")]
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
    assert (result.weight, result.encoding.labels, len(result.restarts)) == (240.0, "known", 1)
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


# ---- wrong usage: 2


@pytest.mark.parametrize(
    ("message", "args"),
    [
        ("No such command", ["fti"]),
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
        ("not in the range", ["fit", "people.parquet", "--tol", "0"]),
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
    "all missing": (table(m=pa.nulls(30, pa.float64())), [], r"'m' has no observed value.*--ignore"),
    "constant": (table(c=np.ones(30)), [], r"'c' is constant.*--ignore c"),
    "constant text": (table(c=["a"] * 30), [], r"'c' is constant.*--ignore c"),
    "a name to quote": (table(**{"a b": np.ones(30)}), [], r"--ignore 'a b'"),
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
    fails(3, r"'id' has more than 1,000 categories.*--ignore id", "fit", "ids.parquet", "-k", "1", *FAST)


def test_duplicated_names(here: Path) -> None:
    Path("twice.csv").write_text("a,b,a\n1,2,3\n4,5,6\n")
    fails(3, "'a'", "fit", "twice.csv", "-k", "1", *FAST)


def test_errors_never_show_values(here: Path) -> None:
    Path("mixed.csv").write_text("a,b\n" + "1,2\n" * 50 + "secret,3\n" * 3 + "9,inf\n")
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
    fails(5, r"ends in \.parquet or \.csv", "assign", "runs/a", "people.parquet", "-o", "out.xls")
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


# ---- what nobody expects


@pytest.mark.parametrize(
    ("error", "code", "message"),
    [
        (ZeroDivisionError("secret"), 1, r"bug in unseen \(ZeroDivisionError\).*UNSEEN_TRACEBACK=1"),
        (MemoryError(), 1, "out of memory"),
        (OSError(28, "No space left on device"), 5, "no space is left"),
        (PermissionError(13, "Permission denied", "there"), 5, r"Permission denied \(there\)"),
        (KeyboardInterrupt(), 130, "interrupted"),
    ],
)
def test_unexpected_exceptions_are_a_sentence(
    here: Path, monkeypatch: pytest.MonkeyPatch, error: BaseException, code: int, message: str
) -> None:
    def broken(*_: Any, **__: Any) -> None:
        raise error

    monkeypatch.setattr("unseen.cli.fitting.prepare", broken)
    monkeypatch.delenv("UNSEEN_TRACEBACK", raising=False)
    done = fails(code, message, "fit", "people.parquet")
    assert "secret" not in done.output
    assert json.loads(call("fit", "people.parquet", "--json").stdout)["error"]["exit"] == code


def test_a_traceback_on_request(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unseen.cli.fitting.prepare", lambda *_: 1 / 0)
    monkeypatch.setenv("UNSEEN_TRACEBACK", "1")
    assert isinstance(call("fit", "people.parquet").exception, ZeroDivisionError)


# ---- the demo


def test_the_demo_tells_its_story_on_a_few_flights(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from unseen import demo

    flights = pq.read_table(Path(unseen.__file__).parent / "data" / "flights.parquet")
    pq.write_table(flights.take(list(range(0, flights.num_rows, 100))), "few.parquet")
    monkeypatch.setattr(demo, "OPTIONS", {**demo.OPTIONS, "components": (2, 3), "restarts": 2, "tol": 1e-3})
    monkeypatch.setattr(demo, "EVERY", 2)
    result = demo.fit_all(Path("few.parquet"), demo.choose(Path("few.parquet")))
    text = demo.story(result, Path("few.parquet"))
    gone = flights.take(list(range(0, flights.num_rows, 100)))["dep_delay"].null_count
    assert f"{gone} flights never left" in text
    assert len(re.findall(r"^  \d\. \d+ % of flights: .* miles\).*, leaving ", text, re.M)) == result.model.components
    assert "on a sample of 1,684 rows" in result.summary()
    assert unseen.load(demo.keep(result)).loglik == result.loglik


# ---- real processes


def started(*args: object) -> subprocess.Popen[str]:
    return subprocess.Popen([*UNSEEN, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


class Terminal:
    """A process whose stderr is a terminal of 100 columns, and what it has shown there."""

    def __init__(self, *args: object) -> None:
        self.outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))
        command = [*UNSEEN, *map(str, args)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=inner, text=True)
        os.close(inner)
        self.shown = b""

    def read(self, until: bytes | None = None) -> None:
        """Take what it shows until a word is there, or to its end."""
        while until is None or until not in self.shown:
            try:
                piece = os.read(self.outer, 4096)
            except OSError:  # how Linux says that the other side is closed
                piece = b""
            if not piece:
                assert until is None, self.shown
                return
            self.shown += piece

    def end(self) -> str:
        """Wait for the end; what came on stdout."""
        self.read()
        out, _ = self.process.communicate(timeout=120)
        os.close(self.outer)
        return out


def test_no_bar_without_a_terminal_and_a_bar_with_one(here: Path) -> None:
    args = ["fit", "people.parquet", "-k", "2", "--restarts", "2"]
    out, err = started(*args).communicate(timeout=120)
    assert err == "" and "\r" not in out
    seen = Terminal(*args)
    assert "\r" not in seen.end() and seen.process.returncode == 0
    assert b"2 components" in seen.shown and b"\r" in seen.shown
    silent = Terminal(*args, "--quiet")
    silent.end()
    assert silent.shown == b""


def test_a_closed_pipe_is_quiet(here: Path, fitted: Path) -> None:
    process = started("sample", fitted, "-n", "200000")
    assert process.stdout is not None and process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr.read() == ""
    assert process.wait(120) == 0


def slow_fit(folder: Path) -> list[object]:
    """A fit that takes minutes if nobody stops it."""
    rng = np.random.default_rng(0)
    pq.write_table(pa.table({f"x{j}": rng.normal(size=40_000) for j in range(6)}), folder / "noise.parquet")
    return [
        "fit",
        folder / "noise.parquet",
        "-k",
        "8",
        "--restarts",
        "1",
        "--tol",
        "1e-15",
        "--max-iterations",
        "100000",
    ]


def test_ctrl_c_saves_what_there_is_and_the_fit_can_go_on(here: Path) -> None:
    fit = Terminal(*slow_fit(here))
    fit.read(until=b"iteration")
    fit.process.send_signal(signal.SIGINT)
    out = fit.end()
    assert fit.process.returncode == 130
    assert b"Traceback" not in fit.shown and "\ninterrupted: " in out
    (run,) = (here / "runs").iterdir()
    stopped = unseen.load(run)
    assert stopped.outcome.name == "interrupted" and stopped.iterations > 0
    assert f"--start runs/{run.name}" in out
    done = call("fit", "noise.parquet", "--start", run, "--max-iterations", "3", "--name", "more", "--quiet")
    assert done.exit_code == 4
    more = unseen.load("runs/more")
    assert more.trace[0].objective * 40_000 == pytest.approx(stopped.loglik, rel=1e-9)


@pytest.mark.parametrize("pause", [0.0, 0.02, 0.3])
def test_ctrl_c_again_and_again_ends_cleanly(here: Path, pause: float) -> None:
    fit = Terminal(*slow_fit(here))
    fit.read(until=b"iteration")
    for _ in range(3):
        fit.process.send_signal(signal.SIGINT)
        time.sleep(pause)
    fit.end()
    assert fit.process.returncode == 130
    assert b"Traceback" not in fit.shown
    assert not [p for p in here.rglob("*") if p.name.startswith(".")]
    for run in here.glob("runs/*"):
        unseen.load(run)  # whole, if it is there at all
