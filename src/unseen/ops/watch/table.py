"""Every metric there is: its name, type, labels and meaning; whatever is exported must stand here.

Names follow Prometheus: prefix ``unseen_``, base units, ``_total`` for counters. A label has few values that are
known beforehand: an outcome, a stage, a gate, the index of a component, the name of a column of the schema.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

Labels = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; ``row`` is its number there (M1 to M10), or a dash."""

    name: str
    row: str
    kind: Literal["gauge", "counter", "histogram"]
    labels: tuple[str, ...]
    help: str


@dataclass(frozen=True, slots=True)
class Sample:
    """A value of a metric; the label ``model`` is added by whoever exports it."""

    name: str
    value: float
    labels: Labels


def sample(name: str, value: float | int | bool, **labels: str) -> Sample:
    return Sample(name, float(value), labels)


def _gauge(row: str, name: str, help: str, *labels: str) -> Metric:
    return Metric(name, row, "gauge", labels, help)


def _counter(row: str, name: str, help: str, *labels: str) -> Metric:
    return Metric(name, row, "counter", labels, help)


_ALL = (
    # ---- the fit
    _gauge("M1", "unseen_fit_loglik_nats", "Log-likelihood per row after an iteration of the last fit", "iteration"),
    _gauge("M1", "unseen_fit_final_loglik_nats", "Log-likelihood per row of the last fit"),
    _gauge("M1", "unseen_fit_last_gain_nats", "What the last iteration of the last fit added, per row"),
    _gauge("M1", "unseen_fit_largest_fall_nats", "Largest fall of the log-likelihood per row in one iteration"),
    _gauge("M2", "unseen_fit_iterations", "Iterations of the last fit"),
    _gauge("M2", "unseen_fit_converged", "1 if the last fit converged"),
    _gauge("-", "unseen_fit_components", "Components of the last fit"),
    _gauge("-", "unseen_fit_floors", "Variance floors that bound in the last iteration of the last fit"),
    _gauge("-", "unseen_fit_smallest_share", "Share of the rows in the smallest component of the last fit"),
    _gauge("-", "unseen_fit_warnings", "Warnings of the last fit"),
    # ---- the retrain
    _gauge("M3", "unseen_retrain_duration_seconds", "Duration of the last retrain"),
    _gauge("M3", "unseen_retrain_stage_duration_seconds", "Duration of a stage of the last retrain", "stage"),
    _gauge("M3", "unseen_retrain_typical_duration_seconds", "Median duration of the retrains before the last one"),
    _counter("M4", "unseen_retrains_total", "Retrains that ended, by outcome, counted from the log", "outcome"),
    _gauge(
        "M4", "unseen_retrain_success_ratio", "Share of retrains without a failure, over the service level's window"
    ),
    _gauge("M4", "unseen_retrain_last_outcome", "1 at the outcome of the last retrain, 0 at the others", "outcome"),
    _gauge("M4", "unseen_retrain_last_run_timestamp_seconds", "When the last retrain ended"),
    _gauge("M4", "unseen_retrain_last_success_timestamp_seconds", "When the last promoted or held retrain ended"),
    _gauge("M4", "unseen_retrain_waiting_since_timestamp_seconds", "The last success, or the log's beginning"),
    _gauge("M4", "unseen_retrain_unfinished_timestamp_seconds", "When a retrain without an outcome last wrote"),
    _gauge("-", "unseen_retrain_rows", "Rows of the last retrain"),
    _gauge("-", "unseen_retrain_failed_attempts", "Tries that did not work in the last retrain, by stage", "stage"),
    _gauge("-", "unseen_schema_refusals", "Schema findings of the last retrain, by known column", "column"),
    _gauge("-", "unseen_limit_used_ratio", "What the last retrain took of a configured limit", "limit"),
    # ---- validation
    _gauge("M5", "unseen_validation_loglik_nats", "Held-out log-likelihood per row", "which"),
    _gauge("M5", "unseen_validation_loglik_stderr_nats", "Standard error of the candidate's held-out log-likelihood"),
    _gauge("M5", "unseen_validation_gain_nats", "Candidate minus champion on the same held-out rows, per row"),
    _gauge("M5", "unseen_validation_gain_stderr_nats", "Standard error of the paired gain"),
    _gauge("M5", "unseen_validation_gap_nats", "Training minus held-out log-likelihood per row of the candidate"),
    _gauge("-", "unseen_validation_rows", "Held-out rows of the last retrain"),
    _gauge("-", "unseen_validation_calibration_error", "Calibration error of the candidate's responsibilities"),
    _gauge("-", "unseen_validation_metric", "The team's own metric", "which"),
    _gauge("M6", "unseen_components_moved_share", "Share of held-out rows whose component changed"),
    _gauge("M6", "unseen_component_matches", "Components by what became of them against the champion", "kind"),
    _gauge("M6", "unseen_component_share", "Share of the rows in a component of the candidate", "component"),
    _gauge("M6", "unseen_component_share_change", "That share minus its share in the champion", "component"),
    _gauge("-", "unseen_gate_passed", "1 if a gate let the last candidate pass", "gate"),
    _gauge("-", "unseen_gate_measured", "What a gate measured", "gate"),
    _gauge("-", "unseen_gate_threshold", "What a gate held it against", "gate"),
    # ---- resources
    _gauge("M7", "unseen_retrain_peak_memory_bytes", "Largest resident memory of the last retrain"),
    _gauge("M8", "unseen_retrain_cpu_seconds", "CPU time of the last retrain"),
    _gauge("M8", "unseen_retrain_typical_cpu_seconds", "Median CPU time of the retrains before the last one"),
    _gauge("M10", "unseen_retrain_cost", "Cost of the last retrain, in the currency of limits.price_per_core_hour"),
    _gauge("M10", "unseen_retrain_window_cost", "Cost of all retrains in the service level's window"),
    # ---- what is in production
    _gauge("-", "unseen_champion_version", "Version in production"),
    _gauge("-", "unseen_champion_timestamp_seconds", "When the version in production was put there"),
    _counter("-", "unseen_promotions_total", "Promotions, counted from the log"),
    _counter("-", "unseen_rollbacks_total", "Rollbacks, counted from the log"),
    _gauge("-", "unseen_security_findings", "Sensitive data found, or a log or artefact that was altered", "kind"),
    _gauge("-", "unseen_failure_mode", "1 if the doctor found this failure mode in the last retrain", "mode"),
    # ---- drift
    _gauge("-", "unseen_drift_detected", "1 if the last look at new data said that it drifted"),
    _gauge("-", "unseen_drift_retrain_wanted", "1 if the drift calls for a retrain"),
    _gauge("-", "unseen_drift_last_look_timestamp_seconds", "When new data was last looked at"),
    _gauge("-", "unseen_drift_evidence", "Evidence of all tests against no drift since training (an e-value)"),
    _gauge("-", "unseen_drift_evidence_threshold", "Evidence at which drift is reported"),
    _gauge("-", "unseen_drift_evalue", "Evidence of one test, by kind and column or component", "kind", "subject"),
    _gauge("-", "unseen_drift_effect", "Size of a shift (total variation, 0 to 1)", "kind", "subject"),
    _gauge("-", "unseen_drift_alarm", "1 if this test says drift", "kind", "subject"),
    _counter("-", "unseen_drift_looks_total", "Looks at new data"),
    _counter("-", "unseen_drift_alarms_total", "Looks that said drift"),
    # ---- a service
    Metric("unseen_serving_latency_seconds", "M9", "histogram", (), "Time to answer a request"),
    _counter("M9", "unseen_serving_requests_total", "Requests by outcome: ok or error", "outcome"),
    _gauge("-", "unseen_serving_version", "Version that the service has loaded"),
)

METRICS: dict[str, Metric] = {metric.name: metric for metric in _ALL}

#: values of the label ``mode``: failure modes and the names of their runbook pages
MODES = {
    "F1": "F1-non-convergence",
    "F2": "F2-slow-convergence",
    "F3": "F3-numerical-instability",
    "F4": "F4-overfitting",
    "F5": "F5-singular-component",
    "F6": "F6-out-of-memory",
    "F7": "F7-silent-drift",
    "F8": "F8-unreliable-responsibilities",
    "F9": "F9-sensitive-data",
    "F10": "F10-non-reproducible-run",
}
SECURITY = ("sensitive", "log", "artefact")
