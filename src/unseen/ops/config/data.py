"""Sections about the data: where it is, what it must look like, what of it is private."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from unseen.core.reading import READ, Reading, reading
from unseen.ops.config.base import Count, Section, Share, Text, clash

_SAID = {option.name: option.sentence for option in READ}


class Read(Section):
    """How text files and workbooks are read, where they do not say so themselves."""

    delimiter: Text | None = Field(default=None, description=_SAID["delimiter"], examples=[";"])
    decimal: Literal[".", ","] | None = Field(default=None, description=_SAID["decimal"], examples=[","])
    encoding: Text | None = Field(default=None, description=_SAID["encoding"], examples=["latin-1"])
    skip: Annotated[int, Field(ge=0)] | None = Field(default=None, description=_SAID["skip"], examples=[2])
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


class Data(Section):
    """Where the partitions are: each file that `path` matches is one, in the order of their names."""

    path: Text = Field(
        description="A file, a folder, or a pattern. A relative path starts from the folder of this file.",
        examples=["data/*.parquet"],
    )
    window: Count | None = Field(
        default=None, description="Train on so many of the newest partitions; on all if left out.", examples=[6]
    )
    weights: Text | None = Field(
        default=None, description="Column that says how many copies each row stands for.", examples=["copies"]
    )
    labels: Text | None = Field(
        default=None, description="Column with the known classes of some rows.", examples=["known_class"]
    )
    ignore: tuple[Text, ...] = Field(
        default=(), description="Columns that are neither modelled nor checked.", examples=[["comment"]]
    )

    read: Read = Read()

    @model_validator(mode="after")
    def _apart(self) -> Data:
        if self.weights is not None and self.weights == self.labels:
            raise clash("labels", "the same column is named as weights")
        for key in ("weights", "labels"):
            if getattr(self, key) in self.ignore:
                raise clash(key, "the same column is listed in data.ignore")
        return self


class ColumnRule(Section):
    """What one column must look like before a batch may train."""

    type: Literal["number", "integer", "boolean", "category", "other"] = Field(
        description="Kind of the column: text is a category; dates and lists are other.", examples=["number"]
    )
    min: float | None = Field(default=None, description="Smallest allowed number.", examples=[-60])
    max: float | None = Field(default=None, description="Largest allowed number.", examples=[1500])
    values: tuple[str, ...] | None = Field(
        default=None, description="Categories that may occur, as text.", examples=[["EWR", "JFK", "LGA"]]
    )
    missing: Share = Field(default=1.0, description="Largest share of missing cells.", examples=[0.05])
    missing_min: Share = Field(
        default=0.0,
        description="Smallest share of missing cells, with room for chance; it notices gaps that were filled.",
        examples=[0.01],
    )
    outside: Share = Field(
        default=0.0, description="Largest share of observed cells outside min, max or values.", examples=[0.001]
    )
    common: Share = Field(
        default=1.0,
        description="Largest share of observed cells with one and the same value, with room for chance; it notices "
        "defaults.",
        examples=[0.5],
    )
    median: tuple[float, float] | None = Field(
        default=None,
        description="Range that the median must lie in; it notices a change of units.",
        examples=[[-10, 30]],
    )
    spread: tuple[float, float] | None = Field(
        default=None,
        description="Range of the mean distance from the median, the outer twentieths of the cells drawn in; it "
        "notices a column that narrows, and a change of units.",
        examples=[[5, 60]],
    )

    @model_validator(mode="after")
    def _consistent(self) -> ColumnRule:
        for key in ("min", "max", "median", "spread"):
            if self.type in ("category", "other") and getattr(self, key) is not None:
                raise clash(key, "is for columns of type number, integer or boolean")
        if self.type != "category" and self.values is not None:
            raise clash("values", "is for columns of type category")
        if self.values == ():
            raise clash("values", "no category is allowed: list at least one, or leave the key out")
        if self.min is not None and self.max is not None and self.min > self.max:
            raise clash("min", "lies above max")
        for key in ("median", "spread"):
            pair = getattr(self, key)
            if pair is not None and pair[0] > pair[1]:
                raise clash(key, "the first number is the lower end")
        if self.missing_min > self.missing:
            raise clash("missing_min", "lies above missing")
        return self


class Schema(Section):
    """The gate before compute: a batch that breaks it never trains, and the champion stays."""

    columns: dict[Text, ColumnRule] = Field(
        default={}, description="Rules by column; without any, the champion's columns and types are the rule."
    )
    extra: Literal["refuse", "ignore"] = Field(
        default="refuse", description="What to do with columns that have no rule and are not in data.ignore."
    )
    min_rows: Count = Field(default=1, description="Fewest rows of a partition.", examples=[1000])
    max_rows: Count | None = Field(default=None, description="Most rows of a partition.", examples=[50000000])
    duplicates: Share = Field(
        default=1.0, description="Largest share of rows that repeat an earlier row exactly.", examples=[0.01]
    )
    repeats: Share = Field(
        default=1.0,
        description="Largest share of rows that stand before, in the partition or an earlier one of the window, with "
        "room for chance; rows are told again by the columns of the model, under whichever date or number.",
        examples=[0.05],
    )

    @model_validator(mode="after")
    def _ordered(self) -> Schema:
        if self.max_rows is not None and self.max_rows < self.min_rows:
            raise clash("max_rows", "lies below min_rows")
        return self


class Privacy(Section):
    """What may not leave. Nothing of a row is ever logged, whatever stands here."""

    sensitive: tuple[Text, ...] = Field(
        default=(),
        description="Columns left out of shareable reports and of what MLflow is told.",
        examples=[["birth_year"]],
    )
    min_rows_per_component: Count = Field(
        default=20, description="Rows that a component needs; a smaller one could describe single people."
    )
