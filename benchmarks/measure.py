"""Measure ONE engine on ONE case in THIS process, so that the peak memory is its own; prints JSON."""

from __future__ import annotations

import importlib
import json
import sys
import time
import warnings
from pathlib import Path

import numpy as np

from cases import CASES, Case, read_chunks
from score import log_likelihood


def peak_mb(pid: int | str = "self") -> float:
    """High-water mark of this program; ru_maxrss would start from the parent's memory at the fork."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0]) / 1024
    except (OSError, IndexError):
        import resource

        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def seconds(call, *args) -> tuple[float, object]:
    begin = time.perf_counter()
    value = call(*args)
    return time.perf_counter() - begin, value


def time_fit(peer, case: Case, folder: Path, dtype: str) -> dict:
    """The first call pays imports' laziness and compilation; the next two give (t(1+n) - t(1)) / n."""
    fit = peer.prepare(case, folder, dtype)
    first, _ = seconds(fit, 1)
    if getattr(peer, "COMPILES_PER_COUNT", False):
        fit(1 + case.iterations)
    one, _ = seconds(fit, 1)
    many, params = seconds(fit, 1 + case.iterations)
    return {"first": first, "one": one, "many": many, "peak": peak_mb(), "params": params}


def em(peer, case: Case, folder: Path, dtype: str) -> dict:
    run = peer.measure if hasattr(peer, "measure") else lambda *args: time_fit(peer, *args)
    result = run(case, folder, dtype)
    if "gflops" in result:
        return result
    params = {name: np.asarray(value, dtype=float) for name, value in result.pop("params").items()}
    claimed = params.pop("claimed", None)
    result["loglik"] = log_likelihood(read_chunks(case, folder), params)
    result["claimed"] = None if claimed is None else float(claimed)
    result["seconds"] = (result.pop("many") - result.pop("one")) / case.iterations
    return result


def impute(peer, case: Case, folder: Path, variant: str) -> dict:
    X = np.load(folder / "X-float64.npy")
    elapsed, filled = seconds(peer.impute, X, variant)
    peak = peak_mb()
    error = (filled - np.load(folder / "complete.npy"))[np.isnan(X)]
    return {"seconds": elapsed, "first": elapsed, "peak": peak, "rmse": float(np.sqrt(np.mean(error**2)))}


def main() -> None:
    engine, name, folder, quick = sys.argv[1:]
    warnings.filterwarnings("ignore")
    case = CASES[name].quick() if quick == "quick" else CASES[name]
    module, _, variant = engine.partition("-")
    peer = importlib.import_module(f"peers.{module}")
    work = impute if case.kind == "impute" else em
    result = work(peer, case, Path(folder), variant or "float64")
    print(json.dumps({"version": peer.version(), **result}))


if __name__ == "__main__":
    main()
