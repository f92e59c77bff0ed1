"""Three dashboards as data: is it worth its money (executive), what is broken now (on-call), why (debug)."""

from __future__ import annotations

import hashlib
from typing import Any

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import DAY, HOUR, Level, duration, levels, newest, number, select
from unseen.ops.watch.metrics import METRICS
from unseen.ops.watch.panels import BAD_AT_ONE, GOOD_HIGH, GOOD_LOW, WIDTHS, Kind, Rows, View, dashboard

CHOSEN = "$model"
HALF, WHOLE = 12, 24


def dashboards(settings: Settings) -> dict[str, dict[str, Any]]:
    """The JSON models of the three dashboards by name; the model to look at is chosen in each.

    They are made with grafana-foundation-sdk and follow Grafana's schema; Grafana itself has not been run on them.
    """
    boards = {
        "executive": ("What the model is worth: success, budget, likelihood, cost", executive(settings)),
        "on-call": ("What is broken now, and how long it has been", on_call(settings)),
        "debug": ("Why: the last fit, its validation, its gates, the drift", DEBUG),
    }
    model = settings.name  # Grafana's identities have 40 characters at most
    uid = f"unseen-{model[:12]}-{hashlib.sha256(model.encode()).hexdigest()[:8]}"
    return {
        name: dashboard(f"{uid}-{name}", f"unseen {model}: {name}", about, rows, model)
        for name, (about, rows) in boards.items()
    }


# ---- words


def value(metric: str, *labels: str) -> str:
    """A metric by its labels, of the model that was chosen at the top of the dashboard."""
    metric = f"unseen_{metric}"
    assert set(labels) <= set(METRICS[metric].labels), metric
    return f"max by ({', '.join(('model', *labels))}) ({select(metric, CHOSEN)})" if labels else newest(metric, CHOSEN)


def view(title: str, kind: Kind, *queries: tuple[str, str], about: str, width: int = 0, **how: Any) -> View:
    """Some queries, each with the name of its series."""
    return View(title, kind, queries, about, width=width or WIDTHS[kind], **how)


def one(kind: Kind, title: str, metric: str, label: str = "", **how: Any) -> View:
    """One metric, explained by its own help; bars have the smallest first, a date is in Grafana's milliseconds."""
    query, named = value(metric, *filter(None, [label])), f"{{{{{label}}}}}" if label else ""
    if kind == "stat" and how.get("unit") == "dateTimeFromNow":
        query = f"1000 * {query}"
    if kind == "bars":
        query = f"sort({query})"
    if kind == "lines" and not label:
        named = title.lower()
    return view(title, kind, (query, named), about=f"{METRICS[f'unseen_{metric}'].help}.", **how)


def _ratio(level: Level, window: int) -> str:
    return select(level.series("ratio", window), CHOSEN)


def _rate(metric: str, *labels: str) -> str:
    """Per second, over all instances of a service."""
    return f"sum by ({', '.join(('model', *labels))}) (rate({select(f'unseen_{metric}', CHOSEN)}[5m]))"


def _and_typical(title: str, about: str, what: str) -> View:
    shown = [(value(f"retrain_{which}{what}"), said) for which, said in (("", "last"), ("typical_", "typical"))]
    return view(title, "lines", *shown, about=about, unit="s")


_LIKELIHOOD = ("Held-out log-likelihood per row", "validation_loglik_nats", "which")
_DATE: dict[str, Any] = {"unit": "dateTimeFromNow"}
_SHARE: dict[str, Any] = {"unit": "percentunit"}


# ---- the boards


def executive(settings: Settings) -> Rows:
    """Is it worth its money: what is in production, how reliably it is renewed, how good it is, what it costs."""
    slo, known = settings.slo, levels(settings)
    well = max(0.0, 2 * slo.retrain_success - 1), slo.retrain_success
    left = [(select(f"model:unseen_{name}:budget_remaining_ratio", CHOSEN), name.replace("_", " ")) for name in known]
    ended = f"max by (model, outcome) (increase({select('unseen_retrains_total', CHOSEN)}[1d]))"
    answers = [
        (f"1 - {_ratio(known[name], 1 * DAY)}", said)
        for name, said in (("serving_errors", "answered"), ("serving_slow", "answered in time"))
    ]
    return [
        ("Now", [
            one("stat", "Version in production", "champion_version"),
            one("stat", "In production since", "champion_timestamp_seconds", **_DATE),
            one("stat", "Data learned from", "data_learned_timestamp_seconds", **_DATE),
            one("stat", "Drift", "drift_detected", **BAD_AT_ONE),
        ]),
        (f"The last {slo.window_days} days", [
            one("stat", "Retrains without a failure", "retrain_success_ratio", colours=GOOD_HIGH, levels=well,
                **_SHARE),
            view("Error budget left", "bars", *left, about="Below zero a service level is broken.", width=HALF,
                 colours=GOOD_HIGH, levels=(0.0, 0.25), **_SHARE),
            one("stat", "Cost", "retrain_window_cost"),
        ]),
        ("Over time", [
            one("lines", *_LIKELIHOOD, width=HALF),
            one("lines", "Cost per retrain", "retrain_cost", width=HALF),
            view("Retrains by outcome", "lines", (f"sum by (outcome) ({ended})", "{{outcome}}"), about="Per day.",
                 width=HALF),
            view("Service", "lines", *answers, about="Shares of one day.", width=HALF, **_SHARE),
        ]),
    ]  # fmt: skip


