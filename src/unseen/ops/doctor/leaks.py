"""What personal data looks like, and where it is found in files that people and machines read."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

#: digits as they are typed, grouped, or as a float is printed; whether they are a card number is for `is_card` to say
CARD = re.compile(
    r"(?<![\w.])(?:[2-6](?:[ -]?\d){12,18}(?:\.0)?|[2-6](?:\d\d?)?(?:,\d{3}){4,6}|[2-6]\.\d{11,18}[eE]\+?1[2-8])"
    r"(?!\w|\.\d|[ -]\d)"
)
PATTERNS = {
    "e-mail addresses": re.compile(
        r"(?<![\w.%+-])[\w.%+-]{1,64}@[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63})*\.[A-Za-z]{2,}"
    ),
    "card numbers": CARD,
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


def kinds_in(text: str) -> set[str]:
    """Which kinds of personal data a text seems to hold.

    >>> sorted(kinds_in("mail to ada@example.org, card 4111 1111 1111 1111, not 4111 1111 1111 1112"))
    ['card numbers', 'e-mail addresses']
    """
    found = set()
    for kind, pattern in PATTERNS.items():
        if kind == "e-mail addresses" and "@" not in text:
            continue
        hits = (m.group() for m in pattern.finditer(text))
        if any(_CHECKS.get(kind, bool)(hit) for hit in hits):
            found.add(kind)
    return found


def scan(files: Iterable[Path]) -> Iterator[tuple[Path, set[str]]]:
    """Files that seem to hold personal data, and of what kinds; the data itself is not told."""
    for path in files:
        found: set[str] = set()
        try:
            for text in _pieces(path):
                found |= kinds_in(ACTOR.sub("", text))
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
