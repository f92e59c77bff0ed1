"""Checks of a fit that is interrupted and gone on with."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

from unseen.core.example import Example
from unseen.core.observe import Event
from unseen.core.stop import INTERRUPTED
from unseen.fit import fit
from unseen.result import Result


class InterruptAt:
    """An observer that interrupts at an iteration, counted over all starts."""

    def __init__(self, at: int) -> None:
        self.left = at

    def __call__(self, event: Event) -> None:
        if event.name == "iteration":
            self.left -= 1
            if not self.left:
                raise KeyboardInterrupt


def same_bits(a: Result, b: Result) -> None:
    """Both fits came to the same parameters, trace and table of starts, to the last bit."""
    assert list(a.params) == list(b.params), f"different parameters: {list(a.params)} and {list(b.params)}"
    for name in a.params:
        assert a.params[name].tobytes() == b.params[name].tobytes(), f"parameter {name!r} differs"
    traces = [[repr(replace(r, seconds_e=0.0, seconds_m=0.0)) for r in fitted.trace] for fitted in (a, b)]
    assert traces[0] == traces[1], "the traces differ"
    assert repr(a.restarts) == repr(b.restarts), "the tables of starts differ"
    assert (a.outcome, a.loglik, a.entropy, a.evaluations) == (b.outcome, b.loglik, b.entropy, b.evaluations)


def check_checkpoint(example: Example, at: int = 7, iterations: int = 12) -> None:
    """A fit of the example that is interrupted at an iteration and gone on with has the bits of one that was not."""
    how: dict[str, Any] = {**example.options, "restarts": 2, "max_iterations": iterations, "seed": 1, "short": 5}
    whole = fit(example.model, example.data, **how)
    with tempfile.TemporaryDirectory() as place:
        how["checkpoint"] = Path(place) / "checkpoint"
        stopped = fit(example.model, example.data, observers=(InterruptAt(at),), **how)
        if stopped.outcome.name != INTERRUPTED:  # it was shorter than that
            at = max(len(whole.trace) - 1, 1)
            how["checkpoint"] = Path(place) / "earlier"
            stopped = fit(example.model, example.data, observers=(InterruptAt(at),), **how)
        assert stopped.outcome.name == INTERRUPTED, stopped.outcome.message
        assert "resume=True" in stopped.outcome.message, "an interrupt says how to go on"
        same_bits(fit(example.model, example.data, resume=True, **how), whole)
