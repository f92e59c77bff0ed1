"""What stands above, in, between and below the rows: titles, comments, headers twice or not at all, totals."""

from __future__ import annotations

from pathlib import Path

from tests.front_door.zoo import (
    PEOPLE,
    Case,
    N,
    each,
    joined,
    judge,
    levels,
    lines,
    people,
    picks,
    read,
    real,
    reals,
    refused,
    table,
    want,
    whole,
)

GOOD = table(people())
HEAD, *ROWS = lines(GOOD)
BARE = joined(ROWS)
NAMELESS = {"column_1": whole(), "column_2": real(), "column_3": whole(), "column_4": levels()}
NO_HEADER, SKIPPED, AGAIN = "no header|without a header|header line", "skip|above|title|comment", "header|repeat|again"


def above(*first: str) -> bytes:
    return joined([*first, HEAD, *ROWS])


def within(*where: int) -> bytes:
    made = list(ROWS)
    for at in sorted(where, reverse=True):
        made.insert(at, HEAD)
    return joined([HEAD, *made])


TITLES = [
    read("a title above", above("Survey of 2024"), PEOPLE, told=(SKIPPED,), only=True),
    read("a title and an empty line", above("Survey of 2024", ""), PEOPLE, told=(SKIPPED,), only=True),
    read("three lines of title", above("Survey of 2024", "Ministry of Health", "exported 2024-05-06"), PEOPLE,
         told=(SKIPPED,), only=True),
    read("a title padded with commas", above("Survey of 2024,,,"), PEOPLE, told=(SKIPPED,), only=True),
    read("a title that holds a comma", above("Survey of health, 2024"), PEOPLE, told=(SKIPPED,), only=True),
    read("a quoted title", above('"Survey of health, 2024"'), PEOPLE, told=(SKIPPED,), only=True),
    read("lines of facts above", above("Source:,registry", "Date:,2024-05-06", ""), PEOPLE, told=(SKIPPED,), only=True),
    read("comments above", above("# made by a machine", "# version 3"), PEOPLE, told=(SKIPPED,), only=True),
    read("comments with commas above", above("# age, height, and so on", "# a, b, c, d"), PEOPLE, told=(SKIPPED,),
         only=True),
    read("comments of percent signs", above("% made by a machine"), PEOPLE, told=(SKIPPED,), only=True),
    read("comments of slashes", above("// made by a machine"), PEOPLE, told=(SKIPPED,), only=True),
    read("empty lines above", above("", "", ""), PEOPLE, only=True),
    read("ten comments above", above(*[f"# line {i} of what was done" for i in range(10)]), PEOPLE, told=(SKIPPED,),
         only=True),
    refused("a comment in the middle", joined([HEAD, *ROWS[:40], "# here the device was changed", *ROWS[40:]]),
         "line 42", "--skip-bad", secret=("device",)),
    read("--skip says how many", above("Survey of 2024", "x,y,z,u"), PEOPLE, "--skip", "2", only=True),
    read("--skip 0 is the first line", GOOD, PEOPLE, "--skip", "0", only=True),
    refused("--skip beyond the end", GOOD, "--skip", options=("--skip", "400")),
    read("sep= with a semicolon", b"sep=;\n" + table(people(), ";"), PEOPLE, only=True),
    read("sep= with a tab", b"sep=\t\r\n" + table(people(), "\t", "\r\n"), PEOPLE, only=True),
    read("sep= with a comma, quoted", b'"sep=,"\n' + GOOD, PEOPLE, only=True),
    read("SEP= in capitals", b"SEP=|\n" + table(people(), "|"), PEOPLE, only=True),
]  # fmt: skip

NONE = [
    read("no header, numbers and text", BARE, NAMELESS, told=(NO_HEADER,), only=True),
    read("no header, numbers only", table({"a": reals(), "b": reals(seed=9)}, header=False),
         {"column_1": real(), "column_2": real()}, told=(NO_HEADER,), only=True),
    read("no header, as adult has it", joined([r.replace(",", ", ") for r in ROWS]), NAMELESS, told=(NO_HEADER,)),
    read("no header, a hole in the first row", joined([",160.1,2,Oslo", *ROWS[1:]]),
         {**NAMELESS, "column_1": whole(missing=1)}, told=(NO_HEADER,), only=True),
    read("no header, a marker in the first row", joined(["?,160.1,2,Oslo", *ROWS[1:]]),
         {**NAMELESS, "column_1": whole("missing", missing=1)}, told=(NO_HEADER,), only=True),
    read("no header, text only: said so", table({"a": picks("ab cd ef"), "b": picks("gh ij kl", seed=8)}, header=False),
         {"column_1": levels(), "column_2": levels()}, "--no-header", only=True),
    read("--no-header", BARE, NAMELESS, "--no-header", only=True),
    read("--no-header and --skip", joined(["made by a machine", *ROWS]), NAMELESS, "--no-header", "--skip", "1",
         only=True),
    read("no header, semicolons", BARE.replace(b",", b";"), NAMELESS, told=(NO_HEADER,), only=True),
    read("no header, tabs", BARE.replace(b",", b"\t"), NAMELESS, told=(NO_HEADER,), only=True),
    read("no header, comments above", joined(["# age height visits city", *ROWS]), NAMELESS,
         told=(NO_HEADER, SKIPPED), only=True),
    read("text only, a header all the same", table({"animal": picks("cat dog"), "sound": picks("woof meow", seed=8)}),
         {"animal": levels(), "sound": levels()}, only=True),
    read("a header of years is a header", table({"country": picks("FR NO IT"), "2019": reals(), "2020": reals(seed=9)}),
         {"country": levels(), "2019": real(), "2020": real()}, only=True),
]  # fmt: skip

