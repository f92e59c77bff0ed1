"""The data in two dimensions with the components in it."""

from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np

from unseen.core.stats import Array
from unseen.report.palette import INK, axis, layout, literal, percent
from unseen.report.sample import Sample, apart, covariances
from unseen.report.view import View

Spec = dict[str, Any]
PAIRS, COLUMNS = 8, 8
CIRCLE = 2 * np.array([np.cos(np.linspace(0, 2 * np.pi, 61)), np.sin(np.linspace(0, 2 * np.pi, 61))])
DOT, FILLED_IN = "circle", "diamond-open"


def pairs(view: View, sample: Sample) -> tuple[list[tuple[int, int]], list[Spec], Array]:
    """The pairs of numeric columns that tell components apart best, the columns, their covariances."""
    entries = [e for e in view.numeric if e["column"] in sample.columns]
    entries = sorted(entries, key=lambda e: -view.separation(e))[:COLUMNS]
    cov = covariances(view, entries)
    mean = np.array([view.centre(e) for e in entries], float)
    scores = {}
    for a, b in combinations(range(len(entries)), 2):
        ab = np.array([a, b])
        unit = np.array([view.whole(entries[a])[1], view.whole(entries[b])[1]])
        scores[a, b] = apart(view, mean[ab].T / unit, cov[:, ab[:, None], ab] / np.outer(unit, unit))
    best = sorted(scores, key=lambda p: -scores[p])[:PAIRS]
    return best, entries, cov


def scatter(view: View, sample: Sample) -> Spec | None:
    """Sampled rows by component over two numeric columns, with two-sigma ellipses and a menu of other columns."""
    best, entries, cov = pairs(view, sample)
    if not best:
        return None
    drawn = [_pair(view, sample, entries[a], entries[b], cov[:, [[a], [b]], [a, b]]) for a, b in best]
    first = drawn[0]
    traces = _traces(view, sample)
    for i, trace in enumerate(traces):
        trace.update(x=first["x"][i], y=first["y"][i])
        if first["marker.symbol"][i]:
            trace["marker"]["symbol"] = first["marker.symbol"][i]
    menu = {
        "type": "dropdown",
        "x": 0,
        "xanchor": "left",
        "y": 1.0,
        "yanchor": "bottom",
        "pad": {"b": 8},
        "bgcolor": "#ffffff",
        "showactive": True,
        "buttons": [
            {
                "label": d["label"],
                "method": "update",
                "args": [
                    {key: d[key] for key in ("x", "y", "marker.symbol")},
                    {
                        "xaxis.title.text": d["names"][0],
                        "yaxis.title.text": d["names"][1],
                        "xaxis.range": d["ranges"][0],
                        "yaxis.range": d["ranges"][1],
                    },
                ],
            }
            for d in drawn
        ],
    }
    more: Spec = {
        "xaxis": axis(first["names"][0], range=first["ranges"][0], tickformat=",~r"),
        "yaxis": axis(first["names"][1], range=first["ranges"][1], tickformat=",~r"),
        "legend": {
            "orientation": "h",
            "x": 0,
            "xanchor": "left",
            "y": 0,
            "yref": "container",
            "yanchor": "bottom",
        },
    }
    if len(drawn) > 1:
        more["updatemenus"] = [menu]
    return {"data": traces, "layout": layout(590, showlegend=True, **more)}


def _traces(view: View, sample: Sample) -> list[Spec]:
    """Points, ellipses and numbered centres per component, and the legend of filled-in cells; no positions yet."""
    out: list[Spec] = []
    for k in view.order:
        sure = sample.responsibilities[k, sample.states == k]
        out.append(
            {
                "type": "scatter",
                "mode": "markers",
                "showlegend": False,
                "legendgroup": str(k),
                "marker": {"size": 6, "opacity": 0.65, "color": view.colours[k]},
                "customdata": [percent(float(p)) for p in sure],
                "hovertemplate": f"{view.name(k)} with probability %{{customdata}}"
                "<br>%{xaxis.title.text}: %{x:,.4~g}<br>%{yaxis.title.text}: %{y:,.4~g}<extra></extra>",
            }
        )
    common = {"type": "scatter", "hoverinfo": "skip"}
    for k in view.order:
        line = {"color": view.colours[k], "width": 2.5}
        out.append({**common, "mode": "lines", "name": view.legend(k), "legendgroup": str(k), "line": line})
    for k in view.order:
        ring = {"color": view.colours[k], "width": 2.5}
        out.append(
            {
                **common,
                "mode": "markers+text",
                "showlegend": False,
                "legendgroup": str(k),
                "text": [str(k)],
                "textfont": {"size": 12, "color": INK},
                "marker": {"size": 20, "color": "#ffffff", "line": ring},
            }
        )
    if any(not seen.all() for _, seen in sample.columns.values()):
        note = {"type": "scatter", "mode": "markers", "name": "missing cell, filled in by the model"}
        out.append({**note, "marker": {"symbol": FILLED_IN, "size": 8, "color": INK}, "hoverinfo": "skip"})
    return out


def _pair(view: View, sample: Sample, first: Spec, second: Spec, cov: Array) -> Spec:
    """Positions and symbols of every trace for one pair of columns."""
    (u, seen_u), (v, seen_v) = sample.columns[first["column"]], sample.columns[second["column"]]
    states = sample.states
    across, up = view.centre(first), view.centre(second)
    x: list[list[float | None]] = []
    y: list[list[float | None]] = []
    symbols: list[list[str]] = []
    for k in view.order:
        here = states == k
        x.append(_plain(u[here]))
        y.append(_plain(v[here]))
        symbols.append([DOT if s else FILLED_IN for s in (seen_u & seen_v)[here]])
    for k in view.order:
        values, vectors = np.linalg.eigh(cov[k])
        ring = (vectors * np.sqrt(np.maximum(values, 0))) @ CIRCLE
        x.append(_plain(across[k] + ring[0]))
        y.append(_plain(up[k] + ring[1]))
        symbols.append([])
    for k in view.order:
        x.append([float(across[k])])
        y.append([float(up[k])])
        symbols.append([DOT])
    if any(not seen.all() for _, seen in sample.columns.values()):
        x.append([None])
        y.append([None])
        symbols.append([FILLED_IN])
    names = [literal(e["column"], 44) for e in (first, second)]
    short = [literal(e["column"], 24) for e in (first, second)]
    return {
        "x": x,
        "y": y,
        "marker.symbol": [s or None for s in symbols],
        "names": names,
        "label": " × ".join(short),
        "ranges": [_range(values, np.asarray(p[view.count : 2 * view.count], float)) for values, p in ((u, x), (v, y))],
    }


def _plain(values: Array) -> list[float | None]:
    """Numbers with five significant digits: more cannot be seen, and the page stays small."""
    return [float(f"{v:.5g}") for v in values]


def _range(values: Array, rings: Array) -> list[float]:
    """All of the values, or the middle 99 % where a few far ones would squeeze the rest; and the ellipses nearby."""
    low, high = float(values.min()), float(values.max())
    a, b = np.quantile(values, [0.005, 0.995])
    if high - low > 1.8 * (b - a) > 0:
        low, high = float(a), float(b)
    pad = 0.06 * (high - low) or 1.0
    return [
        max(min(low, float(rings.min())), low - 3 * pad) - pad,
        min(max(high, float(rings.max())), high + 3 * pad) + pad,
    ]
