"""What an examination looks at, what it finds, and what a diagnosis says of that."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from unseen.core.capabilities import Structured
from unseen.core.model import Penalised
from unseen.ops.config import Settings
from unseen.ops.config.kind import named
from unseen.ops.places import Places
from unseen.ops.record import Fact, FitFacts, Outcome, Record, Validation
from unseen.result import Result

#: settings that `unseen fit` has no option for
NO_OPTION = ("fit.algorithm: squarem",)
Severity = Literal["page", "ticket", "note"]


@dataclass(frozen=True, slots=True)
class Found:
    """What an examination found: what shows it, why it happens, what to type next; nothing without evidence.

    A ``page`` wakes someone up, a ``ticket`` waits for the morning; a ``note`` is worth reading and no failure.
    """

    severity: Severity
    evidence: Sequence[str]
    cause: str
    command: str


class Diagnosis(Fact):
    """A failure mode that was found, with the runbook that says more."""

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
        from unseen.ops.fitting import facts

        return facts(self.result)

    @property
    def validation(self) -> Validation | None:
        return self.record.validation if self.record else None

    @property
    def tries(self) -> list[str]:
        """Starts that did not lead to a usable fit."""
        attempts = self.record.attempts if self.record else ()
        return [f"try {a.number}: {a.error}" for a in attempts if a.stage == "fit"]

    def ended(self, *outcomes: Outcome) -> bool:
        """Whether the retrain ended in one of these ways."""
        return self.record is not None and self.record.outcome in outcomes

    def over(self, memory: bool) -> list[str]:
        """What the retrain said of a limit that ended it, of memory or of another."""
        told = self.record.reason if self.record and self.ended(Outcome.LIMIT) else ""
        return [told] if told and ("memory" in told) == memory else []

    def change(self, *keys: str) -> str:
        """What to do for another fit: set one of these keys of unseen.yaml, or give `unseen fit` the option."""
        if self.settings is not None:
            keys = taken(self.settings.model.kind, keys)
            return f"set {' or '.join(keys)} in unseen.yaml, then: unseen retrain" if keys else "unseen retrain"
        options = [f"--{k.partition('.')[2].replace(': ', ' ').replace('_', '-')}" for k in keys if k not in NO_OPTION]
        return f"unseen fit DATA {', or with '.join(options)}"


def taken(name: str, keys: Iterable[str]) -> tuple[str, ...]:
    """The keys of unseen.yaml among some that a kind of model takes, the number of its parts by its own word.

    >>> taken("factor_analysis", ["model.components: 2", "model.covariance: diagonal", "fit.prior: 1"])
    ('model.factors: 2', 'fit.prior: 1')
    """
    kind = named(name)
    over_families = issubclass(kind, Structured)
    offered = {
        "model.components": bool(kind.order),
        "model.covariance": over_families,
        "model.family": over_families,
        "model.criterion: heldout": not kind.unit.many,
        "fit.prior": issubclass(kind, Penalised),
    }
    left = [key for key in keys if all(takes or not key.startswith(start) for start, takes in offered.items())]
    return tuple(key.replace("model.components", f"model.{kind.order}") for key in left)
