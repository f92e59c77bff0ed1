"""The values of `unseen fit`'s options, read from text."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from typing import Any

import click

from unseen.spec import FAMILIES, is_family

MOST_NUMBERS = 1000


class Components(click.ParamType):  # type: ignore[type-arg]
    """Numbers of components: ``3``, ``2,4,6`` or ``1:8`` (both ends included).

    >>> Components().convert("1:4", None, None)
    (1, 2, 3, 4)
    """

    name = "components"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "K|A:B|A,B,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        try:
            first, colon, last = value.partition(":")
            if colon and int(last) - int(first) >= MOST_NUMBERS:
                self.fail(f"{value!r} names more than {MOST_NUMBERS:,} numbers of components", param, ctx)
            tried = tuple(range(int(first), int(last) + 1)) if colon else tuple(int(k) for k in value.split(","))
        except ValueError:
            self.fail(f"{value!r} is no number of components: write 3, or 2,4,6, or 1:8", param, ctx)
        if not tried or min(tried) < 1:
            self.fail(f"{value!r} must name at least one number of components, each 1 or more", param, ctx)
        return tried


class Finite(click.FloatRange):
    """A number in a range that is neither infinite nor not a number."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value!r} is no finite number", param, ctx)
        return number


class ColumnFamily(click.ParamType):  # type: ignore[type-arg]
    """``COL=FAMILY``; the column's own name may hold an equals sign."""

    name = "column_family"

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        return "COL=FAMILY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[str, str]:
        if isinstance(value, tuple):
            return value
        column, equals, family = value.rpartition("=")
        if not equals or not column or not is_family(family):
            self.fail(f"{value!r} is not COLUMN=FAMILY with a family out of {', '.join(FAMILIES)}", param, ctx)
        return column, family


def split_columns(values: Sequence[str], names: Sequence[str] = ()) -> tuple[str, ...]:
    """Column names of an option that was given several times, or with commas between the names.

    A value that is a name itself is that one; in quotes a name may hold commas.

    >>> split_columns(["a,b", "c"])
    ('a', 'b', 'c')
    >>> split_columns(["Price, EUR", '"Price, EUR",b'], ["Price, EUR", "b"])
    ('Price, EUR', 'Price, EUR', 'b')
    """
    found: list[str] = []
    for value in values:
        found += [value] if value in names else next(csv.reader([value], skipinitialspace=True), [])
    return tuple(name for name in found if name)
