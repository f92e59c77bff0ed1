"""Sections about the fit: the model, the algorithm, and what it may cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from pydantic import Field, PlainSerializer, WithJsonSchema, WrapValidator, field_validator, model_validator

from unseen.core.capabilities import Structured
from unseen.core.option import fit_option
from unseen.ops.config.base import Count, Portion, Positive, Section, Text, clash
from unseen.ops.config.kind import check_kind, columns_named, named, own_options, unit_option
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


class Model(Section):
    """What is fitted, in the words of `unseen fit`: options that a kind has of its own are keys beside these."""

    kind: Text = Field(
        default="mixture",
        description="The kind of model: a file of unseen.models, or what an installed package declares.",
        examples=["hmm"],
    )
    options: Annotated[dict[Text, Any], WithJsonSchema({"type": "object", "x-words": "table: name to value"})] = Field(
        default={},
        description="The kind's own options, such as the column of its unit or its target, which may also stand as "
        "keys beside this one.",
        examples=[{"stationary": "true", "unit": "route"}],
    )
    components: Annotated[tuple[Count, ...], WithJsonSchema(_COMPONENTS)] = Field(
        default=(1, 2, 3, 4, 5, 6, 7, 8),
        description=f"Numbers of components to try, of which the best is kept: {_WRITTEN}.",
        examples=["1:8"],
    )
    criterion: Criterion = Field(default="bic", description=fit_option("criterion").sentence)
    columns: tuple[Text, ...] = Field(
        default=(),
        description="Columns to model; if left out, all that can be and are not ignored.",
        examples=[["dep_delay", "distance"]],
    )
    family: dict[Text, Family] = Field(
        default={},
        description="Distribution of single columns, or a kind that an installed package declares; if left out it is "
        "found in the data.",
        examples=[{"dep_delay": "student_t"}],
    )
    covariance: Covariance = Field(
        default="full",
        description="Form of the Gaussian covariances; tied ones are shared by all components, auto tries several.",
    )

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
                return tuple(int(part) for part in value.split(","))
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

    @model_validator(mode="after")
    def _chosen(self) -> Model:
        check_kind(self.kind, self.options, self.model_fields_set, self.criterion)
        for column in self.family:
            if self.columns and column not in self.columns:
                raise clash("family", "gives a family to a column that is not among model.columns")
        return self


class Fit(Section):
    """How the model is fitted, and from where."""

    algorithm: Algorithm = Field(default="batch", description=fit_option("algorithm").sentence)
    engine: Engine = Field(default="auto", description=fit_option("engine").sentence)
    start: Literal["auto", "champion", "kmeans++", "random", "rows", "labels"] = Field(
        default="auto",
        description="Where fits start that do not go on from the champion; champion is auto.",
    )
    fresh: Annotated[int, Field(ge=0)] = Field(
        default=1,
        description="Starts that are drawn anew where there is a champion, beside the one at its parameters; the best "
        "of them is taken only if it fits clearly better.",
    )
    search_every: Annotated[int, Field(ge=0)] = Field(
        default=12,
        description="After so many versions of the champion's number of components all of model.components are tried "
        "again; they are, too, when a component was born or died, and with unseen retrain --search. 0 never does.",
    )
    restarts: Count = Field(default=10, description=fit_option("restarts").sentence)
    seed: int = Field(default=0, ge=0, description=fit_option("seed").sentence)
    tol: Positive = Field(default=1e-7, description=fit_option("tol").sentence)
    max_iterations: Count = Field(default=1000, description=fit_option("max_iterations").sentence)
    prior: Annotated[float, Field(ge=0)] | None = Field(
        default=None, description=fit_option("prior").sentence + " If left out, 1 where the kind has one.", examples=[0]
    )


class Limits(Section):
    """What one retrain may take. A retrain that would go over stops, and the champion stays."""

    seconds: Positive | None = Field(default=None, description="Longest duration, in seconds.", examples=[3600])
    memory_gb: Positive | None = Field(
        default=None, description="Most memory; a run that is predicted to need more does not start.", examples=[8]
    )
    cost: Positive | None = Field(
        default=None, description="Most that a retrain may cost, in the currency of the price.", examples=[2.5]
    )
    price_per_core_hour: float = Field(
        default=0.0, ge=0, description="Turns core-hours into money, for the cost metric and limit.", examples=[0.05]
    )

    @model_validator(mode="after")
    def _priced(self) -> Limits:
        if self.cost is not None and not self.price_per_core_hour:
            raise clash("cost", "can never bind without limits.price_per_core_hour")
        return self


class Retries(Section):
    """Exponential backoff with jitter for what can pass; another seed for what did not converge."""

    attempts: Count = Field(default=4, description="Tries of a read or of the registry before giving up.")
    first_seconds: Positive = Field(default=0.5, description="Wait before the second try; it doubles after each.")
    most_seconds: Positive = Field(default=30.0, description="Longest wait between two tries.")
    fits: Count = Field(default=2, description="Fits, each with another seed, until one converges.")

    @model_validator(mode="after")
    def _growing(self) -> Retries:
        if self.most_seconds < self.first_seconds:
            raise clash("most_seconds", "lies below first_seconds")
        return self


class Validate(Section):
    """The rows that judge: a share of every partition, never trained on; units are held out whole."""

    share: Portion = Field(
        default=0.2,
        description="Share of each partition's rows that is held out; of its units (sequences, items, users) "
        "where rows belong together.",
    )
    seed: int = Field(default=0, ge=0, description="Decides which rows are held out.")
    metric: Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$", description="module:function")] | None = (
        Field(
            default=None,
            description="Your own measure as module:function, called with (result, table); larger is better.",
            examples=["business:on_time"],
        )
    )


__all__ = ["Fit", "Limits", "Model", "Retries", "Validate"]
