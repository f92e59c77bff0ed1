"""What stands for a cell without a value: the usual markers, words among numbers, numbers that mean unknown."""

from __future__ import annotations

from pathlib import Path

from tests.front_door.zoo import (
    COUNTS,
    HURDLES,
    LEVELS,
    NUMBERS,
    PLAIN,
    Case,
    beside,
    column,
    each,
    holes,
    judge,
    levels,
    picks,
    read,
    real,
    reals,
    refused,
    table,
    want,
    whole,
    wholes,
)

AGES, LENGTHS, GROUPS = wholes(), reals(), picks("low middle high")
TOLD = "missing|marker"
USUAL = (
    "NA", "N/A", "n/a", "NaN", "nan", "NULL", "null", "None", "none", "?", "-", "--", ".", "unknown", "Unknown",
    "UNKNOWN", "missing", "Missing", "#N/A", "#DIV/0!", "#VALUE!", "#REF!", "#NUM!", "#NAME?", "<NA>", "\u2014",
    "n.a.", "NaT",
)  # fmt: skip
IN_TEXT = ("NA", "N/A", "n/a", "NaN", "NULL", "null", "#N/A", "?", "-", ".", "unknown", "Unknown")

IN_NUMBERS = [column("nothing among integers", holes(AGES, ""), whole(missing=10))] + [
    column("nothing among decimals", holes(LENGTHS, ""), real(missing=10)),
    column("blanks among integers", holes(AGES, "  "), whole(missing=10)),
    column("quoted nothing", holes(AGES, ""), whole(missing=10)),
    column("a marker with blanks around", holes(AGES, " ? "), whole(TOLD, missing=10)),
    column("four markers at once", holes(AGES, "NA", "?", "", "-"), whole(TOLD, missing=10)),
    column("one marker only", holes(AGES, "?", every=200, at=30), whole(TOLD, missing=1)),
    column("half of it markers", holes(AGES, "?", every=2, at=1), whole(TOLD, missing=45)),
    column("markers in the first thirty rows", ["?"] * 30 + AGES[30:], whole(TOLD, missing=30)),
    column("a marker in the last row only", [*LENGTHS[:-1], "unknown"], real(TOLD, missing=1)),
    column("a marker in the first row only", ["?", *LENGTHS[1:]], real(TOLD, missing=1)),
    column("markers among counts", holes(wholes(0, 8), "."),
           want("integer", TOLD, family=COUNTS | NUMBERS, missing=10)),
    column("markers among 0 and 1", holes(wholes(0, 2), "?"), want(None, TOLD, family="bernoulli", missing=10)),
    column("markers among true and false", holes(picks("true false"), "?"),
           want("boolean", TOLD, family="bernoulli", missing=10)),
]  # fmt: skip
IN_NUMBERS += [column(f"{mark!r} among integers", holes(AGES, mark), whole(TOLD, missing=10)) for mark in USUAL]
IN_NUMBERS += [
    column(f"{mark!r} among decimals", holes(LENGTHS, mark), real(TOLD, missing=10)) for mark in ("?", ".", "-", "None")
]

AMONG_TEXT = [column(f"{m!r} in text", holes(GROUPS, m), levels(TOLD, missing=10)) for m in IN_TEXT] + [
    column("nothing in text", holes(GROUPS, ""), levels(missing=10)),
    column("'None' in text is a category", holes(GROUPS, "None"), levels()),
    column("'none' in text is a category", holes(GROUPS, "none"), levels()),
    column("'other' in text is a category", holes(GROUPS, "other"), levels()),
    column("'not sure' in text is a category", holes(GROUPS, "not sure"), levels()),
    column("Namibia and Zambia: said that NA was taken for missing", picks("NA ZA BW ZW"),
           levels("NA", missing=picks("NA ZA BW ZW").count("NA"))),
    column("Namibia kept", picks("NA ZA BW ZW"), levels(), "--missing", "none"),
    column("two markers in text", holes(GROUPS, "?", ""), levels(TOLD, missing=10)),
]  # fmt: skip

