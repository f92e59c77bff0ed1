"""`make demo`: what kinds of flights left New York in 2013, told by a mixture model.

The same steps as ``unseen fit``, ``show`` and ``report`` on the flights that ship with the package, missing cells
included. The number of components is chosen on every twentieth flight; the chosen model is then fitted to them all.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import replace
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

from unseen.result import Result

FOLDER = Path(".demo")
EVERY = 20
FIRST_TOL = 1e-4  # enough to compare numbers of components by, not to stop at
# sched_dep_time is 100 * hour + minute, and actual times follow from scheduled ones and delays: columns that follow
# from others make components flat, so one of each is enough
OPTIONS: dict[str, Any] = {
    "model": "mixture",
    "columns": ("dep_delay", "arr_delay", "hour", "distance", "air_time", "carrier", "origin"),
    "ignore": (),
    "family": (
        *((name, "student_t") for name in ("dep_delay", "arr_delay")),
        *((name, "gaussian") for name in ("hour", "distance", "air_time")),
    ),
    "covariance": "full",
    "weights": None,
    "labels": None,
    "start": "auto",
    "components": tuple(range(1, 9)),
    "criterion": "bic",
    "restarts": 3,
    "seed": 0,
    "prior": 0.0,
    "tol": 1e-5,
    "max_iterations": 1000,
    "max_seconds": None,
    "engine": "auto",
    "workers": None,
}
COMMAND = (
    "unseen fit flights.parquet --columns dep_delay,arr_delay,hour,distance,air_time,carrier,origin \\\n"
    "    --family dep_delay=student_t --family arr_delay=student_t --family hour=gaussian \\\n"
    "    --family distance=gaussian --family air_time=gaussian --covariance full --components 1:8"
)


def main() -> None:
    """Fit, tell the story, save the run, write the report."""
    from unseen.cli.exits import guarded

    began = time.perf_counter()
    with guarded(), as_file(files("unseen") / "data" / "flights.parquet") as path:
        say("What kinds of flights left New York's airports in 2013? Much the same by hand:\n\n  $ " + COMMAND + "\n")
        chosen = choose(path)
        result = fit_all(path, chosen)
        folder = keep(result)
        say(story(result, path))
        say(result.summary())
        say(f"The run: {folder}\nThe report: {report(result, folder, path)}  (open it in a browser)")
        say(f"Done in {time.perf_counter() - began:.0f} s.")


def say(text: str) -> None:
    """Print at once, also into a pipe."""
    print(text, flush=True)


def choose(path: Path) -> Result:
    """The number of components, chosen by BIC on every twentieth flight."""
    import pyarrow.parquet as pq

    from unseen.cli import fitting

    table = pq.read_table(path)
    sample = table.take(list(range(0, table.num_rows, EVERY)))
    say(f"Choosing the number of kinds on every twentieth flight ({sample.num_rows:,} of {table.num_rows:,}) ...")
    options = {**OPTIONS, "tol": FIRST_TOL}
    return fitting.carry_out(fitting.prepare(sample, options), options, silent=False)


def fit_all(path: Path, chosen: Result) -> Result:
    """The chosen model on all flights, from the parameters found on the sample."""
    from unseen.cli import fitting

    task = fitting.prepare([str(path)], OPTIONS)
    say(fitting.column_table(task.plan) + "\n")
    kinds = chosen.model.number or 1
    say(f"Fitting {kinds} kinds to all {task.plan.known.profile.rows:,} flights ...\n")
    task = replace(task, components=(kinds,), start=chosen.params)
    result = fitting.carry_out(task, OPTIONS, silent=False)
    options = {**result.options, "search_rows": chosen.profile.rows}
    return replace(result, search=chosen.search, restarts=chosen.restarts, options=options)


def keep(result: Result) -> Path:
    """The run, saved."""
    from unseen.store import run_name, save

    return save(result, FOLDER / run_name(result))


def report(result: Result, folder: Path, path: Path) -> Path:
    """The page, beside the run's files."""
    from unseen.report import write

    target = folder / "report.html"
    write(result, target, data=[str(path)])
    return target


