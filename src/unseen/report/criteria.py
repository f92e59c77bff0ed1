"""The plot of criteria against the number of components."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.report.palette import COLOURS, MUTED, axis, layout
from unseen.report.view import View

Spec = dict[str, Any]
SERIES = (("bic", "BIC", "circle"), ("icl", "ICL", "diamond"), ("aic", "AIC", "square"))


def criteria(view: View) -> Spec | None:
    """Criteria and the held-out log-density against the number of components."""
    rows = sorted((r for r in view.result.search if r.get("components")), key=lambda r: r["components"])
    if len(rows) < 2:
        return None
    data: list[Spec] = []
    for i, (key, name, symbol) in enumerate(SERIES):
        data += _series(rows, key, name, COLOURS[i], symbol, "y", min)
    upper = bool(data)
    held = _series(rows, "heldout", "held-out log-density per row", COLOURS[5], "triangle-up", "y2", max)
    bottom = 0.44 if held and upper else 0.0
    shape = {"type": "line", "x0": view.count, "x1": view.count, "yref": "paper", "y0": 0, "y1": 1}
    more: Spec = {
        "shapes": [{**shape, "line": {"color": MUTED, "width": 1, "dash": "dot"}}] if view.count else [],
        "xaxis": axis("number of components", dtick=1 if len(rows) <= 20 else None, anchor="y2" if held else "y"),
        "yaxis": axis("criterion (lower is better)", domain=[bottom, 1], tickformat=",~r"),
    }
    if held:
        more["yaxis2"] = axis("held-out (higher is better)", domain=[0, 0.36 if upper else 1])
    if not data + held:
        return None
    return {"data": data + held, "layout": layout(460 if held and upper else 340, showlegend=True, **more)}


def _series(rows: Any, key: str, name: str, colour: str, symbol: str, yaxis: str, best: Any) -> list[Spec]:
    """A line through one criterion's values: its best filled, the others open, spurious fits crossed."""
    rows = [r for r in rows if r.get(key) is not None and np.isfinite(r[key])]
    if not rows:
        return []
    top = best((r[key] for r in rows if not r.get("spurious")), default=None)
    notes = {True: "<br>spurious: a component describes a few rows", False: ""}
    error = [r.get("heldout_se") for r in rows] if key == "heldout" else []
    return [
        {
            "type": "scatter",
            "mode": "lines+markers",
            "name": name,
            "x": [r["components"] for r in rows],
            "y": [float(r[key]) for r in rows],
            "yaxis": yaxis,
            "line": {"color": colour, "width": 2},
            "error_y": {"array": error, "thickness": 1.5, "width": 4} if any(error) else {},
            "marker": {
                "size": [13 if r[key] == top else 9 for r in rows],
                "symbol": [_symbol(symbol, r[key] == top, bool(r.get("spurious"))) for r in rows],
            },
            "text": ["<br>the best" if r[key] == top else notes[bool(r.get("spurious"))] for r in rows],
            "hovertemplate": f"%{{x}} components<br>{name} %{{y:,.4f}}%{{text}}<extra></extra>",
        }
    ]


def _symbol(symbol: str, best: bool, spurious: bool) -> str:
    return "x-thin-open" if spurious else symbol if best else f"{symbol}-open"