def on_call(settings: Settings) -> Rows:
    """What is broken now, since when, and where to look first."""
    slo, hours = settings.slo, settings.slo.max_age_hours
    age = f"time() - {value('data_learned_timestamp_seconds')}"
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
            view("Alerts", "table", (select("ALERTS", CHOSEN, alertstate="firing"), ""), about="Now.", width=HALF),
            view("Last outcome", "steps", (value("retrain_last_outcome", "outcome"), "{{outcome}}"),
                 about="1 where a retrain ended so.", width=HALF),
            view("Age of the data learned from", "stat", (age, ""), unit="s", colours=GOOD_LOW,
                 about=f"A page after {hours:g} hours, if the next partition is late.",
                 levels=(0.5 * hours * HOUR, hours * HOUR)),
            one("stat", "Log, artefacts, aliases, clock", "registry_trouble", "kind", **BAD_AT_ONE),
            view("Failure modes", "bars", (f"{value('failure_mode', 'mode')} > 0", "{{mode}}"),
                 about="What unseen doctor found in the last retrain.", width=HALF),
        ]),
        ("Burn rates", [view("How fast error budgets burn", "lines", *rates, about=burning, width=WHOLE)]),
        ("The service", [
            view("Requests", "lines", (_rate("serving_requests_total", "outcome"), "{{outcome}}"),
                 about="Answered, and failed.", unit="reqps"),
            view("Latency", "lines", *quantiles, unit="s",
                 about=f"The 99th percentile must stay below {slo.serving_p99_seconds:g} s."),
            view("Version served", "lines", *versions, about="Apart: the service has not reloaded."),
        ]),
        ("The last retrain", [
            one("bars", "Stages", "retrain_stage_duration_seconds", "stage", unit="s"),
            _and_typical("Duration", "From the batch to the outcome.", "duration_seconds"),
            one("lines", "Peak memory", "retrain_peak_memory_bytes", unit="bytes"),
            one("bars", "Limits used", "limit_used_ratio", "limit", colours=GOOD_LOW, levels=(0.8, 1.0), **_SHARE),
            one("bars", "Failed attempts", "retrain_failed_attempts", "stage"),
            one("bars", "Schema findings", "schema_refusals", "column"),
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
        one("bars", "Log-likelihood per row by iteration", "fit_loglik_nats", "iteration"),
        one("lines", "Final log-likelihood per row", "fit_final_loglik_nats"),
        one("lines", "Gain of the last iteration", "fit_last_gain_nats"),
        one("lines", "Largest fall", "fit_largest_fall_nats"),
        one("lines", "Iterations", "fit_iterations"),
        one("lines", "Converged", "fit_converged"),
        one("lines", "Components", "fit_components"),
        one("lines", "Floors that bound", "fit_floors"),
        one("lines", "Smallest share", "fit_smallest_share", **_SHARE),
        one("stat", "As of", "fit_timestamp_seconds", **_DATE),
    ]),
    ("Validation", [
        one("lines", *_LIKELIHOOD),
        view("Paired gain", "lines", (_GAIN, "gain"), (f"{_GAIN} + 1.96 * {_ERROR}", "upper"),
             (f"{_GAIN} - 1.96 * {_ERROR}", "lower"), about="Candidate minus champion, with a 95 % interval."),
        one("lines", "Training minus held-out", "validation_gap_nats"),
        one("lines", "Calibration error", "validation_calibration_error"),
        one("lines", "Own metric", "validation_metric", "which"),
        view("Gates", "table", *_GATES, about="What each gate measured, against its threshold."),
    ]),
    ("Components", [
        one("lines", "Rows that moved", "validation_moved_share", **_SHARE),
        one("bars", "Against the champion", "component_matches", "kind"),
        one("bars", "Shares", "component_share", "component", **_SHARE),
        one("bars", "Change of the shares", "component_share_change", "component", **_SHARE),
    ]),
    ("Drift", [
        view("Evidence", "lines", (value("drift_evidence"), "evidence"),
             (value("drift_evidence_threshold"), "reported from"),
             about="An e-value over the champion's life: looking often does not raise it."),
        view("Strongest tests", "bars", _STRONGEST, about="e-values by kind and column or component."),
        view("Largest shifts", "bars", _LARGEST, about="Total variation.", **_SHARE),
    ]),
    ("Resources", [
        _and_typical("CPU time", "Over all cores.", "cpu_seconds"),
        one("lines", "Peak memory", "retrain_peak_memory_bytes", unit="bytes"),
        one("lines", "Rows", "retrain_rows"),
    ]),
]  # fmt: skip
