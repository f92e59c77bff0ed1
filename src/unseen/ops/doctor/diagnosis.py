"""The ten failure modes of EM in production, and what a diagnosis says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from unseen.ops.config import Settings
from unseen.ops.places import Places
from unseen.ops.record import Fact, FitFacts, Record
from unseen.result import Result

MODES = {
    "F1": "non-convergence",
    "F2": "slow-convergence",
    "F3": "numerical-instability",
    "F4": "overfitting",
    "F5": "singular-component",
    "F6": "out-of-memory",
    "F7": "silent-drift",
    "F8": "unreliable-responsibilities",
    "F9": "sensitive-data",
    "F10": "non-reproducible-run",
}
#: settings that `unseen fit` has no option for
NO_OPTION = ("fit.algorithm: squarem",)
Severity = Literal["page", "ticket", "note"]


class Diagnosis(Fact):
    """A failure mode that was found: what shows it, why it happens, what to type next.

    A ``page`` wakes someone up, a ``ticket`` waits for the morning; a ``note`` is worth reading and no failure.
    """

    mode: str
    title: str
    severity: Severity
    evidence: tuple[str, ...]
    cause: str
    command: str
    runbook: str


@dataclass(frozen=True, slots=True)
class Case:
    """What there is to look at: a run's record and fit, and the loop it belongs to, as far as they are known.

    ``around`` asks for a look beyond the run as well: its data, what is installed, every file of the loop.
    ``replayed`` says whether the same rows and seed gave the same parameters again; None if that was not tried.
    """

    subject: str
    record: Record | None = None
    result: Result | None = None
    settings: Settings | None = None
    around: bool = True
    replayed: bool | None = None

    @property
    def places(self) -> Places | None:
        return Places.of(self.settings) if self.settings else None

    @property
    def fit(self) -> FitFacts | None:
        """How the fit went: as the record says, else as the fit itself does."""
        if self.record is not None and self.record.fit is not None:
            return self.record.fit
        if self.result is None:
            return None
        from unseen.ops.retrain.learning import facts

        return facts(self.result)

    def change(self, *keys: str) -> str:
        """What to do for another fit: set one of these keys of unseen.yaml, or give `unseen fit` the option."""
        if self.settings is not None:
            return f"set {' or '.join(keys)} in unseen.yaml, then: unseen retrain"
        options = [f"--{k.partition('.')[2].replace(': ', ' ').replace('_', '-')}" for k in keys if k not in NO_OPTION]
        return f"unseen fit DATA {', or with '.join(options)}"

    def found(self, mode: str, severity: Severity, evidence: Iterable[str], cause: str, command: str) -> Diagnosis:
        """The diagnosis of a mode, with the page that says more."""
        prefix = self.settings.alerts.runbooks if self.settings else "docs/runbooks/"
        return Diagnosis(
            mode=mode,
            title=MODES[mode].replace("-", " "),
            severity=severity,
            evidence=tuple(evidence),
            cause=cause,
            command=command,
            runbook=f"{prefix.rstrip('/')}/{mode}-{MODES[mode]}.md",
        )
