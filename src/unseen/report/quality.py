"""Plots of how sure the assignment is, and of how much of the data is missing."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.report.palette import ACCENT, COLOURS, axis, layout, literal, percent
from unseen.report.view import View

Spec = dict[str, Any]
MOST_COLUMNS = 40


def shares(view: View) -> np.ndarray[Any, Any]:
    """Share of the rows in each bin of the largest responsibility, bins over [0, 1]."""
    counts = np.asarray(view.result.confidence, float)
    return counts / counts.sum() if counts.sum() > 0 else np.zeros(0)


def confidence(view: View) -> Spec | None:
    """Histogram of the largest responsibility of each row."""
    share = shares(view)
    if not view.description.discrete or view.count < 2 or not len(share):
        return None
    width = 1 / len(share)
    low = np.arange(len(share)) * width
    first = int(np.floor(1 / view.count / width))  # the largest of K responsibilities is at least 1/K
    bars = {
        "type": "bar",
        "x": (low + width / 2).round(6).tolist(),
        "y": share.tolist(),
        "width": width * 0.94,
        "marker": {"color": ACCENT},
        "customdata": [
            f"{a:.2f} to {a + width:.2f}: {percent(s)} of the rows" for a, s in zip(low, share, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    x = axis(f"probability of the most probable {view.noun}", range=[max(0, low[first] - width), 1.005])
    return {
        "data": [bars],
        "layout": layout(320, xaxis=x, yaxis=axis("share of rows", tickformat=".0%", rangemode="tozero")),
    }


def missing(view: View) -> Spec | None:
    """Share of missing cells per column, the most incomplete column on top."""
    columns = sorted((c for c in view.result.profile.columns if c.missing), key=lambda c: -c.missing / c.rows)
    if not columns:
        return None
    columns = columns[:MOST_COLUMNS]
    share = [c.missing / c.rows for c in columns]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": share,
        "y": list(range(len(columns))),
        "marker": {"color": COLOURS[5]},
        "text": [percent(s) for s in share],
        "textposition": "outside",
        "cliponaxis": False,
        "width": 0.7,
        "customdata": [f"{literal(c.name, 60)}: {c.missing:,} of {c.rows:,} cells missing" for c in columns],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    names = [literal(c.name, 30) for c in columns]
    y = axis(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[max(len(names), 6) - 0.4, -0.6],
        showgrid=False,
        ticks="",
        ticklabelstandoff=6,
    )
    top = min(1.0, max(share) * 1.25)
    x = axis("share of missing cells", tickformat=".0%" if top > 0.05 else ".1%", range=[0, top], nticks=6)
    return {
        "data": [bars],
        "layout": layout(max(320, 90 + 26 * len(names)), xaxis=x, yaxis=y, margin={"l": 10, "r": 50, "t": 10, "b": 10}),
    }
