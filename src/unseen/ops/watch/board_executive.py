"""Is it worth its money: what is in production, how reliably it is renewed, how good it is, what it costs."""

from __future__ import annotations

from unseen.ops.config.settings import Settings
from unseen.ops.watch.levels import levels
from unseen.ops.watch.panels import GOOD_HIGH, Rows, bad_at_one, view
from unseen.ops.watch.promql import DAY, select
from unseen.ops.watch.questions import CHOSEN, HALF, budget_left, date, likelihood, over_time, recorded, told, value


def executive(settings: Settings) -> Rows:
    """Rows of the dashboard."""
    slo = settings.slo
    all_levels = levels(settings)
    budgets = [(budget_left(level), level.name.replace("_", " ")) for level in all_levels]
    well = max(0.0, 2 * slo.retrain_success - 1), slo.retrain_success
    ended = f"max by (model, outcome) (increase({select('unseen_retrains_total', CHOSEN)}[1d]))"
    service = zip(all_levels[1:], ("answered", "answered in time"), strict=True)
    answers = [(f"1 - {recorded(level, 1 * DAY)}", said) for level, said in service]
    renewed, drift = "unseen_retrain_last_success_timestamp_seconds", "unseen_drift_detected"
    moved, cost = "unseen_champion_timestamp_seconds", "unseen_retrain_window_cost"
    now = [
        view("Version in production", "stat", value("unseen_champion_version"), about="The champion."),
        view("In production since", "stat", date(moved), about=told(moved), unit="dateTimeFromNow"),
        view("Last success", "stat", date(renewed), about=told(renewed), unit="dateTimeFromNow"),
        view("Drift", "stat", value(drift), about=told(drift), **bad_at_one()),
    ]
    lately = [
        view(
            "Retrains without a failure",
            "stat",
            value("unseen_retrain_success_ratio"),
            about=f"The service level is {slo.retrain_success:.2%}.",
            unit="percentunit",
            colours=GOOD_HIGH,
            levels=well,
        ),
        view(
            "Error budget left",
            "bars",
            *budgets,
            about="Below zero a service level is broken.",
            unit="percentunit",
            width=HALF,
            colours=GOOD_HIGH,
            levels=(0.0, 0.25),
        ),
        view("Cost", "stat", value(cost), about=told(cost)),
    ]
    over = [
        likelihood(HALF),
        over_time("Cost per retrain", "unseen_retrain_cost", width=HALF),
        view(
            "Retrains by outcome", "lines", (f"sum by (outcome) ({ended})", "{{outcome}}"), about="Per day.", width=HALF
        ),
        view("Service", "lines", *answers, about="Shares of one day.", unit="percentunit", width=HALF),
    ]
    return [("Now", now), (f"The last {slo.window_days} days", lately), ("Over time", over)]
