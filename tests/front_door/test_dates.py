"""Dates and times in the usual spellings stay out of the model, with a note; what only looks like one does not."""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from tests.front_door.zoo import (
    DATES,
    LEFT_OUT,
    MODELLED,
    NUMBERS,
    PLAIN,
    Case,
    beside,
    column,
    dates,
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

MOMENTS = [
    datetime(2021, 1, 1) + timedelta(minutes=int(m)) for m in np.random.default_rng(6).integers(0, 1_500_000, 90)
]
LATE = [moment.replace(day=13 + moment.day % 15) for moment in MOMENTS]
EARLY = [moment.replace(day=1 + moment.day % 12) for moment in MOMENTS]


def spelled(how: str, moments: list[datetime] = MOMENTS) -> list[str]:
    return [moment.strftime(how) for moment in moments]


SPELLINGS = {
    "ISO": "%Y-%m-%d",
    "ISO with a time": "%Y-%m-%dT%H:%M:%S",
    "ISO with a blank": "%Y-%m-%d %H:%M:%S",
    "ISO without seconds": "%Y-%m-%d %H:%M",
    "ISO with milliseconds": "%Y-%m-%d %H:%M:%S.250",
    "ISO with microseconds": "%Y-%m-%dT%H:%M:%S.250125",
    "ISO with Z": "%Y-%m-%dT%H:%M:%SZ",
    "ISO with an offset": "%Y-%m-%dT%H:%M:%S+02:00",
    "ISO with a short offset": "%Y-%m-%d %H:%M:%S+0200",
    "ISO with UTC": "%Y-%m-%d %H:%M:%S UTC",
    "slashes, year first": "%Y/%m/%d",
    "dots, year first": "%Y.%m.%d",
    "slashes, day first": "%d/%m/%Y",
    "slashes, month first": "%m/%d/%Y",
    "slashes, short year": "%m/%d/%y",
    "slashes, with a time": "%m/%d/%Y %H:%M",
    "slashes, with a time of twelve hours": "%m/%d/%Y %I:%M %p",
    "slashes, with seconds of twelve hours": "%m/%d/%Y %I:%M:%S %p",
    "dots, day first": "%d.%m.%Y",
    "dots, short year": "%d.%m.%y",
    "dots, with a time": "%d.%m.%Y %H:%M",
    "hyphens, day first": "%d-%m-%Y",
    "hyphens, month first": "%m-%d-%Y",
    "a month's short name between hyphens": "%d-%b-%Y",
    "a month's short name, short year": "%d-%b-%y",
    "a month's short name first": "%b %d %Y",
    "a month's short name and a comma": "%b %d, %Y",
    "a month's name and a comma": "%B %d, %Y",
    "a month's name behind the day": "%d %B %Y",
    "a month's short name behind the day": "%d %b %Y",
    "a weekday in front": "%a, %d %b %Y %H:%M:%S",
    "as mail has it": "%a, %d %b %Y %H:%M:%S +0000",
    "as C has it": "%a %b %d %H:%M:%S %Y",
    "as servers log it": "%d/%b/%Y:%H:%M:%S +0000",
    "as SAS has it": "%d%b%Y",
    "hours and minutes": "%H:%M",
    "hours, minutes, seconds": "%H:%M:%S",
    "hours of twelve": "%I:%M %p",
    "seconds with a fraction": "%H:%M:%S.500",
    "year and month": "%Y-%m",
}

SPELLED = [column(name, spelled(how), dates()) for name, how in SPELLINGS.items()] + [
    column("no leading zeros", [f"{m.month}/{m.day}/{m:%y}" for m in MOMENTS], dates()),
    column("no leading zeros, dots", [f"{m.day}.{m.month}.{m.year}" for m in MOMENTS], dates()),
    column("no leading zeros, with a time", [f"{m.month}/{m.day}/{m.year} {m.hour}:{m:%M}" for m in MOMENTS], dates()),
    column("no day above twelve: month and day cannot be told apart", spelled("%d/%m/%Y", EARLY), dates()),
    column("days above twelve only", spelled("%d/%m/%Y", LATE), dates()),
    column("days above twelve only, month first", spelled("%m/%d/%Y", LATE), dates()),
    column("blanks around a date", strings(spelled("%Y-%m-%d"), " {} "), dates()),
    column("quarters", [f"{m.year}-Q{m.month // 4 + 1}" for m in MOMENTS], want(None, family=None)),
    column("eight digits", spelled("%Y%m%d"), out("date", kind=("dates", "other", "integer"))),
    column("eight digits, --date", spelled("%Y%m%d"), dates(), "--date", "v"),
    column("few days again and again", spelled("%Y-%m-%d", (MOMENTS[:4] * 23)[:90]), dates()),
    column("before the epoch", strings(wholes(1850, 1950), "{}-06-15"), dates()),
    column("far in the future", strings(wholes(2850, 3950), "{}-06-15"), dates()),
]

WITH_HOLES = [
    column("ISO, nothing in some", holes(spelled("%Y-%m-%d"), ""), dates(missing=10)),
    column("ISO among unknown", holes(spelled("%Y-%m-%d"), "unknown"), dates("date", missing=10)),
    column("ISO, one unknown", holes(spelled("%Y-%m-%d"), "unknown", every=200), dates("date", missing=1)),
    column("ISO among markers", holes(spelled("%Y-%m-%d"), "NA", "?", "-"), dates("date", missing=10)),
    column("US dates among NULL", holes(spelled("%m/%d/%Y"), "NULL"), dates("date", missing=10)),
    column("days with and without a time",
           [f"{m:%Y-%m-%d}{' 12:30:00' if i % 3 else ''}" for i, m in enumerate(MOMENTS)], dates()),
    column("times with holes", holes(spelled("%H:%M"), ""), dates(missing=10)),
    column("zero dates of MySQL", holes(spelled("%Y-%m-%d"), "0000-00-00"),
           want(DATES, "date", family=LEFT_OUT, missing=None)),
    column("two spellings", [m.strftime("%Y-%m-%d" if i % 2 else "%d.%m.%Y") for i, m in enumerate(MOMENTS)],
           out("date|spelling|format")),
]  # fmt: skip

NO_DATES = [
    column("years are numbers", wholes(1990, 2024), whole()),
    column("names of months are text", picks("Jan Feb Mar Apr May Jun"), levels()),
    column("names of days are text", picks("Mon Tue Wed Thu Fri"), levels()),
    column("numbers of months are numbers", wholes(1, 13), want("integer", family=MODELLED)),
    column("a word and a year are text", strings(wholes(2019, 2023), "wave {}"), levels()),
    column("versions are no dates", picks("1.2.3 1.2.4 1.10.0 2.0.1"), levels()),
    column("scores are no times", picks("2:1 0:0 3:1 1:1"), want(None, family=None)),
    column("ratios are no dates", picks("1/2 1/4 3/4"), want(None, family=None)),
    column("Mays and Augusts are names", picks("May August June Rose Lily"), levels()),
    column("--text keeps a date as text", spelled("%Y-%m", (MOMENTS[:3] * 30)[:90]), levels(), "--text", "v"),
    column("--date for what is none: as it was said", picks(), out("date", kind=DATES), "--date", "v"),
    column("seconds since 1970", [int(m.timestamp()) for m in MOMENTS], want("integer", family=None)),
    column("days since 1900 as Excel counts", wholes(43000, 46000), want("integer", family=NUMBERS)),
    read("dates, times and numbers side by side", table({"day": spelled("%d.%m.%Y"), "at": spelled("%H:%M"),
         "degrees": reals(12, 7, 1)}), {"day": dates(), "at": dates(), "degrees": want("number", family=NUMBERS)},
         only=True),
    read("a date is not the reason to lose the rest", table(beside(spelled("%c"))), {"v": dates(), **PLAIN}),
]  # fmt: skip

CASES: list[Case] = [*SPELLED, *WITH_HOLES, *NO_DATES]


@each(CASES)
def test_dates(case: Case, tmp_path: Path) -> None:
    judge(case, tmp_path)
