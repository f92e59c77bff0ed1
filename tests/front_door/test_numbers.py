"""Numbers as they are written: decimal commas, thousands, percent, money, units, signs; and what is not a number."""

from __future__ import annotations

from pathlib import Path

from tests.front_door.zoo import (
    COUNTS,
    LEFT_OUT,
    NUMBERS,
    PLAIN,
    WHOLE,
    Case,
    N,
    amounts,
    beside,
    column,
    comma,
    each,
    grouped,
    holes,
    judge,
    levels,
    out,
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

MONEY, LENGTHS, AGES = amounts(), reals(), wholes()
SIGNED = reals(0, 30, 2, seed=5)
CENTS = grouped(",")
SPACES = {"blank": " ", "no-break": "\u00a0", "narrow no-break": "\u202f", "thin": "\u2009"}
PERCENT, THOUSANDS, COMMA, UNIT, CURRENCY = "percent|%", "thousand|group", "comma", "unit", "currency|money"


def minus(how: str) -> list[str]:
    """Negative numbers with the sign as `how` puts it, the others plain."""
    return [how.format(f"{-v:.2f}") if v < 0 else f"{v:.2f}" for v in SIGNED]


PLAIN_NUMBERS = [
    column("integers", AGES, whole()),
    column("decimals", LENGTHS, real()),
    column("negatives", SIGNED, real()),
    column("whole numbers written with .0", strings(AGES, "{}.0"), want(WHOLE, family=NUMBERS)),
    column("a plus before each", strings(LENGTHS, "+{}"), real()),
    column("a plus or a minus before each", strings(SIGNED, "{:+.2f}"), real()),
    column("scientific", strings(LENGTHS, "{:.3e}"), real()),
    column("scientific with a capital", strings(MONEY, "{:.4E}"), real()),
    column("scientific and small", strings([v / 1e5 for v in LENGTHS], "{:.2e}"), real()),
    column("scientific among plain ones", [f"{v:.2e}" if i % 9 == 0 else v for i, v in enumerate(LENGTHS)], real()),
    column("no zero before the point", [f"{abs(v) % 1:.3f}"[1:] for v in MONEY[1:] + LENGTHS[:1]], real()),
    column("nothing behind the point", strings(AGES, "{}."), want(WHOLE, family=NUMBERS)),
    column("blanks around", strings(LENGTHS, "  {} "), real()),
    column("padded to one width", strings(LENGTHS, "{:>12}"), real()),
    column("more digits than a double has", strings(LENGTHS, "{:.17f}"), real()),
    column("one decimal among integers", [*AGES[:-1], 33.5], real()),
    column("years", wholes(1990, 2024), whole()),
    column("counts", wholes(0, 9), want("integer", family=NUMBERS)),
    column("large whole numbers", [round(v * 97) for v in MONEY], whole()),
]

COMMAS = (
    [
        column(f"decimal comma, {name}", strings(LENGTHS, comma), real(COMMA), sep=sep, decimal=",")
        for name, sep in {"semicolons": ";", "tabs": "\t", "bars": "|", "quoted among commas": ","}.items()
    ]
    + [
        column("decimal comma, one digit behind", [comma(v, 1) for v in LENGTHS], real(COMMA), sep=";", decimal=","),
        column("decimal comma, some without", holes(strings(LENGTHS, comma), "50"), real(COMMA), sep=";", decimal=","),
        column("decimal comma, signed", strings(SIGNED, comma), real(COMMA), sep=";", decimal=","),
        column("decimal comma with holes", holes(strings(LENGTHS, comma), ""), real(COMMA, missing=10), sep=";"),
        column("decimal comma said", strings(LENGTHS, comma), real(), "--decimal", ",", sep=";", decimal=","),
        column("decimal comma, dots between thousands", strings(MONEY, grouped(".", ",")), real(COMMA), sep=";"),
        column("decimal comma, apostrophes", strings(MONEY, grouped("'", ",")), real(COMMA), sep=";"),
        column("decimal comma and euro", [f"{comma(v)} €" for v in MONEY], real("€|" + CURRENCY), sep=";"),
        column("decimal comma and percent", [f"{comma(v, 1)} %" for v in LENGTHS], real(PERCENT), sep=";"),
        column(
            "decimal comma and three digits", [comma(v, 3) for v in LENGTHS], real(COMMA), "--decimal", ",", sep=";"
        ),
    ]
    + [
        column(f"decimal comma, {name} between thousands", strings(MONEY, grouped(s, ",")), real(COMMA), sep=";")
        for name, s in SPACES.items()
    ]
)

GROUPS = [
    column(f"thousands, {name}", strings(MONEY, grouped(s)), real(THOUSANDS))
    for name, s in {"commas": ",", "apostrophes": "'", "typographic apostrophes": "\u2019", **SPACES}.items()
] + [
    column("thousands, whole millions", [f"{int(v * 97):,}" for v in MONEY], whole(THOUSANDS)),
    column("thousands, dots in millions", [f"{int(v * 97):,}".replace(",", ".") for v in MONEY], whole(THOUSANDS)),
    column("thousands, signed", [f"{v * 901.7:,.2f}" for v in SIGNED], real(THOUSANDS)),
    column("thousands, one digit in front everywhere: said what it was taken for", [f"{1000 + v:,}" for v in AGES],
           want(WHOLE, "thousand|decimal|comma|group", family=NUMBERS)),
    column("dots before three digits beside short ones: said what they were taken for",
           [f"{v * 30:,}".replace(",", ".") for v in AGES], want(WHOLE, "thousand|decimal|group", family=NUMBERS),
           sep=";"),
    column("thousands with holes", holes(strings(MONEY, CENTS), "", "NA"), real(THOUSANDS, missing=10)),
]  # fmt: skip

POINTS = [f"{v * 30:,}" for v in AGES]
SAID = [
    column("1,234 and --decimal .: thousands", POINTS, want(WHOLE, family=NUMBERS), "--decimal", "."),
    column("1,234 and --decimal ,: decimals", [comma(v, 3) for v in reals(1.5, 0.2, 3)], real(), "--decimal", ",",
           sep=";"),
    column("1.234 and --decimal .: decimals", reals(1.5, 0.2, 3), real(), "--decimal", ".", sep=";", decimal="."),
    column("1.234 and --decimal ,: thousands", [p.replace(",", ".") for p in POINTS], want(WHOLE, family=NUMBERS),
           "--decimal", ",", sep=";"),
    refused("--decimal of a letter", table(beside(LENGTHS)), "--decimal", options=("--decimal", "x"), code=(2, 3)),
    refused("--decimal that is the delimiter too", table(beside(LENGTHS)), "--decimal", "--delimiter",
            options=("--decimal", ",", "--delimiter", ","), code=(2, 3)),
]  # fmt: skip

MARKS = {
    "dollars": ("${:,.2f}", "$|currency"),
    "euros in front": ("€{:,.2f}", "€|currency"),
    "euros behind": ("{:.2f}€", "€|currency"),
    "pounds": ("£{:,.2f}", "£|currency"),
    "yen, whole": ("¥{:,.0f}", "¥|currency"),
    "rupees": ("₹{:,.2f}", "₹|currency"),
    "won": ("₩{:,.0f}", "₩|currency"),
    "roubles behind": ("{:.2f} ₽", "₽|currency"),
    "dollars and a blank": ("$ {:.2f}", "$|currency"),
    "a code in front": ("USD {:,.2f}", "usd|currency"),
    "a code behind": ("{:.2f} EUR", "eur|currency"),
    "Swiss francs": ("CHF {:.2f}", "chf|currency"),
    "reals": ("R$ {:.2f}", "r$|currency"),
    "Canadian dollars": ("C${:,.2f}", "c$|currency"),
    "kroner behind": ("{:.2f} kr", "kr|currency|unit"),
    "percent": ("{:.1f}%", PERCENT),
    "percent and a blank": ("{:.1f} %", PERCENT),
    "whole percent": ("{:.0f}%", PERCENT),
    "per mille": ("{:.1f}‰", "‰|mille|unit"),
    "kilograms": ("{:.1f} kg", "kg"),
    "kilograms, no blank": ("{:.1f}kg", "kg"),
    "centimetres": ("{:.0f} cm", "cm"),
    "degrees": ("{:.1f} °C", "°c"),
    "degrees alone": ("{:.1f}°", "°"),
    "per decilitre": ("{:.1f} mg/dL", "mg/dl"),
    "speed": ("{:.0f} km/h", "km/h"),
    "square metres": ("{:.1f} m²", "m²"),
    "milliseconds": ("{:.0f}ms", "ms"),
    "gigabytes": ("{:.2f} GB", "gb"),
    "years": ("{:.0f} years", "years"),
    "micrograms": ("{:.1f} µg", "µg|μg"),
}
ONE_MARK = [column(f"in {name}", strings(LENGTHS, how), want(WHOLE, note, family=NUMBERS))
            for name, (how, note) in MARKS.items()]  # fmt: skip

SIGNS = [
    column("minus behind", minus("{}-"), real("minus|sign|behind|trailing")),
    column("typographic minus", minus("\u2212{}"), real("minus|sign|2212")),
    column("negatives in parentheses", minus("({})"), real("parenthes|bracket|negative")),
    column("money, minus first", [f"{'-' if v < 0 else ''}${abs(v):.2f}" for v in SIGNED], real("$|currency")),
    column("money, minus inside", [f"${v:.2f}" for v in SIGNED], real("$|currency")),
    column("money in parentheses", [f"(${-v:.2f})" if v < 0 else f"${v:.2f}" for v in SIGNED], real("$|currency")),
    column("percent, negatives among them", [f"{v:.1f}%" for v in SIGNED], real(PERCENT)),
    column("percent with holes", holes([f"{v:.1f}%" for v in LENGTHS], ""), real(PERCENT, missing=10)),
    column("money with markers", holes(strings(MONEY, "${:.2f}"), "-", "N/A"), real("$|currency", missing=10)),
    column("a dash for zero or nothing in accounts", holes(minus("({})"), "-"), real("missing|marker", missing=10)),
]

MIXED = [
    column("two currencies", [f"{'$€'[i % 2]}{v:.2f}" for i, v in enumerate(MONEY)], out("currenc|unit|mix")),
    column("two codes", [f"{v:.2f} {['USD', 'EUR'][i % 2]}" for i, v in enumerate(MONEY)], out("currenc|unit|mix")),
    column("two units", [f"{v:.1f} {['kg', 'lb'][i % 2]}" for i, v in enumerate(LENGTHS)], out("unit|mix")),
    column("one of another unit", [f"{v:.1f} {'lb' if i == 70 else 'kg'}" for i, v in enumerate(LENGTHS)], out("unit")),
    column("three units of data", [f"{v:.1f} {('kB', 'MB', 'GB')[i % 3]}" for i, v in enumerate(MONEY)], out("unit")),
    column("a range of two numbers", [f"{v // 10 * 10}-{v // 10 * 10 + 9}" for v in AGES], levels()),
    column("open classes of age", picks("0-17 18-39 40-64 65+"), levels()),
    column("hexadecimal", [f"0x{v * 7919:x}" for v in AGES], want("category", family=None)),
    column(
        "yes and no", picks("yes no"), want(("boolean", "category"), family=frozenset({"bernoulli", "categorical"}))
    ),
    column("true and false", picks("true false"), want("boolean", family="bernoulli")),
    column("TRUE and FALSE", picks("TRUE FALSE"), want("boolean", family="bernoulli")),
]

REFUSALS = [
    refused("below a limit among numbers", table(beside(holes(LENGTHS, "<0.5"))), "'v'|`v`|column v|\"v\"",
            "10|11", "--missing", "--number", "--text", "--ignore", secret=("<0.5", str(LENGTHS[0]))),
    refused("a number with a star among numbers", table(beside(holes(LENGTHS, "48.1*"))), "--number", "--text",
            secret=("48.1",)),
]  # fmt: skip

NUMBER = [
    column("--number makes limits missing", holes(LENGTHS, "<0.5"), real("missing", missing=10), "--number", "v"),
    column("--number makes words missing", holes(AGES, "ill", "away"), whole("missing", missing=10), "--number", "v"),
    column("--text keeps limits", holes(wholes(1, 9), "<0.5"), levels(), "--text", "v"),
    read("every column its own spelling", table({
        "income": strings(MONEY, "${:,.2f}"), "rate": strings(LENGTHS, "{:.1f}%"), "revenu": strings(SIGNED, comma),
        "weight": strings(reals(80, 9, 1, seed=9), "{:.1f} kg"), "calls": wholes(0, 7, seed=11),
    }, ";"), {"income": real("$|currency"), "rate": real(PERCENT), "revenu": real(COMMA), "weight": real("kg"),
              "calls": want("integer", family=NUMBERS | COUNTS)}, only=True),
    read("a number of each sign beside text with units in it", table(beside(picks("5kg-bag 9kg-bag loose"))),
         {"v": levels(), **PLAIN}),
    read("units in every cell but no two alike", table(beside([f"{v} u{i}" for i, v in enumerate(AGES)])),
         {"v": want("category", "unique|differ|nearly|own|identif", family=LEFT_OUT), **PLAIN}, rows=N),
]  # fmt: skip

CASES: list[Case] = [*PLAIN_NUMBERS, *COMMAS, *GROUPS, *SAID, *ONE_MARK, *SIGNS, *MIXED, *REFUSALS, *NUMBER]


@each(CASES)
def test_numbers(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
