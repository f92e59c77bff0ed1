"""The user's own measure of a model: module:function(result, table) -> float, larger is better."""

from __future__ import annotations

import importlib
import math
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.block import OTHER
from unseen.core.source import Source
from unseen.errors import LimitError, OpsError
from unseen.result import Result
from unseen.search.holdout import Choice


class MetricError(OpsError):
    """The user's function could not be loaded, raised an error, or did not return a finite number."""


def measured(name: str, folder: Path, results: list[Result], table: Any, seconds: float | None = None) -> list[float]:
    """What the function says of each model on the held-out rows, an Arrow table, within so many seconds for all of it.

    ``folder`` is where its module is looked for first, while it is loaded and while it runs; neither the folder nor
    what was imported from it stays behind.

    Raises
    ------
    LimitError
        It was at work for longer: it is left behind, in a thread that ends with the process.
    MetricError
        The message names the function and the kind of error. What the error says may quote the data: it is dropped.
    """
    module, colon, function = name.partition(":")
    if not (module and colon and function):
        raise MetricError(f"validate.metric {name!r} is not of the form module:function")
    with importable(folder):
        try:
            call = getattr(importlib.import_module(module), function)
        except (Exception, SystemExit) as error:
            raise MetricError(f"validate.metric {name!r} cannot be loaded: {type(error).__name__}") from None
        if seconds is None:
            return [_call(call, name, result, table) for result in results]
        return _within(seconds, name, lambda: [_call(call, name, result, table) for result in results])


def _within(seconds: float, name: str, work: Callable[[], list[float]]) -> list[float]:
    """What some work gives, if it does so in time; a thread of its own, since nothing ends a function from outside."""
    done: list[list[float]] = []
    failed: list[MetricError] = []

    def at_work() -> None:
        try:
            done.append(work())
        except MetricError as error:
            failed.append(error)

    thread = threading.Thread(target=at_work, name="validate.metric", daemon=True)
    thread.start()
    thread.join(max(seconds, 0.0))
    if thread.is_alive():
        raise LimitError(
            f"validate.metric {name!r} was still at work when limits.seconds or limits.cost was used up: raise it, or "
            "make the function faster"
        )
    if failed:
        raise failed[0]
    return done[0]


def _call(call: Any, name: str, result: Result, table: Any) -> float:
    try:
        value = float(call(result, table))
    except (Exception, SystemExit) as error:
        raise MetricError(f"validate.metric {name!r} raised {type(error).__name__}") from None
    if not math.isfinite(value):
        raise MetricError(f"validate.metric {name!r} returned a number that is not finite")
    return value


@contextmanager
def importable(folder: Path) -> Iterator[None]:
    """Modules of a folder can be imported, also where a module of the same name was imported from elsewhere."""
    home = str(folder.resolve())
    names = {p.stem for p in folder.glob("*.py")} | {p.parent.name for p in folder.glob("*/__init__.py")}
    hidden = {n: m for n, m in sys.modules.items() if n.partition(".")[0] in names}
    for n in hidden:
        del sys.modules[n]
    sys.path.insert(0, home)
    importlib.invalidate_caches()
    try:
        yield
    finally:
        if home in sys.path:
            sys.path.remove(home)
        for n in [n for n in sys.modules if n.partition(".")[0] in names]:
            del sys.modules[n]
        sys.modules.update(hidden)


def held_out_table(source: Source, choice: Choice) -> Any:
    """The chosen rows with all of their columns, as one Arrow table."""
    import pyarrow as pa

    tables = []
    for part in source.manifest():
        kept = choice.mask(part)
        if kept.any():
            whole = source.table(part) if hasattr(source, "table") else _table(source, part)
            tables.append(whole.take(pa.array(np.flatnonzero(kept))))
    return pa.concat_tables(tables)


def _table(source: Source, part: Any) -> Any:
    """A block of a source that has no Arrow table of its own."""
    import pyarrow as pa

    names = [f.name for f in source.schema() if f.kind != OTHER]
    arrays = {}
    for name, cells in source.read(part, names).columns.items():
        missing = None if cells.observed is None else ~cells.observed
        column = pa.array(cells.values, mask=missing)
        arrays[name] = pa.array(cells.categories, pa.string()).take(column) if cells.categories else column
    return pa.table(arrays)
