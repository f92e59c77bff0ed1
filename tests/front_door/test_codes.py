"""Codes that look like numbers are text, and numbers that look like codes are numbers."""

from __future__ import annotations

import ipaddress
import uuid
from pathlib import Path

from tests.front_door.zoo import (
    LEFT_OUT,
    LEVELS,
    NUMBERS,
    PLAIN,
    Case,
    N,
    beside,
    column,
    each,
    holes,
    judge,
    levels,
    out,
    picks,
    read,
    reals,
    strings,
    table,
    want,
    whole,
    wholes,
)

KEYS = wholes(10_000, 99_999, seed=12)
FEW = wholes(0, 6, seed=13)
UNIQUE = "unique|own|identif|nearly|differ|distinct"

# every row, or nearly, has a value of its own: text, and not modelled
OWN = {
    "telephone numbers with a plus": [f"+4479{k * 719:08d}"[:13] for k in KEYS],
    "telephone numbers with blanks": [f"+49 30 {k * 7}" for k in KEYS],
    "telephone numbers with hyphens": [f"555-{k % 900 + 100}-{k % 9000 + 1000}" for k in KEYS],
    "telephone numbers with parentheses": [f"(555) {k % 900 + 100}-{k % 9000 + 1000}" for k in KEYS],
    "order numbers beyond 2^63": [str(2**63 + k) for k in KEYS],
    "twenty digits": [f"{k}{k * 31:015d}"[:20] for k in KEYS],
    "sixteen digits": [f"4{k * 99_991_000_003 % 10**15:015d}" for k in KEYS],
    "sixteen digits in fours": [f"4{k % 1000:03d} {k % 9999:04d} {k % 7919:04d} {k % 997:04d}" for k in KEYS],
    "SKUs with an E": [f"{100 + i}E{k % 9}" for i, k in enumerate(KEYS)],
    "SKUs with a small e": [f"{100 + i}e{k % 9}" for i, k in enumerate(KEYS)],
    "leading zeros, one width": [f"{i * 97:07d}" for i in range(N)],
    "IBANs": [f"DE{k % 90 + 10}37040044{k * 101:010d}" for k in KEYS],
    "UUIDs": [str(uuid.UUID(int=k * 0x9E3779B97F4A7C15F39CC0605CEDC834 % 2**128)) for k in KEYS],
    "hexadecimal hashes": [f"{k * 0x9E3779B97F4A7C15 % 2**64:016x}" for k in KEYS],
    "addresses of machines": [str(ipaddress.IPv4Address(167_772_160 + k * 97)) for k in KEYS],
    "addresses of cards": [":".join(f"{(k * p >> 4) % 256:02x}" for p in (3, 5, 7, 11, 13, 17)) for k in KEYS],
    "social security numbers": [f"{k % 899 + 100}-{k % 89 + 10}-{k % 8999 + 1000}" for k in KEYS],
    "ISBNs": [f"978-3-16-{k:06d}-{k % 10}" for k in KEYS],
    "e-mail addresses": [f"user{k}@example.org" for k in KEYS],
    "web addresses": [f"https://example.org/item/{k}" for k in KEYS],
    "number plates": [f"AB-{chr(65 + k % 26)} {k % 9000 + 1000}" for k in KEYS],
    "points on earth in one cell": [f"{48 + k / 1e5:.5f} N {2 + k / 1e5:.5f} E" for k in KEYS],
}
UNMODELLED = [column(f"{name}: text, out", cells, out(UNIQUE, kind="category")) for name, cells in OWN.items()]

