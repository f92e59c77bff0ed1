"""Three dashboards as data: is it worth its money (executive), what is broken now (on-call), why (debug)."""

from __future__ import annotations

import hashlib
from typing import Any

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import DAY, HOUR, Level, duration, levels, newest, number, select
from unseen.ops.watch.metrics import METRICS
from unseen.ops.watch.panels import BAD_AT_ONE, GOOD_HIGH, GOOD_LOW, Rows, View, dashboard

CHOSEN, THIRD, HALF = "$model", 8, 12


def dashboards(settings: Settings) -> dict[str, dict[str, Any]]:
    """The JSON models of the three dashboards by name; the model to look at is chosen in each.

    They are made with grafana-foundation-sdk and follow Grafana's schema; Grafana itself has not been run on them.
    """
    boards = {
        "executive": ("What the model is worth: success, budget, likelihood, cost", executive(settings)),
        "on-call": ("What is broken now, and how long it has been", on_call(settings)),
        "debug": ("Why: the last fit, its validation, its gates, the drift", DEBUG),
    }
    digest = hashlib.sha256(settings.name.encode()).hexdigest()[:8]  # Grafana's identities have 40 characters at most
    return {
        name: dashboard(
            f"unseen-{settings.name[:12]}-{digest}-{name}",
            f"unseen {settings.name}: {name}",
            about,
            rows,
            settings.name,
        )
        for name, (about, rows) in boards.items()
    }


# ---- words


def value(metric: str, *labels: str) -> str:
    """A metric by its labels, of the model that was chosen at the top of the dashboard."""
    metric = f"unseen_{metric}"
    assert set(labels) <= set(METRICS[metric].labels), metric
    return f"max by ({', '.join(('model', *labels))}) ({select(metric, CHOSEN)})" if labels else newest(metric, CHOSEN)


def view(title: str, kind: Any, *queries: tuple[str, str] | str, about: str, **how: Any) -> View:
    return View(title, kind, tuple((q, "") if isinstance(q, str) else q for q in queries), about, **how)


def _told(metric: str) -> str:
    return f"{METRICS[f'unseen_{metric}'].help}."


def over(title: str, metric: str, label: str = "", width: int = THIRD, **how: Any) -> View:
    """One metric as lines, explained by its own help."""
    shown = (value(metric, label), f"{{{{{label}}}}}") if label else (value(metric), title.lower())
    return view(title, "lines", shown, about=_told(metric), width=width, **how)


def bars(title: str, metric: str, label: str, width: int = THIRD, **how: Any) -> View:
    """One metric by a label, the smallest first."""
    shown = (f"sort({value(metric, label)})", f"{{{{{label}}}}}")
    return view(title, "bars", shown, about=_told(metric), width=width, **how)


def stat(title: str, metric: str, label: str = "", expr: str = "", **how: Any) -> View:
    """One number."""
    shown = (value(metric, label), f"{{{{{label}}}}}") if label else expr or value(metric)
    return view(title, "stat", shown, about=_told(metric), **how)


def date(title: str, metric: str) -> View:
    """A time as Grafana wants it, in milliseconds."""
    return stat(title, metric, expr=f"1000 * {value(metric)}", unit="dateTimeFromNow")


def several(title: str, about: str, *queries: tuple[str, str], width: int = THIRD, **how: Any) -> View:
    return view(title, "lines", *queries, about=about, width=width, **how)


def _ratio(level: Level, window: int) -> str:
    return select(level.series("ratio", window), CHOSEN)


def _rate(metric: str, *labels: str) -> str:
    """Per second, over all instances of a service."""
    return f"sum by ({', '.join(('model', *labels))}) (rate({select(f'unseen_{metric}', CHOSEN)}[5m]))"


def _and_typical(title: str, about: str, what: str) -> View:
    shown = [(value(f"retrain_{which}{what}"), said) for which, said in (("", "last"), ("typical_", "typical"))]
    return several(title, about, *shown, unit="s")


_LIKELIHOOD = ("Held-out log-likelihood per row", "validation_loglik_nats", "which")


# ---- the boards


def executive(settings: Settings) -> Rows:
    """Is it worth its money: what is in production, how reliably it is renewed, how good it is, what it costs."""
    slo, known = settings.slo, levels(settings)
    left = [(select(f"model:unseen_{name}:budget_remaining_ratio", CHOSEN), name.replace("_", " ")) for name in known]
    ended = f"max by (model, outcome) (increase({select('unseen_retrains_total', CHOSEN)}[1d]))"
    answers = [
        (f"1 - {_ratio(known[name], 1 * DAY)}", said)
        for name, said in (("serving_errors", "answered"), ("serving_slow", "answered in time"))
    ]
    well = max(0.0, 2 * slo.retrain_success - 1), slo.retrain_success
    return [
        ("Now", [
            stat("Version in production", "champion_version"),
            date("In production since", "champion_timestamp_seconds"),
            date("Data learned from", "data_learned_timestamp_seconds"),
            stat("Drift", "drift_detected", **BAD_AT_ONE),
        ]),
        (f"The last {slo.window_days} days", [
            stat("Retrains without a failure", "retrain_success_ratio", unit="percentunit", colours=GOOD_HIGH,
                 levels=well),
            view("Error budget left", "bars", *left, about="Below zero a service level is broken.",
                 unit="percentunit", width=HALF, colours=GOOD_HIGH, levels=(0.0, 0.25)),
            stat("Cost", "retrain_window_cost"),
        ]),
        ("Over time", [
            over(*_LIKELIHOOD, width=HALF),
            over("Cost per retrain", "retrain_cost", width=HALF),
            several("Retrains by outcome", "Per day.", (f"sum by (outcome) ({ended})", "{{outcome}}"), width=HALF),
            several("Service", "Shares of one day.", *answers, unit="percentunit", width=HALF),
        ]),
    ]  # fmt: skip


