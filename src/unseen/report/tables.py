"""The words and tables of the report."""

from __future__ import annotations

from collections.abc import Iterable
from html import escape
from typing import Any

import numpy as np

from unseen.core.description import plural
from unseen.core.stop import CAP, CONVERGED, FAILED, FELL, INTERRUPTED, STALLED, TIME, Outcome
from unseen.report.palette import number, percent, shorten
from unseen.report.view import View
from unseen.summary.facts import nats, search_seconds
from unseen.summary.occupancy import rows_by_part

MOST_NUMBERS = 200
LEADS = {
    CONVERGED: "The parameters have settled",
    STALLED: "The fit came to rest, but not as exactly as was asked",
    CAP: "The fit was cut off before it had settled",
    TIME: "The fit ran out of time before it had settled",
    FELL: "Something is wrong with this fit",
    INTERRUPTED: "The fit was stopped by hand before it had settled",
    FAILED: "The fit broke down",
}


def headline(view: View) -> str:
    """What was fitted to what, in one line."""
    profile, kind = view.result.profile, type(view.result.model).__name__
    columns = len({e["column"] for e in view.profiles}) or len(profile.columns)
    to = f"{profile.rows:,} rows × {columns} column{'s' * (columns != 1)}"
    if not view.count:
        return f"{kind} fitted to {to}"
    return f"{kind} of {view.count} {view.noun}{'s' * (view.count != 1)} fitted to {to}"


def outcome(ended: Outcome) -> tuple[str, str, str]:
    """Name, sentence and tone of an outcome."""
    tone = {CONVERGED: "good", FAILED: "bad", FELL: "bad"}.get(ended.name, "warn")
    lead = LEADS.get(ended.name, "How the fit ended")
    return ended.name, f"{lead}: {ended.message}" + "." * (not ended.message.endswith((".", "!"))), tone


def tiles(view: View) -> str:
    """The key numbers."""
    r = view.result
    cells = sum(c.rows for c in r.profile.columns)
    gaps = sum(c.missing for c in r.profile.columns)
    total = search_seconds(r)
    shown = [
        ("log-likelihood" + " (density)" * (r.volume is not None), number(r.loglik, 7)),
        *([("log-probability of cells", number(r.log_probability, 7))] if r.volume is not None else []),
        ("BIC", number(r.bic, 7)),
        *([("ICL", number(r.icl, 7))] if view.description.discrete else []),
        ("AIC", number(r.aic, 7)),
        ("parameters", f"{r.size:,}"),
        *([(f"{plural(view.noun)}", f"{view.count}")] if view.count else []),
        ("rows", f"{r.profile.rows:,}"),
        *([("rows that count", number(r.weight, 7))] if abs(r.weight - r.profile.rows) > 1e-9 * r.weight else []),
        ("missing", percent(gaps / cells) if cells else "0%"),
        ("iterations", f"{r.iterations:,}"),
        ("seconds" if total is None else "seconds, whole search", number(r.seconds if total is None else total, 2)),
    ]
    return "".join(f'<div class="tile"><b>{escape(v)}</b><span>{escape(k)}</span></div>\n' for k, v in shown)


def components(view: View) -> str:
    """The components, the heaviest first, with what sets each apart."""
    if not view.count or not view.profiles:
        return ""
    rows, rows_each = [], rows_by_part(view.result)
    top = float(view.weights.max())
    for k in view.order:
        share = float(view.weights[k])
        swatch = f'<span class="swatch" style="background: {view.colours[k]}"></span>'
        cells = [f'<td class="name">{swatch}{escape(view.name(k))}</td>']
        if view.weighted:
            bar = f'<span class="bar" style="width: {80 * share / top:.0f}px; background: {view.colours[k]}"></span>'
            cells.append(f'<td class="n">{percent(share)}</td><td>{bar}</td>')
        if rows_each is not None:
            cells.append(f'<td class="n">{_rows(float(rows_each[k]))}</td>')
        marks = "".join(f"<span>{escape(m)}</span>" for m in view.marks(k))
        cells.append(f'<td><div class="marks">{marks or "<span>close to the average row everywhere</span>"}</div></td>')
        rows.append("<tr>" + "".join(cells) + "</tr>")
    heads = [f"<th>{view.noun}</th>"]
    if view.weighted:
        heads.append('<th class="n">share</th><th></th>')
    if rows_each is not None:
        heads.append('<th class="n">rows</th>')
    heads.append("<th>what sets it apart</th>")
    lasting = "A share is that of a chain that has run for long. " if view.description.long_run else ""
    note = (
        f"Sorted by {'share' if lasting else 'weight'}. {lasting}The number of a {view.noun} is the label that "
        f"<code>assign</code> gives to its rows, and its colour is the same in every plot. The average is that over "
        f"all {plural(view.noun)}, by their {'shares' if lasting else 'weights'}."
    )
    return (
        f'<div class="card"><p class="note">{note}</p>'
        f'<div class="table"><table class="components"><thead><tr>{"".join(heads)}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody>"
        "</table></div></div>\n"
    )


