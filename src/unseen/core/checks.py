"""Data that no model can be fitted to, refused before it is."""

from __future__ import annotations

import numpy as np

from unseen.core.profile import Profile
from unseen.errors import DataError, NumericalError

#: variances below this lose digits, or are nothing
SMALLEST = 1e-300


def check_profile(
    profile: Profile, ignored_hint: str = "leave it out (ignore=[{name!r}]; --ignore {name})", empty: bool = False
) -> None:
    """Refuse data that no model can be fitted to.

    Raises
    ------
    DataError
        No rows, bad weights, or a column that has infinite values or, unless ``empty`` is allowed, none at all.
    """
    if not profile.rows:
        raise DataError("the table has no rows: nothing to fit")
    if profile.bad_weights:
        raise DataError(
            f"{profile.bad_weights:,} of {profile.rows:,} row weights are negative, missing or not finite: "
            "weights count copies of a row and must be zero or more"
        )
    if profile.uneven_units:
        raise DataError(
            f"the rows of {profile.uneven_units:,} units have different weights: a unit counts as one thing, so give "
            "all of its rows the same weight"
        )
    if profile.weight <= 0 and profile.empty_rows < profile.rows:
        raise DataError("all row weights are zero: give at least one row a positive weight")
    for c in profile.columns:
        if c.missing == c.rows and not empty:
            raise DataError(f"column {c.name!r} has no observed value at all: {ignored_hint.format(name=c.name)}")
        if c.infinite:
            raise DataError(
                f"column {c.name!r} has {c.infinite:,} infinite values: mark them missing (missing=['inf']; "
                "--missing inf) or clip them first"
            )
        if c.low < c.high and c.variance <= SMALLEST:
            raise DataError(
                f"column {c.name!r} has numbers so small that their squares are nothing: {_rescale(c.name)}"
            )


def check_finite(profile: Profile) -> None:
    """Refuse numbers that no variance can be computed of, before warnings of arithmetic are.

    Raises
    ------
    NumericalError
        The squares of a column are not finite.
    """
    for c in profile.columns:
        if c.low < c.high and not np.isfinite(c.variance):
            raise NumericalError(
                f"column {c.name!r} has numbers so large that their squares are not finite: {_rescale(c.name)}"
            )


def _rescale(name: str) -> str:
    return f"give it in another unit (rescale it), or leave it out (ignore=[{name!r}]; --ignore {name})"
