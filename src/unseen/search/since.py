"""A limit of time for all starts together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from unseen.core.stop import INTERRUPTED, Outcome, Record, Rule, seconds_allowed


@dataclass
class Since(Rule):
    """A rule whose clock began with all starts, so that a limit of time holds for them together."""

    rule: Rule
    began: float | None = None
    halted: threading.Event = field(default_factory=threading.Event)
    clock: Callable[[], float] = time.perf_counter

    def __post_init__(self) -> None:
        self.began = self.clock() if self.began is None else self.began

    @property
    def spent(self) -> float:
        """Seconds since all starts began."""
        return self.clock() - (self.began or 0.0)

    @property
    def late(self) -> bool:
        """Whether the seconds that are allowed are used up."""
        return self.spent >= seconds_allowed(self.rule)

    def __call__(self, trace: Sequence[Record], seconds: float) -> Outcome | None:
        if self.halted.is_set():
            return Outcome(INTERRUPTED, f"interrupted after {len(trace)} iterations; the last parameters were kept")
        return self.rule(trace, self.spent)

    def __reduce__(self) -> tuple[type[Since], tuple[Rule, float | None]]:
        """In another process the clock goes on, and nothing halts it but that process' end."""
        return Since, (self.rule, self.began)
