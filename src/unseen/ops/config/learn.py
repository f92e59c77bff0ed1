"""Sections about the fit: the model, the algorithm, and what it may cost."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainSerializer, WithJsonSchema, WrapValidator, field_validator, model_validator

from unseen.core.capabilities import Structured
from unseen.core.option import fit_option
from unseen.ops.config.base import Count, Portion, Positive, Section, Text, Whole
from unseen.ops.config.kind import columns_named, kind_clashes, named, own_options, unit_option
from unseen.spec import AUTO, COVARIANCES, FAMILIES, is_family

if TYPE_CHECKING:  # made of lists that stand elsewhere, which a type checker cannot read
    Family: TypeAlias = str
    Covariance: TypeAlias = str
    Algorithm: TypeAlias = str
    Engine: TypeAlias = str
    Criterion: TypeAlias = str
else:
    Algorithm = Literal[fit_option("algorithm").choices]
    Engine = Literal[fit_option("engine").choices]
    Criterion = Literal[fit_option("criterion").choices]
    Covariance = Literal[COVARIANCES]
    # a kind that an installed package declares passes; what is neither is told the names of unseen's own
    Family = Annotated[
        Literal[FAMILIES],
        WrapValidator(lambda value, own: value if isinstance(value, str) and is_family(value) else own(value)),
        PlainSerializer(str, return_type=str),
    ]

MOST_NUMBERS = 1000
_WRITTEN = 'write 6, "1:8" or "2,4,6"'
_COMPONENTS = {
    "anyOf": [
        {"type": "integer", "minimum": 1},
        {"type": "string", "pattern": r"^\s*[0-9]+\s*(:\s*[0-9]+\s*|(,\s*[0-9]+\s*)*)$"},
        {"type": "array", "items": {"type": "integer", "minimum": 1}, "minItems": 1},
    ],
    "x-words": "whole number, A:B, or list of whole numbers",
}


def _as_fitted(name: str, default: Any) -> Any:
    """A key that means what the option of every fit means."""
    return Field(default, description=fit_option(name).sentence)


class Model(Section):
    """What is fitted, in the words of `unseen fit`: options that a kind has of its own are keys beside these."""

    kind: Text = Field(default="mixture", examples=["hmm"])
    """The kind of model: a file of unseen.models, or what an installed package declares."""
    options: Annotated[dict[Text, Any], WithJsonSchema({"type": "object", "x-words": "table: name to value"})] = Field(
        default={}, examples=[{"stationary": "true", "unit": "route"}]
    )
    """The kind's own options, such as the column of its unit or its target, which may also stand as keys beside this
    one."""
    components: Annotated[tuple[Count, ...], WithJsonSchema(_COMPONENTS)] = Field(
        default=(1, 2, 3, 4, 5, 6, 7, 8),
        description=f"Numbers of components to try, of which the best is kept: {_WRITTEN}.",
        examples=["1:8"],
    )
    criterion: Criterion = _as_fitted("criterion", "bic")
    columns: tuple[Text, ...] = Field(default=(), examples=[["dep_delay", "distance"]])
    """Columns to model; if left out, all that can be and are not ignored."""
    family: dict[Text, Family] = Field(default={}, examples=[{"dep_delay": "student_t"}])
    """Distribution of single columns, or a kind that an installed package declares; if left out it is found in the
    data."""
    covariance: Covariance = "full"
    """Form of the Gaussian covariances; tied ones are shared by all components, auto tries several."""

    @property
    def form(self) -> str:
        """The form of covariances; auto, which leaves it to the kind, where that is not over families of columns."""
        return self.covariance if issubclass(named(self.kind), Structured) else AUTO

    @property
    def numbers(self) -> tuple[int, ...] | None:
        """The numbers to try; None where they are not given and the kind may not allow all of the usual ones."""
        return self.components if self.kind == "mixture" or "components" in self.model_fields_set else None

    @property
    def unit(self) -> str | None:
        """The column that says which rows belong together, None where each row stands alone."""
        option = unit_option(named(self.kind))
        return None if option is None else self.options.get(option.name, option.default)

    @property
    def named_columns(self) -> dict[str, str]:
        """The columns that options of the kind name, by option."""
        return columns_named(named(self.kind), self.options)

    @model_validator(mode="before")
    @classmethod
    def _own_options(cls, data: Any) -> Any:
        """Keys that the kind declares are its options."""
        return own_options(data, list(cls.model_fields)) if isinstance(data, dict) else data

    @field_validator("components", mode="before")
    @classmethod
    def _numbers(cls, value: object) -> object:
        if isinstance(value, int):
            return (value,)
        if not isinstance(value, str):
            return value
        first, colon, last = value.partition(":")
        try:
            if not colon:
                return tuple(map(int, value.split(",")))
            ends = int(first), int(last)
        except ValueError:
            raise ValueError(_WRITTEN) from None
        if ends[0] > ends[1]:
            raise ValueError("the first number lies above the last")
        if ends[1] - ends[0] >= MOST_NUMBERS:
            raise ValueError(f"more than {MOST_NUMBERS:,} numbers of components cannot be tried")
        return tuple(range(ends[0], ends[1] + 1))

    @field_validator("components")
    @classmethod
    def _some(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if not value:
            raise ValueError(f"name at least one number of components: {_WRITTEN}")
        return tuple(sorted(set(value)))

    def clashes(self) -> Iterator[tuple[str, str]]:
        yield from kind_clashes(self.kind, self.options, self.model_fields_set, self.criterion)
        if "columns" in self.model_fields_set and not self.columns:
            yield "columns", "names no column: list some, or leave the key out, which takes all that can be used"
        twice = sorted({column for column in self.columns if self.columns.count(column) > 1})
        if twice:
            yield "columns", f"names {', '.join(map(repr, twice))} more than once"
        if self.columns and not self.family.keys() <= set(self.columns):
            yield "family", "gives a family to a column that is not among model.columns"


class Fit(Section):
    """How the model is fitted, and from where."""

    algorithm: Algorithm = _as_fitted("algorithm", "batch")
    engine: Engine = _as_fitted("engine", "auto")
    start: Literal["auto", "champion", "kmeans++", "random", "rows", "labels", "moments"] = "auto"
    """Where fits start that do not go on from the champion; champion is auto."""
    fresh: Whole = 1
    """Starts that are drawn anew where there is a champion, beside the one at its parameters; the best of them is taken
    only if it fits clearly better."""
    search_every: Whole = 12
    """After so many versions of the champion's number of components all of model.components are tried again; they are,
    too, when a component was born or died, and with unseen retrain --search. 0 never does."""
    restarts: Count = _as_fitted("restarts", 10)
    seed: Whole = _as_fitted("seed", 0)
    tol: Positive = _as_fitted("tol", 1e-7)
    max_iterations: Count = _as_fitted("max_iterations", 1000)
    prior: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description=fit_option("prior").sentence + " If left out, 1 where the kind has one.", examples=[0]
    )


class Limits(Section):
    """What one retrain may take. A retrain that would go over stops, and the champion stays."""

    seconds: Positive | None = Field(default=None, examples=[3600])
    """Longest duration, in seconds."""
    memory_gb: Positive | None = Field(default=None, examples=[8])
    """Most memory; a run that is predicted to need more does not start."""
    cost: Positive | None = Field(default=None, examples=[2.5])
    """Most that a retrain may cost, in the currency of the price."""
    price_per_core_hour: float = Field(default=0.0, ge=0, examples=[0.05])
    """Turns core-hours into money, for the cost metric and limit."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.cost is not None and not self.price_per_core_hour:
            yield "cost", "can never bind without limits.price_per_core_hour"


class Retries(Section):
    """Exponential backoff with jitter for what can pass; another seed for what did not converge."""

    attempts: Count = 4
    """Tries of a read or of the registry before giving up."""
    first_seconds: Positive = 0.5
    """Wait before the second try; it doubles after each."""
    most_seconds: Positive = 30.0
    """Longest wait between two tries."""
    fits: Count = 2
    """Fits, each with another seed, until one converges."""

    def clashes(self) -> Iterator[tuple[str, str]]:
        if self.most_seconds < self.first_seconds:
            yield "most_seconds", "lies below first_seconds"


class Validate(Section):
    """The rows that judge: a share of every partition, never trained on; units are held out whole."""

    share: Portion = 0.2
    """Share of each partition's rows that is held out; of its units (sequences, items, users) where rows belong
    together."""
    seed: Whole = 0
    """Decides which rows are held out."""
    metric: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", description="module:function")] | None = (
        Field(default=None, examples=["business:on_time"])
    )
    """Your own measure as module:function, called with (result, table); larger is better."""