REPEATED = [
    read("the header again in the middle", within(45), PEOPLE, told=(AGAIN,), only=True),
    read("the header again three times", within(20, 40, 60), PEOPLE, told=(AGAIN, "3|three"), only=True),
    read("the header again as the last line", within(N), PEOPLE, told=(AGAIN,), only=True),
    read("the header twice at the top", within(0), PEOPLE, told=(AGAIN,), only=True),
    read("the header again after an empty line", joined([HEAD, *ROWS[:45], "", HEAD, *ROWS[45:]]), PEOPLE, told=(AGAIN,
         )),
    read("the header again, text only", joined(["animal,sound", *(["cat,meow", "dog,woof", "dog,meow"] * 15),
         "animal,sound",
         *(["cat,meow", "dog,woof", "cat,woof"] * 15)]), {"animal": levels(), "sound": levels()}, told=(AGAIN,)),
]  # fmt: skip

TWO_WORDS = {"age in years": whole(), "height (cm)": real(), "visits": whole(), "city": levels()}
NAMES = [
    read("names with blanks and parentheses", joined(["age in years,height (cm),visits,city", *ROWS]), TWO_WORDS,
         only=True),
    read("blanks around names", joined([" age , height , visits , city ", *ROWS]), PEOPLE, only=True),
    read("quoted names", joined(['"age","height","visits","city"', *ROWS]), PEOPLE, only=True),
    read("a name with a comma", joined(['age,"Price, EUR",visits,city', *ROWS]), {"Price, EUR": real()}),
    read("a name with a quote", joined(['age,"height ""cm""",visits,city', *ROWS]), {'height "cm"': real()}),
    read("a name with a line break", joined(['age,"height\nin cm",visits,city', *ROWS]), {"height\nin cm": real()}),
    read("a name with an equals sign", joined(["age,height=cm,visits,city", *ROWS]), {"height=cm": real()}),
    read("names in other letters", joined(["возраст,高さ,visites,città", *ROWS]),
         {"возраст": whole(), "高さ": real(), "visites": whole(), "città": levels()}, only=True),
    read("names that are numbers", joined(["1,2,3,4", *ROWS]), {}, rows=None),
    read("a name with a comma, addressed", joined(['age,"Price, EUR",visits,city', *ROWS]),
         {"Price, EUR": want("category")}, "--text", "Price, EUR"),
    read("an empty name in the middle", joined(["age,,visits,city", *ROWS]), {"age": whole(), "visits": whole(),
         "city": levels()}),
    read("an empty name at the end: nothing below", joined([HEAD + ",", *(r + "," for r in ROWS)]), PEOPLE),
    read("five empty names at the end", joined([HEAD + ",,,,,", *(r + ",,,,," for r in ROWS)]), PEOPLE),
    refused("the same name twice", joined(["age,height,age,city", *ROWS]), "age",
            "twice|duplicate|same name|two columns|2"),
    refused("nothing but a header", joined([HEAD]), "no row|no data|empty|only a header|header"),
    read("one row below the header", joined([HEAD, ROWS[0]]), {}, rows=1),
    read("names in capitals and small letters", joined(["Age,AGE,age,city", *ROWS]), {"Age": whole(), "AGE": real(),
         "age": whole()}),
    read("a name of three hundred letters", joined([f"age,{'h' * 300},visits,city", *ROWS]), {"h" * 300: real()}),
]  # fmt: skip

BELOW = [
    read("empty lines below", GOOD + b"\n\n\n", PEOPLE, only=True),
    read("lines of commas below are rows of holes", GOOD + b",,,\n,,,\n", {"age": whole(missing=2), "city":
         levels(missing=2)}, rows=N + 2),
    read("a footnote below, --skip-bad", GOOD + b"made by a machine\n", PEOPLE, "--skip-bad", told=("1|one",),
         only=True),
    refused("a footnote below", GOOD + b"made by a machine\n", "line 92", "--skip-bad", secret=("machine",)),
    refused("a line of totals below", GOOD + b"Total,15300.5,270,\n", "age", "--missing|--number", secret=("Total",)),
    read("a line of totals below, --number", GOOD + b"Total,160.5,2,Oslo\n", {"age": whole("missing", missing=1)},
         "--number", "age", rows=N + 1),
    read("a line of units below the header", joined([HEAD, "years,cm,,", *ROWS]), {"age years": whole(), "height cm":
         real()}, told=("two header lines",)),
    read("rows numbered in a column without a name in the header", joined([HEAD, *(f"{i},{r}" for i, r in
         enumerate(ROWS, 1))]), PEOPLE, told=("row names|counter|without a name|index|one more",)),
    read("no line break at the end", GOOD.rstrip(b"\n"), PEOPLE, only=True),
]  # fmt: skip

CASES: list[Case] = [*TITLES, *NONE, *REPEATED, *NAMES, *BELOW]


@each(CASES)
def test_headers(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
