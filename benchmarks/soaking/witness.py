"""What must hold after every step, whatever happened."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.soaking.world import World

#: mean log-density per clean row that a champion may lose against the truth
MOST_LOSS = 0.15
#: bytes of state that one command may leave behind, on average over a stretch of them
MOST_BYTES = 400_000
#: hidden leftovers of a process that was killed in mid-write
TEMPORARY = (".wrap-", ".record.json-", ".reference.json-", ".model-", ".aliases.json-", ".checked.json-")


class Witness:
    """Looks at a world from outside, and remembers only how far it had looked."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.seen = 0
        self.champion: int | None = None
        self.measured: tuple[int, int] | None = None
        self.growth: list[float] = []
        self.scores: list[float] = []

    def look(self) -> list[str]:
        """Everything that does not hold; nothing if all does."""
        registry = self.world.registry()
        broken = registry.log.verify()
        if broken:
            return [f"the log: {broken}"]
        entries = registry.log.entries()
        found = [*self._decisions(registry, entries), *self._versions(registry), *self._champion(registry)]
        self.seen = len(entries)
        return found

    def _decisions(self, registry: Any, entries: Any) -> Iterator[str]:
        """Each decision follows from the one before, and takes a version that passed, on rows that are as drawn."""
        passed: dict[int, bool] = {}
        batches: dict[int, str] = {}
        for entry in entries:
            facts = entry.facts
            if entry.kind in ("registered", "judged"):
                passed[facts["version"]] = facts["passed"]
                batches[facts["version"]] = facts.get("batch", batches.get(facts["version"], ""))
            if entry.seq <= self.seen or entry.kind not in ("promoted", "rolled_back"):
                continue
            number = facts["version"]
            if facts["from"] != self.champion:
                yield f"line {entry.seq} goes from version {facts['from']}, the champion was {self.champion}"
            if number == self.champion:
                yield f"line {entry.seq} decides for version {number}, which was the champion already"
            if not passed.get(number) or "override" in facts:
                yield f"version {number} was {entry.kind} and no gate had passed it"
            if batches.get(number) in self.world.spoiled:
                yield f"version {number} was {entry.kind} and had learned from spoiled rows"
            self.champion = number

    def _versions(self, registry: Any) -> Iterator[str]:
        """Versions are dense, here and in MLflow, and the aliases say what the log says."""
        numbers = sorted(v.number for v in registry.versions())
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"versions are not dense: {len(numbers)} of them, the last is {numbers[-1]}"
        if not numbers:
            return
        registry.repair()
        state = registry.state()
        wanted = {k: getattr(state, k).number for k in ("champion", "challenger") if getattr(state, k)}
        told = registry.tracking.call("tell", lambda c: c.get_registered_model(self.world.settings().name))
        aliases = {k: int(v) for k, v in told.aliases.items()}
        if aliases != wanted:
            yield f"MLflow's aliases say {aliases}, the log {wanted}"
        if registry.status()["aliases"]["in_step"] is not True:
            yield "the aliases are not in step after repair"

    def _champion(self, registry: Any) -> Iterator[str]:
        """The champion is whole, loads, scores, and is about as good as the truth."""
        champion = registry.champion()
        if champion is None:
            return
        if champion.number != self.champion:
            yield f"the champion is version {champion.number}, the last decision took {self.champion}"
        if not champion.passed:
            yield f"the champion, version {champion.number}, is refused by {', '.join(champion.refused_by)}"
        try:
            score = float(registry.load(champion.number).log_prob(self.world.clean).mean())
        except Exception as error:
            yield f"the champion does not load and score: {type(error).__name__}"
            return
        self.scores.append(score - self.world.truth)
        if not score > self.world.truth - MOST_LOSS:
            yield f"a bad champion: version {champion.number} is {score - self.world.truth:+.3f} from the truth"

    # ---- now and then

    def disk(self) -> list[str]:
        """Whether each command leaves about as much behind as those before."""
        size, commands = used(self.world.settings().home), self.world.commands
        found = []
        if self.measured is not None and commands > self.measured[1]:
            per = (size - self.measured[0]) / (commands - self.measured[1])
            self.growth.append(per)
            if per > MOST_BYTES:
                found.append(f"each command leaves {per / 1e3:.0f} kB behind")
        self.measured = size, commands
        return found

    def leftovers(self) -> Counter[str]:
        """What processes that were killed left half-written."""
        home = self.world.settings().home
        names = (p.name for p in home.rglob(".*") if p.name != ".lock" and p.name.startswith(TEMPORARY))
        return Counter(name.rpartition("-")[0] for name in names)


def used(folder: Path) -> int:
    """Bytes under a folder."""
    return sum(os.stat(os.path.join(at, name)).st_size for at, _, names in os.walk(folder) for name in names)


def rows_of(history: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The lines of the history that are decisions about a batch."""
    return [
        line
        for line in history
        if line["kind"] in ("promoted", "rolled_back", "retrain") and line.get("outcome") != "nothing new"
    ]
