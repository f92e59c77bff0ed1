"""Delimiters, quotes, line ends and rows of another length."""

from __future__ import annotations

import csv
from pathlib import Path

from tests.front_door.zoo import (
    LEFT_OUT,
    PEOPLE,
    Case,
    N,
    comma,
    each,
    joined,
    judge,
    levels,
    lines,
    out,
    people,
    picks,
    read,
    real,
    reals,
    refused,
    strings,
    table,
    want,
    whole,
    wholes,
)

GOOD = table(people())
HEAD, *ROWS = lines(GOOD)
UNIQUE = "unique|own|identif|nearly|differ|distinct"
WORDS = [f"it is {w}, I think" for w in picks("well ill")]
LONG, SHORT = "more|extra|too many|5|columns|fields|cells", "fewer|short|too few|3|columns|fields|cells"


def with_row(at: int, *rows: str) -> bytes:
    """Rows put in so that the first of them is line `at` of the file."""
    made = lines(GOOD)
    made[at - 1 : at - 1] = rows
    return joined(made)


def spread(separator: str) -> bytes:
    """Columns padded with blanks to one width, as printed tables have them."""
    cells = [line.split(",") for line in lines(GOOD)]
    width = [max(len(row[i]) for row in cells) for i in range(4)]
    return joined(separator.join(c.ljust(w) for c, w in zip(row, width, strict=True)).rstrip() for row in cells)


SEPARATORS = [
    read(f"between cells: {name}", table(people(), sep), PEOPLE, only=True)
    for name, sep in {"commas": ",", "semicolons": ";", "tabs": "\t", "bars": "|", "tildes": "~", "carets": "^",
                      "colons": ":", "blanks": " "}.items()
] + [
    read("many blanks, one width", spread("  "), PEOPLE, only=True),
    read("bars with blanks around", GOOD.replace(b",", b" | "), PEOPLE, only=True),
    read("commas with blanks behind", GOOD.replace(b",", b", "), PEOPLE, only=True),
    read("semicolons in a .tsv", table(people(), ";"), PEOPLE, file="t.tsv", only=True),
    read("tabs in a .csv", table(people(), "\t"), PEOPLE, only=True),
    read("tabs in a .txt", table(people(), "\t"), PEOPLE, file="t.txt", only=True),
    read("commas in a .tsv", GOOD, PEOPLE, file="t.tsv", only=True),
    read("commas in a .data", GOOD, PEOPLE, file="t.data", only=True),
    read("commas in a .dat", GOOD, PEOPLE, file="t.dat", only=True),
    read("tabs in a .tab", table(people(), "\t"), PEOPLE, file="t.tab", only=True),
    read("commas in a .CSV", GOOD, PEOPLE, file="T.CSV", only=True),
    read("semicolons, commas in the text", table({"t": WORDS, "x": reals(), "n": wholes()}, ";"),
         {"t": levels(), "x": real(), "n": whole()}, only=True),
    read("semicolons in a quoted name", b'"a;b;c",x\n' + table({"a": picks(), "x": reals()}, header=False),
         {"a;b;c": levels(), "x": real()}, only=True),
    read("commas in most names and cells, tabs between", table({"a, b": WORDS, "c, d": reals()}, "\t"),
         {"a, b": levels(), "c, d": real()}, only=True),
    read("decimal commas are no delimiter", table({"x": strings(reals(), comma), "y": strings(reals(seed=9), comma)},
         ";"),
         {"x": real(), "y": real()}, only=True),
    read("times are no colons between cells", table({"at": ["12:30"] * 45 + ["14:05"] * 45, "x": reals()}),
         {"at": want(("dates", "other"), family=LEFT_OUT), "x": real()}, only=True),
    read("--delimiter", table(people(), "/"), PEOPLE, "--delimiter", "/", only=True),
    read("--delimiter tab by its name", table(people(), "\t"), PEOPLE, "--delimiter", "\\t", only=True),
    read("--delimiter against the look", table({"a;b": reals(), "c": picks("x;y z;u")}), {"a;b": real(), "c": levels()},
         "--delimiter", ",", only=True),
    refused("--delimiter of two letters", GOOD, "--delimiter", options=("--delimiter", "ab"), code=(2, 3)),
    read("one column of numbers", table({"x": reals()}), {"x": real()}, only=True),
    read("one column of words", table({"x": picks()}), {"x": levels()}, only=True),
    read("one column of words with commas", table({"x": WORDS}), {"x": levels()}, only=True),
    read("one column, empty lines are missing", joined(["x", *("" if i % 9 == 4 else str(v) for i, v in
         enumerate(reals()))]), {"x": real(missing=10)}, only=True),
    read("one column of words, empty lines are missing", joined(["x", *("" if i % 9 == 4 else v for i, v in
         enumerate(picks()))]), {"x": levels(missing=10)}, only=True),
    read("empty lines between rows of several columns", GOOD.replace(b"\n", b"\n\n"), PEOPLE, only=True),
]  # fmt: skip

