"""The alerts: what wakes someone up (page), and what waits for the morning (ticket).

A nightly job has few events, so how the last retrain ended and how old the last success is are alerts of their own;
burn rates are for services, and for loops that retrain many times a day.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Literal

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import levels
from unseen.ops.watch.promql import HOUR, MINUTE, duration, newest, number, select
from unseen.ops.watch.table import MODES

#: where a threshold is not configured
RUNAWAY, RUNAWAY_SECONDS = 3.0, 600.0
SLOW_SHARE, FALL_NATS, CALIBRATION = 0.8, 1e-6, 0.1
LOST_FACTOR, LOST_SECONDS, LOST_AT_MOST = 5.0, 600.0, 6.0 * HOUR

#: a condition must hold this long; symptoms wait longer than their causes, so that the cause is there to inhibit them
AT_ONCE, CAUSE, SYMPTOM = 0, 1 * MINUTE, 5 * MINUTE


@dataclass(frozen=True)
class Alert:
    """One alerting rule; ``mode`` names its runbook page and may come from a label of the expression."""

    name: str
    severity: Literal["page", "ticket"]
    hold: float
    expr: str
    mode: str | None
    summary: str
    description: str

    def rule(self, settings: Settings) -> dict[str, Any]:
        mode = {} if self.mode is None else {"mode": MODES[self.mode]}
        page = "{{ $labels.mode }}" if self.mode is None else MODES[self.mode]
        return {
            "alert": self.name,
            "expr": self.expr,
            "for": duration(self.hold),
            "labels": {"severity": self.severity, "model": settings.name, **mode},
            "annotations": {
                "summary": f"{settings.name}: {self.summary}",
                "description": f"{self.description} Next: unseen doctor {settings.name}",
                "runbook_url": f"{_folder(settings.alerts.runbooks)}{page}.md",
            },
        }


def _folder(prefix: str) -> str:
    return prefix if not prefix or prefix.endswith("/") else f"{prefix}/"


def alerts(settings: Settings) -> list[Alert]:
    """All alerts of a model: pages first, and each before what it silences."""
    parts = (_failed, _unsafe, _stale, _burning, _low_quality)
    return sorted((alert for part in parts for alert in part(settings)), key=lambda alert: alert.severity != "page")


def _ended(settings: Settings, *outcomes: str) -> str:
    return f"{newest('unseen_retrain_last_outcome', settings.name, outcome=outcomes)} == 1"


def _failed(settings: Settings) -> Iterator[Alert]:
    name, limits = settings.name, settings.limits
    stays = "The champion is untouched and goes on serving."
    quiet = f"time() - {newest('unseen_retrain_unfinished_timestamp_seconds', name)}"
    typical = newest("unseen_retrain_typical_duration_seconds", name)
    if limits.seconds is not None:
        lost = f"{quiet} > {number(1.5 * limits.seconds + LOST_SECONDS)}"
    else:
        lost = f"{quiet} > {number(LOST_SECONDS)} + {number(LOST_FACTOR)} * {typical}"
        lost += f" or {quiet} > {number(LOST_AT_MOST)}"
    yield Alert(
        "UnseenRetrainLost", "page", CAUSE, lost, "F6",
        "a retrain stopped without an outcome",
        f"A retrain has not written to its record for far too long: it hangs, or was killed (out of memory?). {stays}",
    )  # fmt: skip
    yield Alert(
        "UnseenRetrainFailed", "page", CAUSE, _ended(settings, "error", "registry"), "F10",
        "a retrain failed ({{ $labels.outcome }})",
        f"The last retrain ended with outcome {{{{ $labels.outcome }}}}. {stays}",
    )  # fmt: skip
    yield Alert(
        "UnseenRetrainUnfit", "page", CAUSE, _ended(settings, "unfit"), "F1",
        "a retrain found no usable model",
        f"No start of the last retrain led to a usable fit. {stays}",
    )  # fmt: skip
    yield Alert(
        "UnseenLimitReached", "page", CAUSE, _ended(settings, "limit"), "F6",
        "a retrain ran out of memory, time or money",
        f"The last retrain was ended by a limit. {stays}",
    )  # fmt: skip
    cpu = newest("unseen_retrain_cpu_seconds", name)
    typical = newest("unseen_retrain_typical_cpu_seconds", name)
    runaway = f"({cpu} > {number(RUNAWAY)} * {typical} and {cpu} > {number(RUNAWAY_SECONDS)})"
    if limits.cost is not None:
        runaway += f" or {newest('unseen_retrain_cost', name)} > {number(limits.cost)}"
    yield Alert(
        "UnseenRunawayCost", "page", SYMPTOM, runaway, "F2",
        "a retrain cost far more than usual",
        f"The last retrain took over {RUNAWAY:g} times the usual CPU time, or cost more than limits.cost.",
    )  # fmt: skip


def _unsafe(settings: Settings) -> Iterator[Alert]:
    name = settings.name
    planted = select("unseen_security_findings", name, kind="sensitive")
    sensitive = f"max by (model) ({planted} or {select('unseen_failure_mode', name, mode=MODES['F9'])}) > 0"
    yield Alert(
        "UnseenSensitiveData", "page", AT_ONCE, sensitive, "F9",
        "sensitive data in a log or an artefact",
        "A scan found values that must never leave the data. Keep the artefacts where they are and share nothing.",
    )  # fmt: skip
    altered = f"{newest('unseen_security_findings', name, kind=('log', 'artefact'))} > 0"
    yield Alert(
        "UnseenTampered", "page", AT_ONCE, altered, "F10",
        "the {{ $labels.kind }} is not what was written",
        "The {{ $labels.kind }} was altered, deleted or cannot be read: nothing is promoted until that is cleared up.",
    )  # fmt: skip


def _stale(settings: Settings) -> Iterator[Alert]:
    name, hours = settings.name, settings.slo.max_age_hours
    waiting = newest("unseen_retrain_waiting_since_timestamp_seconds", name)
    yield Alert(
        "UnseenStale", "page", SYMPTOM, f"time() - {waiting} > {number(hours * HOUR)}", "F7",
        f"no successful retrain for {hours:g} hours",
        f"slo.max_age_hours is {hours:g}: the champion may no longer fit the data it answers for.",
    )  # fmt: skip
    yield Alert(
        "UnseenNoMetrics", "page", hours * HOUR,
        f"absent({select('unseen_retrain_waiting_since_timestamp_seconds', name)})", "F7",
        f"nothing has been heard of the retrains for {hours:g} hours",
        "No metrics of this model arrive: the job does not run, or its text file or Pushgateway is not scraped.",
    )  # fmt: skip


def _burning(settings: Settings) -> Iterator[Alert]:
    slo = settings.slo
    retrains, errors, slow = levels(settings)
    said = {
        retrains.name: ("UnseenRetrainBudget", "F1", "retrains fail too often", "retrains fail"),
        errors.name: ("UnseenServingErrors", "F10", "the service fails too often", "requests fail"),
        slow.name: ("UnseenServingSlow", "F6", "the service answers too slowly",
                    f"requests take over {slo.serving_p99_seconds:g} s"),
    }  # fmt: skip
    for level in (retrains, errors, slow):
        alert, mode, summary, what = said[level.name]
        for severity, rate, pairs, fewest in (
            ("page", slo.page_burn_rate, level.page, level.fewest_page),
            ("ticket", slo.ticket_burn_rate, level.ticket, level.fewest_ticket),
        ):
            yield Alert(
                alert if severity == "page" else f"{alert}Ticket",
                severity,  # type: ignore[arg-type]
                SYMPTOM if level is retrains else 2 * MINUTE,
                level.burning(rate, pairs, fewest),
                mode,
                summary,
                f"So many {what} that the {slo.window_days}-day error budget burns at a rate over {rate:g} "
                "(at 1 it is just spent).",
            )


def _low_quality(settings: Settings) -> Iterator[Alert]:
    name = settings.name

    def above(metric: str, threshold: float) -> str:
        return f"{newest(metric, name)} > {number(threshold)}"

    def ticket(alert: str, expr: str, mode: str | None, summary: str, description: str) -> Alert:
        return Alert(alert, "ticket", SYMPTOM, expr, mode, summary, description)

    others = [page for page in MODES.values() if page != MODES["F9"]]
    yield ticket(
        "UnseenDiagnosis", f"{newest('unseen_failure_mode', name, mode=others)} == 1", None,
        "{{ $labels.mode }}", "The doctor found {{ $labels.mode }} in the last retrain.",
    )  # fmt: skip
    yield ticket(
        "UnseenBatchRefused", _ended(settings, "refused"), "F7", "a batch was refused",
        "The last batch breaks the schema. Nothing was trained and the champion stays.",
    )  # fmt: skip
    yield ticket(
        "UnseenCandidateHeld", _ended(settings, "held"), "F4", "a candidate was held back",
        "The gates keep the champion: the last candidate was not good enough.",
    )  # fmt: skip
    yield ticket(
        "UnseenDrift", f"{newest('unseen_drift_detected', name)} == 1", "F7", "the data drifted",
        "New data differs from what the champion was trained on.",
    )  # fmt: skip
    yield ticket(
        "UnseenSlowConvergence", above("unseen_fit_iterations", SLOW_SHARE * settings.fit.max_iterations), "F2",
        "the last fit converged slowly", f"It took over {SLOW_SHARE:.0%} of fit.max_iterations.",
    )  # fmt: skip
    yield ticket(
        "UnseenNumericalInstability", above("unseen_fit_largest_fall_nats", FALL_NATS), "F3",
        "the log-likelihood fell", "EM never lowers the log-likelihood, so this fall is a loss of digits.",
    )  # fmt: skip
    yield ticket(
        "UnseenSingularComponent", above("unseen_fit_floors", settings.gates.max_floors), "F5",
        "a component collapsed", "More variance floors bound in the last iteration than gates.max_floors allows.",
    )  # fmt: skip
    most = settings.gates.max_calibration
    yield ticket(
        "UnseenUnreliableResponsibilities",
        above("unseen_validation_calibration_error", CALIBRATION if most is None else most), "F8",
        "responsibilities are not to be trusted", "Their calibration error on held-out rows is too large.",
    )  # fmt: skip
