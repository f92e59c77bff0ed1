"""A test file for ``promtool test rules``: the alerts of these very settings, firing and not firing."""

from __future__ import annotations

import re
from typing import Any

from unseen.ops.config.settings import Settings
from unseen.ops.watch.alerting import Alert, alerts
from unseen.ops.watch.scenarios import PACE, SHORT, Scenario, healthy, scenarios

CALM_MINUTES = 240


def unit_tests(settings: Settings, rules_file: str) -> dict[str, Any]:
    """What promtool needs; ``rules_file`` is relative to the file this is written to."""
    known = {alert.name: alert for alert in alerts(settings)}
    tests = [_test(scenario, known[scenario.alert], settings) for scenario in scenarios(settings)]
    return {"rule_files": [rules_file], "evaluation_interval": f"{PACE}m", "tests": [_calm(known, settings), *tests]}


def _calm(known: dict[str, Alert], settings: Settings) -> dict[str, Any]:
    """Nothing fires while all is well."""
    return {
        "interval": "1m",
        "input_series": _series(healthy(settings, CALM_MINUTES)),
        "alert_rule_test": [
            {"eval_time": f"{minutes}m", "alertname": name, "exp_alerts": []}
            for name in known
            for minutes in (SHORT, CALM_MINUTES)
        ],
    }


def _test(scenario: Scenario, alert: Alert, settings: Settings) -> dict[str, Any]:
    return {
        "interval": f"{scenario.step}m",
        "input_series": _series(scenario.all(settings)),
        "alert_rule_test": [
            {
                "eval_time": f"{minutes}m",
                "alertname": alert.name,
                "exp_alerts": [_expected(scenario, alert, settings)] if fires else [],
            }
            for minutes, fires in scenario.looks
        ],
    }


def _series(series: dict[str, str]) -> list[dict[str, str]]:
    return [{"series": name, "values": values} for name, values in series.items()]


def _expected(scenario: Scenario, alert: Alert, settings: Settings) -> dict[str, Any]:
    """The alert as it is sent, its labels filled into its texts."""
    rule = alert.rule(settings)
    labels = {**scenario.labels, **rule["labels"]}
    texts = {key: _filled(text, labels) for key, text in rule["annotations"].items()}
    return {"exp_labels": labels, "exp_annotations": texts}


def _filled(text: str, labels: dict[str, str]) -> str:
    return re.sub(r"\{\{ \$labels\.(\w+) \}\}", lambda found: labels[found[1]], text)
