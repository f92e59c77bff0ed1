"""How every plot of the report looks: colours, names that plotly draws literally, axes."""

from __future__ import annotations

import html
import math
from typing import Any

# Okabe & Ito (2008) without yellow and black, then Paul Tol's "muted": told apart with any colour vision
COLOURS = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#CC79A7",
    "#56B4E9",
    "#D55E00",
    "#332288",
    "#999933",
    "#882255",
    "#44AA99",
    "#661100",
    "#777777",
)
INK, MUTED, GRID, ACCENT = "#1f2933", "#52606d", "#e4e7eb", "#0072B2"
GOOD, WARN, BAD = "#00734f", "#8a5a00", "#a62b00"
SEQUENTIAL = [[0.0, "#ffffff"], [0.5, "#8fbfdc"], [1.0, "#0b4f7d"]]
DIVERGING = [[0.0, "#b35806"], [0.25, "#f1a340"], [0.5, "#f7f7f7"], [0.75, "#7fa8d1"], [1.0, "#2b5c9e"]]
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, 'DejaVu Sans', sans-serif"


def shorten(name: object, limit: int = 28) -> str:
    """A name on one line, cut to ``limit`` characters."""
    text = " ".join(str(name).split()) or "(empty)"
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def literal(name: object, limit: int = 28) -> str:
    """A name that plotly draws as it is: no markup, no template, no formula in it can act."""
    text = html.escape(shorten(name, limit), quote=False)
    return text.replace("%", "&#37;").replace("$", "&#36;")


def number(x: float | None, digits: int = 4) -> str:
    """A number for people: thousands separated, no more digits than it needs."""
    if x is None or not math.isfinite(x):
        return "–"
    if x == 0:
        return "0"
    size = math.floor(math.log10(abs(x)))
    if size < -4 or size > 14:
        return f"{x:.{digits - 1}g}".replace("-", "−")
    text = f"{x:,.{max(0, digits - 1 - size)}f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return text.replace("-", "−")


def percent(share: float) -> str:
    """A share as a percentage: small ones keep a digit, and only nothing is 0 %."""
    if 0 < share < 0.0005:
        return "<0.1%"
    if 0.9995 < share < 1:
        return ">99.9%"
    return f"{100 * share:.{0 if share >= 0.0995 or share == 0 else 1}f}%"


def layout(height: int, **more: Any) -> dict[str, Any]:
    """The common layout: light, quiet axes, margins that grow with their labels."""
    style = {
        "font": {"family": FONT, "size": 13, "color": INK},
        "paper_bgcolor": "#ffffff",
        "plot_bgcolor": "#ffffff",
        "colorway": list(COLOURS),
        "hoverlabel": {"align": "left", "namelength": -1, "bgcolor": "#ffffff", "font": {"color": INK}},
        "legend": {"orientation": "h", "x": 0, "xanchor": "left", "y": 1.02, "yanchor": "bottom"},
    }
    base = {
        "template": {"layout": style},
        "height": height,
        "margin": {"l": 10, "r": 16, "t": 10, "b": 10},
        "showlegend": False,
        "hovermode": "closest",
    }
    return {**base, **more}


def axis(title: str = "", **more: Any) -> dict[str, Any]:
    """One axis with its title (already literal)."""
    base = {
        "title": {"text": title, "standoff": 8, "font": {"size": 13, "color": MUTED}},
        "gridcolor": GRID,
        "zeroline": False,
        "showline": True,
        "linecolor": "#9aa5b1",
        "ticks": "outside",
        "tickcolor": "#9aa5b1",
        "automargin": True,
    }
    return {**base, **more}
