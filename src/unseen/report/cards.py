"""The plots of the report in reading order, each with a sentence on how to read it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unseen.core.description import plural
from unseen.report import criteria, described, fitting, profiles, quality
from unseen.report.palette import percent, shorten
from unseen.report.projection import flat
from unseen.report.sample import Sample
from unseen.report.scatter import scatter
from unseen.report.view import View

MOST_PROFILES = 24


@dataclass(frozen=True)
class Card:
    """One plot: where it stands, its heading, how to read it, and what to say where there is nothing to draw."""

    key: str
    section: str
    title: str
    reading: str
    spec: dict[str, Any] | None
    empty: str = ""
    wide: bool = False
    numbers: str = ""  # HTML below the plot


def cards(view: View, sample: Sample | None) -> list[Card]:
    """Every card of the page; those without a figure say why."""
    return [*_tables(view), *_components(view), *_rows(view, sample), *_certainty(view), *_fit(view)]


def _tables(view: View) -> Iterator[Card]:
    if known := described.simple(view):
        yield Card("facts", "tables", f"About the {plural(view.noun)}", "", None, numbers=known)
    for t in view.description.tables:
        yield Card(
            f"table:{t.name}", "tables", t.title, t.note, described.figure(view, t), numbers=described.numbers(t)
        )


def _components(view: View) -> Iterator[Card]:
    section, noun = "columns", view.noun
    if not view.profiles:
        if view.description.tables:  # they say what there is to say
            return
        empty = f"This model ({type(view.result.model).__name__}) does not describe its columns one by one."
        yield Card("profiles", section, "Columns", "", None, empty, wide=True)
        return
    seen = profiles.overview(view)
    if seen is not None:
        reading = (
            f"Mean of each {noun} in the units of the data; the colour says how far it lies from the average: "
            "blue is high, orange is low."
        )
        yield Card("overview", section, "All numeric columns at a glance", reading, seen, wide=True)
    entries = sorted(view.numeric, key=lambda e: -view.separation(e))
    for e in entries[:MOST_PROFILES]:
        reading = ""
        if "atoms" in e:
            zeros = str(e.get("family", "")).startswith("zero_inflated")
            what = "zeros that are no counts" if zeros else "values that many rows have"
            reading = f"The dots speak of the rows beside the {what}; their shares stand to the right."
        yield Card(f"profile:{e['column']}", section, _named(e), reading, profiles.numeric(view, e))
    for e in view.categorical[:MOST_PROFILES]:
        reading = f"Probability of each category inside each {noun}, in percent: a line adds up to 100."
        spec = profiles.categorical(view, e)
        few = len(spec["data"][0]["x"]) <= 6
        yield Card(f"profile:{e['column']}", section, _named(e), reading, spec, wide=not few)
    left = len(view.numeric) + len(view.categorical) - min(len(view.numeric), MOST_PROFILES)
    left -= min(len(view.categorical), MOST_PROFILES)
    if left:
        text = f"{left} more columns are not drawn one by one; the overview and the table of numbers have them."
        yield Card("more", section, "More columns", "", None, text, wide=True)


def _named(entry: dict[str, Any]) -> str:
    """A column with the family that describes it."""
    family = shorten(str(entry.get("family", "")).replace("_", " "))
    extra = ", location ± scale" if "df" in entry else ""
    return f"{shorten(entry['column'], 44)} · {family}{extra}"


def _rows(view: View, sample: Sample | None) -> Iterator[Card]:
    section, title = "data", f"Rows by {view.noun}"
    if sample is None:
        why = "No rows are drawn, because the report was written without the data. Give the data to see them here."
        if not view.description.discrete:
            why = f"No rows are drawn: this model places no row in a {view.noun}."
        yield Card("data", section, title, "", None, why, wide=True)
        return
    spec, how = scatter(view, sample), ""
    if spec is not None:
        how = (
            f"An ellipse is two standard deviations of one {view.noun}, its number the mean. The menu has the pairs of "
            f"columns that tell {plural(view.noun)} apart best. Double-click to see rows far out; click a name to hide "
            "it."
        )
    else:
        spec, how = (
            flat(view, sample),
            "Without two numeric columns to draw the rows over, this is the clearest view.",
        )
    count = f"{sample.rows:,} of {sample.of:,} rows" if sample.rows < sample.of else f"All {sample.of:,} rows"
    drawn = f"{count}, coloured by their most probable {view.noun}. "
    yield Card("data", section, title, drawn + how, spec, wide=True)


def _certainty(view: View) -> Iterator[Card]:
    share = quality.shares(view)
    spec = quality.confidence(view)
    reading = ""
    if spec is not None:
        bins = max(1, len(share) // 20)
        sure = float(share[-bins:].sum())
        doubtful = float(share[: int(len(share) * 0.7)].sum())
        reading = f"{percent(sure)} of the rows belong to one {view.noun} with a probability of 95% or more"
        reading += f"; {percent(doubtful)} do not even reach 70%." if doubtful else "."
    empty = f"With a single {view.noun} there is nothing to be unsure of."
    if not view.description.discrete:
        empty = f"This model gives no row a most probable {view.noun}."
    yield Card("confidence", "quality", "How sure the assignment is", reading, spec, empty)
    whole = view.result.profile
    with_gaps = sum(c.missing > 0 for c in whole.columns)
    reading = f"{with_gaps} of {len(whole.columns)} columns have missing cells; they were never pre-filled."
    yield Card(
        "missing",
        "quality",
        "Missing cells by column",
        reading if with_gaps else "",
        quality.missing(view),
        "No cell of the data is missing.",
    )


def _fit(view: View) -> Iterator[Card]:
    section, result = "fit", view.result
    reading = "Higher is better, and EM never goes down. The run that was kept."
    hit = [t for t in result.trace if t.events]
    if hit:
        names = ", ".join(sorted({n for t in hit for n in t.events}))
        reading += f" In {len(hit)} of {len(result.trace)} iterations a limit was binding: {names}."
    yield Card("loglik", section, "Log-likelihood", reading, fitting.loglik(view), "There was no iteration.")
    reading = "Distance to the final value. A straight line down is the steady rate of EM; a plateau is slow progress."
    yield Card(
        "gain",
        section,
        "Remaining gain",
        reading,
        fitting.gain(view),
        "There were too few iterations to draw.",
    )
    table = result.restarts
    finished = [a for a in table if a.get("finished")]
    best = fitting.chosen(view)
    reading = f"{len(table)} starts, {len(finished)} of them run to the end"
    if best is not None and best.get("finished"):
        reading += f"; {best['hits']} of these found the best solution. The more, the surer it is that none is better."
    sampled = result.options.get("search_rows")
    part = f" Compared on {sampled:,} of the rows." if isinstance(sampled, int) else ""
    reading += part
    yield Card("restarts", section, "Restarts", reading, fitting.restarts(view), "There was a single start.")
    reading = (
        "Filled: the best of each line. Dotted: the number that was kept. BIC weighs fit against size; ICL also asks "
        f"for clear groups.{part}"
    )
    empty = (
        f"The number of {plural(view.noun)} was given, not searched for"
        + (f" ({view.count})" if view.count else "")
        + ". Try several (unseen.select; --components 1:8) to compare."
    )
    yield Card("criteria", section, f"How many {plural(view.noun)}", reading, criteria.criteria(view), empty)
