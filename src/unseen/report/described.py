"""The tables of a description: as figures where their numbers have a scale, and as HTML."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np

from unseen.core.table import Labels, Scale, Table
from unseen.report.palette import ACCENT, DIVERGING, MUTED, SEQUENTIAL, axis, layout, literal, number, shorten
from unseen.report.view import View
from unseen.summary.tabled import cell, facts

Spec = dict[str, Any]
MOST_DRAWN, MOST_ROWS = 40, 200


def figure(view: View, t: Table) -> Spec | None:
    """Draw a table by the scale of its numbers; None for one that is best read as text."""
    if max(t.values.shape) > MOST_DRAWN or t.columns_are == Labels.NAMES and t.scale != Scale.DURATION:
        return None
    if t.scale in (Scale.PROBABILITY, Scale.CORRELATION):
        return _heat(t)
    if t.scale == Scale.RATIO:
        return _ratios(view, t)
    return _bars(view, t) if t.scale == Scale.DURATION else None


def _down(t: Table, **more: Any) -> Spec:
    """The rows of a table down the side, the first on top."""
    names, n = [literal(row, 30) for row in t.rows], len(t.rows)
    return axis(
        tickvals=list(range(n)),
        ticktext=names,
        range=[max(n, 2) - 0.4, -0.6],
        ticks="",
        ticklabelstandoff=6,
        **more,
    )


def _heat(t: Table) -> Spec:
    """A cell's colour is its number: probabilities from white to blue, correlations orange, white, blue."""
    probable = t.scale == Scale.PROBABILITY
    heat = {
        "type": "heatmap",
        "z": t.values.round(6).tolist(),
        "x": list(range(len(t.columns))),
        "y": list(range(len(t.rows))),
        "zmin": 0 if probable else -1,
        "zmax": 1,
        "colorscale": SEQUENTIAL if probable else DIVERGING,
        "showscale": False,
        "xgap": 2,
        "ygap": 2,
        "text": [[_rounded(x) for x in row] for row in t.values],
        "texttemplate": "%{text}" if len(t.columns) <= 14 else "",
        "customdata": [
            [f"{literal(r, 60)}, {literal(c, 60)}: {number(float(x))}" for c, x in zip(t.columns, row, strict=True)]
            for r, row in zip(t.rows, t.values, strict=True)
        ],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    names = [literal(c, 22) for c in t.columns]
    x = axis(tickvals=list(range(len(names))), ticktext=names, showgrid=False, showline=False, ticks="")
    y = _down(t, showgrid=False, showline=False)
    return {
        "data": [heat],
        "layout": layout(100 + 32 * max(len(t.rows), 2), xaxis=x, yaxis=y, margin={"l": 10, "r": 16, "t": 32, "b": 10}),
    }


def _rounded(x: float) -> str:
    return "" if not np.isfinite(x) else f"{x:.2f}".replace("-", "−")


def _ratios(view: View, t: Table) -> Spec:
    """One dot per part and row on a logarithmic axis, with a line at 1."""
    several = len(t.columns) > 1
    n = len(t.rows)
    data = []
    for k, name in enumerate(t.columns):
        drawn = [float(x) if np.isfinite(x) and x > 0 else None for x in t.values[:, k]]
        said = [f"{literal(name)}, {literal(r, 60)}: {number(x)}" for r, x in zip(t.rows, drawn, strict=True)]
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "name": literal(name),
                "x": drawn,
                "y": list(range(n)),
                "marker": {"size": 12, "color": view.colours.get(k, ACCENT), "line": {"color": "#fff", "width": 1.5}},
                "customdata": said,
                "hovertemplate": "%{customdata}<extra></extra>",
            }
        )
    line = {"type": "line", "x0": 1, "x1": 1, "yref": "paper", "y0": 0, "y1": 1, "layer": "below"}
    x = axis(t.title.lower(), type="log", tickformat=",~r", dtick="D2")
    known = t.values[np.isfinite(t.values) & (t.values > 0)]
    low, high = (float(np.log10(end)) for end in (min([1.0, *known]), max([1.0, *known])))
    pad = 0.08 * (high - low) or 0.3
    x["range"] = [low - pad, high + pad]
    if high - low > 3:  # digits between the powers of ten would not fit
        x["dtick"] = max(1, round((high - low) / 8))
        x["tickformat"] = ".0e" if high - low > 8 else ",~r"
    more: Spec = {"margin": {"l": 10, "r": 16, "t": 40, "b": 10}} if several else {}
    shapes = [{**line, "line": {"color": MUTED, "width": 1, "dash": "dash"}}]
    height = 110 + 30 * max(n, 2) + 30 * several
    return {
        "data": data,
        "layout": layout(height, xaxis=x, yaxis=_down(t), shapes=shapes, showlegend=several, **more),
    }


