"""From the columns of a table to a mixture model, for those who write no code."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from unseen.errors import DataError

if TYPE_CHECKING:  # the command line reads this file for its --help, which must not wait for numpy
    from unseen.columns import Decision
    from unseen.core.family import Family
    from unseen.core.model import Model
    from unseen.core.profile import ColumnProfile, Profile

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
#: a column of fewer observed cells, and fewer than half of the rows, takes part only if it is asked for
FEWEST = 10
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


@dataclass(frozen=True, slots=True)
class Spec:
    """What is done with each column, and the form of the Gaussian covariances."""

    choices: tuple[Choice, ...]
    covariance: str = "full"
    floor: float = FLOOR
    #: the kind of model, and its own options
    kind: str = "mixture"
    options: Mapping[str, Any] = field(default_factory=dict)

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

    def model(self, number: int, form: str = "") -> Model:
        """The model with so many components, states or factors, over the families of the columns if it takes one.

        Raises
        ------
        ModelError
            There is no such kind, or it cannot be what the options say.
        """
        from dataclasses import fields, is_dataclass

        from unseen.store.kinds import model

        cls = model(self.kind)
        unit = {option.name for option in cls.options if option.unit}
        given = {name: value for name, value in self.options.items() if name not in unit}
        if cls.order:
            given[cls.order] = number
        if is_dataclass(cls) and "family" in {f.name for f in fields(cls)}:
            given["family"] = self.family(form)
        made: Model = cls(**given)
        return made

    @property
    def over_families(self) -> bool:
        """Whether the kind of model puts a latent structure over families of columns."""
        from unseen.core.model import Structured
        from unseen.store.kinds import model

        return issubclass(model(self.kind), Structured)

    def family(self, form: str = "") -> Family:
        """The family of all columns: one block of those with covariances, one term for each other family.

        Normal and log-normal columns, with atoms or without, form one block whose covariance has the given form (by
        default the spec's own, or full), and so do Student-t columns unless it is diagonal or spherical; the
        columns of other families are independent inside a component.
        """
        from unseen import Product, StudentT

        form, _, thoughts = (form or (self.covariance if self.covariance != AUTO else "full")).partition(", ")
        if thoughts:
            return self.varied(thoughts).family(form)
        terms: dict[tuple[str, ...], Any] = {}
        if self.of(*BLOCK, AUTO):
            terms[self.of(*BLOCK, AUTO)] = self._block(form)
        students = self.of("student_t")
        for group in [(c,) for c in students] if form.endswith(("diagonal", "spherical")) else [students]:
            if group:
                terms[group] = StudentT()
        beside = [c for c in self.choices if c.family not in (*BLOCK, AUTO, "student_t", "")]
        for name in dict.fromkeys(c.family for c in beside):
            alike = [c for c in beside if c.family == name]
            # atoms differ from column to column; all else is one term, which costs one term's time
            for some in [[c] for c in alike] if name.startswith("hurdle_") else [alike]:
                terms[tuple(c.column for c in some)] = single(some[0])
        found: Family = next(iter(terms.values())) if len(terms) == 1 else Product(terms)
        return found

    def _block(self, form: str) -> Any:
        from unseen import Gaussian, Hurdle, LogNormal

        name, _, factors = form.removeprefix("tied-").partition("-")
        family: Any = Gaussian(name, tied=form.startswith("tied-"), factors=int(factors or 0), floor=self.floor)
        logs = self.of("log_normal", "hurdle_log_normal")
        if logs:
            family = LogNormal(family, logs=logs)
        hurdles = [c for c in self.choices if c.family in ("hurdle_gaussian", "hurdle_log_normal")]
        if hurdles:
            atoms = {c.column: c.atoms for c in hurdles} if all(c.atoms for c in hurdles) else None
            family = Hurdle(family, atoms=atoms)
        return family

    def forms(self) -> tuple[str, ...]:
        """The forms of covariance that are worth a try: the one that was asked for, else all that differ."""
        if not self.over_families:
            return ("",)
        d = len(self.of(*BLOCK))
        if self.covariance != AUTO:
            return (self.covariance,)
        if d < 2:
            return ("full", "tied-full") if d else ("full",)
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
        from dataclasses import replace

        asked = thoughts.split(", ")

        def after(c: Choice) -> Choice:
            which = LOGS if c.otherwise.endswith("gaussian") else APART
            if not c.otherwise or which not in asked:
                return c
            told = f"{c.otherwise} inside components, by the criterion"
            note = f"{c.note}; {told}" if c.note else told
            return replace(c, family=c.otherwise, note=note, atoms=c.beside, otherwise="", beside=())

        return replace(self, choices=tuple(after(c) for c in self.choices))

    def decided(self, profile: Profile, before: Mapping[str, Decision] | None = None) -> Spec:
        """The spec with the family of every undecided column found in the data, or as it was ``before``.

        Raises
        ------
        DataError
            A column that the user asked for and no fit can use, or no column that is left.
        """
        from dataclasses import replace

        from unseen.alone import bounds_of
        from unseen.columns import atoms_of, decide

        known, choices = before or {}, []
        for c in self.choices:
            if c.role:
                choices.append(c)
                continue
            if c.family:
                why = _useless(c, profile[c.column])
                if why and c.asked:
                    raise DataError(
                        f"column {c.column!r} {why}: leave it out (ignore=[{c.column!r}]; --ignore "
                        f"{shlex.quote(c.column)})" + (", or group the rare ones" if "categories" in why else "")
                    )
                if why or not c.asked and c.column not in known and (why := _few(profile[c.column])):
                    c = replace(c, family="", note=f"left out: {why}")
            if c.family == AUTO:
                found = known.get(c.column) or decide(profile[c.column], profile)
                c = replace(
                    c,
                    family=found.family,
                    note=found.reason,
                    atoms=found.atoms,
                    otherwise=found.otherwise,
                    beside=found.beside,
                )
                if not c.family and c.asked:  # left out by default, but wanted
                    c = replace(c, family="categorical" if c.kind == "category" else "gaussian", note="")
            elif c.family.startswith("hurdle_") and not c.atoms:
                column = profile[c.column]
                c = replace(c, atoms=atoms_of(column) or bounds_of(column, c.family))
                if not c.atoms and column.kind != "category":
                    plain = shlex.quote(f"{c.column}={c.family.removeprefix('hurdle_')}")
                    raise DataError(
                        f"column {c.column!r} has no value that stands out, as a hurdle needs: write --family {plain}"
                    )
            choices.append(c)
        if not any(c.family for c in choices):
            whys = "; ".join(f"{c.column!r} {c.note}" for c in choices if c.note.startswith("left out"))
            raise DataError(f"no column is left to fit: {whys or 'all are ignored'}")
        return replace(self, choices=tuple(choices))


def _useless(choice: Choice, known: ColumnProfile) -> str:
    """Why no fit can use a column, or nothing."""
    from unseen.core.block import CATEGORY
    from unseen.core.profile import MAX_CATEGORIES

    if known.missing == known.rows:
        return "has no observed value at all"
    discrete = choice.family == "categorical" or known.kind == CATEGORY
    listed = known.listed if discrete else {}
    if listed is None or len(listed) > MAX_CATEGORIES:
        return f"has more than {MAX_CATEGORIES:,} categories, too many to compare"
    one = len(known.values or ()) == 1 if known.kind == CATEGORY else not known.variance > 0
    return "is constant, so it tells components nothing" if one else ""


def _few(known: ColumnProfile) -> str:
    """Why a column takes no part unless it is asked for, or nothing."""
    observed = known.rows - known.missing
    return (
        f"has {observed} observed values, too few to say how it varies with others"
        if observed < min(FEWEST, known.rows / 2)
        else ""
    )


def single(choice: Choice) -> Any:
    """The family of a column that is independent of others inside a component."""
    import unseen

    if choice.family not in FAMILIES:
        from unseen.store.kinds import family

        return family(choice.family)()
    outer, rest = "", choice.family
    for head in ("hurdle_", "zero_inflated_"):
        if rest.startswith(head):
            outer, rest = head, rest.removeprefix(head)
    family = getattr(unseen, "".join(word.title() for word in rest.split("_")))()
    if outer == "zero_inflated_":
        return unseen.ZeroInflated(family)
    if outer == "hurdle_":
        return unseen.Hurdle(family, atoms={choice.column: choice.atoms} if choice.atoms else None)
    return family


def is_family(name: str) -> bool:
    """Whether a column's family can have that name: one of unseen's own, or a kind that a package declares."""
    if name in FAMILIES:
        return True
    from unseen.store.declared import declared

    return bool(declared(name))
