"""RESULTS.md from the measured rows."""

from __future__ import annotations

import os
import platform
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from cases import CASES
from targets import TARGETS, Rows, counterpart, middle, ratios, values

HEAD = """# Benchmarks

Written by `make bench` (`benchmarks/run.py`). Every engine runs in a fresh process on the same file, from
the same start, for the same number of iterations, tolerance off, on all cores; rounds are interleaved.

- Seconds are per iteration, (t(1+n) - t(1)) / n, unless a case says otherwise.
- "x unseen" above 1 means slower than unseen; in brackets the round that was worst for unseen. Rows in single
  precision are compared with unseen in single precision.
- Peak is the whole process: interpreter, libraries and data included.
- "First" is the first one-iteration fit: lazy imports, compilation and set-up.
- Log-likelihoods are computed by one neutral scorer from the parameters that each engine returned; a row
  further than 1e-6 (relative; float32: 1e-4) from unseen's is marked.
"""


def machine() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text().splitlines() if info.exists() else []
    names = [x.partition(":")[2].strip() for x in lines if x.startswith("model name")]
    cpu = names[0] if names else platform.processor()
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    found = [f"Python {platform.python_version()}"]
    for name in ("numpy", "scipy", "pyarrow", "numba"):
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            found.append(f"no {name}")
    return f"{cpu}, {cores} cores, {platform.system()}, {', '.join(found)}"


def number(value: float, digits: str = ".3g") -> str:
    return "" if value != value else format(value, digits)


def agreement(rows: Rows, engine: str) -> str:
    value, ours = middle(rows, engine, "loglik"), counterpart(rows, engine)
    if value != value:
        return number(middle(rows, engine, "rmse"), ".5f")
    if any(values(rows, one, "iterations") for one in rows):  # each to its own default stop: nothing to agree on
        told = values(rows, engine, "iterations")  # mclust does not say
        return f"{value:,.2f}" + (f", {middle(rows, engine, 'iterations'):.0f} iterations" if told else "")
    base = middle(rows, ours, "loglik") if ours else float("nan")
    tolerance = 1e-4 if "float32" in engine else 1e-6
    same = base != base or abs(value - base) <= tolerance * abs(base)
    claimed = middle(rows, engine, "claimed")
    honest = claimed != claimed or abs(value - claimed) <= tolerance * abs(value)
    return f"{value:,.2f}{'' if same else ' (differs)'}{'' if honest else f' (reports {claimed:,.2f})'}"


def line(rows: Rows, engine: str) -> str:
    row = rows[engine]
    if "failed" in row:
        return f"| {engine} | {row['version']} | did not finish: {row['failed']} | | | | | |"
    if values(rows, engine, "gflops"):
        return f"| {engine} | {row['version']} | {middle(rows, engine, 'gflops'):.0f} GFLOP/s | | | | | |"
    suffix = ", cold" if engine.endswith(", cold") else ""
    ours = f"unseen{suffix}" if f"unseen{suffix}" in rows and suffix else counterpart(rows, engine)
    against = ratios(rows, engine, ours) if ours and ours != engine else []
    ratio = f"{middle(rows, engine) / middle(rows, ours):.1f} ({min(against):.1f})" if against else ""
    cells = [
        engine, row["version"], number(middle(rows, engine)), number(max(values(rows, engine))), ratio,
        number(middle(rows, engine, "peak"), ".0f"), number(middle(rows, engine, "first")),
        agreement(rows, engine),
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def section(name: str, entry: dict) -> str:
    rows, case = entry["rows"], CASES[name]
    last = "RMSE, hidden cells" if case.kind == "impute" else "log-likelihood"
    per = f"n = {case.iterations}"
    what = {"em": per, "impute": "seconds to the end", "startup": "seconds of the whole process"}
    when = f"rounds: {entry['rounds']}, {entry['when']}, load average before: {entry['load']:.1f}"
    out = [
        f"## {case.title}", "",
        f"`--case {name}`, {what[case.kind]}, {when}.", "",
        f"| engine | version | seconds, median | worst | x unseen | peak MB | first, s | {last} |",
        "|---|---|---:|---:|---:|---:|---:|---:|",
        *(line(rows, engine) for engine in rows), "",
        "| target | measured | reached |", "|---|---|---|",
    ]  # fmt: skip
    for text, check in TARGETS[name]:
        measured, reached = check(rows)
        out.append(f"| {text} | {measured} | {'yes' if reached else 'no'} |")
    return "\n".join([*out, ""])


def render(entries: dict[str, dict]) -> str:
    machines = sorted({entry["machine"] for entry in entries.values()})
    body = [section(name, entries[name]) for name in CASES if name in entries]
    return "\n".join([HEAD, *(f"Machine: {m}." for m in machines), "", *body])
