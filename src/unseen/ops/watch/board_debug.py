"""Why: the last fit, its validation, its components, the drift, and what it took."""

from __future__ import annotations

from unseen.ops.watch.panels import Rows, View, view
from unseen.ops.watch.questions import THIRD, at_present, likelihood, over_time, value


def debug() -> Rows:
    """Rows of the dashboard."""
    return [
        ("The fit", _fit()),
        ("Validation", _validation()),
        ("Components", _components()),
        ("Drift", _drift()),
        ("Resources", _resources()),
    ]


def _fit() -> list[View]:
    return [
        at_present("Log-likelihood per row by iteration", "unseen_fit_loglik_nats", "iteration"),
        over_time("Final log-likelihood per row", "unseen_fit_final_loglik_nats"),
        over_time("Gain of the last iteration", "unseen_fit_last_gain_nats"),
        over_time("Largest fall", "unseen_fit_largest_fall_nats"),
        over_time("Iterations", "unseen_fit_iterations"),
        over_time("Converged", "unseen_fit_converged"),
        over_time("Components", "unseen_fit_components"),
        over_time("Floors that bound", "unseen_fit_floors"),
        over_time("Smallest share", "unseen_fit_smallest_share", unit="percentunit"),
    ]


def _validation() -> list[View]:
    gain, error = value("unseen_validation_gain_nats"), value("unseen_validation_gain_stderr_nats")
    interval = [(gain, "gain"), (f"{gain} + 1.96 * {error}", "upper"), (f"{gain} - 1.96 * {error}", "lower")]
    gates = [(value(f"unseen_gate_{what}", "gate"), what) for what in ("passed", "measured", "threshold")]
    return [
        likelihood(THIRD),
        view("Paired gain", "lines", *interval, about="Candidate minus champion, with a 95 % interval.", width=THIRD),
        over_time("Training minus held-out", "unseen_validation_gap_nats"),
        over_time("Calibration error", "unseen_validation_calibration_error"),
        over_time("Own metric", "unseen_validation_metric", "which"),
        view("Gates", "table", *gates, about="What each gate measured, against its threshold.", width=THIRD),
    ]


def _components() -> list[View]:
    return [
        over_time("Rows that moved", "unseen_components_moved_share", unit="percentunit"),
        at_present("Against the champion", "unseen_component_matches", "kind"),
        at_present("Shares", "unseen_component_share", "component", unit="percentunit"),
        at_present("Change of the shares", "unseen_component_share_change", "component", unit="percentunit"),
    ]


def _drift() -> list[View]:
    found, needed = value("unseen_drift_evidence"), value("unseen_drift_evidence_threshold")
    about = "An e-value over the champion's life: looking often does not raise it."
    tests, shifts = (
        (f"topk(10, {value(metric, 'kind', 'subject')})", "{{kind}} {{subject}}")
        for metric in ("unseen_drift_evalue", "unseen_drift_effect")
    )
    return [
        view("Evidence", "lines", (found, "evidence"), (needed, "reported from"), about=about, width=THIRD),
        view("Strongest tests", "bars", tests, about="e-values by kind and column or component.", width=THIRD),
        view("Largest shifts", "bars", shifts, about="Total variation.", unit="percentunit", width=THIRD),
    ]


def _resources() -> list[View]:
    seconds = [
        (value(f"unseen_retrain_{which}cpu_seconds"), said) for which, said in (("", "last"), ("typical_", "typical"))
    ]
    return [
        view("CPU time", "lines", *seconds, about="Over all cores.", unit="s", width=THIRD),
        over_time("Peak memory", "unseen_retrain_peak_memory_bytes", unit="bytes"),
        over_time("Rows", "unseen_retrain_rows"),
    ]
