"""What is done with each column of a table, and the forms of model that are worth a try then: names and no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from unseen.errors import DataError

if TYPE_CHECKING:  # the command line reads this file for its --help, which must not wait for numpy
    from unseen.core.block import Field

#: families of numbers that may stand beside atoms
BESIDE = ("gaussian", "log_normal", "student_t", "gamma", "beta", "poisson", "negative_binomial")
FAMILIES = (
    *BESIDE,
    "zero_inflated_poisson",
    "zero_inflated_negative_binomial",
    "bernoulli",
    "ordinal",
    "categorical",
    *(f"hurdle_{name}" for name in BESIDE),
)
#: with more columns the axes in common cost more time than they are worth
COMMON = 20
#: smallest variance of components, as a share of the data's own
FLOOR = 1e-6
#: decided when the data is known
AUTO = "auto"
#: families that share one block with covariances, logarithms taken and atoms set apart
BLOCK = ("gaussian", "log_normal", "hurdle_gaussian", "hurdle_log_normal")
#: second thoughts about families, each of all columns that have one
LOGS, APART = "no logarithms", "apart"
COVARIANCES = (
    AUTO,
    *(f"{tied}{form}" for tied in ("", "tied-") for form in ("full", "diagonal", "spherical")),
    *(f"{tied}factors-{q}" for tied in ("", "tied-") for q in range(1, 6)),
    "common",
)
#: notes of columns that are no data
SIDE = ("row weights", "known classes")


@dataclass(frozen=True, slots=True)
class Choice:
    """What is done with one column: its family with a note why it fits, or ``""`` with a note why it is left out."""

    column: str
    kind: str
    family: str
    note: str = ""
    atoms: tuple[float, ...] = ()
    #: the family that may describe the column better inside components
    otherwise: str = ""
    #: the atoms beside it, if it is a hurdle
    beside: tuple[float, ...] = ()
    #: whether the user asked for the column, or for its family
    asked: bool = False
    #: the part that it has in the model, which judges it then: ``"target"``, ``"worker"``
    role: str = ""
    #: how its cells were read, where a file does not say what they are
    read: str = ""
    #: cells without a value, where they were counted
    missing: int | None = None

    @property
    def told(self) -> str:
        """All that is to be said of the column: what it is and why, and how it was read."""
        return "; ".join(part for part in (self.note, self.read) if part)


@dataclass(frozen=True, slots=True)
class Spec:
    """What is done with each column, and the form of the Gaussian covariances."""

    choices: tuple[Choice, ...]
    covariance: str = "full"
    floor: float = FLOOR
    #: the kind of model, and its own options
    kind: str = "mixture"
    options: Mapping[str, Any] = field(default_factory=dict)
    #: whether that kind puts a latent structure over families of columns
    over_families: bool = True

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns the model reads."""
        return tuple(c.column for c in self.choices if c.family)

    @property
    def ignored(self) -> tuple[str, ...]:
        """The columns it leaves out, weights and labels not among them."""
        return tuple(c.column for c in self.choices if not c.family and c.note not in SIDE)

    def of(self, *families: str) -> tuple[str, ...]:
        """The columns of some families."""
        return tuple(c.column for c in self.choices if c.family in families)

    def forms(self) -> tuple[str, ...]:
        """The forms of covariance that are worth a try: the one that was asked for, else all that differ."""
        if not self.over_families:
            return ("",)
        d = len(self.of(*BLOCK))
        if self.covariance != AUTO:
            return (self.covariance,)
        if d < 2:
            # heavy tails that left the block may go together or each for itself
            apart = ("diagonal",) if len(self.of("student_t")) > 1 else ()
            return (("full", "tied-full") if d else ("full",)) + apart
        most = min(3, max(q for q in range(d) if (d - q) ** 2 >= d + q))
        factors = [f"{tied}factors-{q}" for tied in ("", "tied-") for q in range(1, most + 1)] if d >= 4 else []
        common = ["common"] if 3 <= d <= COMMON else []
        return ("full", "tied-full", *common, "diagonal", "tied-diagonal", *factors)

    def variants(self) -> dict[str, tuple[str, ...]]:
        """The second thoughts that there are about families, each with the forms that are worth a try under it."""
        if self.covariance != AUTO or not self.over_families:
            return {}
        return {v: self.varied(v).forms() for v in (APART, LOGS) if self.varied(v) != self}

    def varied(self, thoughts: str) -> Spec:
        """The spec after second thoughts, such as ``"apart, no logarithms"``."""
        asked = thoughts.split(", ")

        def after(c: Choice) -> Choice:
            which = LOGS if c.otherwise.endswith("gaussian") else APART
            if not c.otherwise or which not in asked:
                return c
            told = f"{c.otherwise} inside components, by the criterion"
            note = f"{c.note}; {told}" if c.note else told
            return replace(c, family=c.otherwise, note=note, atoms=c.beside, otherwise="", beside=())

        return replace(self, choices=tuple(after(c) for c in self.choices))


def check_columns(schema: Sequence[Field], names: Sequence[str], unit: str | None = None) -> None:
    """Refuse names of no column.

    Raises
    ------
    DataError
        It says which columns there are.
    """
    known = [f.name for f in schema]
    for name in names:
        if name == unit and name not in known:
            raise DataError(f"column {name!r} says which rows belong together: it can be nothing else as well")
        if name not in known:
            raise DataError(f"there is no column {name!r}; the columns are {', '.join(map(repr, known))}")


def is_family(name: str) -> bool:
    """Whether a column's family can have that name: one of unseen's own, or a kind that a package declares."""
    if name in FAMILIES:
        return True
    from unseen.store.declared import declared

    return bool(declared(name))
