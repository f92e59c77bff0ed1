"""The one table of failure modes: what the doctor finds, what alerts, the values of labels, and the runbooks.

Pages wake someone up, tickets wait for the morning. How the last retrain ended and how old the newest data is that
was learned from are alerts of their own, because a nightly job has too few events for burn rates.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from unseen.ops.config.settings import Settings
from unseen.ops.watch.conditions import RUNAWAY, Condition, burning, either, flag, lost, runaway, silence, stale
from unseen.ops.watch.levels import HOUR, MINUTE, duration, select

#: what may be wrong beside the fit; with the first three nothing is promoted until they are cleared up
TROUBLES = ("log", "artefact", "registry", "rollback", "aliases", "clock")
#: a condition must hold this long; symptoms wait longer than their causes, so that the cause is there to inhibit them
AT_ONCE, CAUSE, SYMPTOM, UNHEARD = 0, 1 * MINUTE, 5 * MINUTE, 2 * HOUR
#: pages that silence others
FIRST = ("UnseenRetrainLost", "UnseenRetrainFailed", "UnseenServingErrors")
STAYS = "The champion is untouched and goes on serving."
_OUTCOME, _TROUBLE = "unseen_retrain_last_outcome", "unseen_registry_trouble"


@dataclass(frozen=True)
class Alert:
    """One alerting rule."""

    name: str
    severity: Literal["page", "ticket"]
    hold: float
    when: Condition
    summary: str
    description: str


@dataclass(frozen=True)
class Mode:
    """A way in which EM fails in production; ``page`` is the name of its runbook."""

    id: str
    name: str
    alerts: tuple[Alert, ...] = ()

    @property
    def page(self) -> str:
        return f"{self.id}-{self.name}"


def _ended(summary: str, description: str, *outcomes: str, also: str) -> Alert:
    return Alert("UnseenRetrainFailed", "page", CAUSE, flag(_OUTCOME, "outcome", *outcomes, also=also), summary,
                 f"{description} {STAYS}")  # fmt: skip


def _burns(name: str, level: str, severity: Literal["page", "ticket"], summary: str, what: str) -> Alert:
    said = f"So many {what} that the error budget is used up before its window ends."
    return Alert(name, severity, 2 * MINUTE, burning(level, severity), summary, said)


_F9 = "F9-sensitive-data"
_TABLE = (
    Mode("F1", "non-convergence", (
        _ended("a retrain found no usable model", "No start of the last retrain led to a usable fit.",
               "unfit", also="interrupted"),
        _burns("UnseenRetrainBudget", "retrain_failures", "ticket", "retrains fail too often", "retrains fail"),
    )),
    Mode("F2", "slow-convergence", (
        Alert("UnseenRunawayCost", "page", SYMPTOM, runaway, "a retrain cost far more than usual",
              f"The last retrain took over {RUNAWAY:g} times the usual CPU time, or cost more than limits.cost."),
    )),
    Mode("F3", "numerical-instability"),
    Mode("F4", "overfitting", (
        Alert("UnseenCandidateHeld", "ticket", SYMPTOM,
              flag(_OUTCOME, "outcome", "held", also="refused", lists=("unseen_gate_passed", 0, "gate")),
              "a candidate was held back", "The gates keep the champion."),
    )),
    Mode("F5", "singular-component"),
    Mode("F6", "out-of-memory", (
        Alert("UnseenRetrainLost", "page", CAUSE, lost, "a retrain stopped without an outcome",
              f"A retrain has not written to its record for far too long: it hangs, or was killed. {STAYS}"),
        _ended("a retrain ran out of memory, time or money", "The last retrain was ended by a limit.",
               "limit", also="interrupted"),
        _burns("UnseenServingSlow", "serving_slow", "page", "the service answers too slowly", "answers are slow"),
        _burns("UnseenServingSlowTicket", "serving_slow", "ticket", "the service answers too slowly",
               "answers are slow"),
    )),
    Mode("F7", "silent-drift", (
        Alert("UnseenStale", "page", SYMPTOM, stale, "the newest data that was learned from is too old",
              "No partition younger than slo.max_age_hours was learned from, and by the usual spacing one is due: no "
              "data comes, retrains do not run, or they do not end well."),
        Alert("UnseenNoMetrics", "page", UNHEARD, silence(UNHEARD), "nothing is heard of the retrains",
              "No metrics of this model arrive: its text file or Pushgateway is not scraped, or was never written."),
        Alert("UnseenBatchRefused", "ticket", SYMPTOM,
              flag(_OUTCOME, "outcome", "refused", also="held", lists=("unseen_schema_refusals", 1, "check", "column")),
              "a batch was refused", "The last batch breaks the schema. Nothing was trained and the champion stays."),
    )),
    Mode("F8", "unreliable-responsibilities"),
    Mode("F9", "sensitive-data", (
        Alert("UnseenSensitiveData", "page", AT_ONCE,
              either(flag("unseen_failure_mode", "mode", _F9), "unseen_sensitive_findings"),
              "sensitive data in a batch, a log or an artefact",
              "A scan found values that must never leave the data. Leave the artefacts where they are; share nothing."),
    )),
    Mode("F10", "non-reproducible-run", (
        _ended("a retrain failed ({{ $labels.outcome }})",
               "The last retrain ended with outcome {{ $labels.outcome }}.", "error", "registry", also="held"),
        Alert("UnseenTampered", "page", AT_ONCE, flag(_TROUBLE, "kind", *TROUBLES[:3], also="clock"),
              "the {{ $labels.kind }} is not what was written",
              "The {{ $labels.kind }} was altered, deleted or cannot be read: nothing is promoted until that is "
              "cleared up."),
        Alert("UnseenRegistryTrouble", "ticket", SYMPTOM, flag(_TROUBLE, "kind", *TROUBLES[3:], also="log"),
              "{{ $labels.kind }}: not as the log says",
              "rollback: the version that a rollback would go to cannot be loaded. aliases: MLflow says something else "
              "than the log. clock: the log holds a time that is still to come."),
        _burns("UnseenServingErrors", "serving_errors", "page", "the service fails too often", "requests fail"),
        _burns("UnseenServingErrorsTicket", "serving_errors", "ticket", "the service fails too often",
               "requests fail"),
    )),
)  # fmt: skip

MODES: dict[str, Mode] = {mode.id: mode for mode in _TABLE}
#: whatever the doctor finds; of what pages by itself only the page is told
DIAGNOSIS = Alert(
    "UnseenDiagnosis", "ticket", SYMPTOM,
    flag("unseen_failure_mode", "mode", *(m.page for m in _TABLE if m.id != "F9"), also=_F9),
    "{{ $labels.mode }}", "The doctor found {{ $labels.mode }} in the last retrain.",
)  # fmt: skip


def alerts() -> list[tuple[Alert, Mode | None]]:
    """All alerts with the mode that each is about, None where a label says so: pages first, causes before symptoms."""
    rows = [*((alert, mode) for mode in _TABLE for alert in mode.alerts), (DIAGNOSIS, None)]
    return sorted(rows, key=lambda row: (row[0].severity != "page", [*FIRST, row[0].name].index(row[0].name)))


def runbook(settings: Settings | None, page: str) -> str:
    """Where a page is read: an address, or a file by its whole path where ``alerts.runbooks`` names a folder."""
    named = settings.alerts.runbooks if settings else "docs/runbooks/"
    if settings is not None and "://" not in named:
        named = settings.within(named).as_uri()
    return f"{named.rstrip('/')}/{page}.md"


def rule(alert: Alert, mode: Mode | None, settings: Settings) -> dict[str, Any]:
    """An alerting rule of Prometheus, with where it is, what is wrong and what to type next."""
    page = mode.page if mode else "{{ $labels.mode }}"
    description = alert.description
    if alert.when.lists is not None:
        metric, value, *labels = alert.when.lists
        these = f"{select(metric, settings.name)} {'>=' if value else '=='} {value}".replace('"', "'")
        found = f'{{{{ range query "{these}" | sortByLabel "{labels[0]}" }}}}'
        each = " ".join(f"{{{{ .Labels.{label} }}}}" for label in labels)
        description += f" All of it: {found}{each}, {{{{ end }}}}"
    where = select("last_over_time(unseen_loop_info", settings.name).replace('"', "'")
    doctor = f"unseen doctor {settings.name}"
    next = (
        f'{{{{ with query "{where}[30d])" }}}}{{{{ with first . }}}}Next, on {{{{ .Labels.host }}}}: cd '
        f"{{{{ .Labels.folder }}}} && {doctor}{{{{ end }}}}{{{{ else }}}}Next: {doctor}{{{{ end }}}}"
    )
    return {
        "alert": alert.name,
        "expr": alert.when.expr(settings),
        "for": duration(alert.hold),
        "labels": {"severity": alert.severity, "model": settings.name, **({"mode": page} if mode else {})},
        "annotations": {
            "summary": f"{settings.name}: {alert.summary}",
            "description": description,
            "next": next,
            "runbook_url": runbook(settings, page),
        },
    }
