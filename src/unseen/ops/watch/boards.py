"""Three dashboards: is it worth its money (executive), what is broken now (on-call), why (debug)."""

from __future__ import annotations

import hashlib
from typing import Any

from unseen.ops.config.settings import Settings
from unseen.ops.watch.board_debug import debug
from unseen.ops.watch.board_executive import executive
from unseen.ops.watch.board_on_call import on_call
from unseen.ops.watch.panels import dashboard


def dashboards(settings: Settings) -> dict[str, dict[str, Any]]:
    """The JSON models of the three dashboards by name; the model to look at is chosen in each.

    They are made with grafana-foundation-sdk and follow Grafana's schema; Grafana itself has not been run on them.
    """
    boards = {
        "executive": ("What the model is worth: success, budget, likelihood, cost", executive(settings)),
        "on-call": ("What is broken now, and how long it has been", on_call(settings)),
        "debug": ("Why: the last fit, its validation, its gates, the drift", debug()),
    }
    return {
        name: dashboard(_uid(settings.name, name), f"unseen {settings.name}: {name}", about, rows, settings.name)
        for name, (about, rows) in boards.items()
    }


def _uid(model: str, board: str) -> str:
    """Grafana's identity of a dashboard, 40 characters at most."""
    digest = hashlib.sha256(model.encode()).hexdigest()[:8]
    return f"unseen-{model[:12]}-{digest}-{board}"
