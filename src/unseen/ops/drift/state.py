"""What is known after each look, in one file that is replaced whole."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Self

from pydantic import ValidationError

from unseen.core.stats import Sums, add_sums
from unseen.errors import RegistryError
from unseen.ops import files
from unseen.ops.drift.battery import watched
from unseen.ops.drift.reference import Reference
from unseen.ops.drift.report import DriftReport, Latest
from unseen.ops.drift.tally import arrays, plain
from unseen.ops.places import Places

FILE = "state.json"


@dataclass(frozen=True)
class State:
    """Sums since each look that is watched, which batches were seen, and the last report.

    Its size grows with the logarithm of the number of looks, but for a short hash of each batch.
    """

    champion: str
    looks: int = 0
    begun: tuple[tuple[int, Sums], ...] = ()
    seen: tuple[str, ...] = ()
    first_alarm: int | None = None
    report: DriftReport | None = None
    looks_total: int = 0
    alarms_total: int = 0

    def knows(self, batch: str) -> bool:
        return _short(batch) in self.seen

    def with_batch(self, batch: str, sums: Sums) -> Self:
        """The state after one more look."""
        now = self.looks + 1
        kept = [(look, add_sums(past, sums)) for look, past in self.begun if watched(look, now)]
        return replace(
            self,
            looks=now,
            begun=(*kept, (now, sums)),
            seen=(*self.seen, _short(batch)),
            looks_total=self.looks_total + 1,
        )

    def with_report(self, report: DriftReport) -> Self:
        alarms = self.alarms_total + report.drifted
        return replace(self, report=report, first_alarm=report.first_alarm, alarms_total=alarms)


def read(folder: Path, reference: Reference) -> State:
    """The state of this champion; a champion that was not the last one looked at begins anew, the counters go on.

    Raises
    ------
    RegistryError
        The file is damaged.
    """
    stored = _stored(folder)
    if stored is None:
        return State(reference.id)
    try:
        looks_total, alarms_total = int(stored["looks_total"]), int(stored["alarms_total"])
        if stored["champion"] != reference.id:
            return State(reference.id, looks_total=looks_total, alarms_total=alarms_total)
        return State(
            champion=reference.id,
            looks=int(stored["looks"]),
            begun=tuple((int(look), arrays(sums, reference.layout)) for look, sums in stored["begun"]),
            seen=tuple(stored["seen"]),
            first_alarm=stored["first_alarm"],
            report=None if stored["report"] is None else DriftReport.model_validate(stored["report"]),
            looks_total=looks_total,
            alarms_total=alarms_total,
        )
    except (KeyError, TypeError, ValueError, ValidationError):
        raise _damaged(folder) from None


def write(folder: Path, state: State) -> None:
    """Replace the file."""
    body = {
        "champion": state.champion,
        "looks": state.looks,
        "begun": [[look, plain(sums)] for look, sums in state.begun],
        "seen": state.seen,
        "first_alarm": state.first_alarm,
        "report": None if state.report is None else state.report.model_dump(mode="json"),
        "looks_total": state.looks_total,
        "alarms_total": state.alarms_total,
    }
    files.write(folder / FILE, json.dumps(body))


def latest(places: Places) -> Latest | None:
    """The last look and the counters, for metrics; None before the first look.

    Raises
    ------
    RegistryError
        The file is damaged.
    """
    stored = _stored(places.drift)
    if stored is None or stored.get("report") is None:
        return None
    try:
        return Latest(report=stored["report"], looks_total=stored["looks_total"], alarms_total=stored["alarms_total"])
    except (KeyError, ValidationError):
        raise _damaged(places.drift) from None


def _stored(folder: Path) -> dict[str, Any] | None:
    try:
        stored = json.loads((folder / FILE).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError):
        raise _damaged(folder) from None
    if not isinstance(stored, dict):
        raise _damaged(folder)
    return stored


def _damaged(folder: Path) -> RegistryError:
    return RegistryError(
        f"{folder / FILE} cannot be read: remove it to begin the tests of drift anew (the evidence so far is lost)"
    )


def _short(batch: str) -> str:
    return hashlib.sha256(batch.encode()).hexdigest()[:16]
