"""F9 sensitive data: in what a run left behind, and in columns before anything is learned from them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from unseen.core.block import CATEGORY
from unseen.core.profile import ColumnProfile, Profile
from unseen.ops.config import Settings
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.doctor.leaks import is_card, kinds_in, last_lines, read_by_people, scan
from unseen.ops.record import Finding
from unseen.summary.occupancy import rows_by_part


def identifying(profile: Profile, settings: Settings) -> tuple[Finding, ...]:
    """Columns that are about to be modelled and whose values look like those of single people.

    A model keeps the names of categories, so it would hold them. ``privacy.sensitive`` names columns that are
    modelled all the same.
    """
    return tuple(
        Finding(
            check="sensitive",
            column=c.name,
            message=f"column {c.name!r} seems to hold {' and '.join(kinds)}: list it in data.ignore, or in "
            "privacy.sensitive if it must be modelled",
        )
        for c in profile.columns
        if c.name not in settings.privacy.sensitive and (kinds := sorted(_kinds(c)))
    )


def sensitive_data(case: Case) -> Found | None:
    """F9: files of the loop that hold what should not leave the data, and components too small to be anonymous."""
    evidence = [f.message for f in case.record.findings if f.check == "sensitive"] if case.record else []
    evidence += _in_files(case)
    if case.result is not None:
        known = case.settings.privacy.sensitive if case.settings else ()
        kept = [(name, kinds) for name, kinds in _kept(case.result) if name not in known]
        evidence += [f"the model keeps {', '.join(sorted(kinds))} as categories of {name!r}" for name, kinds in kept]
    notes = list(_few_rows(case)) + list(_named(case))
    if not evidence and not notes:
        return None
    cause = "a column that identifies people is modelled or logged, or a component describes a handful of them"
    command = "set data.ignore: [COLUMN] in unseen.yaml, move the files named above away, then: unseen retrain"
    return Found("page" if evidence else "note", [*evidence, *notes], cause, command)


def _kinds(column: ColumnProfile) -> set[str]:
    """Kinds of personal data among the values of a column, as far as its profile tells."""
    if column.kind == CATEGORY:
        return set().union(*map(kinds_in, column.values or ()))
    ends = (column.low, column.high)
    whole = all(math.isfinite(x) and x >= 1e12 and x == math.floor(x) for x in ends)
    return {"card numbers"} if whole and all(is_card(f"{x:.0f}") for x in ends) else set()


def _in_files(case: Case) -> Iterator[str]:
    """What was found in the text files of the loop, or in those of the run alone."""
    if case.places is None or case.settings is None:
        return
    home, named = case.places.home, case.settings.metrics.textfile
    metrics = case.places.metrics(case.settings.within(named) if named else None)
    files: list[Path] = [metrics] if metrics.is_file() else []
    if case.around:
        files = sorted({*files, *read_by_people(home)})
    elif case.record is not None:
        files += read_by_people(case.places.run(case.record.id))
        lines = last_lines(case.places.events, case.record.id)
        if found := kinds_in("\n".join(lines)):
            yield f"{case.places.events.name} seems to hold {', '.join(sorted(found))}"
    for path, kinds in scan(files):
        name = path.relative_to(home) if path.is_relative_to(home) else path
        yield f"{name} seems to hold {', '.join(sorted(kinds))}"


def _kept(result: Any) -> Iterator[tuple[str, set[str]]]:
    """Columns whose categories, which a saved model names, look like personal data."""
    for slot in result.model.slots:
        for name, categories in zip(slot.columns, slot.categories, strict=False):
            if found := set().union(*map(kinds_in, categories)):
                yield name, found


def _few_rows(case: Case) -> Iterator[str]:
    """Components that describe so few rows that their means describe people."""
    if case.settings is None or case.result is None or (rows := rows_by_part(case.result)) is None:
        return
    least = case.settings.privacy.min_rows_per_component
    for k in (rows < least).nonzero()[0].tolist():
        yield f"{case.result.description.name(k)} describes fewer than {least} rows (privacy.min_rows_per_component)"


def _named(case: Case) -> Iterator[str]:
    """Sensitive columns whose categories the model names."""
    if case.settings is None or case.result is None:
        return
    for slot in case.result.model.slots:
        for name in slot.columns:
            if slot.kind == CATEGORY and name in case.settings.privacy.sensitive:
                yield f"the model keeps the categories of {name!r} by name: it is as private as the data"