QUOTES = [
    read("everything quoted", table(people(), quoting=csv.QUOTE_ALL), PEOPLE, only=True),
    read("text quoted", table(people(), quoting=csv.QUOTE_NONNUMERIC), PEOPLE, only=True),
    read("single quotes", table({"t": WORDS, "x": reals()}, quote="'"), {"t": levels(), "x": real()}, only=True),
    read("single quotes around everything", table(people(), quoting=csv.QUOTE_ALL, quote="'"), PEOPLE, only=True),
    read("quotes doubled", table({"t": [w.replace("well", '"well"') for w in WORDS], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    read("quotes behind a backslash", joined(["t,x", *(f'"a \\"{w}\\" one, so",{v}' for w, v in
         zip(picks(), reals(), strict=True))]), {"t": levels(), "x": real()}, only=True),
    read("line breaks inside quotes", table({"t": [w.replace(", ", "\n") for w in WORDS], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    read("empty lines inside quotes", table({"t": [w.replace(", ", "\n\n") for w in WORDS], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    read("a header's look inside quotes", table({"t": [f"x,y\n{w}" for w in picks()], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    read("inches: a quote inside a cell", joined(["size,x", *(f'{w} 5" pipe,{v}' for w, v in
         zip(picks(), reals(), strict=True))]), {"size": levels(), "x": real()}, only=True),
    read("apostrophes are no quotes", table({"t": picks("it's o'clock l'eau"), "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    read("an apostrophe in one cell", table({"t": [*picks()[:-1], "'tis"], "x": reals()}), {"t": levels(),
         "x": real()}),
    read("blanks before a quote", joined(["t,x", *(f'"{w}, so", "{v}"' for w, v in zip(picks(), reals(),
         strict=True))]),
         {"t": levels(), "x": real()}, only=True),
    read("typographic quotes are letters", table({"t": [f"\u201c{w}\u201d" for w in picks()], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
    *[refused(f"a quote never closed, line {at}", with_row(at, f'30,"170.5,2,Oslo{tail}'), f"line {at}", "quot",
              secret=("170.5", "Oslo")) for at, tail in ((2, ""), (47, ""), (92, ""), (61, "-never"))],
    refused("a quote never closed at the end of a row", with_row(61, '30,170.5,2,"Oslo'), "line 61", "quot",
            secret=("Oslo",)),
    refused("a quote never closed among quoted cells", table(people(), quoting=csv.QUOTE_ALL).replace(b'"Oslo"\n',
            b'"Oslo\n', 1), "line", "quot", secret=("Oslo",)),
]  # fmt: skip

ENDS = [
    read("carriage returns and line feeds", table(people(), eol="\r\n"), PEOPLE, only=True),
    read("carriage returns alone", table(people(), eol="\r"), PEOPLE, only=True),
    read("both kinds of line ends", GOOD.replace(b"\n", b"\r\n", 40), PEOPLE, only=True),
    read("doubled carriage returns", table(people(), eol="\r\r\n"), PEOPLE, only=True),
    read("no line end at the end", GOOD[:-1], PEOPLE, only=True),
    read("a trailing comma in each line", GOOD.replace(b"\n", b",\n"), PEOPLE),
    read("a trailing comma in each row, not in the header", joined([HEAD, *(r + "," for r in ROWS)]), PEOPLE),
    read("a trailing semicolon in each line", table(people(), ";").replace(b"\n", b";\n"), PEOPLE),
    read("trailing blanks in each line", GOOD.replace(b"\n", b"  \n"), PEOPLE, only=True),
    read("control-Z at the end", GOOD + b"\x1a", PEOPLE, only=True),
    read("separators of Unicode inside text",
         table({"t": [f"{w[0]}\u2028{w[1]}\u0085" for w in picks()], "x": reals()}),
         {"t": levels(), "x": real()}, only=True),
]  # fmt: skip

LENGTHS = [
    *[refused(f"a row too long, line {at}", with_row(at, "30,170.5,2,Oslo,9"), f"line {at}", LONG, "--skip-bad",
              secret=("170.5", "Oslo")) for at in (2, 50, 92)],
    *[refused(f"a row too short, line {at}", with_row(at, "30,170.5,2"), f"line {at}", SHORT, "--skip-bad",
              secret=("170.5",)) for at in (2, 50, 92)],
    refused("three rows too long: the first is named", with_row(30, *["30,170.5,2,Oslo,9"] * 3), "line 30", "3|three"),
    refused("a row too long behind a quoted line break", with_row(30, '30,170.5,2,"Os\nlo"', "30,170.5,2,Oslo,9"),
            "line 32"),
    read("--skip-bad leaves long rows out", with_row(30, *["30,170.5,2,Oslo,9"] * 3), PEOPLE, "--skip-bad",
         told=("3|three", "skip|bad|left out"), only=True),
    read("--skip-bad leaves short rows out", with_row(30, *["30,170.5"] * 2), PEOPLE, "--skip-bad",
         told=("2|two", "skip|bad|left out"), only=True),
    read("--skip-bad with nothing bad", GOOD, PEOPLE, "--skip-bad", only=True),
    refused("an unquoted comma in some text", joined([HEAD,
            *(r + ", Norway" if r.endswith("Oslo") else r for r in ROWS)]),
            "line", LONG, secret=("Norway",)),
    refused("thousands not quoted", joined(["x,y", *("1,234,5" if i % 9 == 4 else "12,7" for i in range(N))]),
            "line 6", LONG),
    read("free text that looks like rows", table({"t": [f"{i},{i * 7 % 90}" for i in range(N)], "x": reals()}),
         {"t": want(None, "comma"), "x": real()}, only=True),
    read("nearly unique notes and their quotes", table({"t": [f'no. "{i * 7 % 90}", so' for i in range(N)],
         "x": reals()}),
         {"t": out(UNIQUE, kind="category"), "x": real()}, only=True),
]  # fmt: skip

CASES: list[Case] = [*SEPARATORS, *QUOTES, *ENDS, *LENGTHS]


@each(CASES)
def test_delimiters(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
