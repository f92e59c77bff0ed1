"""One sequence of ten million steps: memory and time of EM in parts, of one walk from end to end, and of hmmlearn.

    python benchmarks/long_chain.py [--rounds 3] [--steps 10000000] [--columns 1]

Gaussian, four states, double precision, one thread, compiled loops where the extra `fast` is there. Each measurement is
a process of its own: its peak memory, less what it held when the data was there, and processor seconds of an
iteration, (t(9) - t(1)) / 8. All begin with the same parameters; hmmlearn's priors are off.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np

from measure import peak_mb
from report import machine

K = 4


def write(path: Path, steps: int, columns: int) -> None:
    """States that last fifty steps, three deviations apart."""
    rng = np.random.default_rng(0)
    spell = np.cumsum(rng.random(steps) < 0.02)
    states = rng.integers(K, size=spell[-1] + 1)[spell]
    np.save(path, rng.normal(size=(steps, columns)) + 3.0 * states[:, None])


def first_guess(d: int) -> dict[str, np.ndarray]:
    means = np.repeat(3.0 * np.arange(K)[:, None] + 0.5, d, axis=1)
    moves = 0.9 * np.eye(K) + 0.1 / K
    return {"start": np.full(K, 1 / K), "transitions": moves, "means": means, "covariances": np.array([np.eye(d)] * K)}


def ours(x: np.ndarray, iterations: int, whole: bool) -> float:
    import unseen
    from unseen.numerics import chain_sequences

    if whole:
        chain_sequences.LONG = sys.maxsize
    stop = unseen.MaxIterations(iterations)
    start = unseen.Params(**first_guess(x.shape[1]))
    return unseen.fit(unseen.HMM(unseen.Gaussian(), K), x, start=start, stop=stop).loglik


def theirs(x: np.ndarray, iterations: int) -> float:
    from hmmlearn.hmm import GaussianHMM

    guess = first_guess(x.shape[1])
    model = GaussianHMM(
        K, "full", n_iter=iterations, tol=-1e30, init_params="", implementation="scaling",
        covars_prior=0, covars_weight=0, means_weight=0, min_covar=1e-9,
    )  # fmt: skip
    model.startprob_, model.transmat_, model.means_ = guess["start"], guess["transitions"], guess["means"]
    model.covars_ = guess["covariances"]
    return model.fit(x).score(x)


FITS = {
    "in parts": lambda x, n: ours(x, n, False),
    "end to end": lambda x, n: ours(x, n, True),
    "hmmlearn": theirs,
}


def measure(name: str, path: str) -> None:
    """One engine in this process; prints JSON."""
    x = np.load(path)
    FITS[name](x[:1000], 1)  # modules and, where they are forced, loops
    before, seconds = peak_mb(), []
    for iterations in (1, 9):
        begin = time.process_time()
        loglik = FITS[name](x, iterations)
        seconds.append(time.process_time() - begin)
    print(json.dumps({"peak": peak_mb() - before, "seconds": (seconds[1] - seconds[0]) / 8, "loglik": loglik}))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--columns", type=int, default=1)
    parser.add_argument("--measure", nargs=2, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.measure:
        measure(*given.measure)
        return
    names = [name for name in FITS if name != "hmmlearn" or importlib.util.find_spec("hmmlearn")]
    rows: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    one_thread = {**os.environ, "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.npy"
        write(path, given.steps, given.columns)
        for _ in range(given.rounds):
            for name in names:
                command = [sys.executable, __file__, "--measure", name, str(path)]
                done = subprocess.run(command, env=one_thread, capture_output=True, text=True, check=True)
                rows[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{machine()}; {given.steps:,} steps x {given.columns}, {K} states")
    for name, found in rows.items():
        peak, seconds = (median(row[key] for row in found) for key in ("peak", "seconds"))
        print(f"{name}: {peak:,.0f} MB above the data, {seconds:.2f} s an iteration, loglik {found[-1]['loglik']:.3f}")


if __name__ == "__main__":
    main()
