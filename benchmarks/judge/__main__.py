"""Measure what the production loop promotes, holds and follows, and write a section of PRODUCTION.md.

python -m benchmarks.judge                                         everything, hours; a killed run goes on
python -m benchmarks.judge --quick                                 every wrong month on some streams, printed only
python -m benchmarks.judge --size 500 --streams clinic,bank        some streams at one size
python -m benchmarks.judge --months 'every column shuffled,frog'   some months; also clean, slow, looks
python -m benchmarks.judge --report                                the section from what is in the scratch folder
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.judge import table, tasks
from benchmarks.judge.living import CLEAN, MONTHS, Life, live
from benchmarks.judge.months import LARGE, WRONG
from benchmarks.judge.more_streams import SYNTHETIC
from benchmarks.judge.real import REAL
from benchmarks.judge.tasks import Found, Task

STREAMS = SYNTHETIC | REAL
SIZES = (500, 2000, 20_000)
#: at the largest size a retrain takes minutes, so that the whole run has these alone; --size has any
LARGE_STREAMS = ("clinic", "amounts", "heaps", "telemetry", "flights")
#: what is asked of a stream beside single wrong months
RUNS = ("frog", "clean", "slow", "looks")
#: the quick run: which stream has which of the wrong months in turn, and what else
QUICK = {500: ("amounts", "clinic", "sparse"), 2000: ("amounts",)}
#: clean months in a row where retrains must be few: in the quick run, and at the largest size
FEW = 4


def asked(options: argparse.Namespace) -> Iterator[Task]:
    """All tasks that the options name; what a stream cannot have is left out."""
    for rows in (options.size,) if options.size else SIZES:
        for stream in (STREAMS[name] for name in options.streams):
            if rows >= SIZES[-1] and not options.size and stream.name not in LARGE_STREAMS:
                continue
            if why := stream.why_not(rows, CLEAN + 1):
                print(f"{stream.name}, {rows:,} rows: left out, {why}", file=sys.stderr)
                continue
            for month in WRONG:
                if rows < SIZES[-1] or month in LARGE or month in options.months:
                    yield Task("wrong", stream.name, rows, options.seed, month)
            for what in runs(stream, rows):
                yield Task(what, stream.name, rows, options.seed)


def runs(stream: Any, rows: int) -> Iterator[str]:
    yield "clean"
    if stream.drifts and rows < SIZES[-1]:
        yield from ("frog", "slow")
        if stream.stationary:
            yield "looks"


def quick(options: argparse.Namespace) -> Iterator[Task]:
    """Every wrong month once at each size, on the first stream in turn that can have it."""
    for rows, names in QUICK.items():
        for i, month in enumerate(WRONG):
            if rows == min(QUICK) or month in LARGE:
                turned = names[i % len(names) :] + names[: i % len(names)]
                name = next((n for n in turned if suits(n, month)), names[0])
                yield Task("wrong", name, rows, options.seed, month)
        yield from (Task("looks", name, rows, options.seed) for name in names)
    yield Task("clean", "amounts", min(QUICK), options.seed)


def suits(name: str, month: str) -> bool:
    """Whether a stream can have a wrong month."""
    from benchmarks.judge.columns import Given, Unsuited

    stream, rng = STREAMS[name], np.random.default_rng(0)
    given = Given(stream.month(2, 50, 0), [stream.month(1, 50, 0)], lambda: stream.one_kind(2, 50, 0), rng)
    try:
        WRONG[month](given)
    except Unsuited:
        return False
    return True


def chosen(every: Iterable[Task], months: list[str]) -> Iterator[Task]:
    return (t for t in every if not months or t.name in months or t.what in months)


def main() -> int:
    parser = argparse.ArgumentParser(
        "benchmarks.judge", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="every wrong month, few streams; printed only")
    parser.add_argument("--size", type=int, help=f"rows in a month, in place of {SIZES}")
    parser.add_argument("--streams", default=",".join(STREAMS), help="names with commas  [all]")
    parser.add_argument(
        "--months", default="", help=f"names of wrong months, and {', '.join(RUNS)}, with commas  [all]"
    )
    parser.add_argument("--jobs", type=int, default=1, help="lives at a time")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, help="folder of public data  [shared/data beside the repository]")
    parser.add_argument("--scratch", type=Path, help="where loops live and results are kept  [in the temporary folder]")
    parser.add_argument("--any-code", action="store_true", help="count what was found with other code of the product")
    parser.add_argument("--report", action="store_true", help="write from what was found before, run nothing")
    options = parser.parse_args()
    options.streams = [s for s in options.streams.split(",") if s]
    options.months = [m for m in options.months.split(",") if m]
    for what, given, known in (("stream", options.streams, STREAMS), ("month", options.months, (*WRONG, *RUNS))):
        if unknown := [n for n in given if n not in known]:
            parser.error(f"no {what} {', '.join(unknown)}; there are {', '.join(known)}")
    if options.data:
        os.environ["UNSEEN_DATA"] = str(options.data.resolve())
    scratch = options.scratch or Path(tempfile.gettempdir()) / (
        "unseen-judge-quick" if options.quick else "unseen-judge"
    )
    found = Found(scratch.resolve() / "found.jsonl", "" if options.any_code else tasks.code())
    every = list(chosen((quick if options.quick else asked)(options), options.months))
    if not options.report:
        try:
            with tasks.only_one(scratch):
                measure([t for t in every if t not in found.done()], found, options)
        except BlockingIOError:
            parser.error(f"another run works in {scratch}: wait for it, or name another with --scratch")
    wanted = {*every, *(Task("begin", *t.life) for t in every)}
    rows = [row for row in found.rows() if tasks.task_of(row) in wanted]
    whole = not (options.quick or options.size or options.months) and options.streams == list(STREAMS)
    if whole:
        table.write(table.render(rows), rows)
    else:
        print(table.render(rows))
    return 0


def measure(todo: list[Task], found: Found, options: argparse.Namespace) -> None:
    print(table.expected(todo, found.rows(), options.jobs), file=sys.stderr, flush=True)
    warm()
    work = partial(_live, found=found, few=options.quick)
    tasks.run(tasks.lives(todo), work, options.jobs)


def _live(group: list[Task], found: Found, few: bool) -> None:
    name, rows, seed = group[0].life
    months = FEW if few or rows >= SIZES[-1] else MONTHS
    live(group, Life(STREAMS[name], rows, seed, found.path.parent / "loops", months), found)


def warm() -> None:
    """Libraries that every process needs, loaded once."""
    import mlflow  # noqa: F401
    import pandera.pandas  # noqa: F401
    import scipy.optimize  # noqa: F401

    import unseen.cli.shell  # noqa: F401
    import unseen.ops.retrain  # noqa: F401


if __name__ == "__main__":
    sys.exit(main())
