"""Wrong months as a whole, and the table of all of them."""

from __future__ import annotations

import numpy as np
import pandas as pd
from benchmarks.judge import columns as c
from benchmarks.judge.columns import Given, Spoil, Unsuited, code, number, put, some

#: the frog: a month gets so many deviations more than the one before it, for so many months
FROG_STEP, FROG_MONTHS = 0.2, 12
FROG = "a column creeps up, month by month"


def all_shuffled(given: Given) -> pd.DataFrame:
    """Every column by itself: margins stay, nothing else does."""
    out = given.now
    for name in out:
        out = put(out, name, given.rng.permutation(out[name].to_numpy(object)))
    return out


def one_kind(given: Given) -> pd.DataFrame:
    try:
        return given.one_kind()
    except LookupError as error:
        raise Unsuited(str(error)) from None


def old_rows(given: Given) -> pd.DataFrame:
    """Four rows in five were delivered before."""
    old = pd.concat(given.past, ignore_index=True).sample(len(given.now), random_state=given.rng)
    return old.where(pd.Series(some(np.empty(len(old)), given.rng, 0.8), old.index), given.now.set_axis(old.index))


def again(given: Given) -> pd.DataFrame:
    """Last month under this month's name."""
    return given.past[-1].copy()


def repeated(given: Given) -> pd.DataFrame:
    """Every row ten times."""
    return given.now.loc[given.now.index.repeat(10)].reset_index(drop=True)


def rounded(given: Given) -> pd.DataFrame:
    """No column of numbers has decimals any more."""
    names = [n for n in c.numbers(given.now) if (given.now[n] % 1 != 0).any()]
    c.one(given, names, "column with decimals")
    return given.now.assign(**{n: given.now[n].round() for n in names})


def garbage(given: Given) -> pd.DataFrame:
    """A component is born: 15 % of rows are noise, each cell drawn from anywhere in its column's range."""
    hit = some(np.empty(len(given.now)), given.rng, 0.15)
    out = given.now
    for name in out:
        column = out[name]
        if name in out.select_dtypes("number"):
            noise = given.rng.uniform(float(column.min()), float(column.max()), len(column))
        else:
            noise = given.rng.choice(column.dropna().unique(), len(column))
        out = put(out, name, column.astype(object).mask(hit, pd.Series(noise, column.index, dtype=object)))
    return out


def test_rows(given: Given) -> pd.DataFrame:
    """One row in ten is somebody's test: the same default in every column."""
    hit = some(np.empty(len(given.now)), given.rng, 0.1)
    out = given.now
    for name in out:
        value = 0 if name in out.select_dtypes("number") else out[name].mode()[0]
        out = put(out, name, out[name].astype(object).mask(hit, value))
    return out


def creeping(given: Given, step: int) -> pd.DataFrame:
    """The frog, so many steps on; always the same column."""
    name = c.numbers(given.past[0])[0] if c.numbers(given.past[0]) else c.one(given, [], "column of numbers")
    x = given.now[name].to_numpy(float, na_value=np.nan)
    before = given.past[0][name].to_numpy(float, na_value=np.nan)
    return put(
        given.now, name, x + step * max(FROG_STEP * float(np.nanstd(before)), float(given.now[name].dtype != float))
    )


#: every wrong month by what is wrong with it
WRONG: dict[str, Spoil] = {
    "a column filled with one default": c.default,
    "holes filled with 0": c.filled(lambda column: 0.0),
    "holes filled with the mean": c.filled(lambda column: float(column.mean())),
    "codes of a category permuted": code(lambda at, r: np.where(at < 0, at, at.max() - at)),
    "codes shifted by one": code(lambda at, r: np.where(at < 0, at, np.minimum(at + 1, at.max()))),
    "every column shuffled": all_shuffled,
    "one column shuffled": c.shuffled_column,
    "a column one row behind": c.lagged,
    "rows of one kind only": one_kind,
    "units: times 18.016": number(lambda x, r: x * 18.016),
    "units: kg to lb": number(lambda x, r: x * 2.2046),
    "two columns swapped": c.swapped,
    "a sign flipped": number(lambda x, r: -x),
    "half of a column zero": number(lambda x, r: np.where(some(x, r, 0.5), 0.0, x)),
    "80 % old training rows": old_rows,
    "last month again": again,
    "every row ten times": repeated,
    "half of a column missing": c.emptied,
    "decimals rounded away": rounded,
    "clipped at a quantile": number(lambda x, r: np.minimum(x, np.nanquantile(x, 0.8))),
    "a new category takes 30 %": code(lambda at, r: np.where(some(at, r, 0.3), at.max() + 1, at)),
    "a category vanished": c.vanished,
    "20 % of a column times 1000": number(lambda x, r: np.where(some(x, r, 0.2), x * 1000, x)),
    "1 % outliers": number(c.outliers),
    "a constant added": number(lambda x, r: x + 2 * np.nanstd(x)),
    "15 % garbage": garbage,
    "a variance tripled": number(c.wider),
    "10 % test rows": test_rows,
}
#: at 20,000 rows a retrain takes minutes: those that are worst where they pass, and those that leak
LARGE = (
    "a column filled with one default",
    "codes of a category permuted",
    "every column shuffled",
    "rows of one kind only",
    "80 % old training rows",
    "15 % garbage",
)
