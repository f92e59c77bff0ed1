"""Metrics, service levels, alerts and dashboards.

==============  ===========================================================================================
``table``       every metric there is, and what it means
``known``       one reading of the state folder; ``produced``, ``retrained``, ``drifted``: samples of it
``collector``   samples as a registry of prometheus_client
``exporting``   to a text file and a Pushgateway
``serving``     what a service counts
``levels``      service levels as recording rules and burn rates; ``promql`` has its small words
``alerting``    what wakes someone up, and what waits
``rulebook``    rules as a file; ``unit_tests`` and ``scenarios`` prove them with promtool
``routes``      Alertmanager: who is told, and which alert silences which
``check``       what promtool and amtool say of the files
``boards``      three dashboards for Grafana (``board_...``), made of ``panels`` that ask ``questions``
==============  ===========================================================================================

Everything is recomputed from the log and the records; nothing here decides anything.
Names are loaded when they are asked for, so that a service imports ``serving`` alone.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from unseen.ops.watch.boards import dashboards
    from unseen.ops.watch.collector import collect
    from unseen.ops.watch.exporting import export
    from unseen.ops.watch.routes import alertmanager
    from unseen.ops.watch.rulebook import rules
    from unseen.ops.watch.serving import ServingMetrics

HOMES = {
    "ServingMetrics": "serving",
    "alertmanager": "routes",
    "collect": "collector",
    "dashboards": "boards",
    "export": "exporting",
    "rules": "rulebook",
}

__all__ = ["ServingMetrics", "alertmanager", "collect", "dashboards", "export", "rules"]


def __getattr__(name: str) -> Any:
    if name not in HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{HOMES[name]}"), name)
