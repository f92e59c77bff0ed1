"""Events of M-steps: their kinds, the columns that they are counted in, and those of runs from before the enum."""

from __future__ import annotations

from pathlib import Path

import numpy as np

import unseen
from unseen.core.events import Counted, EventKind, counted
from unseen.search.tries import has_empty, is_singular
from unseen.store import load

RUNS = Path(__file__).parent / "data" / "runs"


def test_a_part_of_a_model_counts_its_events_under_its_columns() -> None:
    rng = np.random.default_rng(0)
    group = np.arange(200) % 2
    data = {"a: b": np.where(group, rng.normal(9, 1, 200), 0.1 + 1e-9 * rng.normal(size=200)), "n": rng.poisson(3, 200)}
    terms = {"a: b": unseen.Gaussian(), "n": unseen.Poisson()}
    found = unseen.fit(unseen.Mixture(unseen.Product(terms), 2), data, restarts=2)
    assert list(counted(found.params.events)) == [Counted(EventKind.VARIANCE_FLOOR, "a: b", 1)]
    assert is_singular(found.params) and not has_empty(found.params)


def test_events_are_plain_text_where_they_are_kept(tmp_path: Path) -> None:
    x = np.r_[np.full(40, 0.5), np.random.default_rng(0).normal(9, 1, 60)]
    found = unseen.fit(unseen.Mixture(unseen.Gaussian(), 2), x, restarts=2)
    again = load(found.save(tmp_path / "run"))
    assert again.params.events == found.params.events and found.params.events
    assert [t.events for t in again.trace] == [t.events for t in found.trace]
    assert all(type(name) is str for name in found.params.events)
    assert again.warnings == found.warnings


def test_events_of_earlier_runs_are_of_kinds_that_are_known() -> None:
    kinds, seen = {kind.value for kind in EventKind}, set()
    for folder in sorted(p.parent for p in RUNS.glob("*/*/MANIFEST.json")):
        if "foreign" not in folder.name:
            run = load(folder)
            for events in (run.params.events, *(t.events for t in run.trace), run.counts):
                seen |= {c.kind for c in counted(events)}
            told = run.description
            assert told.count > 0 and (told.views or told.tables), folder
            assert len(run.notices) == len(run.warnings)
    assert seen and seen <= kinds, seen - kinds
