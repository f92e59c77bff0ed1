"""Month after month, some of them hit by a fault; after each, the same command promotes the good month."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from random import Random
from typing import Any

from benchmarks.soaking import data, learning, process, system
from benchmarks.soaking.witness import Witness, rows_of
from benchmarks.soaking.world import World

Strike = Callable[[World, int, Random], str]
#: what an attack on a write may end in: never in a verdict about the candidate
UNDECIDED = ("promoted", "registry", "error")
PROCESS = ("promoted", "killed")
STOPPED = ("promoted", "interrupted", "terminated")


@dataclass(frozen=True)
class Fault:
    """Something that goes wrong, and the outcomes of the struck command that are right.

    ``moves`` is for those that may change the champion without saying "promoted"; ``slow`` for those that start
    processes.
    """

    name: str
    strike: Strike
    right: tuple[str, ...]
    moves: bool = False
    slow: bool = False


SPOILED = (
    *((spoil.__name__, data.delivered(spoil)) for spoil in (data.renamed, data.dropped, data.retyped, data.emptied)),
    *((spoil.__name__, data.delivered(spoil)) for spoil in (data.unit_changed, data.moved, data.new_category)),
    *((spoil.__name__, data.delivered(spoil)) for spoil in (data.repeated, data.nothing)),
    ("unreadable", data.unreadable),
    ("last month again", data.last_month_again),
)


def twice(world: World, month: int, rng: Random) -> str:
    """The same batch is submitted again: nothing new, and the log says no more than that."""
    first = world.retrain(month)
    lines = len(world.registry().log.entries())
    again, more = world.retrain(month), world.registry().log.entries()[lines:]
    same = (again.id, again.outcome, len(more)) == (first.id, "nothing new", 1)
    return str(first.outcome) if same else "trained twice"


#: months that break no rule of the schema, and that the judge has to see
WRONG = (data.exchanged, data.filled, data.vanished, data.shuffled, data.narrowed, data.one_cell_for_many)

FAULTS = (
    *(Fault(f"data: {name.replace('_', ' ')}", strike, ("refused",)) for name, strike in SPOILED),
    *(Fault(f"wrong: {w.__name__.replace('_', ' ')}", data.delivered(w), ("held", "refused")) for w in WRONG),
    Fault("the same batch twice", twice, ("promoted",)),
    Fault("fit cannot converge", learning.cannot_converge, ("unfit",)),
    Fault("every start raises", learning.no_start_works, ("unfit",)),
    Fault("worse candidate", learning.worse_candidate, ("held",)),
    Fault("a threshold out of reach", learning.asking_a_gain_of_a_hundred, ("held",)),
    Fault("metric raises", learning.metric_raises, ("held",)),
    Fault("gate raises", learning.gate_raises, ("held",)),
    Fault("validation raises", learning.validation_raises, ("held",)),
    Fault("over the time limit", learning.out_of_time, ("limit",)),
    Fault("out of memory", learning.out_of_memory, ("limit",)),
    Fault("registry locked", system.registry_locked, ("registry", "promoted")),
    Fault("registry unreachable", system.registry_unreachable, ("registry",)),
    Fault("aliases stuck", system.aliases_stuck, ("promoted",)),
    Fault("disk full", system.disk_full, UNDECIDED),
    Fault("write fails", system.write_fails, UNDECIDED),
    Fault("read fails", system.read_fails, ("promoted", "error")),
    Fault("clock goes backwards", system.clock_back, ("promoted",)),
    Fault("champion damaged", system.champion_damaged, ("held",), moves=True),
    Fault("log torn", system.log_torn, ("promoted",)),
    Fault("log altered", system.log_altered, ("registry",)),
    Fault("log held by another", system.log_held, ("promoted",)),
    Fault("notes damaged", system.notes_damaged, ("promoted",)),
    Fault("record damaged", system.record_damaged, ("registry",)),
    Fault("killed at any time", process.killed_any_time, PROCESS, moves=True, slow=True),
    Fault("killed at a write", process.killed_at_a_write, PROCESS, moves=True, slow=True),
    Fault("interrupted", process.interrupted, STOPPED, moves=True, slow=True),
    Fault("two at once", process.two_at_once, ("promoted and promoted", "exit 16 and promoted"), slow=True),
    Fault(
        "two months at once",
        process.two_months_at_once,
        ("promoted and promoted", "held and promoted"),
        slow=True,
    ),
)


@dataclass
class Life:
    """So many months in a folder; ``share`` of them are hit."""

    world: World
    months: int
    share: float = 0.2
    seed: int = 0
    faults: tuple[Fault, ...] = FAULTS
    minutes: float | None = None
    became: dict[str, Counter[str]] = field(default_factory=dict)
    violations: list[str] = field(default_factory=list)
    lived: int = 0

    def __post_init__(self) -> None:
        self.witness = Witness(self.world)
        if not system.has_own_disk(self.world):
            self.faults = tuple(f for f in self.faults if f.strike is not system.disk_full)

    def through(self, tell: Callable[[str], None] = lambda _: None) -> None:
        """All months; what does not hold is told and kept."""
        self.world.deliver(1)
        begun = time.perf_counter()
        for month, fault in self.plan():
            if self.minutes is not None and time.perf_counter() - begun > 60 * self.minutes:
                break
            began = time.perf_counter()
            found = [*self._month(month, fault), *self.witness.look()]
            if (month - 1) % 50 == 0:
                found += self.witness.disk()
            self.lived = month - 1
            name = fault.name if fault else "no fault"
            self.violations += [f"month {month} ({name}): {said}" for said in found]
            tell(f"{month - 1:>5}  {name:<28} {time.perf_counter() - began:6.2f} s  {'; '.join(found)}".rstrip())
        self.violations += self.witness.disk()

    def plan(self) -> Iterator[tuple[int, Fault | None]]:
        """Which month is hit by what: every kind before any kind comes again."""
        rng = Random(f"plan {self.seed}")
        hit = set(rng.sample(range(3, self.months + 2), min(self.months - 1, round(self.share * self.months))))
        kinds = shuffled(self.faults, rng)
        for month in range(2, self.months + 2):
            yield month, next(kinds) if month in hit else None

    def _month(self, month: int, fault: Fault | None) -> Iterator[str]:
        """The month comes, something goes wrong, and the same command runs again on the month as it should be."""
        self.world.deliver(month)
        if fault is not None:
            yield from self._struck(month, fault)
            self.world.deliver(month)
        earlier = rows_of(self.world.registry().history())
        record = self.world.retrain(month)
        history = rows_of(self.world.registry().history())
        done, promotions = (self._promotions(lines, record.version) for lines in (earlier, history))
        if record.outcome not in ("promoted", "nothing new") or not promotions:
            yield f"a good month was lost: {record.outcome}: {record.reason}"
        elif promotions != 1 or len(history) - len(earlier) != promotions - done:
            yield f"{len(history) - len(earlier)} lines in the history, {promotions} promotions, {done} of them before"

    @staticmethod
    def _promotions(history: list[dict[str, Any]], version: int) -> int:
        return sum(line["kind"] == "promoted" and line["version"] == version for line in history)

    def _struck(self, month: int, fault: Fault) -> Iterator[str]:
        before = self._champion()
        try:
            outcome = fault.strike(self.world, month, Random(f"{self.seed} {month}"))
        except Exception as error:
            outcome = f"raised {type(error).__name__}"
        self.became.setdefault(fault.name, Counter())[outcome] += 1
        if outcome not in fault.right:
            yield f"{outcome}, which is none of {', '.join(fault.right)}"
        if self._champion() != before and "promoted" not in outcome and not fault.moves:
            yield f"{outcome}, and yet the champion changed"

    def _champion(self) -> int | None:
        champion = self.world.registry().champion()
        return None if champion is None else int(champion.number)


def shuffled(faults: Iterable[Fault], rng: Random) -> Iterator[Fault]:
    """Every fault in some order, then all of them in another."""
    every = list(faults)
    while True:
        rng.shuffle(every)
        yield from every
