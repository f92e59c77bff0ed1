"""Register, promote, roll back: each verb reads the log under its lock, checks, and appends one line."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from unseen.errors import ConflictError, RegistryError
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.record import Outcome, Record
from unseen.ops.registry import artefact, publishing, telling
from unseen.ops.registry.entry import BEGAN, JUDGED, PROMOTED, REGISTERED, ROLLED_BACK, Entry
from unseen.ops.registry.log import Log
from unseen.ops.registry.mirror import Aliases, Mirror, disagreement
from unseen.ops.registry.state import State, Version
from unseen.ops.registry.tracking import Tracking

#: any other outcome says that there is nothing to register; one that could not reach the registry may come back
REGISTRABLE = (None, Outcome.PROMOTED, Outcome.HELD, Outcome.REGISTRY)


class Registry:
    """Versions of one model and which of them is the champion.

    The log decides; MLflow holds the artefacts and mirrors the decision in its aliases. ``behind`` is None, or a
    sentence about aliases that could not be moved: the decision stands, and the next command moves them. ``untold`` is
    one about a second tracker that did not take the last run.

    Every method raises `RegistryError` where the log was altered or cut short, or is another model's.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.places = settings, Places.of(settings)
        self.log = Log(self.places)
        self.behind: str | None = None
        self.untold: str | None = None
        self.tracking = Tracking(settings)
        self.mirror = Mirror(self.places, self.tracking)
        self.artefacts = artefact.Artefacts(self.places, self.tracking)

    # ---- reading

    def state(self) -> State:
        """Everything that the log says."""
        return State.of(self.log.entries(), self.settings.name)

    def check(self) -> State:
        """The state, if log and registry belong together; else a `RegistryError`: nothing may be decided on it."""
        state = self.state()
        if (trouble := self.trouble(state)) is not None:
            raise RegistryError(trouble)
        return state

    def trouble(self, state: State) -> str | None:
        """Why nothing may be decided at the moment, or None."""
        seen = self.tracking.seen()
        return None if seen is None else disagreement(self.settings, state, seen, self.mirror.gone())

    def aliases(self) -> Aliases:
        """The champion and challenger by the log, and where MLflow's aliases point, whoever moved them."""
        return self.mirror.compared(self.state())

    def champion(self) -> Version | None:
        return self.state().champion

    def challenger(self) -> Version | None:
        return self.state().challenger

    def versions(self) -> tuple[Version, ...]:
        return tuple(self.state().versions.values())

    def status(self) -> dict[str, Any]:
        """What is in production, since when, why, and whether it is whole."""
        return telling.status(self)

    def history(self) -> list[dict[str, Any]]:
        """Decisions, the newest last."""
        return telling.history(self.log.entries())

    # ---- artefacts

    def load(self, version: int) -> Any:
        """The fit of a version, every byte of its artefact verified; `RegistryError` where one is not as registered."""
        state = self.state()
        return self._loaded(state, state.version(version), or_kept=True)

    def _loaded(self, state: State, version: Version, or_kept: bool) -> Any:
        try:
            return self.artefacts.load(version, or_kept=or_kept)
        except RegistryError as error:
            champion = state.aliases["champion"] == version.number
            held = ". Without a champion that loads every candidate is held; " if champion else "; "
            raise RegistryError(f"{error}{held}{telling.others(self, state, version.number)}") from error

    def broken(self, version: Version) -> str | None:
        """As `Artefacts.broken`."""
        return self.artefacts.broken(version)

    def run(self, version: Version) -> Path:
        """As `Artefacts.run`."""
        return self.artefacts.run(version)

    # ---- deciding

    def began(self, record: Record, actor: str | None = None) -> Entry:
        """A retrain begins: trouble with log, registry or trackers shows before any time is spent."""
        publishing.check_trackers(self.settings)
        self.check()
        return self.log.append(BEGAN, actor=actor, name=self.settings.name, record=record.id, champion=record.champion)

    def register(self, record: Record, run: Path, *, align: bool = True) -> int:
        """Make a version of a retrain's fit, once: the same fit of the same retrain gives the version it has.

        ``run`` is the saved fit, or the retrain's folder with the fit in ``model/``; ``align=False`` leaves the aliases
        in MLflow to the decision that comes at once.

        Raises
        ------
        RegistryError
            The retrain failed, the fit cannot be read, or MLflow cannot be reached.
        """
        if record.outcome not in REGISTRABLE or record.fit is None or record.batch is None:
            raise RegistryError(
                f"retrain {record.id} ended as {record.outcome or 'unfinished'} without a usable fit: it is no version "
                "and never becomes one"
            )
        gates: dict[str, Any] = {"passed": record.passed, "refused_by": record.refused_by}
        name = self.settings.name
        with self.mirror.alone():
            known, facts, self.untold = publishing.publish(self.settings, self.tracking, record, run, self.check())
            if known is None:
                known = int(self.log.append(REGISTERED, name=name, **facts, **gates).facts["version"])
            elif (v := self.state().version(known)) and [v.passed, list(v.refused_by)] != [*gates.values()]:
                self.log.append(JUDGED, name=name, version=known, **gates)
            if align:
                self.align()
        return known

    def promote(
        self,
        version: int,
        expected: int | None,
        reason: str,
        actor: str | None = None,
        *,
        override: bool = False,
        align: bool = True,
    ) -> Entry:
        """Make a version the champion, if the champion is still ``expected``; the version was loaded and has scored.

        ``override`` takes a version that the gates refused, or that production went back from, and is logged as such.
        ``align=False`` leaves the aliases in MLflow to a call of `align`.

        Raises
        ------
        ConflictError
            The champion is another by now, or the version was held back and ``override`` was not given.
        RegistryError
            No such version, its artefact is broken, or the log cannot be written: the champion stays.
        """
        with self.log.held():
            state = self.check()
            target, now = state.version(version), state.aliases["champion"]
            if now == version:
                return state.decisions[-1]
            state.expect(expected)
            held = target.held_back
            if held and not override:
                raise ConflictError(
                    f"version {version} is not promoted: {held}; "
                    f"""`unseen promote {self.settings.name} --to {version} --override --reason "..."` """
                    "promotes it all the same"
                )
            more = {"override": held} if held else {}
            return self._decide(state, PROMOTED, target, now, reason, actor, align, **more)

    def rollback(
        self, to: int | None, reason: str, actor: str | None = None, *, expected: int | None = None, align: bool = True
    ) -> Entry:
        """Go back to an earlier champion, without retraining; it was loaded and has scored.

        Without ``to`` it is the last one, and only one step is taken: where the last decision was a rollback, that is
        returned, as it is where ``to`` is the champion already.

        Raises
        ------
        ConflictError
            ``expected`` was given, and the champion is another by now.
        RegistryError
            There is no earlier champion, it was never champion, or its artefact is broken: the champion stays.
        """
        with self.log.held():
            state = self.check()
            now = state.aliases["champion"]
            if now is None:
                raise RegistryError(f"{self.settings.name!r} has no champion yet: nothing to roll back")
            if expected is not None:
                state.expect(expected)
            last = state.decisions[-1]
            if to == now or (to is None and last.kind == ROLLED_BACK):
                return last
            target = state.fallback if to is None else state.version(to)
            if target is None:
                raise RegistryError(
                    f"there is no earlier champion than version {now} that production has not gone back from: "
                    f"{telling.others(self, state, now)}"
                )
            if not state.was_champion(target.number):
                override = " --override" * bool(target.held_back)
                raise RegistryError(
                    f"version {target.number} was never champion, so there is no way back to it: "
                    f"`unseen promote {self.settings.name} --to {target.number}{override} --reason '...'` makes it one"
                )
            return self._decide(state, ROLLED_BACK, target, now, reason, actor, align)

    def _decide(
        self,
        state: State,
        kind: str,
        to: Version,
        now: int | None,
        reason: str,
        actor: str | None,
        align: bool,
        **more: str,
    ) -> Entry:
        """Load and try a version, then say in one line that it is the champion."""
        result = self._loaded(state, to, or_kept=kind == ROLLED_BACK)
        try:
            artefact.try_out(result)
        except RegistryError as error:
            raise RegistryError(f"version {to.number} loads, but {error}: the champion stays") from error
        facts = {"name": self.settings.name, "version": to.number, "from": now, "reason": reason, **more}
        entry = self.log.append(kind, actor=actor, **facts)
        if align:
            self.align()
        return entry

    # ---- the mirror in MLflow

    def repair(self) -> None:
        """Make MLflow's aliases say what the log says; `RegistryError` where MLflow cannot be reached."""
        with self.mirror.alone():
            self.mirror.write(self.state())
        self.behind = None

    def align(self) -> str | None:
        """`repair` for a decision that stands either way; what hindered it is returned, and kept in ``behind``."""
        try:
            self.repair()
        except RegistryError as error:
            self.behind = (
                f"the decision stands, but the aliases in MLflow are behind: {error}. The next command that opens the "
                "registry moves them"
            )
        return self.behind
