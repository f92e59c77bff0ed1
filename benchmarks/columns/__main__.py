"""Measure how often `unseen fit FILE` decides wrongly what a column is, and write COLUMNS.md.

python benchmarks/columns                             everything, some minutes
python benchmarks/columns --kinds                     what columns are, without their families; printed only
python benchmarks/columns --tables iris,AER/Affairs   some tables; printed only
"""

from __future__ import annotations

import argparse
import os
import sys
import warnings
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
from families import Regret, judged_columns, regrets
from labelled import Absent, judged, labels
from written import Row, render

REPORT = Path(__file__).resolve().parents[1] / "COLUMNS.md"


def measured(table: str, families: bool) -> tuple[list[Row], list[Regret], str]:
    """What was decided of a table's columns, their regrets, and why there is nothing."""
    from unseen.errors import DataError

    warnings.simplefilter("ignore")
    np.seterr(all="ignore")
    try:
        columns = judged(table, labels()[table])
    except (Absent, DataError) as error:
        return [], [], str(error)
    rows = [Row(c.table, c.name, c.half, c.label, c.decided, c.choice.family, c.choice.note) for c in columns]
    found = [r for c in judged_columns(columns) for r in regrets(c)] if families else []
    return rows, found, ""


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default="", help="names as in kinds.csv, with commas")
    parser.add_argument("--kinds", action="store_true", help="without the families")
    parser.add_argument("--wrong", action="store_true", help="print every column whose kind is another than its label")
    options = parser.parse_args()
    known = labels()
    names = options.tables.split(",") if options.tables else list(known)
    if unknown := [n for n in names if n not in known]:
        parser.error(f"no table {', '.join(unknown)} in kinds.csv")
    rows: list[Row] = []
    found: list[Regret] = []
    absent: dict[str, str] = {}
    with ProcessPoolExecutor(min(2, os.cpu_count() or 1)) as pool:
        for name, (some, more, why) in zip(
            names, pool.map(partial(measured, families=not options.kinds), names), strict=True
        ):
            rows, found = rows + some, found + more
            absent |= {name: why} if why else {}
            print(f"{name}: {why or f'{len(some)} columns, {len(more)} regrets'}", file=sys.stderr, flush=True)
    if options.wrong:
        for r in rows:
            if r.decided != r.label:
                print(f"{r.half}: {r.table} {r.name}: {r.label}, decided {r.decided} ({r.family}; {r.note})")
    text = render(rows, found, absent)
    if options.tables or options.kinds:
        print(text)
    else:
        REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