ODD_WORDS = [
    refused(f"{word!r} among {kind}", table(beside(holes(cells, word))), "'v'|`v`|column v|\"v\"", "10|11",
            "--missing", "--number", "--text", "--ignore", secret=(word,))
    for word in ("sick", "n=7", "see note", "12a") for kind, cells in {"integers": AGES, "decimals": LENGTHS}.items()
] + [
    refused("one odd word among decimals", table(beside([*LENGTHS[:80], "broken", *LENGTHS[81:]])),
            "--missing", "--number", "--text", "1", secret=("broken",)),
    refused("one odd word in the first row", table(beside(["broken", *AGES[1:]])), "--missing", "--text",
            secret=("broken",)),
    refused("odd words in two columns: both are named", table({"first": holes(AGES, "sick"),
            "second": holes(LENGTHS, "lost"), "colour": GROUPS}), "first", "second", "--missing",
            secret=("sick", "lost")),
    refused("a line of totals", table(beside([*AGES, "Total"])), "--missing|--skip-bad|--number", "1",
            secret=("Total",)),
    column("words in half of it: codes", [a % 5 if i % 2 else "ABCD"[a % 4] for i, a in enumerate(AGES)], levels()),
    column("codes with letters", picks("1 2 3 A B"), levels()),
    column("only one number among words", holes(GROUPS, "7", every=200), levels()),
]  # fmt: skip

NAMED = [
    column("--missing names the word", holes(AGES, "sick"), whole("missing", missing=10), "--missing", "sick"),
    column("--missing twice", holes(AGES, "sick", "away"), whole("missing", missing=10),
           "--missing", "sick", "--missing", "away"),
    column("--missing adds to the usual ones", holes(AGES, "sick", "?"), whole("missing", missing=10),
           "--missing", "sick"),
    column("--missing for this column", holes(AGES, "sick"), whole("missing", missing=10), "--missing", "v=sick"),
    refused("--missing for another column", table(beside(holes(AGES, "sick"))), "--missing", secret=("sick",),
            options=("--missing", "x=sick")),
    column("--missing in text", holes(GROUPS, "refused"), levels("missing", missing=10), "--missing", "refused"),
    column("--missing None in text", holes(GROUPS, "None"), levels("missing", missing=10), "--missing", "None"),
    column("--missing none keeps '?' in text", holes(GROUPS, "?"), levels(), "--missing", "none"),
    column("--missing none, then one by name", holes(GROUPS, "?", "-"), levels("missing", missing=5),
           "--missing", "none", "--missing", "-"),
    refused("--missing none makes '?' an odd word", table(beside(holes(AGES, "?"))), "--missing", "--number",
            options=("--missing", "none")),
    refused("--missing for a column that is not there", table(beside(AGES)), "nowhere", code=(2, 3),
            options=("--missing", "nowhere=sick")),
]  # fmt: skip


def apart(name: str, cells: list[object], mark: str, kind: object = None) -> list[Case]:
    """A number that stands far out and often: told, and missing once it is named."""
    made = holes(cells, mark)
    return [
        column(f"{mark} among {name}: told", made, want(kind, "--missing", family=HURDLES)),
        column(f"{mark} among {name}: named", made, want(kind, "missing", family=NUMBERS - HURDLES, missing=10),
               "--missing", mark),
    ]  # fmt: skip


STANDING_OUT = [
    *apart("decimals", reals(), "-999"),
    *apart("large decimals", reals(1500, 200, 1), "99999"),
    *apart("small decimals", reals(0, 1), "-99"),
    *apart("temperatures", reals(12, 8, 1), "-9999"),
    *apart("blood values", reals(5, 1, 1), "999"),
    column("-999 for one column, in both", holes(reals(), "-999"),
           want("number", "missing", family=NUMBERS - HURDLES, missing=10), "--missing", "v=-999"),
    column("0 is no marker", holes(reals(), "0"), want("number", family=NUMBERS)),
    column("9 among ratings is told or kept", holes(wholes(1, 6), "9"), want("integer", family=NUMBERS | LEVELS)),
    column("100 % that occur often are no marker", holes(reals(80, 6, 1), "100"), want("number", family=NUMBERS)),
    read("-999 in one column, another left alone",
         table({"a": holes(reals(), "-999"), "b": holes(reals(seed=9), "-999"), "c": GROUPS}),
         {"a": want("number", "missing", missing=10), "b": want("number", "--missing", family=HURDLES)},
         "--missing", "a=-999"),
]  # fmt: skip

QUOTED = [
    read("every marker quoted", table(beside(holes(AGES, "NA", "")), quoting=1),
         {"v": whole(TOLD, missing=10), **PLAIN}),
    read("a row of nothing but markers", table(beside([*AGES[:-1], "NA"])).rsplit(b"\n", 2)[0] + b"\nNA,NA,NA\n",
         {"v": whole(missing=1), "x": real(missing=1), "colour": levels(missing=1)}),
]  # fmt: skip

CASES: list[Case] = [*IN_NUMBERS, *AMONG_TEXT, *ODD_WORDS, *NAMED, *STANDING_OUT, *QUOTED]


@each(CASES)
def test_missing_markers(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