def _bars(view: View, t: Table) -> Spec:
    """One bar per row for the first column; what has no end has no bar, and says so."""
    values = t.values[:, 0]
    ends = np.isfinite(values)
    colours = [view.colours.get(k, ACCENT) if t.rows_are == Labels.PARTS else ACCENT for k in range(len(t.rows))]
    words = [
        number(float(x), 3) if e else "no end" if np.isinf(x) else "unknown" for x, e in zip(values, ends, strict=True)
    ]
    bars = {
        "type": "bar",
        "orientation": "h",
        "x": np.where(ends, values, 0.0).tolist(),
        "y": list(range(len(t.rows))),
        "width": 0.6,
        "marker": {"color": colours},
        "text": words,
        "textposition": "outside",
        "cliponaxis": False,
        "customdata": [f"{literal(r, 60)}: {w} {literal(t.columns[0])}" for r, w in zip(t.rows, words, strict=True)],
        "hovertemplate": "%{customdata}<extra></extra>",
    }
    top = 1.15 * max([1.0, *values[ends].tolist()])
    x = axis(literal(t.columns[0]), range=[0, top], tickformat=",~r", nticks=7)
    margin = {"l": 10, "r": 40, "t": 10, "b": 10}
    height = 90 + 32 * max(len(t.rows), 2)
    return {"data": [bars], "layout": layout(height, xaxis=x, yaxis=_down(t, showgrid=False), margin=margin)}


def numbers(t: Table) -> str:
    """Return a table as HTML."""
    shown = range(len(t.rows))[:MOST_ROWS]
    body = [[t.rows[i], *(_cell(t, i, j) for j in range(len(t.columns)))] for i in shown]
    left = f"The first {MOST_ROWS} of {len(t.rows):,} rows." if len(t.rows) > MOST_ROWS else ""
    return _table(t.columns, body) + (f'<p class="note">{left}</p>' if left else "")


def simple(view: View) -> str:
    """Return the simple facts of the description as HTML; empty where it has none."""
    known = [[name, value] for name, value in facts(view.description)]
    return _table((), known) if known else ""


def _cell(t: Table, i: int, j: int) -> str:
    value = float(t.values[i, j])
    if not np.isfinite(value):
        return "–" if np.isnan(value) else "∞".rjust(1 + (value < 0), "−")
    plain = t.scale != Scale.PROBABILITY and (t.errors is None or not np.isfinite(t.errors[i, j]))
    return number(value) if plain else cell(t, i, j).replace("-", "−")


def _table(heads: tuple[str, ...], body: list[list[str]]) -> str:
    top = "".join(f'<th class="n">{escape(shorten(h))}</th>' for h in heads)
    rows = "".join(
        f"<tr><td>{escape(shorten(name, 60))}</td>{''.join(f'<td class=n>{escape(c)}</td>' for c in cells)}</tr>"
        for name, *cells in body
    )
    head = f"<thead><tr><th></th>{top}</tr></thead>" if heads else ""
    return f'<div class="table"><table>{head}<tbody>{rows}</tbody></table></div>'
