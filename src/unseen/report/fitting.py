"""Plots of how the fit went: log-likelihood, remaining gain, restarts."""

from __future__ import annotations

from typing import Any

import numpy as np

from unseen.report.palette import ACCENT, BAD, COLOURS, INK, axis, layout
from unseen.report.view import View

Spec = dict[str, Any]


def _path(view: View) -> tuple[list[int], list[float], list[str], float]:
    """Iterations, the objective before each of their M-steps as a total, what happened in them, and its final value.

    A start may give some row no density at all, which the first M-step mends: such iterations have no place on a plot.
    """
    r = view.result
    drawn = [t for t in r.trace if np.isfinite(t.objective)]
    return (
        [t.iteration - 1 for t in drawn],
        [t.objective * r.weight for t in drawn],
        [", ".join(f"{n}: {c}" for n, c in t.events.items()) for t in drawn],
        r.loglik + r.log_prior,
    )


def loglik(view: View) -> Spec | None:
    """The log-likelihood (with a prior: log-posterior) after each iteration of the winning run."""
    steps, values, events, final = _path(view)
    if not steps:
        return None
    word = "log-posterior" if view.result.log_prior else "log-likelihood"
    events = [*events, ""]
    data: list[Spec] = [
        {
            "type": "scatter",
            "mode": _mode(steps),
            "x": [*steps, steps[-1] + 1],
            "y": [*values, final],
            "text": [f"<br>{e}" if e else "" for e in events],
            "marker": {"size": 5},
            "line": {"color": ACCENT, "width": 2},
            "hovertemplate": f"after %{{x}} iterations<br>{word} %{{y:,.4f}}%{{text}}<extra></extra>",
        }
    ]
    hit = [i for i, e in enumerate(events) if e]
    if 0 < len(hit) <= max(3, len(steps) // 4):  # crosses on every point would hide the line
        data.append(
            {
                "type": "scatter",
                "mode": "markers",
                "x": [steps[i] for i in hit],
                "y": [values[i] for i in hit],
                "marker": {"symbol": "x", "size": 8, "color": BAD},
                "hoverinfo": "skip",
            }
        )
    return {
        "data": data,
        "layout": layout(320, xaxis=axis("iterations"), yaxis=axis(word, tickformat=",~r")),
    }


def _mode(steps: list[int]) -> str:
    """Dots as long as they can be told apart."""
    return "lines+markers" if len(steps) <= 80 else "lines"


def gain(view: View) -> Spec | None:
    """What was still to be gained at each iteration, on a log scale: a straight line is EM's linear rate."""
    steps, values, _, final = _path(view)
    left = [(s, final - v) for s, v in zip(steps, values, strict=True) if final - v > 0]
    if len(left) < 2:
        return None
    trace = {
        "type": "scatter",
        "mode": _mode(steps),
        "x": [s for s, _ in left],
        "y": [g for _, g in left],
        "marker": {"size": 5},
        "line": {"color": COLOURS[2], "width": 2},
        "hovertemplate": "after %{x} iterations<br>%{y:.3g} still to gain<extra></extra>",
    }
    y = axis("gain still to come (log scale)", type="log", exponentformat="power", dtick=_decades(left))
    return {"data": [trace], "layout": layout(320, xaxis=axis("iterations"), yaxis=y)}


def _decades(left: list[tuple[int, float]]) -> int:
    span = np.log10(max(g for _, g in left)) - np.log10(min(g for _, g in left))
    return max(1, int(np.ceil(span / 6)))


KINDS = (
    ("finished", COLOURS[0], "circle"),
    ("short run only", "#9aa5b1", "circle-open"),
    ("spurious", BAD, "x"),
)


def restarts(view: View) -> Spec | None:
    """The objective that each start reached."""
    table = [a for a in view.result.restarts if np.isfinite(a["objective"])]
    if len(table) < 2:
        return None

    def kind(a: dict[str, Any]) -> str:
        return "spurious" if a.get("spurious") else "finished" if a.get("finished") else "short run only"

    data: list[Spec] = []
    for name, colour, symbol in KINDS:
        rows = [a for a in table if kind(a) == name]
        if rows:
            data.append(
                {
                    "type": "scatter",
                    "mode": "markers",
                    "name": name,
                    "x": [a["start"] for a in rows],
                    "y": [a["objective"] for a in rows],
                    "marker": {"color": colour, "symbol": symbol, "size": 10},
                    "text": [_attempt(a) for a in rows],
                    "hovertemplate": "start %{x}: %{y:.6f} per row<br>%{text}<extra></extra>",
                }
            )
    best = chosen(view)
    assert best is not None
    data.append(
        {
            "type": "scatter",
            "mode": "markers",
            "name": "chosen",
            "x": [best["start"]],
            "y": [best["objective"]],
            "marker": {"symbol": "circle-open", "size": 19, "color": INK, "line": {"width": 2}},
            "hoverinfo": "skip",
        }
    )
    values = [a["objective"] for a in table]
    pad = max(0.08 * (max(values) - min(values)), 1e-3 * (1 + abs(max(values))))
    x = axis("start", **({"dtick": 1} if len(table) <= 20 else {}))
    y = axis("log-likelihood per row", range=[min(values) - pad, max(values) + pad])
    return {"data": data, "layout": layout(320, showlegend=True, xaxis=x, yaxis=y)}


def chosen(view: View) -> dict[str, Any] | None:
    """The attempt that was kept: the best of the finished ones that are not spurious, as far as there are any."""
    table = [a for a in view.result.restarts if np.isfinite(a["objective"])]
    finished = [a for a in table if a.get("finished")]
    sound = [a for a in finished if not a.get("spurious")] or finished or table
    return max(sound, key=lambda a: a["objective"], default=None)


def _attempt(a: dict[str, Any]) -> str:
    found = f"found by {a['hits']} of the finished starts" if a.get("finished") else "not among the finished"
    return f"{a['iterations']} iterations, {a['outcome']}<br>{found}"
