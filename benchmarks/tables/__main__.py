"""Measure the default fit on thirty ordinary tables and write TABLES.md.

python benchmarks/tables                                    everything, five seeds; hours the first time
python benchmarks/tables --only ours                        peers and the earlier version as they are on disk
python benchmarks/tables --tables iris,bank --seeds 2       some tables; TABLES.md says which
python benchmarks/tables --quick                            one seed; ours, one component, IterativeImputer; no report
"""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from catalogue import TABLES, Table
from contestants import CONTESTANTS, Contestant, measure, settle
from places import Absent
from results import Results

from report import head, line, render

REPORT = Path(__file__).resolve().parents[1] / "TABLES.md"
QUICK = ("default", "one", "iterative")


def limits(text: str) -> dict[str, int]:
    return {name: int(seconds) for name, _, seconds in (part.partition("=") for part in text.split(",") if part)}


def run(table: Table, known: Results, options: argparse.Namespace) -> str:
    """Every contestant on one table; why the table is left out, if it cannot be had."""
    try:
        table.whole  # noqa: B018 (loaded here, where its absence is told)
    except Absent as error:
        return str(error)
    for who in CONTESTANTS:
        for what in who.measures:
            for seed in range(options.seeds):
                if wanted(who, table, what, seed):
                    once(who, table, seed, what, known, options)
    return ""


def wanted(who: Contestant, table: Table, what: str, seed: int) -> bool:
    """Clusterers need classes, and mclust is the same for every seed."""
    if who.group == "peers" and what == "whole" and not table.classes:
        return False
    return who.name != "mclust" or seed == 0


def once(who: Contestant, table: Table, seed: int, what: str, known: Results, options: argparse.Namespace) -> None:
    key = f"{who.version}, {table.digest}"
    asked = not options.only or who.group in options.only or who.name in options.only
    asked &= (not options.quick or who.name in QUICK) and (not options.measures or what in options.measures)
    if not asked or (who.group != "ours" and not options.again):
        limit = options.limit.get(who.name, who.limit)
        found = known.recall(who.name, table.name, seed, what, key if who.group != "ours" else None, limit)
        if found is not None or not asked:
            return
    row = measure(who, table, seed, what, options.limit.get(who.name))
    known.keep(who.name, table.name, seed, what, key, row)
    said = row.get("failed") or ", ".join(f"{k} {row[k]:.4g}" for k in ("value", "K", "seconds") if k in row)
    print(f"  {table.name} {who.name} {what} {seed}: {said}", file=sys.stderr, flush=True)


def main() -> int:
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # ends the process that is measured, too
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tables", default="", help=f"some of: {','.join(TABLES)}")
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--only", default="", help="ours, today, peers, or names of contestants; the rest from disk")
    parser.add_argument("--measures", default="", help="some of whole, hidden, heldout; the rest from disk")
    parser.add_argument(
        "--limit", type=limits, default={}, help="processor seconds for one fit, such as default=60,today=30"
    )
    parser.add_argument("--commit", default="", help="measure the code of a commit in place of the one at hand")
    parser.add_argument("--again", action="store_true", help="measure what is on disk again, peers too")
    parser.add_argument("--report", action="store_true", help="write TABLES.md from what is on disk, measure nothing")
    parser.add_argument("--quick", action="store_true", help="one seed, ours and IterativeImputer; printed only")
    options = parser.parse_args()
    options.only = ["nobody"] if options.report else [x for x in options.only.split(",") if x]
    options.measures = [x for x in options.measures.split(",") if x]
    options.seeds = 1 if options.quick else options.seeds
    names = options.tables.split(",") if options.tables else list(TABLES)
    if unknown := [n for n in names if n not in TABLES]:
        parser.error(f"no table {', '.join(unknown)}; there are {', '.join(TABLES)}")
    if not options.report:
        settle(options.commit)
    known, absent = Results(), {}
    print(head())
    for name in names:
        if reason := run(TABLES[name], known, options):
            absent[name] = reason
            print(f"{name:10} left out: {reason}")
        else:
            print(line(TABLES[name], known), flush=True)
    text = render([TABLES[n] for n in names if n not in absent], absent, known, options.seeds)
    if options.quick:
        print("\n" + text[text.index("## Counts") :])
    else:
        REPORT.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
