"""From the columns of a table to a mixture model, for those who write no code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unseen.errors import DataError, ModelError

if TYPE_CHECKING:  # the command line reads this file for its --help, which must not wait for numpy
    from unseen.core.block import Field
    from unseen.core.profile import Profile

FAMILIES = ("gaussian", "student_t", "categorical", "bernoulli", "poisson")
COVARIANCES = tuple(f"{tied}{form}" for tied in ("", "tied-") for form in ("full", "diagonal", "spherical"))


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done with one column: its family, or ``""`` with a note why it is left out."""

    column: str
    kind: str
    family: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Spec:
    """What is done with each column, and the form of the Gaussian covariances."""

    choices: tuple[Choice, ...]
    covariance: str = "full"

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the model reads."""
        return tuple(c.column for c in self.choices if c.family)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns it leaves out, weights and labels not among them."""
        return tuple(c.column for c in self.choices if not c.family and c.note not in SIDE)

    def of(self, family: str) -> tuple[str, ...]:
        """The columns of one family."""
        return tuple(c.column for c in self.choices if c.family == family)

    def mixture(self, components: int) -> Any:
        """The mixture: one term per family, or the family itself where there is only one.

        All Gaussian columns form one block with the chosen covariance, and so do Student-t columns unless the
        covariance is diagonal or spherical; the columns of other families are independent inside a component.
        """
        from unseen import Bernoulli, Categorical, Gaussian, Mixture, Poisson, Product, StudentT

        tied, form = self.covariance.startswith("tied-"), self.covariance.removeprefix("tied-")
        terms: dict[tuple[str, ...], Any] = {}
        if self.of("gaussian"):
            terms[self.of("gaussian")] = Gaussian(form, tied=tied)
        students = self.of("student_t")
        for group in [students] if form == "full" else [(c,) for c in students]:
            if group:
                terms[group] = StudentT()
        for name, family in (("categorical", Categorical()), ("bernoulli", Bernoulli()), ("poisson", Poisson())):
            for column in self.of(name):
                terms[(column,)] = family
        family = next(iter(terms.values())) if len(terms) == 1 else Product(terms)
        return Mixture(family, components)

    def check(self, profile: Profile) -> None:
        """Refuse columns that no fit can use, each with the option that leaves it out.

        Raises
        ------
        DataError
            A constant column, or text with more than 1,000 categories.
        """
        from unseen.core.block import CATEGORY
        from unseen.core.profile import MAX_CATEGORIES

        for choice in self.choices:
            if not choice.family:
                continue
            known = profile[choice.column]
            hint = f"leave it out with --ignore {shlex.quote(choice.column)}"
            discrete = choice.family == "categorical"
            if discrete and (known.values is None or len(known.values) > MAX_CATEGORIES):
                raise DataError(
                    f"column {choice.column!r} has more than {MAX_CATEGORIES:,} categories, too many to compare: "
                    f"{hint}, or group the rare ones"
                )
            one = len(known.values or ()) == 1 if known.kind == CATEGORY else not known.variance > 0
            if one:
                raise DataError(f"column {choice.column!r} is constant, so it tells components nothing: {hint}")


SIDE = ("row weights", "known classes")


def infer(
    schema: Sequence[Field],
    *,
    columns: Sequence[str] = (),
    ignore: Sequence[str] = (),
    families: Mapping[str, str] | None = None,
    weights: str | None = None,
    labels: str | None = None,
    covariance: str = "full",
) -> Spec:
    """What to do with each column: text is categorical, booleans Bernoulli, numbers Gaussian, dates are left out.

    Raises
    ------
    DataError
        A column that is named but not there, or no column that can be used.
    ModelError
        An unknown family or covariance, or a column that is both named and left out.

    >>> from unseen.core.block import Field
    >>> infer([Field("delay", "number"), Field("carrier", "category")]).of("categorical")
    ('carrier',)
    """
    from unseen.core.block import OTHER

    wanted = dict(families or {})
    if covariance not in COVARIANCES:
        raise ModelError(f"covariance {covariance!r} is none of {', '.join(COVARIANCES)}")
    for column, family in wanted.items():
        if family not in FAMILIES:
            raise ModelError(f"family {family!r} of column {column!r} is none of {', '.join(FAMILIES)}")
    _there(schema, [*columns, *ignore, *wanted, *(c for c in (weights, labels) if c)])
    side = {weights: SIDE[0], labels: SIDE[1]}
    out = {*ignore, *(c for c in side if c)}
    for name in (*columns, *wanted):
        if name in out:
            raise ModelError(f"column {name!r} is both used and left out: name it once")
    for name in wanted:
        if columns and name not in columns:
            raise ModelError(f"column {name!r} has a family but is not among the chosen columns")
    choices = []
    for f in schema:
        if f.name in side:
            choices.append(Choice(f.name, f.kind, "", side[f.name]))
        elif f.name in ignore or (columns and f.name not in columns):
            choices.append(Choice(f.name, f.kind, "", "ignored"))
        elif f.kind == OTHER and f.name not in wanted:
            if f.name in columns:
                raise DataError(f"column {f.name!r} cannot be modelled: {f.note or 'it is no number, boolean or text'}")
            choices.append(Choice(f.name, f.kind, "", f.note or "ignored: no number, boolean or text"))
        else:
            choices.append(Choice(f.name, f.kind, wanted.get(f.name) or _family(f)))
    spec = Spec(tuple(choices), covariance)
    if not spec.columns:
        raise DataError("no column is left to fit: numbers, booleans and text are what models read")
    return spec


def _family(f: Field) -> str:
    from unseen.core.block import BOOLEAN, CATEGORY

    return {CATEGORY: "categorical", BOOLEAN: "bernoulli"}.get(f.kind, "gaussian")


def _there(schema: Sequence[Field], names: Sequence[str]) -> None:
    known = [f.name for f in schema]
    for name in names:
        if name not in known:
            raise DataError(f"there is no column {name!r}; the columns are {', '.join(map(repr, known))}")
