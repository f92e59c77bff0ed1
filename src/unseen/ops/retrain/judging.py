"""The three voices of a verdict, with every door closed: whatever goes wrong while judging is a refusal."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from unseen.errors import LimitError, UnseenError
from unseen.ops.config import Settings
from unseen.ops.drift import batch, fresh_blocks, of_version, parts
from unseen.ops.ingest import Intake, partitions
from unseen.ops.judge import Everything, HoldOut, Remembered, compare, judge, memory, validate
from unseen.ops.judge.crossing import Fold, crossed, undecided
from unseen.ops.logs import reason
from unseen.ops.record import Comparison, FitFacts, Moved, Past, Validation, Verdict
from unseen.ops.registry import Registry, Version
from unseen.result import Result


@dataclass(frozen=True)
class Bench:
    """What judges a candidate: the rows of the batch, the champion, and what the log remembers.

    ``start`` is what a fit goes on from: the champion, or its parent where the champion's own batch is run again.
    ``champion`` is None where there is none, or where ``trouble`` says why it could not be loaded. ``seconds_left`` is
    what the team's own measure may take; ``tell`` is told what had to be mended.
    """

    settings: Settings
    registry: Registry
    intake: Intake
    champion: Result | None = None
    version: Version | None = None
    start: Result | None = None
    trouble: str | None = None
    seconds_left: Callable[[], float | None] = lambda: None
    tell: Callable[[str, str], Any] = lambda *_: None

    def moved(self) -> tuple[tuple[Moved, ...], str | None]:
        """What moved in the newest partition, as the champion sees it, or why nobody can tell."""
        if self.champion is None or self.version is None:
            return (), None
        try:
            own = of_version(self.settings, self.registry, self.version, self.champion)
            if own.anew:
                self.tell("reference", f"{own.anew}: made anew from version {self.version.number} and its partitions")
            if "parts" not in own.stored:  # written before there were any
                return (), None
            layout = own.known.layout
            blocks = fresh_blocks(self.champion, self.intake.alone(self.intake.newest))
            sums = parts.parts_of(self.champion, layout, blocks)
            return batch.compared(self.champion, layout, own.stored, sums, self.settings.gates.drift), None
        except Exception as error:  # what could not be looked at was not found to be right
            return (), reason(error)

    def since(self) -> int:
        """Which partition of the batch is the first that the pinned version knows.

        Who pins a version says that the world is another one from its partition on: what came before says nothing of
        how far partitions lie apart.
        """
        pinned = Remembered.of(self.registry.log.entries()).pinned
        return next((i for i, p in enumerate(self.intake.partitions) if p.id in pinned), 0)

    def past(self, candidate: Result) -> Past:
        """The candidate on rows of earlier batches, beside the champion and the pinned version."""
        if self.champion is None or self.version is None or not self.settings.memory.partitions:
            return Past()
        try:
            return self._recalled(candidate, self.champion, self.version.number)
        except Exception as error:
            return Past(trouble=reason(error))

    def _recalled(self, candidate: Result, champion: Result, number: int) -> Past:
        known = Remembered.of(self.registry.log.entries())
        recent = self._rows(known.recent(self.settings.memory.partitions, self.intake.newest.id))
        pinned = self._rows(known.reference())
        ours = compare(candidate, champion, number, pinned, Everything())
        all_ = compare(candidate, champion, number, [*recent, *pinned], Everything()) if recent else None
        other: Comparison | None = None
        if pinned and known.version not in (None, number):
            other = compare(candidate, self._pinned(known.version), known.version, pinned, Everything())
        return Past(earlier=all_, pinned=ours, reference=other)

    def _pinned(self, version: Any) -> Result:
        try:
            result: Result = self.registry.load(version)
            return result
        except UnseenError as error:
            raise type(error)(
                f"{error}; the version is pinned as the reference, and unseen pin {self.settings.name} --reason "
                '"..." makes the champion the reference'
            ) from error

    def _rows(self, kept: Sequence[memory.Kept]) -> list[Any]:
        return [memory.recalled(self.settings, k, self._opener(k.id)) for k in kept if k.rows]

    def _opener(self, id: str) -> Callable[[], Any]:
        """What opens a partition by its content, if it is still there."""

        def opened() -> Any:
            there = next((p for p in partitions(self.settings) if p.id == id), None)
            return None if there is None else self.intake.alone(there)

        return opened

    # ---- all of it

    def _undecided(self, seen: Validation) -> bool:
        gates, share = self.settings.gates, self.settings.validate_.share
        most = gates.loss(round(seen.units / share))
        return seen.units < gates.min_heldout_rows or undecided(seen, most, gates.confidence)

    def judged(
        self,
        candidate: Result,
        fit: FitFacts,
        holdout: HoldOut,
        moved: tuple[Moved, ...],
        unmoved: str | None,
        refit: Callable[[Fold], Result] | None = None,
    ) -> tuple[Validation | None, Past, tuple[Verdict, ...]]:
        """What held-out rows and the memory say of a candidate, and the verdict of every gate.

        ``refit`` fits as the candidate was fitted, where more rows may judge by it (`crossed`).
        """
        source, trouble, validation = self.intake.source, self.trouble, None
        if trouble is None:
            try:
                validation = validate(candidate, self.champion, source, holdout, self.settings, self.seconds_left())
                if refit is not None and self.champion is not None and self._undecided(validation):
                    validation = crossed(validation, candidate, self.champion, source, holdout, refit)
            except LimitError:
                raise
            except Exception as error:  # whatever it is, the candidate was not shown to be good
                trouble = f"validation failed: {reason(error)}"
        if validation is None:  # what the candidate is worth by itself is known all the same: no gate opens for it
            with suppress(Exception):
                validation = validate(candidate, None, source, holdout, self.settings, self.seconds_left())
        past = self.past(candidate)
        has_champion = self.champion is not None or trouble is not None
        try:
            verdicts = judge(
                validation, fit, self.settings, has_champion, trouble, past=past, moved=moved, unmoved=unmoved
            )
        except Exception as error:  # a gate that cannot answer has not said yes
            verdicts = (_broke(error),)
        return validation, past, verdicts


def _broke(error: Exception) -> Verdict:
    return Verdict(gate="gates", passed=False, reason=f"a gate raised {reason(error)}: refused", broke=True)
