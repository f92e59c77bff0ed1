"""Plots of what the components look like, column by column, in the data's own units."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.report.palette import DIVERGING, INK, MUTED, SEQUENTIAL, axis, layout, literal, number, percent
from unseen.report.view import View

Spec = dict[str, Any]
MOST_CATEGORIES = 14
FAR = 2.5  # standard deviations at which the colours of the overview end


def _component_axis(view: View, **more: Any) -> Spec:
    """Components down the side, the heaviest on top; names, not numbers, so that axes say what they show."""
    names = [view.name(k) for k in view.order]
    return axis(
        tickvals=list(range(len(names))),
        ticktext=names,
        range=[len(names) - 0.4, -0.6],
        ticks="",
        ticklabelstandoff=6,
        **more,
    )


def numeric(view: View, entry: dict[str, Any]) -> Spec:
    """Mean and one standard deviation to either side of each component; to the right, the shares of its atoms."""
    sd, (whole, _) = view.sd(entry), view.whole(entry)
    mean = np.where(view.beside(entry) > 0, np.asarray(entry["mean"], float), np.nan)
    told = [view.atoms(entry, k) for k in view.order]
    data = [
        {
            "type": "scatter",
            "mode": "markers",
            "x": [float(mean[k]) if np.isfinite(mean[k]) else None],
            "y": [i],
            "error_x": {"array": [float(sd[k])], "color": view.colours[k], "thickness": 3, "width": 0},
            "marker": {"size": 12, "color": view.colours[k], "line": {"color": "#ffffff", "width": 1.5}},
            "hovertemplate": f"{view.name(k)}: {number(mean[k])} ± {number(sd[k])}"
            + f"<br>{literal(told[i], 120)}" * bool(told[i])
            + "<extra></extra>",
        }
        for i, k in enumerate(view.order)
    ]
    low, high = (pick([whole, *ends[np.isfinite(ends)]]) for pick, ends in ((min, mean - sd), (max, mean + sd)))
    pad = 0.05 * (high - low) or 1.0
    line = {"type": "line", "x0": whole, "x1": whole, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    return {
        "data": data,
        "layout": layout(
            96 + 28 * view.count,
            xaxis=axis(literal(entry["column"], 44), nticks=7, tickformat=",~r", range=[low - pad, high + pad]),
            yaxis=_component_axis(view, showgrid=False),
            shapes=[{**line, "line": {"color": MUTED, "width": 1, "dash": "dash"}}],
            **_at_the_side(told),
        ),
    }


def _at_the_side(told: list[str]) -> Spec:
    """Words to the right of the lines, with the room that they take."""
    if not any(told):
        return {}
    short = [literal(text, 30) for text in told]
    note = {"xref": "paper", "x": 1, "xanchor": "left", "xshift": 8, "showarrow": False, "align": "left"}
    notes = [{**note, "y": i, "text": text, "font": {"size": 12, "color": MUTED}} for i, text in enumerate(short)]
    room = 20 + 7 * max(len(text) for text in told if text[:30])
    return {"annotations": notes, "margin": {"l": 10, "r": min(room, 230), "t": 10, "b": 10}}


def categorical(view: View, entry: dict[str, Any]) -> Spec:
    """Probabilities of the categories that matter most to some component; the rest is one column."""
    p = np.asarray(entry["probabilities"], float)[view.order]
    names = [str(c) for c in entry["categories"]]
    top, rest = np.arange(len(names)), np.array([], int)
    if len(names) > MOST_CATEGORIES:
        ranked = np.argsort(-(p.max(axis=0) + (view.weights[view.order] @ p)), kind="stable")
        top, rest = np.sort(ranked[: MOST_CATEGORIES - 1]), ranked[MOST_CATEGORIES - 1 :]
    labels = [literal(names[c], 14) for c in top]
    hover = [literal(names[c], 60) for c in top]
    z = p[:, top]
    if len(rest):
        labels.append(f"{len(rest)} others")
        hover.append(f"{len(rest)} other categories together")
        z = np.column_stack([z, p[:, rest].sum(axis=1)])
    heat = {
        "type": "heatmap",
        "z": z.round(6).tolist(),
        "x": list(range(len(labels))),
        "y": list(range(view.count)),
        "zmin": 0,
        "zmax": max(0.25, float(p[:, top].max())),
        "colorscale": SEQUENTIAL,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": [[_short(v) for v in row] for row in z],
        "texttemplate": "%{text}",
        "textfont": {"size": 11},
        "customdata": [[f"{view.name(k)}, {h}: {percent(v)}" for h, v in zip(hover, row, strict=True)]
                       for k, row in zip(view.order, z, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }  # fmt: skip
    x = axis(
        literal(entry["column"], 44),
        tickvals=list(range(len(labels))),
        ticktext=labels,
        showgrid=False,
        showline=False,
        ticks="",
    )
    y = _component_axis(view, showgrid=False, showline=False)
    return {"data": [heat], "layout": layout(96 + 30 * view.count, xaxis=x, yaxis=y)}


def _short(share: float) -> str:
    return "" if share < 0.005 else f"{100 * share:.0f}"


def overview(view: View) -> Spec | None:
    """Every numeric column at once: how far each component lies from the average."""
    entries = view.numeric
    if len(entries) < 2 or view.count < 2:
        return None
    z = np.array([view.standing(e) for e in entries])[:, view.order].T
    means = np.array([np.where(view.beside(e) > 0, e["mean"], np.nan) for e in entries], float)[:, view.order].T
    few = len(entries) <= 14
    heat = {
        "type": "heatmap",
        "z": z.round(3).tolist(),
        "x": list(range(len(entries))),
        "y": list(range(view.count)),
        "zmin": -FAR,
        "zmax": FAR,
        "colorscale": DIVERGING,
        "xgap": 2,
        "ygap": 2,
        "text": [[number(m, 3) for m in row] for row in means],
        "texttemplate": "%{text}" if few else "",
        "textfont": {"size": 12},
        "customdata": [[f"{view.name(k)}, {literal(e['column'], 60)}" for e in entries] for k in view.order],
        "hovertemplate": "%{customdata}<br>mean %{text}, %{z:+.2f} sd from the average<extra></extra>",
        "colorbar": {
            "thickness": 12,
            "tickvals": [-2, 0, 2],
            "ticktext": ["2 sd below", "average", "2 sd above"],
            "outlinewidth": 0,
            "tickfont": {"color": INK},
        },
    }
    x = axis(
        tickvals=list(range(len(entries))),
        ticktext=[literal(e["column"], 22) for e in entries],
        showgrid=False,
        showline=False,
        ticks="",
        showticklabels=len(entries) <= 60,
    )
    y = _component_axis(view, showgrid=False, showline=False)
    # names that do not fit side by side are turned, and must not take the room of the rows
    names = [len(literal(e["column"], 22)) for e in entries] if len(entries) <= 60 else [0]
    turned = 6 * max(names) if 8 * len(names) * max(names) > 800 else 0
    return {"data": [heat], "layout": layout(92 + turned + 34 * view.count, xaxis=x, yaxis=y)}
