"""The summary of a fit in plain text, at most 100 columns wide."""

from __future__ import annotations

import textwrap

from unseen.core.description import plural
from unseen.result import Result
from unseen.summary.facts import at_the_end, criterion_name, mean_confidence, missing_share, nats, noun, search_seconds
from unseen.summary.names import model_name
from unseen.summary.shown import components
from unseen.summary.tabled import tables
from unseen.summary.tried import search, starts
from unseen.summary.words import WIDTH, Spelled, mean_and_sd, number, table


def summary(result: Result, spelled: Spelled = str) -> str:
    """The fit in plain text: outcome, criteria, parts, tables, restarts, numbers of components tried, warnings.

    ``spelled`` says a sentence as the surface it is read on spells its knobs.
    """
    told = result.description
    parts = [_head(result, spelled), _criteria(result), _read(result, spelled)]
    parts += [components(result), tables(told), starts(result)]
    parts += [search(result, spelled), _timing(result), _warnings(result, spelled)]
    return "\n\n".join(p for p in parts if p) + "\n"


def _head(result: Result, spelled: Spelled) -> str:
    said = spelled(f"{result.outcome.name}: {result.outcome.message}")
    passed_over = _not_returned(result)
    lines = [passed_over] if passed_over else []
    if (most := at_the_end(result)) is not None:
        lines.append(f"{most} {plural(noun(result))} is the largest number tried: more may be better.")
    return "\n".join(line for text in (*lines, model_name(result.model), said) for line in textwrap.wrap(text, WIDTH))


def _not_returned(result: Result) -> str:
    """Where the criterion's best is not what is returned: which it was, and why not."""
    other = result.options.get("not_returned")
    if not other:
        return ""
    form = f", {other['form']}" if other.get("form") else ""
    return (
        f"Not the best by {criterion_name(result)}: {other['components']} {plural(noun(result))}{form} have "
        f"{number(other['value'], 9)}, but {other['reason']}."
    )


def _read(result: Result, spelled: Spelled) -> str:
    """How the data was read, where it does not say that itself."""
    lines = [line for note in result.told for line in textwrap.wrap(spelled(note), WIDTH - 2)]
    return "\n".join(["how the data was read", *(f"  {line}" for line in lines)]) if lines else ""


def _criteria(result: Result) -> str:
    profile, confidence = result.profile, mean_confidence(result)
    rows = f"{profile.rows:,}"
    if profile.units != profile.rows:
        unit = "sequence" if result.model.unit.ordered else "unit"
        rows += f" in {profile.units:,} {unit}{'s' * (profile.units > 1)}"
    if abs(result.weight - profile.rows) > 1e-9 * max(result.weight, 1):
        rows += f", {'weight' if result.encoding.weights else 'of which count'} {number(result.weight, 6)}"
    pairs = [
        ("rows", rows),
        ("cells missing", f"{100 * missing_share(result):.3g} %"),
        ("log-likelihood", _loglik(result)),
        ("parameters (df)", f"{result.size:,}"),
        ("AIC", number(result.aic, 9)),
        ("BIC", number(result.bic, 9)),
        ("ICL", number(result.icl, 9)),
        ("entropy", _entropy(result)),
    ]
    if confidence is not None:
        pairs.append(("largest responsibility", f"{confidence:.2f} on average"))
    if result.log_prior:
        pairs.append(("log prior", number(result.log_prior, 9)))
    width = max(len(name) for name, _ in pairs)
    return "\n".join(f"  {name.ljust(width)}  {value}" for name, value in pairs)


def _entropy(result: Result) -> str:
    entropy = nats(result)
    return f"{number(entropy)} nats, {number(entropy / result.weight, 3)} per row" if entropy else "0"


def _loglik(result: Result) -> str:
    """The log-likelihood, and as what it counts the recorded cells."""
    density = number(result.loglik, 9)
    if not result.volume:  # no density, or steps of 1 throughout: then both are the same
        return density
    told = f"{density} as density, {number(result.log_probability, 9)} as probability of the recorded cells"
    off = result.ungridded
    return told if not off else f"{told} ({len(off)} column{'s' * (len(off) > 1)} without a grid by density)"


def _timing(result: Result) -> str:
    e, m = (sum(getattr(r, name) for r in result.trace) for name in ("seconds_e", "seconds_m"))
    line = (
        f"{result.iterations:,} iterations ({result.evaluations:,} passes over the data) in "
        f"{number(result.seconds, 3)} s: E-steps {number(e, 3)} s, M-steps {number(m, 3)} s"
    )
    total = search_seconds(result)
    line += "" if total is None else f"; the whole search {number(total, 3)} s"
    return "\n".join(textwrap.wrap(line, WIDTH))


def _warnings(result: Result, spelled: Spelled) -> str:
    if not result.warnings:
        return ""
    lines = ["Warnings"]
    for text in result.warnings:
        lines += textwrap.wrap(spelled(text), WIDTH, initial_indent="  - ", subsequent_indent="    ")
    return "\n".join(lines)


__all__ = ["WIDTH", "mean_and_sd", "number", "summary", "table"]