# few different ones: text, and a category
SHARED = {
    "zip codes of few towns": strings(wholes(2100, 2106), "{:05d}"),
    "numbers of departments": strings(FEW, "{:02d}"),
    "numbers of departments, one without a zero": [f"{f + 6:02d}" for f in FEW],
    "leading zeros in a few": strings(wholes(98, 104), "{:03d}"),
    "binary digits": strings(wholes(0, 8), "{:03b}"),
    "codes of the ICD": picks("I10 E11.9 J45 Z00.0 K21.9"),
    "codes of diagnoses like numbers with E": picks("1E5 2E5 3E1 1E2 4E7"),
    "classes like 1E5 among letters": picks("1E5 A12 B3 2E5"),
    "colours in hexadecimal": picks("#ff0000 #00ff00 #0000ff"),
    "versions": picks("1.0.0 1.0.1 1.1.0 2.0.0"),
    "sizes": picks("S M L XL XXL"),
    "sizes of shoes by halves": picks("38/39 40/41 42/43"),
    "grades": picks("A+ A A- B+ B"),
    "numbers with a hash": picks("#1 #2 #3"),
    "numbers with a letter": picks("3a 3b 4a 4b"),
    "Roman numbers": picks("I II III IV"),
    "few telephone prefixes": picks("+44 +49 +33 +1"),
    "few order numbers beyond 2^63": [str(2**64 + f) for f in FEW],
    "few sixteen digits": [str(4_000_000_000_000_000 + f) for f in FEW],
    "signs only": picks("+ ++ +++ =>"),
    "codes of four digits, some with a zero": strings(wholes(998, 1003), "{:04d}"),
}
MODELLED_TEXT = [column(f"{name}: a category", cells, levels()) for name, cells in SHARED.items()]

SAID = [
    column("zip codes with holes", holes(strings(wholes(2100, 2106), "{:05d}"), ""), levels(missing=10)),
    column("zip codes with markers", holes(strings(wholes(2100, 2106), "{:05d}"), "NA"), levels("missing", missing=10)),
    column("--number takes leading zeros for numbers", strings(wholes(0, 400), "{:04d}"), whole(), "--number", "v"),
    column("--text keeps numbers as text", wholes(1, 7), levels(), "--text", "v"),
    column("--text keeps decimals as text", picks("1.5 2.5 3.0 4.5"), levels(), "--text", "v"),
    column("--text keeps what is nearly unique out", KEYS, out(UNIQUE, kind="category"), "--text", "v"),
    column("fifteen digits are a number still", [123_456_789_000_000 + k * k for k in KEYS], want("integer")),
    column("0 alone is no leading zero", wholes(0, 60), want("integer", family=NUMBERS)),
    column("0.5 has no leading zero", reals(0.5, 0.1, 3), want("number", family=NUMBERS)),
    column("-0.5 has no leading zero", reals(-0.5, 0.1, 3), want("number", family=NUMBERS)),
    column("00.5 has one", strings(FEW, "0{}.5"), want(None)),
    column("zip codes without a leading zero are told or numbers", wholes(10115, 14199), want("integer")),
    column("few large codes are whole numbers", [4000 + 10 * f for f in FEW], want("integer", family=NUMBERS | LEVELS)),
    column("ratings are whole numbers", wholes(1, 6), want("integer", family=NUMBERS | LEVELS)),
    column("a point before the e makes numbers", [f"{v:.1f}e3" for v in reals(5, 1, 1)], want(("integer", "number"))),
    read("five kinds of codes in one file", table({
        "zip": strings(wholes(2100, 2106), "{:05d}"), "phone": OWN["telephone numbers with a plus"],
        "order": OWN["order numbers beyond 2^63"], "sku": OWN["SKUs with an E"], "country": picks("NA ZA"),
        "x": reals()}),
        {"zip": levels(), "phone": out(UNIQUE, kind="category"), "order": out(UNIQUE, kind="category"),
         "sku": out(UNIQUE, kind="category"),
         "country": want("category", "missing", missing=picks("NA ZA").count("NA")),
         "x": want("number", family=NUMBERS)}, only=True),
    read("--text for two columns", table({"a": wholes(1, 5), "b": wholes(1, 7, seed=8), "x": reals()}),
         {"a": levels(), "b": levels(), "x": want("number")}, "--text", "a", "--text", "b"),
    read("a code that is nearly a number in one row only", table(beside([*wholes(100, 110)[:-1], "0101"])),
         {"v": want("category", family=None), **PLAIN}),
    read("nearly unique but for twins", table(beside([f"k{k}" for k in KEYS[:85]] + ["k1"] * 5)),
         {"v": want("category", UNIQUE, family=LEFT_OUT), **PLAIN}),
]  # fmt: skip

CASES: list[Case] = [*UNMODELLED, *MODELLED_TEXT, *SAID]


@each(CASES)
def test_codes(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
