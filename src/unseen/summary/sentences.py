"""Notices in plain words, with what to do: one function for each code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from unseen.core.description import plural
from unseen.summary.notice import Code, Notice

MOST = 6
PRIOR = "a prior (prior=1; --prior 1)"
Facts = Mapping[str, Any]


def sentence(notice: Notice) -> str:
    """Return a notice in words; it spells options for Python and for the command line.

    >>> sentence(Notice(Code.STARTS_FAILED, {"failed": 1, "starts": 10}))
    '1 of 10 starts failed on the way: a prior (prior=1; --prior 1) makes them sound.'
    """
    return SENTENCES[notice.code](notice.facts)


def _not_converged(f: Facts) -> str:
    return f"The fit did not converge ({f['outcome']}): {f['message']}."


# ---- parts that collapse


def _noise_floor(f: Facts) -> str:
    return (
        f"Column {f['column']!r} rests on its noise floor: the factors explain all of it (a Heywood case). Use fewer "
        "factors, a prior (prior=1; --prior 1), or leave out one of the columns that say the same."
    )


def _variance_floor(f: Facts) -> str:
    return (
        f"The variance floor holds {_who(f)} up in column {f['column']!r}: it collapses onto a few rows or onto equal "
        f"values, and without the floor the likelihood has no bound; use {_either(f['cures'])}."
    )


def _constant_column(f: Facts) -> str:
    return (
        f"Column {f['column']!r} hardly varies in {_who(f)}: its spread there is the smallest that is allowed, the "
        "step in which it is recorded or a thousandth of its deviation; a finding."
    )


def _dependent_columns(f: Facts) -> str:
    return f"In {_who(f)} columns follow from each other almost exactly, {f['column']!r} most of all: a finding."


def _variance_floor_on_the_way(f: Facts) -> str:
    return (
        f"The variance floor held in {f['hit']} of {f['iterations']} iterations, {_when(f)}: a {f['noun']} is "
        f"collapsing onto a few rows or onto equal values; use {_either(f['cures'])}."
    )


def _empty_part(f: Facts) -> str:
    return (
        f"A {f['noun']} was empty in {f['hit']} of {f['iterations']} iterations, {_when(f)}: it lost all its rows and "
        f"was kept as it was; use fewer {plural(f['noun'])} or more starts."
    )


def _who(f: Facts) -> str:
    return f"every {f['noun']}" if f["all"] else f"{f['noun']} {', '.join(map(str, f['parts']))}"


def _when(f: Facts) -> str:
    return "to the end" if f["to_the_end"] else "on the way, not at the end"


def _either(cures: Sequence[str]) -> str:
    return cures[0] if len(cures) == 1 else f"{', '.join(cures[:-1])}, or {cures[-1]}"


# ---- parts at the end


def _coinciding_parts(f: Facts) -> str:
    noun, parts = f["noun"], f["parts"]
    return (
        f"{plural(noun.capitalize())} {', '.join(map(str, parts[:-1]))} and {parts[-1]} coincide: they look the same "
        f"in every column, so fewer {plural(noun)} would say as much."
    )


def _few_rows(f: Facts) -> str:
    count = f"{f['rows']:.3g}"
    return (
        f"{f['noun'].capitalize()} {f['part']} stands for only {count} row{'s' * (count != '1')}: its parameters mean "
        f"little; use fewer {plural(f['noun'])} or {PRIOR}."
    )


def _spurious_part(f: Facts) -> str:
    return (
        f"{f['noun'].capitalize()} {f['part']} may be spurious: it is much narrower than the others and stands for "
        f"{f['rows']:,.0f} rows only; if they are no group of their own, use {PRIOR}, a tied covariance, or fewer "
        f"{plural(f['noun'])}."
    )


def _nearly_flat(f: Facts) -> str:
    return (
        f"Nearly flat: {f['noun']} {', '.join(map(str, f['parts']))}, whose variance in one direction is below "
        f"{f['below']:g} of the data's own, so some columns follow from others there; leave such columns out or use "
        "a diagonal covariance (Gaussian('diagonal'); --covariance diagonal)."
    )


# ---- starts and search


def _one_start_reached_the_best(f: Facts) -> str:
    return (
        f"Only 1 of {f['finished']} finished starts reached the best optimum: there may be a better one; use more "
        "starts (restarts=20; --restarts 20)."
    )


def _starts_failed(f: Facts) -> str:
    return f"{f['failed']} of {f['starts']} starts failed on the way: {PRIOR} makes them sound."


def _largest_number_chosen(f: Facts) -> str:
    first, last = max(f["chosen"] - 1, 1), f["chosen"] + 6
    own = f["noun"] if f["noun"] in ("state", "factor") else "component"
    option = f"; --{plural(own)} {first}:{last}"
    return (
        f"{f['chosen']} {plural(f['noun'])} is the largest number tried, so more may be better: try further (for "
        f"example range({first}, {last + 1}){option})."
    )


def _likelihood_falls_with_size(f: Facts) -> str:
    lower = [f"{p['more']} against {p['fewer']}" + (f" ({p['form']})" if p["form"] else "") for p in f["pairs"]]
    more = f", and {len(lower) - MOST} more" if len(lower) > MOST else ""
    return (
        f"The log-likelihood is lower with more {plural(f['noun'])} than with fewer of the same form: "
        f"{', '.join(lower[:MOST])}{more}. Their starts missed a better optimum; use more of them (restarts=20; "
        "--restarts 20)."
    )


def _search_failed(f: Facts) -> str:
    told = [
        f"{', '.join(map(str, ks))} {plural(f['noun'])}" + (f" ({form})" if form else "")
        for form, ks in f["numbers"].items()
    ]
    more = f" and {len(told) - MOST} more forms" if len(told) > MOST else ""
    first = " (the first of them)" if sum(map(len, f["numbers"].values())) > 1 else ""
    return f"With {'; '.join(told[:MOST])}{more}: {f['outcome']}; {f['reason']}{first}."


# ---- rows and columns


def _rows_hard_to_assign(f: Facts) -> str:
    return (
        f"Rows are hard to assign: the largest responsibility is {f['largest']:.2f} on average, and ICL exceeds BIC "
        f"by {f['gap']:,.0f}. Read the {plural(f['noun'])} as a description of the whole, not as separate groups; ICL "
        "as criterion asks for groups that are apart (criterion='icl'; --criterion icl)."
    )


def _empty_rows(f: Facts) -> str:
    assigned = {
        "neighbours": "; the rows before and after them in their sequence tell their states",
        "weights": f"; they are assigned by the {f['noun']} weights alone",
        "": "",
    }[f["assigned_by"]]
    return f"{f['rows']:,} rows have no observed cell: they say nothing, and count in no criterion{assigned}."


def _label_minus_one(f: Facts) -> str:
    return (
        f"The label -1 was taken for a class of its own, with a {f['noun']} of its own: if it stands for an unknown "
        "class, mark that by NaN or None."
    )


def _column_mostly_missing(f: Facts) -> str:
    return (
        f"Column {f['column']!r} is missing in {100 * f['share']:.0f} % of the rows: what is said of it rests on the "
        "others."
    )


def _zero_density(f: Facts) -> str:
    return (
        f"{f['rows']:,} rows have density zero under every {f['noun']}, so the log-likelihood is minus infinity: look "
        f"for impossible values, or use {PRIOR}."
    )


SENTENCES: dict[Code, Callable[[Facts], str]] = {
    Code.NOT_CONVERGED: _not_converged,
    Code.NOISE_FLOOR: _noise_floor,
    Code.VARIANCE_FLOOR: _variance_floor,
    Code.VARIANCE_FLOOR_ON_THE_WAY: _variance_floor_on_the_way,
    Code.CONSTANT_COLUMN: _constant_column,
    Code.DEPENDENT_COLUMNS: _dependent_columns,
    Code.EMPTY_PART: _empty_part,
    Code.COINCIDING_PARTS: _coinciding_parts,
    Code.FEW_ROWS: _few_rows,
    Code.SPURIOUS_PART: _spurious_part,
    Code.NEARLY_FLAT: _nearly_flat,
    Code.ONE_START_REACHED_THE_BEST: _one_start_reached_the_best,
    Code.STARTS_FAILED: _starts_failed,
    Code.LARGEST_NUMBER_CHOSEN: _largest_number_chosen,
    Code.LIKELIHOOD_FALLS_WITH_SIZE: _likelihood_falls_with_size,
    Code.SEARCH_FAILED: _search_failed,
    Code.ROWS_HARD_TO_ASSIGN: _rows_hard_to_assign,
    Code.EMPTY_ROWS: _empty_rows,
    Code.LABEL_MINUS_ONE: _label_minus_one,
    Code.COLUMN_MOSTLY_MISSING: _column_mostly_missing,
    Code.ZERO_DENSITY: _zero_density,
}
