"""What a retrain adds to the plain fit, and how long status and rollback take: processes side by side, in turn.

``python benchmarks/production.py --rounds 7 --write`` measures the flights of three months and of the whole year and
writes the tables of ``PRODUCTION.md``; what stands below its second heading is kept. Each command is a process of its
own, started with compiled bytecode in place; the commands alternate, so that a busy machine is busy for all of them.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

import unseen

HERE = Path(__file__).parent
UNSEEN = (sys.executable, "-c", "from unseen.cli import main; main()")
FAMILIES = {"dep_delay": "student_t", "arr_delay": "student_t"}
LIBRARIES = ("unseen", "numpy", "pandas", "pandera", "pydantic", "mlflow-skinny", "sqlalchemy", "structlog")
NOTES = "## Where it goes"
#: both fits are left to converge
TOL = "1.0e-5"
#: a retrain promotes or holds
ENDS = {"fit": (0,), "retrain": (0, 10), "status": (0,), "rollback": (0, 14)}


@dataclass(frozen=True)
class Case:
    """So many months; ``before`` is the newest one that the champion knows."""

    name: str
    window: int
    before: str
    newest: str

    @property
    def months(self) -> list[str]:
        last = int(self.newest[-2:])
        return [f"months/2013-{m:02d}.parquet" for m in range(last - self.window + 1, last + 1)]


CASES = (
    Case("January to March", 3, "2013-02", "2013-03"),
    Case("January to December", 12, "2013-11", "2013-12"),
)


@dataclass(frozen=True)
class Took:
    """Seconds of one command: until its first line, until its end, and of the processor; what it ended with."""

    first: float
    wall: float
    cpu: float
    code: int


class Loop:
    """A folder with the flights of 2013 by month, an unseen.yaml, and a state to go back to before each retrain."""

    def __init__(self, folder: Path, case: Case) -> None:
        import pyarrow.compute as pc
        import pyarrow.parquet as pq

        from unseen.demo.production import COLUMNS, SETTINGS

        self.folder, self.case = folder, case
        (folder / "months").mkdir(parents=True)
        flights = pq.read_table(HERE.parent / "src" / "unseen" / "data" / "flights.parquet")
        for month in range(1, 13):
            rows = flights.filter(pc.equal(flights["month"], month)).select(list(COLUMNS))
            pq.write_table(rows, folder / "months" / f"2013-{month:02d}.parquet")
        settings = SETTINGS.replace(", start: champion", "").replace("window: 3", f"window: {case.window}")
        (folder / "unseen.yaml").write_text(settings)
        self.run("retrain", "-q", "--until", case.before)
        shutil.copytree(folder / ".unseen", folder / "before")

    def reset(self) -> None:
        shutil.rmtree(self.folder / ".unseen", ignore_errors=True)
        shutil.copytree(self.folder / "before", self.folder / ".unseen")
        shutil.rmtree(self.folder / "runs", ignore_errors=True)

    def fit(self) -> Took:
        families = [word for column, family in FAMILIES.items() for word in ("--family", f"{column}={family}")]
        options = ("--components", "4", "--restarts", "2", "--seed", "1", "--name", "fit", "-q")
        return self.run("fit", *self.case.months, *families, *options, "--tol", TOL)

    def retrain(self) -> Took:
        return self.run("retrain", "-q", "--until", self.case.newest)

    def status(self) -> Took:
        return self.run("status")

    def rollback(self) -> Took:
        return self.run("rollback", "flights", "--reason", "measured")

    def run(self, *words: str) -> Took:
        kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
        kept["PYTHONPYCACHEPREFIX"] = str(self.folder.parent / "bytecode")
        began = time.perf_counter()
        process = subprocess.Popen([*UNSEEN, *words], cwd=self.folder, env=kept, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        first = time.perf_counter() - began
        process.stdout.read()
        _, status, used = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        return Took(first, time.perf_counter() - began, used.ru_utime + used.ru_stime, process.returncode)

    def record(self) -> dict:
        """What the last retrain noted: seconds by stage, iterations."""
        [path] = (self.folder / ".unseen" / "runs").glob(f"{self.case.newest}*/record.json")
        return json.loads(path.read_text())

    def iterations(self) -> int:
        return unseen.load(self.folder / "runs" / "fit").iterations


def measure(case: Case, rounds: int) -> dict:
    """Every command once per round, in turn; the first round only fills caches."""
    took: dict[str, list[Took]] = {name: [] for name in ("fit", "retrain", "status", "rollback")}
    stages: list[dict[str, float]] = []
    with tempfile.TemporaryDirectory(prefix="unseen-production-") as folder:
        loop = Loop(Path(folder) / "loop", case)
        for number in range(rounds + 1):
            loop.reset()
            for name, found in took.items():
                one = getattr(loop, name)()
                if one.code not in ENDS[name]:
                    raise SystemExit(f"{name} ended with {one.code}")
                if number:
                    found.append(one)
                    print(f"{case.name}, round {number}: {name:<9} {one.wall:6.2f} s, cpu {one.cpu:6.2f} s", flush=True)
            stages.append(loop.record()["stages"])
        record = loop.record()
        facts = {"rows": record["batch"]["rows"], "fit": loop.iterations(), "retrain": record["fit"]["iterations"]}
    middle = {
        name: tuple(median(getattr(t, kind) for t in ts) for kind in ("first", "wall", "cpu"))
        for name, ts in took.items()
    }
    return {"facts": facts, "took": middle, "stages": {s: median(r[s] for r in stages[1:]) for s in stages[-1]}}


def median(values) -> float:
    return statistics.median(list(values))


def tables(found: dict[str, dict], rounds: int) -> str:
    """The measured part of the page."""
    machine = f"{cpu_name()}, {os.cpu_count()} cores, load {os.getloadavg()[1]:.1f} while measuring"
    names = ", ".join(f"{name} {version(name)}" for name in LIBRARIES)
    lines = [
        "# The production loop: what it costs",
        "",
        f"Written by `benchmarks/production.py`. {machine}; Python {platform.python_version()}, {names}.",
        f"Medians of {rounds} rounds in which the commands took turns, each a process of its own, in seconds. Targets:",
        "one retrain, not the first of a registry, adds at most 10 % and 2 s to the plain fit; status and rollback",
        "answer in 2 s.",
        "",
        "| | rows | iterations, fit and retrain | `unseen fit` | `unseen retrain` | added | allowed | |",
        "|---|---:|---:|---:|---:|---:|---:|---|",
    ]
    for name, case in found.items():
        for kind, what in ((1, "wall"), (2, "processor")):
            fit, retrain = case["took"]["fit"][kind], case["took"]["retrain"][kind]
            added, allowed, facts = retrain - fit, 0.1 * fit + 2, case["facts"]
            about = f"{name}, {what} | {facts['rows']:,} | {facts['fit']}, {facts['retrain']}"
            times = f"{fit:.2f} | {retrain:.2f} | {added:.2f} | {allowed:.2f}"
            lines.append(f"| {about} | {times} | {'met' if added <= allowed else 'missed'} |")
    lines += ["", "| | answer | end of the process | processor | |", "|---|---:|---:|---:|---|"]
    for name, case in found.items():
        for command in ("status", "rollback"):
            first, wall, cpu = case["took"][command]
            met = "met" if first <= 2 else "missed"
            lines.append(f"| `unseen {command}`, {name} | {first:.2f} | {wall:.2f} | {cpu:.2f} | {met} |")
    lines += ["", "Seconds of a retrain by stage:", "", "| | " + " | ".join(found[next(iter(found))]["stages"]) + " |"]
    lines.append("|---|" + "---:|" * len(found[next(iter(found))]["stages"]))
    lines += [
        f"| {name} | " + " | ".join(f"{s:.2f}" for s in case["stages"].values()) + " |" for name, case in found.items()
    ]
    return "\n".join(lines) + "\n\n"


def cpu_name() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--case", help="only cases with this in their name")
    parser.add_argument("--write", action="store_true", help="into PRODUCTION.md")
    options = parser.parse_args()
    cases = [c for c in CASES if (options.case or "") in c.name]
    found = {case.name: measure(case, options.rounds) for case in cases}
    page = tables(found, options.rounds)
    print(page)
    if options.write:
        path = HERE / "PRODUCTION.md"
        known = path.read_text() if path.exists() else ""
        path.write_text(page + known[known.find(NOTES) :] if NOTES in known else page)


if __name__ == "__main__":
    main()
