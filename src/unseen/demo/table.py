"""An ordinary table: 4,454 applications for credit, fitted without an option; its holes filled, and the fill judged."""

from __future__ import annotations

import time
from collections import Counter
from importlib.resources import as_file, files
from pathlib import Path
from typing import Any

import numpy as np

from unseen.demo.flights import keep, report, say
from unseen.result import Result

COMMAND = "unseen fit credit.csv"
#: what `unseen fit` takes where nothing is asked for
OPTIONS: dict[str, Any] = {
    "model": "mixture",
    "columns": (),
    "ignore": (),
    "family": (),
    "covariance": None,
    "weights": None,
    "labels": None,
    "start": "auto",
    "components": None,
    "criterion": "bic",
    "restarts": None,
    "seed": 0,
    "prior": 0.0,
    "tol": 1e-7,
    "max_iterations": 1000,
    "max_seconds": None,
    "engine": "auto",
    "workers": None,
}
HIDDEN, SEED = 0.1, 1


def main() -> None:
    """Fit, tell what was found, save the run, write the report, and judge what fills the holes."""
    from unseen.cli.exits import guarded

    began = time.perf_counter()
    with guarded(), as_file(files("unseen") / "data" / "credit.csv") as path:
        say(f"Who asks for credit, and how does it end? The same by hand:\n\n  $ {COMMAND}\n")
        result = fit(str(path))
        folder = keep(result)
        say(result.summary())
        say(kinds(result))
        say(judged(path))
        say(f"The run: {folder}\nThe report: {report(result, folder, path)}  (open it in a browser)")
        say(f"Done in {time.perf_counter() - began:.0f} s.")


def fit(data: Any, told: bool = True) -> Result:
    """What `unseen fit` does without an option."""
    from unseen.cli import fitting

    task = fitting.prepare([data] if isinstance(data, str) else data, OPTIONS)
    if told:
        say(fitting.column_table(task.plan) + "\n")
    return fitting.carry_out(task, OPTIONS, silent=not told)


def kinds(result: Result) -> str:
    """The kinds of applicants by how often their credit ends badly."""
    entries = {e["column"]: e for e in result.description.views}
    status = entries["Status"]
    bad = np.array(status["probabilities"])[:, status["categories"].index("bad")]
    lines = ["How the credits of each kind end, worst first:", ""]
    for k in np.argsort(-bad):
        middle = ", ".join(f"{c.lower()} {_mean(entries[c])[k]:,.0f}" for c in ("Seniority", "Age", "Income", "Assets"))
        lines.append(f"  [{k}] {100 * result.params['weights'][k]:4.1f} % of all, {100 * bad[k]:2.0f} % bad: {middle}")
    return "\n".join([*lines, ""])


def _mean(entry: dict[str, Any]) -> list[float]:
    """The mean of a column, with the values that stand apart."""
    found: list[float] = entry.get("overall_mean", entry["mean"])
    return found


def judged(path: Path) -> str:
    """A tenth of the known cells hidden, filled again by the fit and by averages, and compared with the truth."""
    from pyarrow import csv

    whole = csv.read_csv(path, convert_options=csv.ConvertOptions(strings_can_be_null=True))
    shown, hidden = hide(whole)
    filled = fit(shown, told=False).impute(shown)
    ours, simple = errors(whole, filled, hidden), errors(whole, averaged(shown), hidden)
    return (
        f"A tenth of the known cells was hidden and filled again. Numbers are off by {ours[0]:.2f} standard deviations "
        f"(the mean: {simple[0]:.2f}),\n{100 * ours[1]:.0f} % of the categories are wrong (the most frequent: "
        f"{100 * simple[1]:.0f} %).\n"
    )


def hide(table: Any) -> tuple[Any, dict[str, Any]]:
    """The table without a tenth of its known cells, and which they are by column."""
    import pyarrow as pa

    rng = np.random.default_rng(SEED)
    hidden, columns = {}, []
    for name in table.column_names:
        column = table[name].combine_chunks()
        known = ~column.is_null().to_numpy(zero_copy_only=False)
        hidden[name] = known & (rng.random(len(column)) < HIDDEN)
        columns.append(pa.array(column.to_pylist(), column.type, mask=hidden[name] | ~known))
    return pa.table(columns, names=table.column_names), hidden


def averaged(table: Any) -> Any:
    """Holes filled with the mean of numbers and the most frequent category of text."""
    import pyarrow.compute as pc

    for i, name in enumerate(table.column_names):
        column = table[name]
        if _numeric(column):
            filled = column.cast("double").fill_null(pc.mean(column).as_py())
        else:
            ((most, _),) = Counter(column.drop_null().to_pylist()).most_common(1)
            filled = column.fill_null(most)
        table = table.set_column(i, name, filled)
    return table


def errors(whole: Any, filled: Any, hidden: dict[str, Any]) -> tuple[float, float]:
    """Mean error of hidden numbers in standard deviations (root mean square), and share of wrong categories."""
    numbers, wrong = [], []
    for name, rows in hidden.items():
        truth, given = (t[name].to_numpy()[rows] for t in (whole, filled))
        if not _numeric(whole[name]):
            wrong.append(float((truth != given).mean()))
            continue
        sd = float(np.nanstd(whole[name].to_numpy().astype(float)))
        numbers.append(float(np.sqrt(np.mean((truth.astype(float) - given.astype(float)) ** 2))) / sd)
    return float(np.mean(numbers)), float(np.mean(wrong))


def _numeric(column: Any) -> bool:
    import pyarrow.types as types

    return bool(types.is_integer(column.type) or types.is_floating(column.type))


if __name__ == "__main__":
    from unseen.demo.flights import run

    run(main)
