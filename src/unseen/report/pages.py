"""The page: one HTML file with everything in it, which asks nobody for anything."""

from __future__ import annotations

import base64
import hashlib
import json
import math
from html import escape
from importlib.resources import files
from string import Template
from typing import Any

import unseen
from unseen.core.description import plural
from unseen.report.cards import Card, cards
from unseen.report.sample import Sample
from unseen.report.tables import columns, components, facts, headline, outcome, tiles
from unseen.report.view import View

SECTIONS = {
    "components": ("The {nouns}", components),
    "tables": ("The {nouns} in numbers", None),
    "data": ("The data", None),
    "columns": ("Column by column", columns),
    "quality": ("Certainty and missing cells", None),
    "fit": ("How the fit went", facts),
}
LEAD = (
    "Plots of one column: a dot is the mean, its bar reaches one standard deviation to either side, and the "
    "dashed line is the average."
)


def page(view: View, sample: Sample | None) -> str:
    """The HTML of the report."""
    drawn = cards(view, sample)
    script, plotly = _resource("page.js"), _plotly()
    heading = headline(view)
    name, message, tone = outcome(view.result.outcome)
    return Template(_resource("template.html")).substitute(
        policy=policy(plotly, script),
        version=escape(unseen.__version__),
        title=escape(f"{heading} · unseen report"),
        style=_resource("style.css"),
        heading=escape(heading),
        tone=tone,
        outcome=escape(name),
        message=escape(message),
        tiles=tiles(view),
        warnings=_warnings(view.result.warnings),
        sections="\n".join(_section(view, key, drawn) for key in SECTIONS),
        footer=_footer(view, sample),
        specs="\n".join(_spec(i, c) for i, c in enumerate(drawn) if c.spec is not None),
        plotly=plotly,
        script=script,
    )


def policy(*scripts: str) -> str:
    """Allow these scripts and nothing else: no other script, no connection, no outside image or font."""
    hashes = (base64.b64encode(hashlib.sha256(s.encode()).digest()).decode() for s in scripts)
    allowed = " ".join(f"'sha256-{h}'" for h in hashes)
    return f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline'; img-src data: blob:"


def _resource(name: str) -> str:
    return files("unseen.report").joinpath(name).read_text(encoding="utf-8")


def _plotly() -> str:
    from plotly.offline import get_plotlyjs

    return str(get_plotlyjs())


def _section(view: View, key: str, drawn: list[Card]) -> str:
    title, table = SECTIONS[key]
    inner = "\n".join(_card(i, c) for i, c in enumerate(drawn) if c.section == key)
    lead = f'<p class="lead">{LEAD}</p>\n' if key == "columns" and view.numeric else ""
    plots = f'{lead}<div class="grid">\n{inner}\n</div>\n' if inner else ""
    words = table(view) if table else ""
    if not plots + words:
        return ""
    return f'<section id="{key}">\n<h2>{title.format(nouns=plural(view.noun))}</h2>\n{plots}{words}</section>'


def _card(i: int, card: Card) -> str:
    note = (
        f'<p class="note">{escape(card.reading)}</p>'
        if card.reading and (card.spec is not None or card.numbers)
        else ""
    )
    body = f'<p class="empty">{escape(card.empty)}</p>' if card.empty else ""
    if card.spec is not None:
        height = card.spec["layout"]["height"]
        body = (
            f'<div class="plot" id="plot-{i}" data-spec="spec-{i}" data-name="{escape(card.key)}" role="img" '
            f'aria-label="{escape(card.title)}" style="min-height: {height}px"></div>'
        )
    heading = f"<h3>{escape(card.title)}</h3>{note}"
    return f'<article class="card{" wide" * card.wide}">\n{heading}\n{body}\n{card.numbers}</article>'


def _spec(i: int, card: Card) -> str:
    """A figure as JSON that cannot end its script element, whatever its strings say."""
    text = json.dumps(_clean(card.spec), ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    text = text.replace("<", "\\u003c").replace("\u2028", "\\u2028").replace("\u2029", "\\u2029")
    return f'<script type="application/json" id="spec-{i}">{text}</script>'


def _clean(value: Any) -> Any:
    """The same value with what JSON has no word for (NaN, infinities) as null."""
    if isinstance(value, dict):
        return {k: _clean(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_clean(v) for v in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def _warnings(texts: list[str]) -> str:
    if not texts:
        clear = "Nothing about this fit calls for a warning."
        return f'<section class="warnings clear"><h2>No warnings</h2><p>{clear}</p></section>'
    items = "".join(f"<li>{escape(t)}</li>" for t in texts)
    count = f"{len(texts)} warnings" if len(texts) > 1 else "One warning"
    return f'<section class="warnings"><h2>{count}</h2><ul>{items}</ul></section>'


def _footer(view: View, sample: Sample | None) -> str:
    shown = view.notice
    if sample is not None:
        shown = f"This page shows {sample.rows:,} sampled rows of the data: pass it on with the same care."
    return f"{shown} It is one file and works without a network. Written by unseen {escape(unseen.__version__)}."
