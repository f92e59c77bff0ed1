"""What a user may choose: one entry for each option, from which every surface makes its own spelling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from unseen.errors import ModelError

INTEGER, NUMBER, TEXT, COLUMN, FLAG = "integer", "number", "text", "column", "flag"


@dataclass(frozen=True, slots=True)
class Option:
    """A choice by its name: `restarts=`, ``--restarts``, ``fit.restarts:``.

    ``kind`` is one of integer, number, text, column (the name of one) and flag; numbers have a ``least`` value, which
    counts itself unless ``above``. ``order`` marks the number of components, states or factors that a search tries,
    ``unit`` the column that says which rows belong together, ``target`` the one that is predicted: a ``"category"`` or
    a ``"number"``. ``told`` are words for a default that is found in the data. ``many``: it may be given several times.
    """

    name: str
    kind: str
    sentence: str
    default: Any = None
    least: float | None = None
    above: bool = False
    optional: bool = False
    required: bool = False
    choices: tuple[str, ...] = ()
    order: bool = False
    unit: bool = False
    told: str = ""
    target: str = ""
    many: bool = False

    def allows(self, value: Any) -> bool:
        """Whether an argument can have this value."""
        if value is None:
            return self.optional
        if self.kind == FLAG:
            return isinstance(value, bool)
        if self.kind in (TEXT, COLUMN):
            return isinstance(value, str) and (not self.choices or value in self.choices)
        return _within(value, self.kind, self.least, self.above)

    def check(self, value: Any) -> None:
        """Refuse what the option cannot be.

        Raises
        ------
        ModelError
            Names the option, and what it may be.
        """
        if not self.allows(value):
            raise ModelError(f"{self.name}={value!r} cannot be: take {self.limits()}")

    def read(self, value: Any) -> Any:
        """The value that text stands for, as files have it; what is no text, or none of these, as it is."""
        if not isinstance(value, str) or self.kind in (TEXT, COLUMN):
            return value
        if self.kind == FLAG:
            return {"true": True, "yes": True, "false": False, "no": False}.get(value.strip().lower(), value)
        try:
            return int(value) if self.kind == INTEGER else float(value)
        except ValueError:
            return value

    def limits(self) -> str:
        """What it may be, in words."""
        none = ", or None" if self.optional else ""
        if self.kind == FLAG:
            return "True or False"
        if self.choices:
            return f"one of {', '.join(self.choices)}{none}"
        if self.kind in (TEXT, COLUMN):
            return f"the name of a column{none}" if self.kind == COLUMN else f"text{none}"
        what = "a whole number" if self.kind == INTEGER else "a finite number"
        if self.least is None:
            return what + none
        return (f"above {self.least:g}" if self.above else f"{self.least:g} or more") + f", {what}{none}"


def _within(value: Any, kind: str, least: float | None, above: bool) -> bool:
    from numbers import Integral, Real

    if not isinstance(value, Integral if kind == INTEGER else Real) or isinstance(value, bool):
        return False
    number = float(value)
    if not math.isfinite(number):
        return False
    return least is None or number > least or (number == least and not above)


#: engines by the names that users give them: file of `unseen.engines`, and class
ENGINES = {
    "memory": "local:Memory",
    "threads": "local:Threads",
    "outofcore": "local:OutOfCore",
    "spark": "spark:Spark",
    "dask": "dask:Dask",
    "federated": "federated:Federated",
}
#: how a fit is made, whatever the model: the same on every surface
FIT = (
    Option(
        "criterion",
        TEXT,
        "What the best number of components is judged by.",
        "bic",
        choices=("bic", "icl", "heldout"),
    ),
    Option(
        "restarts", INTEGER, "How many starts for each number of components.", None, 1, optional=True, told="up to 10"
    ),
    Option("seed", INTEGER, "Same seed, same fit.", 0, 0),
    Option("prior", NUMBER, "Strength of a conjugate prior, in rows per component; 0 is maximum likelihood.", 0.0, 0),
    Option(
        "tol",
        NUMBER,
        "Stop when less than this is left to gain per row.",
        None,
        0,
        optional=True,
        told="1e-7; 1e-5 where numbers of components are not given",
    ),
    Option("max_iterations", INTEGER, "Cap on the iterations of a start.", 1000, 1),
    Option("max_seconds", NUMBER, "Cap on the time of the whole search.", None, 0, above=True, optional=True),
    Option(
        "algorithm",
        TEXT,
        "At which parameters sums are asked for: batch is EM as in the books, squarem extrapolates, stepwise, "
        "incremental and reduced update after each block.",
        None,
        optional=True,
        choices=("batch", "squarem", "stepwise", "incremental", "reduced"),
        told="batch; squarem at the end of a search",
    ),
    Option(
        "engine",
        TEXT,
        "Where sums are made; auto keeps data in memory if it fits. spark and dask are clusters.",
        "auto",
        choices=("auto", *(name for name in ENGINES if name != "federated")),  # whose sites are given in Python
    ),
    Option("workers", INTEGER, "Threads.", None, 1, optional=True, told="one per core"),
)
#: what only Python offers, beside those
PYTHON = (
    Option("short", INTEGER, "Iterations of each start before they race.", 15, 0),
    Option("finish", INTEGER, "So many of the best starts are run to their end.", None, 1, optional=True),
    Option("every", INTEGER, "So many iterations between two checkpoints.", None, 1, optional=True),
    Option("block_rows", INTEGER, "Rows of a block.", None, 1, optional=True),
)
#: what mixtures are asked for; here because a command's --help must not wait for a model's file
COMPONENTS = Option("components", INTEGER, "How many to try; the best is kept.", least=1, order=True)
#: of models whose rows belong together
UNIT = Option("unit", COLUMN, "The column that tells sequences apart; without it all rows are one.", unit=True)
_BY_NAME = {option.name: option for option in (*FIT, *PYTHON)}


def fit_option(name: str) -> Option:
    """One of the options of a fit, by its name."""
    return _BY_NAME[name]


def check_numbers(**given: Any) -> None:
    """Refuse numbers that an argument of a fit cannot be, before any data is read.

    Raises
    ------
    ModelError
        Names the argument, and what it may be.
    """
    for name, value in given.items():
        _BY_NAME[name].check(value)


def check_count(name: str, value: Any, least: int) -> None:
    """Refuse what is no number of rows or draws."""
    Option(name, INTEGER, "", least=least).check(value)
