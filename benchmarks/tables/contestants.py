"""Who takes part in which measure, in which version, and one measurement of one contestant on one table."""

from __future__ import annotations

import atexit
import io
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import measures
import numpy as np
import pandas as pd
from catalogue import Table
from places import CACHE, ROOT

HERE = Path(__file__).resolve().parent
TODAY = "f5ec183"  # the code before the default fit was taught what columns are
#: a copy, so that what is edited during a run does not change its second half
NOW = CACHE / f"now-{os.getpid()}" / "src"


@dataclass(frozen=True)
class Contestant:
    """``group`` is what `--only` names; ``source`` the folder that unseen is imported from, for versions of ours."""

    name: str
    group: str
    measures: tuple[str, ...]
    limit: int
    package: str = ""
    source: Path | None = None
    components: int | None = None

    @property
    def version(self) -> str:
        if self.name == "mclust":
            return _r_version()
        if self.package:
            try:
                return f"{self.package} {version(self.package)}"
            except PackageNotFoundError:
                return f"no {self.package}"
        return TODAY if self.group == "today" else "as it is"


CONTESTANTS = (
    Contestant("default", "ours", ("whole", "hidden", "heldout"), 600, source=NOW),
    Contestant("one", "ours", ("hidden", "heldout"), 300, source=NOW, components=1),
    Contestant("today", "today", ("heldout",), 120, source=CACHE / TODAY / "src"),
    Contestant("iterative", "peers", ("hidden",), 600, "scikit-learn"),
    Contestant("forest", "peers", ("hidden",), 900, "scikit-learn"),
    Contestant("mclust", "peers", ("whole",), 600),
    Contestant("gmm", "peers", ("whole",), 600, "scikit-learn"),
    Contestant("stepmix", "peers", ("whole",), 600, "stepmix"),
)


def _r_version() -> str:
    script = 'cat(as.character(packageVersion("mclust")))'
    try:
        done = subprocess.run(["Rscript", "-e", script], capture_output=True, text=True)
    except FileNotFoundError:
        return "no Rscript"
    return f"mclust {done.stdout}" if not done.returncode else "no mclust"


def settle(commit: str) -> None:
    """The sources that are measured: a copy of those at hand or of a commit, and those of the earlier version."""
    atexit.register(shutil.rmtree, NOW.parent, ignore_errors=True)
    if commit:
        take_out(commit, NOW.parent)
    else:
        shutil.copytree(ROOT / "src" / "unseen", NOW / "unseen", ignore=shutil.ignore_patterns("__pycache__"))
    if not (CACHE / TODAY / "src").exists():
        take_out(TODAY, CACHE / TODAY)


def take_out(commit: str, folder: Path) -> None:
    """The sources of a commit in a folder of their own."""
    done = subprocess.run(["git", "archive", commit, "src"], cwd=ROOT, capture_output=True)
    if done.returncode:
        print(f"tables: this copy of the repository does not hold {commit}: its rows will say so", file=sys.stderr)
        return
    with tarfile.open(fileobj=io.BytesIO(done.stdout)) as archive:
        archive.extractall(folder, filter="data")


def measure(who: Contestant, table: Table, seed: int, what: str, limit: int | None = None) -> dict[str, Any]:
    """One contestant, one table, one seed, one measure: what it answered and ``value``, or why it did not."""
    with tempfile.TemporaryDirectory(prefix="unseen-tables-") as folder:
        file, score = Path(folder) / f"{table.name}.csv", Path(folder) / "all.csv"
        output = Path(folder) / ("filled.csv" if what == "hidden" else "out.npy")
        gone = out = np.zeros(0)
        if what == "hidden":
            shown, gone = measures.hide(table, seed)
        elif what == "heldout":
            out = measures.leave_out(table, seed)
            shown = table.frame[~out]
            table.frame.to_csv(score, index=False)
        else:
            shown = table.frame
        shown.to_csv(file, index=False)
        request = {
            "contestant": who.name, "measure": what, "file": str(file), "score": str(score), "output": str(output),
            "seed": seed, "components": who.components, "source": str(who.source or ""),
            "numbers": list(table.numbers), "categories": list(table.categories),
        }  # fmt: skip
        told = work(who, request, Path(folder), limit or who.limit)
        if "failed" in told:
            return told
        if what == "hidden":
            return told | measures.errors(table, gone, pd.read_csv(output, keep_default_na=False, na_values=[""]))
        if what == "heldout":
            return told | measures.recorded(table, out, np.load(output), told["columns"])
        return told | (measures.agreement(table, np.load(output)) if table.classes else {})


def work(who: Contestant, request: dict[str, Any], folder: Path, limit: int) -> dict[str, Any]:
    """The answer of a process of its own, stopped with all its children at a limit of processor seconds.

    On a busy machine that is fairer than seconds on the wall, of which it may take five times as many.
    """
    (folder / "request.json").write_text(json.dumps(request))
    script = HERE / ("ours.py" if who.source else "peers.py")
    ours = {"PYTHONPATH": str(who.source), "UNSEEN_TRACEBACK": "1"} if who.source else {}
    late = {"failed": f"stopped after {limit} processor seconds", "limit": limit}
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, str(script), str(folder / "request.json")],
        env={**os.environ, **ours}, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5)),
    )  # fmt: skip
    try:
        printed, said = process.communicate(timeout=5 * limit)
    except BaseException as error:
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        if isinstance(error, subprocess.TimeoutExpired):
            return late
        raise
    if process.returncode == -signal.SIGXCPU:
        return late
    wall = time.perf_counter() - began
    try:
        told = json.loads(printed.strip().splitlines()[-1])
    except (ValueError, IndexError):
        told = {"failed": (said.strip().splitlines() or [f"exit status {process.returncode}"])[-1][:300]}
    return told | {"wall": wall, "command": wall - told.get("seconds_use", 0.0)}