def _rows(weight: float) -> str:
    return f"{weight:,.0f}" if weight >= 100 else f"{weight:,.1f}"


def numbers(view: View) -> str:
    """Every mean and standard deviation as text, for reading and copying."""
    entries = view.numeric[:MOST_NUMBERS]
    if not entries or not view.count:
        return ""
    head = ["column", "average", *(view.name(k) for k in view.order)]
    body = []
    for e in entries:
        sd, beside = view.sd(e), view.beside(e)
        pairs = [view.whole(e), *((float(e["mean"][k]), float(sd[k])) for k in view.order)]
        told = [f"{number(m)} ± {number(s, 3)}" for m, s in pairs]
        for i, k in enumerate(view.order, 1):
            told[i] = ", ".join(t for t in (told[i] * bool(beside[k]), view.atoms(e, k)) if t)
        body.append([shorten(e["column"], 60), *told])
    return _details("The same in numbers: mean ± standard deviation, and the shares of single values", head, body)


def columns(view: View) -> str:
    """What was found in each column, what was decided about it, and all means and deviations as text."""
    return decisions(view) + numbers(view)


def decisions(view: View) -> str:
    """The family of every column, with what in the data speaks for it."""
    rows = view.result.profile.rows
    body = [
        [
            shorten(c["column"], 60),
            c["kind"],
            (c["family"] or "left out").replace("_", " "),
            percent(c["missing"] / rows) if c.get("missing") else "–",
            number(step, 3) if (step := c.get("resolution")) else "–",
            c["note"] or "–",
        ]
        for c in view.result.columns
    ]
    if not body:
        return ""
    read = "".join(f"<li>{escape(note)}</li>" for note in view.result.told)
    told = f'<p class="note">How the data was read:</p><ul class="note">{read}</ul>' if read else ""
    return told + _details(
        "What each column is", ["column", "type", "family", "missing", "recorded in steps of", "why"], body
    )


def facts(view: View) -> str:
    """How the fit was made: what another person needs to repeat it."""
    r = view.result
    spent = [(t.seconds_e, t.seconds_m) for t in r.trace]
    e, m = np.sum(spent, axis=0) if spent else (0.0, 0.0)
    lines: list[tuple[str, Any]] = [
        ("model", type(r.model).__name__),
        ("families", ", ".join(sorted({str(p.get("family", "")) for p in view.profiles} - {""})) or "–"),
        ("seed", r.seed),
        *((k, _plain(v)) for k, v in r.options.items() if v not in (None, [], ())),
        ("E-step, seconds", number(float(e), 3)),
        ("M-step, seconds", number(float(m), 3)),
        ("passes over the data", f"{r.evaluations:,}"),
        ("classification entropy", number(nats(r), 6)),
        *((f"counted: {k}", f"{v:,}") for k, v in r.counts.items()),
        *((f"data: {k}", _plain(v)) for k, v in r.fingerprint.items()),
    ]
    return _details("How to repeat this fit", ["what", "value"], [[str(a), str(b)] for a, b in lines])


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(shorten(v, 60) for v in value)
    return number(value, 6) if isinstance(value, float) else shorten(value, 80)


def _details(title: str, head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    top = "".join(f"<th{' class=n' * (i > 0)}>{escape(h)}</th>" for i, h in enumerate(head))
    rows = "".join(
        "<tr>" + "".join(f"<td{' class=n' * (i > 0)}>{escape(c)}</td>" for i, c in enumerate(line)) + "</tr>"
        for line in body
    )
    return (
        f'<details><summary>{escape(title)}</summary><div class="table"><table><thead><tr>{top}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div></details>\n"
    )
