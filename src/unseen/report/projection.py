"""The data where there are no two numeric columns to draw it over."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.report.palette import INK, axis, layout, literal, percent
from unseen.report.sample import Sample
from unseen.report.view import View

Spec = dict[str, Any]


def histogram(view: View, sample: Sample, values: Array, seen: Array, title: str) -> Spec:
    """Sampled rows over one number, stacked by component."""
    low, high = float(values[seen].min()), float(values[seen].max())
    edges = np.linspace(low, high if high > low else low + 1, 41)
    middle = (edges[:-1] + edges[1:]) / 2
    data = [
        {
            "type": "bar",
            "name": view.name(k),
            "x": middle.tolist(),
            "y": np.histogram(values[seen & (sample.states == k)], edges)[0].tolist(),
            "width": float(edges[1] - edges[0]),
            "marker": {"color": view.colours[k]},
            "hovertemplate": f"{view.name(k)}: %{{y}} sampled rows near %{{x:,.4~g}}<extra></extra>",
        }
        for k in view.order
    ]
    more = {
        "xaxis": axis(title),
        "yaxis": axis("sampled rows"),
        "barmode": "stack",
        "showlegend": view.count > 1,
    }
    return {"data": data, "layout": layout(420, **more)}


def projection(view: View, sample: Sample) -> Spec:
    """Sampled rows in the plane that shows most of their responsibilities; equal rows make one larger dot."""
    r = sample.responsibilities
    centred = r - r.mean(axis=1, keepdims=True)
    vectors, singular, _ = np.linalg.svd(centred, full_matrices=False)
    share = singular**2 / max(float((singular**2).sum()), 1e-300)
    plane = vectors[:, :2]
    # the sign of a singular vector means nothing: fix it, so that the same fit gives the same picture
    plane = plane * np.where(plane[np.abs(plane).argmax(axis=0), np.arange(2)] < 0, -1, 1)
    spots, counts = np.unique(np.column_stack([(plane.T @ r).T.round(2), sample.states]), axis=0, return_counts=True)
    data: list[Spec] = []
    for k in view.order:
        here = spots[:, 2] == k
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": view.legend(k),
                "legendgroup": str(k),
                "x": spots[here, 0].tolist(),
                "y": spots[here, 1].tolist(),
                "customdata": counts[here].tolist(),
                "marker": {
                    "size": (6 + 3 * np.sqrt(counts[here])).clip(max=60).round(1).tolist(),
                    "opacity": 0.6,
                    "color": view.colours[k],
                },
                "hovertemplate": f"{view.name(k)}: %{{customdata}} sampled rows<extra></extra>",
            }
        )
    corners = {
        "type": "scatter",
        "mode": "markers+text",
        "x": plane[view.order, 0].tolist(),
        "y": plane[view.order, 1].tolist(),
        "text": [str(k) for k in view.order],
        "textfont": {"size": 12, "color": INK},
        "marker": {
            "size": 20,
            "color": "#ffffff",
            "line": {"width": 2.5, "color": [view.colours[k] for k in view.order]},
        },
        "showlegend": False,
        "hoverinfo": "skip",
    }
    x, y = (
        axis(f"{word} principal component of responsibilities ({percent(float(s))})")
        for word, s in zip(("first", "second"), share, strict=False)
    )
    return {"data": [*data, corners], "layout": layout(520, showlegend=True, xaxis=x, yaxis=y)}


def flat(view: View, sample: Sample) -> Spec:
    """The best picture without two numeric columns: one number, the responsibilities, or the log-density."""
    for entry in view.numeric:
        if entry["column"] in sample.columns and sample.columns[entry["column"]][1].any():
            return histogram(view, sample, *sample.columns[entry["column"]], literal(entry["column"], 44))
    if view.count > 2:
        return projection(view, sample)
    finite = np.isfinite(sample.density)
    return histogram(view, sample, np.where(finite, sample.density, 0.0), finite, "log-density of the row")
