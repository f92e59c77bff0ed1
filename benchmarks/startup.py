"""What the user pays before any work is done: whole processes, timed from outside, interleaved."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

SOURCE = Path(__file__).resolve().parent.parent / "src"
WARM, COLD = 10, 2  # repeats per round; cold = no compiled bytecode and no compiled kernels yet

LOADED = """
import sys
before = set(sys.modules)
import unseen
unseen.fit, unseen.Mixture, unseen.Gaussian
new = [sys.modules[name] for name in set(sys.modules) - before]
site = [m for m in new if "site-packages" in (getattr(m, "__file__", None) or "")]
print(" ".join(sorted({m.__name__.partition(".")[0] for m in site} - {"unseen"})))
"""

FRESH = {
    "unseen": """
import json, sys, numpy as np, unseen
X = np.load(sys.argv[1])
fit = unseen.fit(unseen.Mixture(unseen.Gaussian("full"), 3), X, seed=0)
loglik = float(fit.loglik)
print(json.dumps({"loglik": loglik, "iterations": int(fit.iterations), "version": unseen.__version__}))
""",
    "scikit_learn": """
import json, sys, numpy as np, sklearn
from sklearn.mixture import GaussianMixture
X = np.load(sys.argv[1])
fit = GaussianMixture(3, random_state=0).fit(X)
loglik = float(fit.lower_bound_) * len(X)
print(json.dumps({"loglik": loglik, "iterations": int(fit.n_iter_), "version": sklearn.__version__}))
""",
}

# what its user types; an .npy file of doubles is a header of 128 bytes and the rows
MCLUST = """
suppressMessages(library(mclust))
a <- commandArgs(trailingOnly = TRUE); n <- as.integer(a[2]); d <- as.integer(a[3])
con <- file(a[1], "rb"); invisible(seek(con, 128)); X <- matrix(readBin(con, "double", n * d), n, d, byrow = TRUE)
fit <- Mclust(X, G = 3, modelNames = "VVV", verbose = FALSE)
cat(sprintf('{"loglik": %.6f, "version": "%s"}', fit$loglik, packageVersion("mclust")))
"""


def environment(cold: str | None = None) -> dict[str, str]:
    """What a process is started with. The peers' bytecode was written when they were installed: ours is kept, too."""
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    env = {**kept, "PYTHONPATH": str(SOURCE)}
    if cold:
        env |= {"PYTHONPYCACHEPREFIX": cold, "NUMBA_CACHE_DIR": cold}
    return env


def run_process(command: list[str], cold: bool = False) -> tuple[float, str]:
    with tempfile.TemporaryDirectory() as empty:
        env = environment(empty if cold else None)
        begin = time.perf_counter()
        done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=300)
        elapsed = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError((done.stderr.strip().splitlines() or ["no message"])[-1])
    return elapsed, done.stdout


def commands(name: str, folder: Path) -> dict[str, list[str]]:
    python = [sys.executable, "-c"]
    if name == "fresh-2k-4":
        data = str(folder / "X-float64.npy")
        found = {engine: [*python, code, data] for engine, code in FRESH.items()}
        if shutil.which("Rscript"):
            n, d = np.load(data, mmap_mode="r").shape
            found["mclust"] = ["Rscript", "-e", MCLUST, data, str(n), str(d)]
        return found
    script = shutil.which("unseen", path=str(Path(sys.executable).parent))
    return {
        "python -c pass": [*python, "pass"],
        "import numpy": [*python, "import numpy"],
        "import unseen": [*python, "import unseen"],
        "import unseen, names used": [*python, "import unseen as u; u.fit, u.Mixture, u.Gaussian"],
        "unseen --help": [*([script] if script else [sys.executable, "-m", "unseen"]), "--help"],
    }


def measure(name: str, folder: Path, rounds: int) -> dict[str, dict]:
    """Rows of one startup case, first with every cache warm, then as after an installation."""
    rows: dict[str, dict] = {}
    todo = commands(name, folder)
    for cold, repeats in ((False, rounds * WARM), (True, rounds * COLD)):
        for command in todo.values():  # one run outside the count fills the caches
            if not cold:
                subprocess.run(command, env=environment(), capture_output=True, timeout=300)
        for _ in range(repeats):
            for label, command in todo.items():
                row = rows.setdefault(label + (", cold" if cold else ""), {"version": "", "rounds": []})
                if "failed" in row:
                    continue
                try:
                    elapsed, printed = run_process(command, cold)
                except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
                    row["failed"] = str(error)
                    continue
                extra = json.loads(printed) if name == "fresh-2k-4" else {}
                row["version"] = extra.pop("version", "")
                row["rounds"].append({"seconds": elapsed, **extra})
    if name == "startup" and "failed" not in rows["import unseen"]:
        rows["import unseen"]["loads"] = run_process([sys.executable, "-c", LOADED])[1].strip()
    return rows
