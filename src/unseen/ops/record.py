"""What is known about one retrain: the facts that the log, the metrics, the doctor and the history all read.

Nothing in a record is a cell of the data: columns, counts, shares and densities only.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from pydantic import BaseModel, ConfigDict


class Outcome(StrEnum):
    """How a retrain ended, with the exit code of the command and what that means."""

    _value_: str
    exit_code: int
    meaning: str

    PROMOTED = "promoted", 0, "the candidate is the champion now"
    HELD = "held", 10, "fitted and registered as challenger; the gates keep the champion"
    REFUSED = "refused", 11, "the batch breaks the schema; nothing was trained"
    UNFIT = "unfit", 12, "no fit converged to a usable model"
    LIMIT = "limit", 13, "over the limit of time, memory or cost"
    REGISTRY = (
        "registry",
        14,
        "log or registry cannot be used; when that is mended, the same command goes on from the fit",
    )
    ERROR = "error", 15, "something unexpected; the champion is untouched"
    INTERRUPTED = "interrupted", 130, "interrupted; the same command goes on"
    NOTHING_NEW = "nothing new", 0, "the newest data was learned from or judged before"

    def __new__(cls, value: str, exit_code: int = 0, meaning: str = "") -> Outcome:
        made = str.__new__(cls, value)
        made._value_, made.exit_code, made.meaning = value, exit_code, meaning
        return made


class Fact(BaseModel):
    """A small value object of a record."""

    # a fit that broke down has numbers that are none: a record must be readable all the same
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants")


class Finding(Fact):
    """Something wrong with a batch, or with a run: where, what, by how much."""

    check: str
    column: str | None = None
    message: str


class Batch(Fact):
    """The rows of one retrain: the same rows have the same id, wherever they lie.

    ``fingerprints`` are the SHA-256 of the partitions' bytes; ``left_out`` are others of the window, with the reason.
    """

    id: str
    partitions: tuple[str, ...]
    rows: int
    fingerprints: tuple[str, ...] = ()
    left_out: dict[str, str] = {}


class FitFacts(Fact):
    """How the fit went; ``components`` are states or factors where the model has those."""

    outcome: str
    components: int
    iterations: int
    loglik: float
    bic: float
    seed: int
    seconds: float
    floors: int
    smallest_share: float
    smallest_spread: float | None = None
    #: the log-likelihood per row at each iteration
    trace: tuple[float, ...] = ()
    warnings: tuple[str, ...] = ()
    algorithm: str = "Batch"
    #: how many versions ago all numbers of components were tried; 0 where they were for this one
    went_on: int = 0
    #: whether rows belong to one of its components, states or classes
    discrete: bool = True


class Match(Fact):
    """What became of a component: ``kept``, ``moved``, ``split``, ``merged``, ``born`` or ``died``."""

    kind: str
    candidate: tuple[int, ...]
    champion: tuple[int, ...]
    share_before: float
    share_after: float
    distance: float | None = None


class Comparison(Fact):
    """A candidate beside another version on the same rows, which neither was trained on.

    ``gain`` is the mean per row of the candidate's log-density minus the other's, over the ``compared`` units: those
    possible under both; ``lost`` ones are impossible under the candidate alone. ``partitions`` is how many they are of.
    """

    against: int | None
    rows: int
    units: int
    compared: int
    lost: int
    partitions: int = 0
    gain: float | None = None
    gain_se: float | None = None


class Moved(Fact):
    """Something of the newest partition that is not as the champion's data was.

    ``kind`` is ``shares`` (of components), or what those do not explain: ``column``, ``holes``, ``fit``, ``vanished``.
    ``effect`` is a total variation distance without its noise, ``usual`` the largest between the partitions before,
    ``p_value`` that of one look; it ``holds`` a version back where it is ``far`` and ``gates.drift`` names the kind.
    """

    kind: str
    column: str | None = None
    component: int | None = None
    effect: float
    usual: float
    p_value: float
    far: bool
    holds: bool
    message: str


class Past(Fact):
    """What rows of earlier batches say of a candidate beside the champion.

    ``pinned`` rows are among the ``earlier`` ones; ``reference`` is on those, beside the pinned version. ``trouble``
    says why the memory could not be asked.
    """

    earlier: Comparison | None = None
    pinned: Comparison | None = None
    reference: Comparison | None = None
    trouble: str | None = None


class Validation(Fact):
    """The candidate on held-out rows, and beside the champion on the same rows (paired, as in `Comparison`).

    Units are what is independent: rows, or sequences, items, users; an ``impossible`` one has density zero and is left
    out of that model's mean. Where few rows judged, ``gain`` is over the whole newest partition, by ``crossed`` more
    fits that were each made without some of it. ``calibrated_by`` is ``labels`` or ``masking``.
    """

    rows: int
    heldout: float
    heldout_se: float
    training: float
    champion: float | None = None
    gain: float | None = None
    gain_se: float | None = None
    units: int = 0
    compared: int = 0
    crossed: int = 0
    impossible: int = 0
    champion_impossible: int = 0
    lost: int = 0
    calibration: float | None = None
    calibrated_by: str | None = None
    moved_share: float | None = None
    matches: tuple[Match, ...] = ()
    metric: float | None = None
    champion_metric: float | None = None
    metric_error: str | None = None


class Verdict(Fact):
    """What one gate said: ``measured`` against ``threshold``, or the reason it could not measure.

    It ``broke`` where something raised an error, which says nothing of the candidate: the same command asks again.
    """

    gate: str
    passed: bool
    measured: float | None = None
    threshold: float | None = None
    reason: str
    broke: bool = False


class Resources(Fact):
    """What a retrain took; memory in bytes, cost in the currency of the configured price."""

    seconds: float
    cpu_seconds: float
    peak_memory: int
    cost: float


class Attempt(Fact):
    """A try that did not work and what it met (the kind of error, never its data)."""

    stage: str
    number: int
    error: str


#: gates that say of the rows of a batch that they are wrong, or that what they teach is
OF_ROWS = ("drift",)
OF_DATA = ("memory_drop", "reference_drop", *OF_ROWS)


class Record(Fact):
    """One retrain, from batch to outcome."""

    id: str
    name: str
    started: str
    finished: str | None = None
    outcome: Outcome | None = None
    reason: str = ""
    stages: dict[str, float] = {}
    batch: Batch | None = None
    settings: str = ""
    git: str | None = None
    versions: dict[str, str] = {}
    findings: tuple[Finding, ...] = ()
    moved: tuple[Moved, ...] = ()
    fit: FitFacts | None = None
    validation: Validation | None = None
    past: Past | None = None
    gates: tuple[Verdict, ...] = ()
    champion: int | None = None
    learns: str = ""
    settings_changed: bool = False
    version: int | None = None
    resources: Resources | None = None
    attempts: tuple[Attempt, ...] = ()

    @property
    def refused_by(self) -> list[str]:
        """The gates that did not pass."""
        return [v.gate for v in self.gates if not v.passed]

    @property
    def passed(self) -> bool:
        """Whether every gate passed, and there was one."""
        return bool(self.gates) and not self.refused_by

    @property
    def since_pinned(self) -> str | None:
        """How far the candidate is from the pinned version, on the rows that were pinned; None where nobody asked."""
        seen = self.past.reference if self.past else None
        gate = next((v for v in self.gates if v.gate == "reference_drop"), None)
        if seen is None or seen.gain is None or seen.gain_se is None or gate is None or gate.threshold is None:
            return None
        word = "gains" if seen.gain >= 0 else "loses"
        return (
            f"on {seen.units:,} rows of version {seen.against}, which is pinned, it {word} "
            f"{abs(seen.gain):.2g} ± {seen.gain_se:.1g}; gates.reference_drop allows a loss of {-gate.threshold:.3g}"
        )

    @property
    def aside(self) -> str | None:
        """Why the newest partition is not trained on by later retrains; None where nothing is wrong with its rows.

        What only the memory says against a model of other settings than the champion's is said of the settings.
        """
        if self.outcome == Outcome.REFUSED and self.batch and self.findings:
            newest = repr(self.batch.partitions[-1])
            return self.findings[0].message if all(newest in f.message for f in self.findings) else None
        own = OF_DATA if not self.settings_changed else OF_ROWS
        refused = [v.gate for v in self.gates if not v.passed and not v.broke and v.gate in own and self._shown(v)]
        return f"held by {', '.join(refused)} ({self.id})" if self.outcome == Outcome.HELD and refused else None

    def _shown(self, verdict: Verdict) -> bool:
        """Whether earlier rows do not only leave open that more is lost than may be, but make it likely."""
        past = self.past
        if verdict.gate not in OF_DATA[:2] or past is None or verdict.threshold is None:
            return True
        asked = (past.reference,) if verdict.gate == "reference_drop" else (past.earlier, past.pinned)
        return any(c.lost or (c.gain is not None and c.gain < verdict.threshold) for c in asked if c)

    def having(self, **changes: Any) -> Record:
        """The record with some facts added."""
        return self.model_copy(update=changes)
