"""F9 sensitive data: what personal data looks like, in columns before anything is learned and in what a run left."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from unseen.core.block import CATEGORY
from unseen.core.profile import ColumnProfile, Profile
from unseen.ops.config import Settings
from unseen.ops.doctor.diagnosis import Case, Found
from unseen.ops.record import Finding
from unseen.ops.watch.exporting import textfile
from unseen.summary.occupancy import rows_by_part

PATTERNS = {
    "e-mail addresses": re.compile(
        r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,}"
    ),
    # digits as they are typed, grouped, or as a float is printed; whether they are one is for `is_card` to say
    "card numbers": re.compile(
        r"(?<![\w.])(?:[2-6](?:[ -]?\d){12,18}(?:\.0)?|[2-6](?:\d\d?)?(?:,\d{3}){4,6}|[2-6]\.\d{11,18}[eE]\+?1[2-8])"
        r"(?!\w|\.\d|[ -]\d)"
    ),
    "US social security numbers": re.compile(r"(?<![\w-])(?!000|666|9)\d{3}-(?!00)\d{2}-(?!0000)\d{4}(?![\w-])"),
    "IBANs": re.compile(r"(?<!\w)[A-Z]{2}\d{2}(?: ?[A-Z0-9]{4}){2,7}(?: ?[A-Z0-9]{1,3})?(?!\w)"),
}
#: first digits and lengths of cards in use: ISO/IEC 7812-1 issuers as the card schemes publish them
ISSUERS = (
    (re.compile(r"4"), (13, 16, 19)),
    (re.compile(r"5[1-5]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"3(?:0[0-5]|[689])"), (14, 16)),
    (re.compile(r"35(?:2[89]|[3-8])"), (16,)),
    (re.compile(r"6(?:011|4[4-9]|5)"), (16, 19)),
    (re.compile(r"62"), (16, 17, 18, 19)),
)
#: files that people and machines read; parameters of a model are as private as the data, and are not among them
TEXTS = (".json", ".jsonl", ".prom", ".html", ".yaml", ".yml", ".txt", ".log", ".md", ".db", "MLmodel")
#: who decided something stands in the log by name
ACTOR = re.compile(r'"(?:actor|by)": ?"[^"]*"')
CHUNK, OVERLAP, TAIL = 1 << 20, 256, 1 << 18


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


def _kinds(column: ColumnProfile) -> set[str]:
    """Kinds of personal data among the values of a column, as far as its profile tells."""
    if column.kind == CATEGORY:
        return set().union(*map(kinds_in, column.values or ()))
    ends = (column.low, column.high)
    whole = all(math.isfinite(x) and x >= 1e12 and x == math.floor(x) for x in ends)
    return {"card numbers"} if whole and all(is_card(f"{x:.0f}") for x in ends) else set()


def sensitive_data(case: Case) -> Found | None:
    """F9: files of the loop that hold what should not leave the data, and components too small to be anonymous."""
    evidence = [f.message for f in case.record.findings if f.check == "sensitive"] if case.record else []
    evidence += _in_files(case)
    privacy, notes = case.settings.privacy if case.settings else None, []
    if case.result is not None:
        known = privacy.sensitive if privacy else ()
        for slot in case.result.model.slots:
            for name, categories in zip(slot.columns, slot.categories, strict=False):
                if name not in known and (kinds := set().union(*map(kinds_in, categories))):
                    evidence.append(f"the model keeps {', '.join(sorted(kinds))} as categories of {name!r}")
        rows = rows_by_part(case.result) if privacy else None
        if privacy and rows is not None:
            least = privacy.min_rows_per_component
            few = [case.result.description.name(k) for k in (rows < least).nonzero()[0].tolist()]
            notes = [f"{name} describes fewer than {least} rows (privacy.min_rows_per_component)" for name in few]
        kept = [name for slot in case.result.model.slots if slot.kind == CATEGORY for name in slot.columns]
        said = "the model keeps the categories of {!r} by name: it is as private as the data"
        notes += [said.format(name) for name in kept if name in known]
    cause = "a column that identifies people is modelled or logged, or a component describes a handful of them"
    command = "set data.ignore: [COLUMN] in unseen.yaml, move the files named above away, then: unseen retrain"
    return Found("page" if evidence else "note", [*evidence, *notes], cause, command)


def _in_files(case: Case) -> Iterator[str]:
    """What was found in the text files of the loop, or in those of the run alone."""
    if case.places is None or case.settings is None:
        return
    home, events, metrics = case.places.home, case.places.events, textfile(case.settings)
    files = [metrics] if metrics.is_file() else []
    if case.around:
        files = sorted({*files, *read_by_people(home)})
    elif case.record is not None:
        files += read_by_people(case.places.run(case.record.id))
        if found := kinds_in("\n".join(last_lines(events, case.record.id))):
            yield f"{events.name} seems to hold {', '.join(sorted(found))}"
    for path, kinds in scan(files):
        name = path.relative_to(home) if path.is_relative_to(home) else path
        yield f"{name} seems to hold {', '.join(sorted(kinds))}"


def kinds_in(text: str) -> set[str]:
    """Which kinds of personal data a text seems to hold.

    >>> sorted(kinds_in("mail to ada@example.org, card 4111 1111 1111 1111, not 4111 1111 1111 1112"))
    ['card numbers', 'e-mail addresses']
    """
    found = set()
    for kind, pattern in PATTERNS.items():
        if kind == "e-mail addresses" and "@" not in text:
            continue
        if any(_CHECKS.get(kind, bool)(hit.group()) for hit in pattern.finditer(text)):
            found.add(kind)
    return found


def scan(files: Iterable[Path]) -> Iterator[tuple[Path, set[str]]]:
    """Files that seem to hold personal data, and of what kinds; the data itself is not told."""
    for path in files:
        try:
            found = set().union(*(kinds_in(ACTOR.sub("", text)) for text in _pieces(path)))
        except OSError:
            continue  # gone meanwhile, or not ours to read
        if found:
            yield path, found


def read_by_people(folder: Path) -> Iterator[Path]:
    """Logs, records, metrics, databases and reports below a folder; not the fits, nor what drift is held against."""
    for path in sorted(folder.rglob("*")):
        private = path.name == "reference.json" or (path.parent / "MANIFEST.json").exists()
        if path.name.endswith(TEXTS) and not private and path.is_file():
            yield path


def last_lines(path: Path, word: str) -> list[str]:
    """Lines of the end of a file that hold a word."""
    try:
        with open(path, "rb") as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - TAIL))
            lines = file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    return [line for line in lines if word in line]


def _pieces(path: Path) -> Iterator[str]:
    """A file in pieces that overlap; a database is read as the text that stands in it."""
    with open(path, "rb") as file:
        before = b""
        while body := file.read(CHUNK):
            yield (before + body).decode("utf-8", "replace")
            before = body[-OVERLAP:]


def is_card(text: str) -> bool:
    """Whether digits have the length, the first digits and the check digit of a card number (ISO/IEC 7812-1)."""
    if "e" in text.lower() or text.endswith(".0"):
        text = f"{float(text.replace(' ', '').replace('-', '')):.0f}"
    digits = "".join(c for c in text if c.isdigit())
    if not any(len(digits) in lengths and issuer.match(digits) for issuer, lengths in ISSUERS):
        return False
    doubled = [d if i % 2 == 0 else (2 * d - 9 if d > 4 else 2 * d) for i, d in enumerate(map(int, reversed(digits)))]
    return sum(doubled) % 10 == 0 and len(set(digits)) > 1


def is_iban(text: str) -> bool:
    """Whether a text has the check digits of an IBAN (ISO 13616: the rest of the division by 97 is 1)."""
    compact = text.replace(" ", "")
    moved = compact[4:] + compact[:4]
    return 15 <= len(compact) <= 34 and int("".join(str(int(c, 36)) for c in moved)) % 97 == 1


_CHECKS = {"card numbers": is_card, "IBANs": is_iban}
