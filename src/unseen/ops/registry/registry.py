"""Register, promote, roll back: each verb reads the log under its lock, checks, and appends one line."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from typing import Any

from unseen.errors import ConflictError, RegistryError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.places import Places
from unseen.ops.record import Record
from unseen.ops.registry import artefact, telling
from unseen.ops.registry.deciding import expect, held_back, registrable
from unseen.ops.registry.entry import BEGAN, JUDGED, PROMOTED, REGISTERED, ROLLED_BACK, Entry
from unseen.ops.registry.log import Log
from unseen.ops.registry.mirror import Mirror
from unseen.ops.registry.opening import local
from unseen.ops.registry.state import State, Version
from unseen.ops.registry.tracking import Tracking


class Registry:
    """Versions of one model and which of them is the champion.

    The log decides; MLflow holds the artefacts and mirrors the decision in its aliases. ``behind`` is None, or a
    sentence about aliases that could not be moved: the decision stands, and the next command moves them.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings, self.places = settings, Places.of(settings)
        self.log = Log(self.places)
        self.behind: str | None = None
        self.tracking = Tracking(settings)
        self.mirror = Mirror(self.places, self.tracking, self.log.patience)

    # ---- reading, without MLflow

    def state(self) -> State:
        """Everything that the log says.

        Raises
        ------
        RegistryError
            The log was altered or cut short, or is another model's.
        """
        state = State.of(self.log.entries(), self.settings.name)
        if (seen := self.mirror.told().get("seq", 0)) > state.length:
            raise RegistryError(
                f"{self.places.log} ends at line {state.length}, but line {seen} had been written: lines were cut off. "
                f"Put a whole copy back; to go on from this one, remove {self.mirror.note}"
            )
        return state

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
        """The fit of a version, every byte of its artefact verified.

        Raises
        ------
        RegistryError
            There is no such version, or its artefact is missing or altered.
        """
        return self._loaded(self.state().version(version))

    def broken(self, version: Version) -> str | None:
        """What is wrong with an artefact that lies on this machine; None where it is whole or lies elsewhere."""
        here = self._path(version)
        return None if here is None else artefact.broken(here, version.files)

    def elsewhere(self, version: Version) -> bool:
        """Whether an artefact lies on another machine."""
        return self._path(version) is None

    def _verified(self, version: Version, folder: Path) -> Any:
        trouble = artefact.broken(folder, version.files)
        try:
            if trouble is None:
                return artefact.load(folder / artefact.FIT, version.content)
        except UnseenError as error:
            trouble = str(error)
        raise RegistryError(
            f"version {version.number} of {self.settings.name!r} is broken: {trouble}. Put a copy back that is whole, "
            f"or retrain; `unseen rollback {self.settings.name}` leaves it"
        )

    def _path(self, version: Version) -> Path | None:
        here = local(version.artifact)
        return None if here is None else self.places.home / here

    def _loaded(self, version: Version, or_kept: bool = True) -> Any:
        """The fit of a version; where the registry cannot give it, the copy that the retrain kept, byte for byte."""
        here = self._path(version)
        if here is not None:
            return self._verified(version, here)
        with ExitStack() as stack:
            try:
                folder = stack.enter_context(self.tracking.fetched(version.artifact))
            except RegistryError:
                kept = artefact.kept(self.places.run(version.record) / "model", version) if or_kept else None
                if kept is None:
                    raise
                return kept
            return self._verified(version, folder)

    # ---- deciding

    def began(self, record: Record, actor: str | None = None) -> Entry:
        """A retrain begins: trouble with the log shows before any time is spent."""
        return self.log.append(BEGAN, actor=actor, name=self.settings.name, record=record.id, champion=record.champion)

    def register(self, record: Record, run: Path, actor: str | None = None, *, align: bool = True) -> int:
        """Make a version of a retrain's fit, once: the same fit of the same retrain gives the version it has.

        Parameters
        ----------
        record : what is known of the retrain, with the verdicts of its gates
        run : the saved fit, or the retrain's folder with the fit in ``model/``
        align : False leaves the aliases in MLflow to the decision that comes at once

        Raises
        ------
        RegistryError
            The retrain failed, the fit cannot be read, or MLflow cannot be reached.
        """
        from unseen.ops.registry.registering import publish

        registrable(record)
        refused = [v.gate for v in record.gates if not v.passed]
        gates = {"passed": bool(record.gates) and not refused, "refused_by": refused}
        with self.mirror.alone():
            known, facts = publish(self.settings, self.tracking, record, run, self.state())
            if known is None:
                facts = {"name": self.settings.name, **facts, **gates}
                known = self.log.append(REGISTERED, actor=actor, **facts).facts["version"]
            elif (v := self.state().version(known)) and (v.passed, list(v.refused_by)) != tuple(gates.values()):
                self.log.append(JUDGED, actor=actor, name=self.settings.name, version=known, **gates)
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
            state = self.state()
            target, now = state.version(version), state.champion
            if now is not None and now.number == version:
                return state.decisions[-1]
            expect(state, expected)
            held = held_back(target)
            if held and not override:
                raise ConflictError(f"version {version} is not promoted: {held}; --override promotes it all the same")
            self._try(target)
            facts = {"name": self.settings.name, "version": version, "from": now.number if now else None}
            more = {"override": held} if held else {}
            entry = self.log.append(PROMOTED, actor=actor, **facts, reason=reason, **more)
        if align:
            self.align()
        return entry

    def rollback(
        self,
        to: int | None,
        reason: str,
        actor: str | None = None,
        *,
        expected: int | None = None,
        align: bool = True,
    ) -> Entry:
        """Go back to an earlier champion, the last one by default, without retraining; it was loaded and has scored.

        Raises
        ------
        ConflictError
            ``expected`` was given, and the champion is another by now.
        RegistryError
            There is no earlier champion, it was never champion, or its artefact is broken: the champion stays.
        """
        with self.log.held():
            state = self.state()
            now, target = state.champion, state.fallback if to is None else state.version(to)
            if now is None:
                raise RegistryError(f"{self.settings.name!r} has no champion yet: nothing to roll back")
            if expected is not None:
                expect(state, expected)
            if target is None:
                raise RegistryError(
                    f"there is no earlier champion than version {now.number} that production has not gone back from: "
                    "name one with --to, or promote another version"
                )
            if target.number == now.number:
                return state.decisions[-1]
            if not state.was_champion(target.number):
                raise RegistryError(
                    f"version {target.number} was never champion, so there is no way back to it: "
                    f"`unseen promote {self.settings.name} --to {target.number}` makes it one"
                )
            self._try(target, or_kept=True)
            facts = {"name": self.settings.name, "version": target.number, "from": now.number, "reason": reason}
            entry = self.log.append(ROLLED_BACK, actor=actor, **facts)
        if align:
            self.align()
        return entry

    def _try(self, version: Version, or_kept: bool = False) -> None:
        result = self._loaded(version, or_kept)
        try:
            artefact.try_out(result)
        except RegistryError as error:
            raise RegistryError(f"version {version.number} loads, but {error}: the champion stays") from error

    # ---- the mirror in MLflow

    def repair(self) -> None:
        """Make MLflow's aliases say what the log says.

        Raises
        ------
        RegistryError
            MLflow cannot be reached.
        """
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
