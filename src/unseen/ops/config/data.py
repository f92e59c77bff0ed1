"""Sections about the data: where it is, what it must look like, what of it is private."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from unseen.core.reading import READ, Reading, reading
from unseen.ops.config.base import Count, Section, Share, Text, Whole

_SAID = {option.name: option.sentence for option in READ}


class Read(Section):
    """How text files and workbooks are read, where they do not say so themselves."""

    delimiter: Text | None = Field(default=None, description=_SAID["delimiter"], examples=[";"])
    decimal: Literal[".", ","] | None = Field(default=None, description=_SAID["decimal"], examples=[","])
    encoding: Text | None = Field(default=None, description=_SAID["encoding"], examples=["latin-1"])
    skip: Whole | None = Field(default=None, description=_SAID["skip"], examples=[2])
    header: bool | None = Field(default=None, description=_SAID["header"], examples=[False])
    missing: tuple[str, ...] = Field(default=(), description=_SAID["missing"], examples=[["-999"]])
    text: tuple[Text, ...] = Field(default=(), description=_SAID["text"], examples=[["zip"]])
    number: tuple[Text, ...] = Field(default=(), description=_SAID["number"], examples=[["age"]])
    date: tuple[Text, ...] = Field(default=(), description=_SAID["date"], examples=[["day"]])
    sheet: Text | None = Field(default=None, description=_SAID["sheet"], examples=["2024"])
    skip_bad: bool = Field(default=False, description=_SAID["skip_bad"], examples=[True])

    def reading(self) -> Reading:
        """The same as readers take it."""
        return reading(self.model_dump())

    @property
    def told(self) -> tuple[str, ...]:
        """What is said, and left to be found no more, as text: files that are read otherwise are other data."""
        return tuple(f"{key}={value!r}" for key, value in self.model_dump(exclude_defaults=True).items())


class Data(Section):
    """Where the partitions are: each file that `path` matches is one, in the order of their names."""

    path: Text = Field(examples=["data/*.parquet"])
    """A file, a folder, or a pattern. A relative path starts from the folder of this file."""
    window: Count | None = Field(default=None, examples=[6])
    """Train on so many of the newest partitions; on all if left out."""
    weights: Text | None = Field(default=None, examples=["copies"])
    """Column that says how many copies each row stands for."""
    labels: Text | None = Field(default=None, examples=["known_class"])
    """Column with the known classes of some rows."""
    ignore: tuple[Text, ...] = Field(default=(), examples=[["comment"]])
    """Columns that are neither modelled nor checked."""
    read: Read = Read()

    @property
    def aside(self) -> dict[str, tuple[str, ...]]:
        """Columns that are not modelled, by the key that names them."""
        one = {"data.weights": self.weights, "data.labels": self.labels}
        return {**{key: (column,) for key, column in one.items() if column}, "data.ignore": self.ignore}

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.weights is not None and self.weights == self.labels:
            yield "labels", "the same column is named as weights"
        for key in ("weights", "labels"):
            if getattr(self, key) in self.ignore:
                yield key, "the same column is listed in data.ignore"


class ColumnRule(Section):
    """What one column must look like before a batch may train."""

    type: Literal["number", "integer", "boolean", "category", "other"] = Field(examples=["number"])
    """Kind of the column: text is a category; dates and lists are other."""
    min: float | None = Field(default=None, examples=[-60])
    """Smallest allowed number."""
    max: float | None = Field(default=None, examples=[1500])
    """Largest allowed number."""
    values: tuple[str, ...] | None = Field(default=None, examples=[["EWR", "JFK", "LGA"]])
    """Categories that may occur, as text."""
    outside: Share = Field(default=0.0, examples=[0.001])
    """Largest share of observed cells outside min, max or values."""
    missing: Share = Field(default=1.0, examples=[0.05])
    """Largest share of missing cells."""
    missing_min: Share = Field(default=0.0, examples=[0.01])
    """Smallest share of missing cells, with room for chance; it notices gaps that were filled."""
    common: Share = Field(default=1.0, examples=[0.5])
    """Largest share of observed cells with one and the same value, with room for chance; it notices defaults."""
    median: tuple[float, float] | None = Field(default=None, examples=[[-10, 30]])
    """Range that the median must lie in; it notices a change of units."""
    spread: tuple[float, float] | None = Field(default=None, examples=[[5, 60]])
    """Range of the mean distance from the median; it notices a column that narrows, and a change of units."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        for key in ("min", "max", "median", "spread"):
            if self.type in ("category", "other") and getattr(self, key) is not None:
                yield key, "is for columns of type number, integer or boolean"
        if self.type != "category" and self.values is not None:
            yield "values", "is for columns of type category"
        if self.values == ():
            yield "values", "no category is allowed: list at least one, or leave the key out"
        if self.min is not None and self.max is not None and self.min > self.max:
            yield "min", "lies above max"
        if self.missing_min > self.missing:
            yield "missing_min", "lies above missing"
        for key in ("median", "spread"):
            low, high = getattr(self, key) or (0, 0)
            if low > high:
                yield key, "the first number is the lower end"


class Schema(Section):
    """The gate before compute: a batch that breaks it never trains, and the champion stays."""

    columns: dict[Text, ColumnRule] = {}
    """Rules by column; without any, the champion's columns and types are the rule."""
    extra: Literal["refuse", "ignore"] = "refuse"
    """What to do with columns that have no rule and are not in data.ignore."""
    min_rows: Count = Field(default=1, examples=[1000])
    """Fewest rows of a partition."""
    max_rows: Count | None = Field(default=None, examples=[50000000])
    """Most rows of a partition."""
    duplicates: Share = Field(default=1.0, examples=[0.01])
    """Largest share of rows that repeat an earlier row exactly."""
    repeats: Share = Field(default=1.0, examples=[0.05])
    """Largest share of rows that stand before, here or in an earlier partition, under whichever date or number."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.max_rows is not None and self.max_rows < self.min_rows:
            yield "max_rows", "lies below min_rows"


class Privacy(Section):
    """What may not leave. Nothing of a row is ever logged, whatever stands here."""

    sensitive: tuple[Text, ...] = Field(default=(), examples=[["birth_year"]])
    """Columns left out of shareable reports and of what MLflow is told."""
    min_rows_per_component: Count = 20
    """Rows that a component needs; a smaller one could describe single people."""
