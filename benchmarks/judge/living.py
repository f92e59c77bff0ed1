"""The life of one stream at one size: clean months first, then what a task asks for."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from zlib import crc32

import numpy as np
from benchmarks.judge import tasks
from benchmarks.judge.columns import Given, Unsuited
from benchmarks.judge.door import Loop
from benchmarks.judge.harm import ROWS, harm
from benchmarks.judge.months import FROG_MONTHS, WRONG, creeping
from benchmarks.judge.tasks import Found, Row, Task

#: months before the one that is asked about: init and the first retrain see all but the last of them
CLEAN = 4
#: a clean run and a slow drift go on for so many months
MONTHS = 12
#: months that a loop is told to keep where its stream moves, unless `init` told it already
WINDOW = 6


@dataclass(frozen=True)
class Life:
    """One stream at one size: ``stream`` makes its months, ``folder`` is where its loop lives."""

    stream: Any
    rows: int
    seed: int
    folder: Path
    months: int = MONTHS

    @property
    def loop(self) -> Loop:
        return Loop(self.folder / f"{self.stream.name}-{self.rows}-{self.seed}")

    def month(self, number: int, moved: float = 0.0) -> Any:
        return self.stream.month(number, self.rows, self.seed, moved)

    # ---- where every task begins

    def begin(self, task: Task) -> list[Row]:
        """The clean months: init on all but the last, a first champion, and the last as it comes."""
        self.loop.forget()
        for number in range(1, CLEAN):
            self.loop.deliver(number, self.month(number))
        proposed = self.loop.init()
        first = self.retrained(CLEAN - 1)
        rows = [first | {"step": "first", "proposed": proposed}]
        if self.loop.champion() is not None:
            rows.append(self.step(CLEAN, self.month(CLEAN)) | {"step": "clean"})
        self.loop.keep()
        return rows

    def step(self, number: int, frame: Any, window: int | None = None, moved: float = 0.0) -> Row:
        """A month arrives and is retrained on; with what the candidate does to ordinary rows, promoted or not."""
        before = self.loop.champion()
        self.loop.deliver(number, frame)
        return self.retrained(number, before, window, moved)

    def retrained(self, number: int, before: int | None = None, window: int | None = None, moved: float = 0.0) -> Row:
        began = time.perf_counter()
        record = self.loop.retrain(window)
        row = told(record) | {"month": number, "seconds": round(time.perf_counter() - began, 2)}
        version = record.get("version")
        if before is not None and version is not None:
            judges = self.stream.reserve(number, ROWS, self.seed, moved)
            row |= harm(self.loop.model(version), self.loop.model(before), judges)
        return row

    # ---- what is asked

    def wrong(self, task: Task) -> list[Row]:
        """One wrong month."""
        number = CLEAN + 1
        rng = np.random.default_rng([self.seed, self.rows, crc32(f"{self.stream.name} {task.name}".encode())])
        one_kind = partial(self.stream.one_kind, number, self.rows, self.seed)
        given = Given(self.month(number), [self.month(m) for m in range(1, number)], one_kind, rng)
        try:
            frame = WRONG[task.name](given)
        except Unsuited as why:
            return [{"outcome": "unsuited", "reason": str(why)}]
        return [self.step(number, frame)]

    def frog(self, task: Task) -> list[Row]:
        """Many months, each a bit more wrong than the one before; the last row compares the ends."""
        before, rows = self.loop.champion(), []
        past = [self.month(m) for m in range(1, CLEAN + 1)]
        for i in range(1, FROG_MONTHS + 1):
            number = CLEAN + i
            given = Given(self.month(number), past, lambda: None, np.random.default_rng(0))
            try:
                frame = creeping(given, i)
            except Unsuited as why:
                return [{"outcome": "unsuited", "reason": str(why)}]
            rows.append(self.step(number, frame, self.window) | {"step": "on the way"})
        after = self.loop.champion()
        if before is None or after is None:
            return rows
        ends = harm(self.loop.model(after), self.loop.model(before), self.stream.reserve(CLEAN, ROWS, self.seed))
        last = rows[-1] | {"step": "ends", "seconds": sum(r["seconds"] for r in rows), **ends}
        held = next((r for r in reversed(rows) if r["outcome"] != "promoted"), {})
        last |= {"outcome": "held" if after == before else "promoted", "gate": held.get("gate", "")}
        return [*rows, last | {"promotions": sum(r["outcome"] == "promoted" for r in rows)}]

    def clean(self, task: Task) -> list[Row]:
        """Clean months, one after the other."""
        months = range(CLEAN + 1, CLEAN + self.months + 1)
        possible = [n for n in months if not self.stream.why_not(self.rows, n)]
        return [self.step(n, self.month(n)) | {"step": "clean"} for n in possible]

    def slow(self, task: Task) -> list[Row]:
        """The law moves, slowly and truly; an oracle is trained on the newest law alone, now and then."""
        rows: list[Row] = []
        for i in range(1, self.months + 1):
            moved, number = i / self.months, CLEAN + i
            rows.append(self.step(number, self.month(number, moved), self.window, moved) | {"step": "moving"})
            if i % 4 == 0 or i == self.months:
                rows[-1] |= self.loss(number, moved)
        return rows

    def loss(self, number: int, moved: float) -> Row:
        """What the champion loses against one trained on as many rows of the newest law, per row of that law."""
        # a folder of its own each time: MLflow keeps the databases open that it met in this process
        oracle = Loop(self.loop.folder.with_name(f"{self.loop.folder.name}-oracle-{number}"))
        oracle.forget()
        for i in range(1, WINDOW + 1):
            oracle.deliver(i, self.stream.month(10_000 + 100 * number + i, self.rows, self.seed, moved))
        oracle.init()
        oracle.retrain()
        best, ours = oracle.champion(), self.loop.champion()
        if best is None or ours is None:
            return {"loss": None}
        judges = self.stream.reserve(number, ROWS, self.seed, moved)
        found = harm(self.loop.model(ours), oracle.model(best), judges)
        oracle.forget()
        return {"loss": -found["gain"], "loss_se": found["se"], "loss_apart": found["apart"]}

    def looks(self, task: Task, many: int = 25) -> list[Row]:
        """Clean batches beside one champion, which nobody replaces."""
        rows = []
        for i in range(many):
            path = self.loop.deliver(20_000 + i, self.month(20_000 + i))
            began = time.perf_counter()
            said = self.loop.drift(path)
            causes = [t["name"] for t in said.get("tests", ()) if t["verdict"] == "drift"]
            outcome = {0: "quiet", 20: "drift"}.get(said["exit"], f"exit {said['exit']}")
            row = {"step": "look", "outcome": outcome, "gate": ", ".join(causes), "promise": said.get("false_alarms")}
            rows.append(row | {"month": i, "seconds": round(time.perf_counter() - began, 2)})
        return rows

    @property
    def window(self) -> int | None:
        return None if self.loop.settings().data.window else WINDOW


def told(record: Row) -> Row:
    """How a retrain ended: its outcome, the gates or checks that said no, and why."""
    gates = [v["gate"] for v in record.get("gates", ()) if not v["passed"]]
    checks = [f"schema:{f['check']}" for f in record.get("findings", ())]
    outcome = record.get("outcome") or f"exit {record['exit']}"
    reason = record.get("reason") or record.get("error", {}).get("message", "")
    no = checks if outcome == "refused" else gates
    return {"outcome": outcome, "gate": ", ".join(dict.fromkeys(no)), "reason": reason[:300]}


def live(group: list[Task], life: Life, found: Found) -> None:
    """All tasks of one life, each from the same clean months."""
    first = group[0]
    start = Task("begin", *first.life)
    if start not in found.done() or not life.loop.restore():
        tasks.alone(start, life.begin, found)
    for task in group:
        if not life.loop.restore():
            found.add(task, [{"outcome": "broke", "reason": "there is nothing to begin with"}])
            continue
        tasks.alone(task, getattr(life, task.what), found)
        print(f"{task.stream} {task.rows}: {task.what} {task.name}", file=sys.stderr, flush=True)
    life.loop.forget()