# ---- the story


def story(result: Result, path: Path) -> str:
    """One sentence for each kind of flight, and where the flights that never left belong."""
    kinds = [int(k) for k in result.description.order]
    lines = [f"{len(kinds)} kinds of flights:", ""]
    for rank, k in enumerate(kinds, 1):
        lines.append(f"  {rank}. {sentence(result, k)}")
    missing, shares = cancelled(result, path)
    top = sorted(kinds, key=lambda k: -shares[k])[:2]
    lines += [
        "",
        f"{missing:,} flights never left, so their delays are missing. By all else that is known of them,",
        " and ".join(f"{100 * shares[k]:.0f} % are of kind {kinds.index(k) + 1}" for k in top) + ".",
        "",
    ]
    return "\n".join(lines)


def sentence(result: Result, k: int) -> str:
    """A component in words, made from what its description says of it."""
    told = {e["column"]: e for e in result.description.views}
    share = 100 * float(result.params["weights"][k])
    words = [length(told["distance"]["mean"][k]), hours(told["hour"]["mean"][k], told["hour"]["sd"][k])]
    what = " ".join(w for w in words if w)
    of, source = named(result, told["carrier"], k, " of "), named(result, told["origin"], k, " from ")
    return f"{share:.0f} % of flights: {what}{of}{source}, {delays(told, k)}"


def length(miles: float) -> str:
    """Flights by their length in miles."""
    names = ((450, "short hops"), (900, "medium flights"), (2000, "long flights"))
    name = next((n for limit, n in names if miles < limit), "coast-to-coast flights")
    return f"{name} ({miles:,.0f} miles)"


def hours(mean: float, sd: float) -> str:
    """When they leave, if that is special."""
    if mean >= 16.5:
        return "in the evening"
    if mean >= 14.7:
        return "later in the day"
    return "in the morning" if mean + sd / 2 < 11.5 else ""


def named(result: Result, entry: dict[str, Any], k: int, before: str) -> str:
    """The categories that stand out: common in this kind, and more common than elsewhere."""
    from unseen.summary.facts import top_categories

    found = [n for n, p, lift in top_categories(result, entry, k) if p >= 0.15 and lift and lift >= 1.25]
    return before + " and ".join(found[:2]) if found else ""


def delays(told: dict[str, dict[str, Any]], k: int) -> str:
    """How late they leave and arrive; of Student-t columns the middle, which outliers cannot pull."""
    leave, arrive = (told[c]["mean"][k] for c in ("dep_delay", "arr_delay"))
    left = "leaving on time" if leave < 8 else f"leaving {leave:.0f} min late"
    if abs(arrive) < 5:
        return f"{left} and arriving on time"
    return f"{left} and arriving {abs(arrive):.0f} min {'late' if arrive > 0 else 'early'}"


def cancelled(result: Result, path: Path) -> tuple[int, Any]:
    """How many flights have no departure delay, and the shares of the kinds among them."""
    import numpy as np

    from unseen.core.model import responsibilities

    total, rows = np.zeros(result.model.number or 1), 0
    slot, at = next(
        (i, s.columns.index("dep_delay")) for i, s in enumerate(result.model.slots) if "dep_delay" in s.columns
    )
    for block in result.blocks(str(path)):
        observed = block.cells[slot].observed
        gone = np.zeros(block.rows, bool) if observed is None else ~observed[at]
        if gone.any():
            r, _ = responsibilities(result.model, result.params, block.take(np.flatnonzero(gone)))
            total, rows = total + r.sum(axis=1), rows + int(gone.sum())
    return rows, total / max(rows, 1)


def run(story: Callable[[], None] = main) -> None:
    """A story as a program: trouble becomes a sentence and an exit code."""
    import click

    try:
        story()
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
