"""One look at new data: sum it up, add it to what the champion has met so far, and say whether it drifted."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from unseen.core.stats import Sums
from unseen.errors import SchemaError
from unseen.ops.config.settings import Settings
from unseen.ops.drift import state as states
from unseen.ops.drift.battery import Battery, Found
from unseen.ops.drift.bins import Layout
from unseen.ops.drift.causes import Window, cause, listed
from unseen.ops.drift.fresh import CountFresh, fresh_blocks
from unseen.ops.drift.reference import Reference
from unseen.ops.drift.report import DriftReport, DriftTest
from unseen.ops.drift.state import State
from unseen.ops.drift.tally import Count, effective, worth, zero
from unseen.result import Result

#: an e-value is a number for people and for Prometheus: what is larger than this is as good as this
MOST_LOG_E = 690.0


def look(
    champion: Result,
    reference: Mapping[str, Any],
    data: Any,
    batch: str,
    state: Path,
    settings: Settings,
    *,
    record: bool = True,
    progress: Callable[[int], object] = lambda _: None,
) -> DriftReport:
    """Compare new data with what the champion was trained on, given all looks before.

    Parameters
    ----------
    reference : what `remember` returned when the champion was made
    data : a path, several, a table, or a source, with the champion's columns
    batch : what identifies these rows; a batch that was looked at before changes nothing, and nothing is read. One
        of fewer rows than ``privacy.min_rows_per_component`` adds nothing: its sums could describe single people
    state : the folder of the tests' memory (`Places.drift`); another champion begins anew there
    record : False looks without remembering it, outside of the promise about false alarms
    progress : called with the number of rows after each block

    Raises
    ------
    SchemaError
        The columns differ from the champion's.
    RegistryError
        The reference or the state is damaged, belongs to another model, or cannot be written.
    """
    known = Reference.of(reference, champion)
    before = states.read(state, known)
    if before.knows(batch) and before.report is not None:
        return before.report.model_copy(update={"added": False, "repeated": True})
    sums = summed(champion, known.layout, data, progress)
    rows, enough = int(sums["rows"][0]), worth(sums) >= settings.privacy.min_rows_per_component
    if not record or not enough:
        after = before.with_batch(batch, sums) if enough else before
        return judged(champion, known, after, batch, rows, settings).model_copy(update={"added": enough})
    from filelock import FileLock

    state.mkdir(parents=True, exist_ok=True)
    with FileLock(state / ".lock"):
        before = states.read(state, known)
        if before.knows(batch) and before.report is not None:
            return before.report.model_copy(update={"added": False, "repeated": True})
        after = before.with_batch(batch, sums)
        report = judged(champion, known, after, batch, rows, settings)
        states.write(state, after.with_report(report))
    return report


def judged(
    champion: Result, reference: Reference, state: State, batch: str, rows: int, settings: Settings
) -> DriftReport:
    """The report on a state: every test, what is evident, and why."""
    rules = settings.drift
    found = Battery(reference).judge(state.begun) if state.begun else []
    told = sorted(found, key=lambda f: -(f.log_e + np.log(f.share)))
    large = [f for f in told if f.effect >= rules.min_effect]
    limit = -float(np.log(rules.false_alarms))
    total = np.logaddexp.reduce([f.log_e + np.log(f.share) for f in large]) if large else -np.inf
    drifted = bool(total >= limit)
    # the sum may pass where no test does alone: then the largest part of it is named
    named = [f for i, f in enumerate(large) if drifted and (i == 0 or f.log_e + np.log(f.share) >= limit)]
    windows = [Window.of(champion, reference, sums, settings.privacy.sensitive) for _, sums in state.begun]
    tests = tuple(_told(f, state, f in named, limit, windows) for f in told)
    first = state.first_alarm if state.first_alarm is not None else (state.looks if drifted else None)
    return DriftReport(
        champion=reference.id,
        batch=batch,
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        look=state.looks,
        rows=rows,
        drifted=drifted,
        retrain=drifted and rules.retrain,
        e_value=_value(float(total)),
        threshold=_value(limit),
        false_alarms=rules.false_alarms,
        tests=tests,
        causes=listed([t.cause for t in tests if t.cause]),
        first_alarm=first,
    )


def _told(found: Found, state: State, named: bool, limit: float, windows: list[Window]) -> DriftTest:
    probe = found.probe
    small = not named and found.log_e + np.log(found.share) >= limit
    subject = f"component {probe.component}" if probe.kind == "position" else probe.column
    return DriftTest(
        name=f"{probe.kind} {subject}" if subject else probe.kind,
        kind=probe.kind,
        column=probe.column,
        component=probe.component,
        effect=round(found.effect, 6),
        e_value=_value(found.log_e),
        threshold=_value(limit - float(np.log(found.share))),
        verdict="drift" if named else "small" if small else "none",
        since=state.begun[found.loudest][0],
        cause=cause(windows[found.loudest], found) if named else None,
    )


def _value(log_e: float) -> float:
    return float(np.exp(min(log_e, MOST_LOG_E)))


# ---- reading


def batch_id(data: Sequence[str | Path]) -> str:
    """What identifies the rows of some files: the sha256 of their bytes, as the loop identifies a partition.

    Raises
    ------
    DataError
        There is no such file.
    """
    from unseen.sources.files import listed as files

    digests = []
    for place in files(data):
        with place.open() as file:
            digests.append(hashlib.file_digest(file, "sha256").hexdigest())
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()


def summed(champion: Result, layout: Layout, data: Any, progress: Callable[[int], object] = lambda _: None) -> Sums:
    """The sums of new data, block by block; at most one block for each core is in memory."""
    from unseen.engines.local import one_pass
    from unseen.sources import open_source

    unit = champion.encoding.unit
    whole = champion.model.unit.ordered and unit is None
    read, known = champion.encoding.reading, champion.encoding.written()
    source, _, _ = open_source(data, unit=unit, whole=whole, read=read, known=known)
    blocks = fresh_blocks(champion, source, progress)
    weights = champion.encoding.weights
    if weights is not None and weights not in {f.name for f in source.schema()}:
        raise SchemaError(
            f"the data has no column {weights!r}, which held the row weights when the champion was fitted: "
            "add it, with 1 in every row if no row counts more than once"
        )
    task = CountFresh(Count(champion.model, champion.params, layout))
    return effective(one_pass(task, blocks).sums if len(blocks) else zero(layout))
