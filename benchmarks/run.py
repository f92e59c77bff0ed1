"""Measure unseen and its peers side by side and write RESULTS.md.

python benchmarks/run.py                                 every case, three rounds
python benchmarks/run.py --case full-200k-8 --rounds 5
python benchmarks/run.py --quick                         small data, one round, printed only: does it run?
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
from datetime import date
from pathlib import Path

import startup
from cases import CASES, Case, write
from report import machine, render

HERE = Path(__file__).resolve().parent
STORE = HERE.parent / "build" / "benchmarks.json"  # so that one case can be measured again on its own
TIMEOUT = 1200


def measure_once(engine: str, case: Case, folder: Path, quick: bool) -> dict:
    size = "quick" if quick else "full"
    command = [sys.executable, str(HERE / "measure.py"), engine, case.name, str(folder), size]
    try:
        done = subprocess.run(command, env=startup.environment(), capture_output=True, text=True, timeout=TIMEOUT)
    except subprocess.TimeoutExpired:
        return {"failed": f"stopped after {TIMEOUT} s"}
    if done.returncode:
        return {"failed": (done.stderr.strip().splitlines() or [f"exit status {done.returncode}"])[-1][:120]}
    return json.loads(done.stdout.splitlines()[-1])


def measure_case(case: Case, folder: Path, rounds: int, quick: bool, spark: bool) -> dict[str, dict]:
    engines = [*case.engines, *(["spark"] if spark and case.name == "full-200k-8" else [])]
    rows = {e: {"version": "", "rounds": [], "shape": (case.n, case.d, case.k)} for e in engines}
    if "mclust" in rows and not shutil.which("Rscript"):
        rows["mclust"]["failed"] = "Rscript is not installed"
    for _ in range(rounds):
        for engine, row in rows.items():
            if "failed" in row:
                continue
            result = measure_once(engine, case, folder, quick)
            row["version"] = result.pop("version", row["version"])
            if "failed" in result:
                row["failed"] = result["failed"]
            else:
                row["rounds"].append(result)
            print(f"  {engine}: {json.dumps(result)}", file=sys.stderr, flush=True)
    return rows


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--case", nargs="+", choices=CASES, default=list(CASES), metavar="NAME",
                        help=f"one or more of: {', '.join(CASES)}")  # fmt: skip
    parser.add_argument("--rounds", type=int, default=3, help="interleaved rounds per case (default 3)")
    parser.add_argument("--quick", action="store_true", help="small data, one round, print, write nothing")
    parser.add_argument("--spark", action="store_true", help="also Spark MLlib (pip install pyspark, Java)")
    options = parser.parse_args()
    rounds = 1 if options.quick else options.rounds
    entries = json.loads(STORE.read_text()) if STORE.exists() and not options.quick else {}
    for name in options.case:
        case = CASES[name].quick() if options.quick else CASES[name]
        load = os.getloadavg()[0] if hasattr(os, "getloadavg") else float("nan")
        print(f"{name}: {case.title}", file=sys.stderr, flush=True)
        with tempfile.TemporaryDirectory(prefix="unseen-bench-") as temporary:
            folder = Path(temporary)
            if case.n:
                write(case, folder)
            if case.kind == "startup":
                rows = startup.measure(name, folder, rounds)
            else:
                rows = measure_case(case, folder, rounds, options.quick, options.spark)
        entries[name] = {
            "rows": rows, "rounds": rounds, "load": load,
            "when": date.today().isoformat(), "machine": machine(),
        }  # fmt: skip
        if not options.quick:
            STORE.parent.mkdir(exist_ok=True)
            STORE.write_text(json.dumps(entries, indent=1))
            (HERE / "RESULTS.md").write_text(render(entries))
    if options.quick:
        print(render(entries))
    ours = [row for e in entries.values() for n, row in e["rows"].items() if "unseen" in n]
    return int(any("failed" in row for row in ours))


if __name__ == "__main__":
    sys.exit(main())