def on_call(settings: Settings) -> Rows:
    """What is broken now, since when, and where to look first."""
    slo, hours = settings.slo, settings.slo.max_age_hours
    rates = [
        (f"{_ratio(level, window)} / {number(level.budget)}", f"{level.name.replace('_', ' ')}, {duration(window)}")
        for level, window in zip(levels(settings).values(), (1 * DAY, 1 * HOUR, 1 * HOUR), strict=True)
    ]
    buckets = _rate("serving_latency_seconds_bucket", "le")
    quantiles = [(f"histogram_quantile({q}, {buckets})", f"p{100 * q:g}") for q in (0.5, 0.9, 0.99)]
    versions = [(value(f"{who}_version"), who) for who in ("champion", "serving")]
    burning = f"How many times too fast; a page above {slo.page_burn_rate:g}, a ticket above {slo.ticket_burn_rate:g}."
    return [
        ("What fires", [
            view("Alerts", "table", select("ALERTS", CHOSEN, alertstate="firing"), about="Now.", width=HALF),
            view("Last outcome", "steps", (value("retrain_last_outcome", "outcome"), "{{outcome}}"),
                 about="1 where a retrain ended so.", width=HALF),
            view("Age of the data learned from", "stat", f"time() - {value('data_learned_timestamp_seconds')}",
                 about=f"A page after {hours:g} hours, if the next partition is late.", unit="s", colours=GOOD_LOW,
                 levels=(0.5 * hours * HOUR, hours * HOUR)),
            stat("Log, artefacts, aliases, clock", "registry_trouble", "kind", **BAD_AT_ONE),
            view("Failure modes", "bars", (f"{value('failure_mode', 'mode')} > 0", "{{mode}}"),
                 about="What unseen doctor found in the last retrain.", width=HALF),
        ]),
        ("Burn rates", [several("How fast error budgets burn", burning, *rates, width=2 * HALF)]),
        ("The service", [
            several("Requests", "Answered, and failed.", (_rate("serving_requests_total", "outcome"), "{{outcome}}"),
                    unit="reqps"),
            several("Latency", f"The 99th percentile must stay below {slo.serving_p99_seconds:g} s.", *quantiles,
                    unit="s"),
            several("Version served", "Apart: the service has not reloaded.", *versions),
        ]),
        ("The last retrain", [
            bars("Stages", "retrain_stage_duration_seconds", "stage", unit="s"),
            _and_typical("Duration", "From the batch to the outcome.", "duration_seconds"),
            over("Peak memory", "retrain_peak_memory_bytes", unit="bytes"),
            bars("Limits used", "limit_used_ratio", "limit", unit="percentunit", colours=GOOD_LOW, levels=(0.8, 1.0)),
            bars("Failed attempts", "retrain_failed_attempts", "stage"),
            bars("Schema findings", "schema_refusals", "column"),
        ]),
    ]  # fmt: skip


_GAIN, _ERROR = value("validation_gain_nats"), value("validation_gain_stderr_nats")
_GATES = [(value(f"gate_{what}", "gate"), what) for what in ("passed", "measured", "threshold")]
_STRONGEST, _LARGEST = (
    (f"topk(10, {value(metric, 'kind', 'subject')})", "{{kind}} {{subject}}")
    for metric in ("drift_evalue", "drift_effect")
)

#: why: the last fit, its validation, its components, the drift, and what it took
DEBUG: Rows = [
    ("The fit", [
        bars("Log-likelihood per row by iteration", "fit_loglik_nats", "iteration"),
        over("Final log-likelihood per row", "fit_final_loglik_nats"),
        over("Gain of the last iteration", "fit_last_gain_nats"),
        over("Largest fall", "fit_largest_fall_nats"),
        over("Iterations", "fit_iterations"),
        over("Converged", "fit_converged"),
        over("Components", "fit_components"),
        over("Floors that bound", "fit_floors"),
        over("Smallest share", "fit_smallest_share", unit="percentunit"),
        date("As of", "fit_timestamp_seconds"),
    ]),
    ("Validation", [
        over(*_LIKELIHOOD),
        several("Paired gain", "Candidate minus champion, with a 95 % interval.", (_GAIN, "gain"),
                (f"{_GAIN} + 1.96 * {_ERROR}", "upper"), (f"{_GAIN} - 1.96 * {_ERROR}", "lower")),
        over("Training minus held-out", "validation_gap_nats"),
        over("Calibration error", "validation_calibration_error"),
        over("Own metric", "validation_metric", "which"),
        view("Gates", "table", *_GATES, about="What each gate measured, against its threshold.", width=THIRD),
    ]),
    ("Components", [
        over("Rows that moved", "validation_moved_share", unit="percentunit"),
        bars("Against the champion", "component_matches", "kind"),
        bars("Shares", "component_share", "component", unit="percentunit"),
        bars("Change of the shares", "component_share_change", "component", unit="percentunit"),
    ]),
    ("Drift", [
        several("Evidence", "An e-value over the champion's life: looking often does not raise it.",
                (value("drift_evidence"), "evidence"), (value("drift_evidence_threshold"), "reported from")),
        view("Strongest tests", "bars", _STRONGEST, about="e-values by kind and column or component.", width=THIRD),
        view("Largest shifts", "bars", _LARGEST, about="Total variation.", unit="percentunit", width=THIRD),
    ]),
    ("Resources", [
        _and_typical("CPU time", "Over all cores.", "cpu_seconds"),
        over("Peak memory", "retrain_peak_memory_bytes", unit="bytes"),
        over("Rows", "retrain_rows"),
    ]),
]  # fmt: skip
