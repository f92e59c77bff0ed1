"""Metrics, service levels, alerts and dashboards.

===============  ==========================================================================================
``modes``        the one table of failure modes: names, runbooks, alerts
``conditions``   what alerts ask, and the scenes that prove it; ``levels`` service levels, and PromQL's small words
``metrics``      every metric with the function that reads it from ``known``, one reading of the state folder
``exporting``    to a text file, a Pushgateway and ``/metrics``; ``serving`` what a metric is, and a service counts
``rulebook``     rules, their unit tests, and routes as files, and what promtool and amtool say of them
``boards``       three dashboards for Grafana, as rows of ``panels``
===============  ==========================================================================================

Everything is recomputed from the log and the records; nothing here decides anything.
Names are loaded when they are asked for, so that a service imports ``serving`` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.ops.watch.boards import dashboards
    from unseen.ops.watch.exporting import collect, export
    from unseen.ops.watch.rulebook import alertmanager, rules
    from unseen.ops.watch.serving import ServingMetrics

__all__ = ["ServingMetrics", "alertmanager", "collect", "dashboards", "export", "rules"]
_HOMES = dict(zip(__all__, ("serving", "rulebook", "exporting", "boards", "exporting", "rulebook"), strict=True))


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_HOMES[name]}"), name)
