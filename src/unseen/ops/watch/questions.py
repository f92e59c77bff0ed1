"""What panels ask of Prometheus, about the model that was chosen at the top of a dashboard."""

from __future__ import annotations

from typing import Any

from unseen.ops.watch.levels import Level
from unseen.ops.watch.panels import View, view
from unseen.ops.watch.promql import newest, select
from unseen.ops.watch.table import METRICS

CHOSEN = "$model"
THIRD, HALF = 8, 12


def value(metric: str, *labels: str) -> str:
    """A metric without the labels of who scraped it, whether it came by text file, push or ``/metrics``."""
    assert set(labels) <= set(METRICS[metric].labels), metric
    if not labels:
        return newest(metric, CHOSEN)
    return f"max by ({', '.join(('model', *labels))}) ({select(metric, CHOSEN)})"


def rate(metric: str, *labels: str) -> str:
    """Per second, over all instances of a service."""
    return f"sum by ({', '.join(('model', *labels))}) (rate({select(metric, CHOSEN)}[5m]))"


def date(metric: str) -> str:
    """A time as Grafana wants it, in milliseconds."""
    return f"1000 * {value(metric)}"


def recorded(level: Level, window: int) -> str:
    """The share of bad events that the rules record."""
    return select(level.series("ratio", window), CHOSEN)


def budget_left(level: Level) -> str:
    return select(f"model:unseen_{level.name}:budget_remaining_ratio", CHOSEN)


def over_time(title: str, metric: str, label: str = "", width: int = THIRD, **how: Any) -> View:
    """One metric as lines, explained by its own help."""
    labels = (label,) if label else ()
    legend = f"{{{{{label}}}}}" if label else title.lower()
    return view(title, "lines", (value(metric, *labels), legend), about=told(metric), width=width, **how)


def at_present(title: str, metric: str, label: str, width: int = THIRD, **how: Any) -> View:
    """One metric by a label as bars, the smallest first."""
    shown = (f"sort({value(metric, label)})", f"{{{{{label}}}}}")
    return view(title, "bars", shown, about=told(metric), width=width, **how)


def likelihood(width: int) -> View:
    """Held-out log-likelihood, the one number that two dashboards share."""
    return over_time("Held-out log-likelihood per row", "unseen_validation_loglik_nats", "which", width)


def told(metric: str) -> str:
    return f"{METRICS[metric].help}."
