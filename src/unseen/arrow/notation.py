"""How numbers and dates are written: found in some cells of a column, read by it, and spelled by it again."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Any

from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER
from unseen.core.reading import Notation

DATE = "date"
#: signs and codes of money that stand before or after an amount
MONEY = (
    "USD", "EUR", "GBP", "CHF", "JPY", "CNY", "INR", "AUD", "CAD", "NZD", "SEK", "NOK", "DKK", "PLN", "CZK", "HUF",
    "RUB", "BRL", "MXN", "ZAR", "KRW", "TRY", "US$", "A$", "C$", "R$", "Fr.", "kr", "z\u0142", "Rs",
)  # fmt: skip
BLANKS = "\u00a0\u202f\u2009 "
_MONEY = "|".join(map(re.escape, sorted(MONEY, key=len, reverse=True))) + r"|[$\u00a2-\u00a5\u20a0-\u20cf]"
_UNIT = r"%|‰|°\s?[CFK]?|[A-Za-zµμΩ][A-Za-zµμΩ/²³^·.]{0,7}[0-9²³]?"
_BODY = rf"\d(?:[\d.,'\u2019{BLANKS}]*\d)?[.,]?|[.,]\d+"
_NUMBER = re.compile(
    rf"(?P<open>\()?(?P<sign>[-+\u2212])?(?P<before>(?:{_MONEY})\s?)?(?P<inner>[-+\u2212])?(?P<body>{_BODY})"
    rf"(?P<power>[eE][-+\u2212]?\d+)?(?P<after>\s?(?:{_MONEY}|{_UNIT}))?(?P<trail>[-\u2212])?(?P<close>\))?",
)
_CODES = {
    "codes that begin with 0: kept as text": re.compile(r"0[\dxX][\dA-Fa-f]*"),
    "codes that begin with +: kept as text": re.compile(r"\+\d{7,}"),
    "whole numbers of more than 15 digits: kept as text": re.compile(r"[-+]?\d{16,}"),
}
_POWER = re.compile(r"\d+[eE]\d+")
_MONTH = r"(?:jan|feb|mar|apr|may|mai|jun|jul|aug|sep|oct|okt|nov|dec|dez)[a-z]*\.?"
_TIME = r"\d{1,2}:\d\d(?::\d\d(?:[.,]\d+)?)?\s?(?:[ap]\.?m\.?)?"
_DAY = "|".join((
    r"\d{4}-\d\d?-\d\d?", r"\d{4}/\d\d?/\d\d?", r"\d{4}\.\d\d?\.\d\d?", r"\d\d?[/.-]\d\d?[/.-]\d{4}",
    r"\d\d?/\d\d?/\d\d", r"\d\d?\.\d\d?\.\d\d", rf"\d\d?[ .-]+{_MONTH}[ ,.-]*(?:\d{{4}}|\d\d)",
    rf"\d\d?{_MONTH}\d{{4}}", rf"\d\d?/{_MONTH}/\d{{4}}:{_TIME}", rf"{_MONTH} +\d\d? {_TIME} \d{{4}}",
    rf"{_MONTH} \d\d?,? +\d{{4}}", rf"{_MONTH}[ -]\d{{4}}", r"\d{4}-\d\d", r"\d{4}-?w\d\d(?:-?\d)?", r"\d{4}-?q[1-4]",
))  # fmt: skip
_ZONE = r"(?:z|utc|gmt|[-+]\d\d:?\d\d)"
_DATE = re.compile(
    rf"(?:(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*,? )?(?:{_DAY})(?:[t ,]+{_TIME})?\s?{_ZONE}?|{_TIME}",
    re.IGNORECASE,
)
#: so many numbers of eight digits are dates if each could be one
SEVERAL, _EIGHT = 10, re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])")
TWO_WAYS = (
    "left out: numbers whose decimal and thousands marks do not agree: bring them to one way of writing, or name one "
    "(decimal; --decimal)"
)
UNITS = "left out: numbers with different units or currencies: bring them to one"
#: so few different values with different letters behind them are names
FEW = 20
#: of so much of a column it can be said what it is
NEARLY = 0.9


def number_of(cell: str) -> float | None:
    """A cell as a number, if programs read it as one."""
    try:
        return float(cell)
    except ValueError:
        return None


def looks_like_date(cell: str) -> bool:
    """Whether a cell is a date or a time in a usual spelling.

    >>> [looks_like_date(c) for c in ("31-Jan-2024", "1/2/24", "12:30", "2024", "3.5")]
    [True, True, True, False, False]
    """
    return _DATE.fullmatch(cell) is not None


def notation_of(cells: Sequence[str], decimal: str | None = None, loose: bool = False) -> Notation:
    """The notation of most of some cells, without those that are missing; ``loose`` where the file has decimal commas.

    >>> notation_of(["$58,475.44", "$1,200.00"]).told()
    'thousands by comma; written with $'
    >>> notation_of(["007", "012"]).kind, notation_of(["3", "4"]).kind, notation_of(["58475,44", "3,1"]).decimal
    ('category', 'integer', ',')
    """
    if not cells:
        return Notation(EMPTY)
    if all(c.lower() in ("true", "false") for c in cells):
        return Notation(BOOLEAN, truths=_truths(cells[0]))
    if sum(map(looks_like_date, cells)) >= NEARLY * len(cells):
        return Notation(DATE)
    if len(set(cells)) >= SEVERAL and all(map(_EIGHT.fullmatch, cells)):
        return Notation(DATE, note="eight digits that are dates")
    parsed = [m for c in cells if (m := _NUMBER.fullmatch(c)) and bool(m["open"]) == bool(m["close"])]
    if 2 * len(parsed) <= len(cells):
        return Notation(CATEGORY)
    powers = [m[0] for m in parsed if m["power"]]
    if code := told_code(cells) or all(re.fullmatch(r"\+\d+", c) for c in cells) and [*_CODES][1]:
        return Notation(CATEGORY, note=code)
    if powers and all(_POWER.fullmatch(p) for p in powers) and not any("." in m["body"] for m in parsed):
        return Notation(CATEGORY, note="codes, some of which look like powers of ten: kept as text")
    common = Counter(((m["before"] or "").strip(), (m["after"] or "").strip()) for m in parsed)
    (most, times), affixes = common.most_common(1)[0], set(common)
    if most == ("", "") and times >= NEARLY * len(parsed):  # the others are no numbers
        parsed = [m for m in parsed if not m["before"] and not m["after"]]
        affixes = {most}
    if len(affixes) > 1 and len(set(cells)) <= FEW:  # 1st, 2nd, 3rd
        return Notation(CATEGORY)
    if len(affixes) > 1:
        return Notation(CATEGORY, note=UNITS)
    before, after = affixes.pop()
    if after and not before and not _unit_of_numbers(parsed):
        return Notation(CATEGORY)
    marks = _separators([m["body"] for m in parsed], decimal, loose)
    if marks is None:
        alone = sum(_separators([m["body"]], decimal, loose) is not None for m in parsed)
        return Notation(CATEGORY, note=TWO_WAYS if len(set(cells)) > FEW and alone > 0.95 * len(cells) else "")
    point, thousands, doubt = marks
    doubt = "; ".join([doubt] * bool(doubt) + _odd_signs(parsed))
    whole = not any(point in m["body"] or m["power"] for m in parsed)
    return Notation(INTEGER if whole else NUMBER, point, thousands, before, after, note=doubt)


def _truths(cell: str) -> tuple[str, str]:
    """How false and true are written where one of them is written so."""
    return ("FALSE", "TRUE") if cell.isupper() else ("False", "True") if cell[0].isupper() else ("false", "true")


def told_code(cells: Sequence[str | None]) -> str:
    """What is told of cells among which are names written as numbers, or nothing."""
    return next((why for c in cells if c for why, shape in _CODES.items() if shape.fullmatch(c)), "")


def _odd_signs(parsed: Sequence[re.Match[str]]) -> list[str]:
    """What is told of negative numbers that are not written with a minus before them."""
    signs = "".join((m["sign"] or "") + (m["inner"] or "") + (m["trail"] or "") for m in parsed)
    told = {
        "a minus behind the number": any(m["trail"] for m in parsed),
        "the minus sign U+2212": "\u2212" in signs,
        "negative numbers in parentheses": any(m["open"] for m in parsed),
    }
    return [name for name, there in told.items() if there]


def _unit_of_numbers(parsed: Sequence[re.Match[str]]) -> bool:
    """Whether what follows numbers is a unit: the numbers are no codes like 12B, of one or two digits and a letter."""
    after = parsed[0]["after"]
    return not (after.strip().isalpha() and len(after) == 1 and all(m["body"].isdigit() for m in parsed))


def _separators(bodies: Sequence[str], decimal: str | None, loose: bool) -> tuple[str, str, str] | None:
    """The decimal mark, that of thousands, and what is doubtful about them; None where they do not agree."""
    bodies = [re.sub(rf"[{BLANKS}]", " ", b).replace("\u2019", "'") for b in bodies]
    signs = set("".join(bodies)) - set("0123456789")
    fits = [
        (point, group)
        for point in decimal or (".," if signs & {",", "."} else ".")
        for group in ("", *sorted(signs - {point}))
        if all(map(_shape(point, group).fullmatch, bodies))
    ]
    commas = [b for b in bodies if "," in b]
    apart = {",", "."} <= signs and not decimal and not any("." in b for b in commas)
    if apart and all(map(_shape(".", ",").fullmatch, commas)):  # 1,234 beside 1.2: groups, and never decimals
        fits = [fit for fit in fits if fit[0] == "."]
    if len(fits) < 2:
        return (*fits[0], "") if fits else None
    sign = signs.pop()  # 1,234 or 1.234: groups of three, or three decimals
    if sign == "." and not loose:
        return sign, "", ""
    # 978 beside it, but none of 1234; and where a comma is expected, it is one
    thousands = not (sign == "," and loose) and all(len(b) < 4 for b in bodies if sign not in b)
    name = {",": "comma", ".": "point"}[sign]
    told = f"a {name} before three digits is taken for {'thousands' if thousands else 'the decimal mark'}"
    return (".,".replace(sign, ""), sign, told) if thousands else (sign, "", told)


def _shape(point: str, group: str) -> re.Pattern[str]:
    end = rf"(?:{re.escape(point)}\d*)?"
    grouped = rf"[1-9]\d{{0,2}}(?:{re.escape(group)}\d{{3}})+{end}|" if group else ""
    return re.compile(rf"{grouped}\d+{end}|{re.escape(point)}\d+")


def otherwise(known: Notation, cells: Sequence[str], loose: bool) -> str:
    """How some numbers are written if it is not as they were: another unit, or marks that changed places; or nothing.

    >>> otherwise(Notation("number", after="EUR"), ["3.5 USD", "4 USD"], False)
    'decimal point with USD, not decimal point with EUR'
    """
    now, free = notation_of(cells, known.decimal, loose), notation_of(cells, None, loose)
    units = now.kind in (INTEGER, NUMBER) and (now.before, now.after) != (known.before, known.after)
    there = any(free.decimal in cell for cell in cells)
    turned = free.kind in (INTEGER, NUMBER) and free.decimal != known.decimal and there and known.kind == NUMBER
    return f"{(now if units else free).written()}, not {known.written()}" if units or turned else ""


def spelled(values: Iterable[Any], how: Notation) -> list[str]:
    """Numbers in a notation, as they fill the holes of a column.

    >>> spelled([1234.5, 3.0], Notation("number", ",", ".", after="EUR"))
    ['1.234,5 EUR', '3,0 EUR']
    """
    out = []
    for value in values:
        number = float(value)
        text = f"{int(number):,}" if how.kind == INTEGER and number.is_integer() else f"{number:,}"
        text = text.replace(",", "\0").replace(".", how.decimal).replace("\0", how.thousands)
        before = f"{how.before} " if how.before.isalpha() else how.before
        after = f" {how.after}" if how.after[:1].isalpha() else how.after
        out.append(f"{before}{text}{after}" if not text.startswith("-") else f"-{before}{text[1:]}{after}")
    return out
