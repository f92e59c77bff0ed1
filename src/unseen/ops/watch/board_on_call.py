"""What is broken now, since when, and where to look first."""

from __future__ import annotations

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import levels
from unseen.ops.watch.panels import GOOD_LOW, Rows, View, bad_at_one, view
from unseen.ops.watch.promql import DAY, HOUR, duration, number, select
from unseen.ops.watch.questions import CHOSEN, HALF, THIRD, at_present, over_time, rate, recorded, told, value


def on_call(settings: Settings) -> Rows:
    """Rows of the dashboard."""
    return [
        ("What fires", _fires(settings)),
        ("Burn rates", [_burning(settings)]),
        ("The service", _service(settings)),
        ("The last retrain", _retrain()),
    ]


def _fires(settings: Settings) -> list[View]:
    hours, found = settings.slo.max_age_hours, "unseen_security_findings"
    waiting = f"time() - {value('unseen_retrain_waiting_since_timestamp_seconds')}"
    outcome = (value("unseen_retrain_last_outcome", "outcome"), "{{outcome}}")
    modes = (f"{value('unseen_failure_mode', 'mode')} > 0", "{{mode}}")
    return [
        view("Alerts", "table", select("ALERTS", CHOSEN, alertstate="firing"), about="Now.", width=HALF),
        view("Last outcome", "steps", outcome, about="1 where a retrain ended so.", width=HALF),
        view(
            "Since the last success",
            "stat",
            waiting,
            about=f"A page after {hours:g} hours.",
            unit="s",
            colours=GOOD_LOW,
            levels=(0.5 * hours * HOUR, hours * HOUR),
        ),
        view("Security", "stat", (value(found, "kind"), "{{kind}}"), about=told(found), **bad_at_one()),
        view("Failure modes", "bars", modes, about="What unseen doctor found in the last retrain.", width=HALF),
    ]


def _burning(settings: Settings) -> View:
    slo = settings.slo
    shown = zip(levels(settings), (1 * DAY, 1 * HOUR, 1 * HOUR), strict=True)
    rates = [
        (f"{recorded(level, window)} / {number(level.budget)}", f"{level.name.replace('_', ' ')}, {duration(window)}")
        for level, window in shown
    ]
    about = f"How many times too fast; a page above {slo.page_burn_rate:g}, a ticket above {slo.ticket_burn_rate:g}."
    return view("How fast error budgets burn", "lines", *rates, about=about, width=2 * HALF)


def _service(settings: Settings) -> list[View]:
    buckets = rate("unseen_serving_latency_seconds_bucket", "le")
    quantiles = [(f"histogram_quantile({q}, {buckets})", f"p{100 * q:g}") for q in (0.5, 0.9, 0.99)]
    versions = [(value(f"unseen_{who}_version"), who) for who in ("champion", "serving")]
    requests = (rate("unseen_serving_requests_total", "outcome"), "{{outcome}}")
    most = f"The 99th percentile must stay below {settings.slo.serving_p99_seconds:g} s."
    return [
        view("Requests", "lines", requests, about="Answered, and failed.", unit="reqps", width=THIRD),
        view("Latency", "lines", *quantiles, about=most, unit="s", width=THIRD),
        view("Version served", "lines", *versions, about="Apart: the service has not reloaded.", width=THIRD),
    ]


def _retrain() -> list[View]:
    seconds = [
        (value(f"unseen_retrain_{which}duration_seconds"), said)
        for which, said in (("", "last"), ("typical_", "typical"))
    ]
    return [
        at_present("Stages", "unseen_retrain_stage_duration_seconds", "stage", unit="s"),
        view("Duration", "lines", *seconds, about="From the batch to the outcome.", unit="s", width=THIRD),
        over_time("Peak memory", "unseen_retrain_peak_memory_bytes", unit="bytes"),
        at_present(
            "Limits used", "unseen_limit_used_ratio", "limit", unit="percentunit", colours=GOOD_LOW, levels=(0.8, 1.0)
        ),
        at_present("Failed attempts", "unseen_retrain_failed_attempts", "stage"),
        at_present("Schema findings", "unseen_schema_refusals", "column"),
    ]
