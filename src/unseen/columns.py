"""What a column is: its family, found in the data, with the reason.

A wrong family costs in two ways: a normal component on an atom or on few values spends components on them, and a
family that describes columns one by one gives up their correlations. So a number stays in the one block with
covariances unless the data speaks clearly for something else.
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from unseen.alone import by_itself, coarse, criterion
from unseen.arrow.notation import notation_of
from unseen.core.atoms import without
from unseen.core.levels import CODES, LEVELS, far_apart, growing, may_be_levels
from unseen.core.numbering import MANY, begins_so, named_identifier, numbers_rows
from unseen.core.profile import ColumnProfile, Profile
from unseen.core.shape import conventional
from unseen.spec import FAMILIES

#: counts have at most so many different values, and a mean that is small; others are as good as continuous
COUNTS, SMALL = 40, 5.0
#: a value is an atom if it holds this share of a column and so many times the share of the next one; of numbers on no
#: grid, which do not repeat by chance, a smaller share
ATOM, ABOVE, OFF_GRID = 0.1, 4.0, 0.02
#: rows that an atom has at least
FEWEST = 5
#: a logarithm has to gain so much per row, and the numbers have to be so skewed
LOG_GAIN, LOG_SKEW = 0.05, 0.8
#: of few rows it has to gain so much in all: one to twenty against chance
EVIDENCE = 3.0
#: text that is different in so many of its rows says who a row is, not what it is
UNIQUE = 0.5
#: codes have to be so much more probable per row than counts: new counts may be larger than any seen
CODE_GAIN = 0.02


@dataclass(frozen=True, slots=True)
class Decision:
    """A family by its name in options, its atoms if it has any, and what in the data speaks for it.

    ``otherwise`` is the family that may describe the column better once components tell rows apart, with the atoms
    ``beside`` it.
    """

    family: str
    reason: str = ""
    atoms: tuple[float, ...] = ()
    otherwise: str = ""
    beside: tuple[float, ...] = ()


def decide(column: ColumnProfile, whole: Profile) -> Decision:
    """Choose the family of one column by what its numbers are.

    >>> import numpy as np
    >>> from unseen.core.block import Column, Field
    >>> from unseen.core.profile import Profile, profile_column
    >>> x = np.array([0.0] * 60 + [float(i**3) for i in range(1, 41)])
    >>> one = profile_column(Field("debt", "number"), Column(x))
    >>> decide(one, Profile((one,), 100, 100, 100.0)).family
    'hurdle_log_normal'
    """
    identifier = _identifier(column)
    if identifier is not None:
        return identifier
    if column.kind == "category":
        return _text(column)
    if column.kind == "boolean":
        return Decision("bernoulli", "true or false")
    whole_numbers = column.fractions == 0
    distinct = column.distinct
    if distinct == 2 and (whole_numbers or column.weight >= MANY):
        if (column.low, column.high) == (0.0, 1.0):
            return Decision("bernoulli", "0 or 1")
        return Decision("ordinal", "two values")
    few = whole_numbers and distinct is not None and 2 < distinct <= min(LEVELS, column.weight / 2)
    if few and growing(column):
        return Decision("ordinal", f"{distinct} levels, further and further apart")
    apart = column.sentinel()
    level = distinct is not None and distinct <= CODES
    if apart is not None and distinct != 2 and (not level or apart[0] == -1 or conventional(apart[0])):
        return _beside(column, whole, apart[0])
    if few and far_apart(column):
        return Decision("categorical", f"{distinct} codes, far apart")
    if distinct is not None and distinct <= (COUNTS if whole_numbers else LEVELS):
        found = _discrete(column, whole)
        if found is not None:
            return found
    found = _continuous(column, whole, atoms_of(column))
    alone, beside = by_itself(column, whole, found.family, found.atoms)
    if alone.endswith(("poisson", "negative_binomial")) and found.family.endswith("log_normal") and coarse(column):
        return Decision(alone, _counted(column, alone))
    return replace(found, otherwise=alone, beside=beside) if alone else found


def _beside(column: ColumnProfile, whole: Profile, value: float) -> Decision:
    """What the values are beside one that stands apart from all of them."""
    found = decide(without(column, (value,)), whole)
    told = _told(column, (value,))
    reason = f"{told}; {found.reason}" if found.reason else told
    if (family := _hurdle(found.family)) in FAMILIES:
        other = _hurdle(found.otherwise) if found.otherwise else ""
        beside = (*found.beside, value) if other in FAMILIES else ()
        return Decision(family, reason, (*found.atoms, value), other if beside else "", beside)
    if found.family == "ordinal" and column.fractions:
        return Decision("ordinal", reason)
    return Decision("categorical", reason) if found.family else found


def _hurdle(family: str) -> str:
    """A family with atoms beside it, by its name."""
    return family if family.startswith("hurdle_") else f"hurdle_{family}"


def _text(column: ColumnProfile) -> Decision:
    values = column.values
    if values is not None and len(values) > 20 and len(values) > UNIQUE * column.weight:
        told = f"left out: {len(values):,} different values, nearly one for each row"
        if _written_numbers(values):
            told += f"; they look like numbers (number=[{column.name!r}]; --number {shlex.quote(column.name)})"
        return Decision("", told)
    return Decision("categorical", f"{len(values or ()):,} categories")


def _written_numbers(values: Any) -> bool:
    """Whether nearly all of some texts are numbers, and no codes."""
    return notation_of(list(values)[:200]).kind in ("integer", "number")


def _identifier(column: ColumnProfile) -> Decision | None:
    """What says who a row is: numbers of rows, and what is named so; few identifiers are codes without an order."""
    if numbers_rows(column):
        return Decision("", "left out: a running number, one for each row")
    values = len(column.values or ()) if column.kind == "category" else column.distinct
    if not named_identifier(column.name) or column.fractions or values in (1, 2) or column.kind == "boolean":
        return None
    if begins_so(column.name) and values is not None and values <= UNIQUE * column.weight:
        return None
    if values is None or values > LEVELS:
        return Decision("", "left out: by its name an identifier")
    return Decision("categorical", f"{values} identifiers, by its name")


def atoms_of(column: ColumnProfile) -> tuple[float, ...]:
    """Values that stand out: each holds a tenth of the column and several times what the next value holds."""
    if column.weight < MANY or (column.distinct is not None and column.distinct <= CODES):
        return ()
    least = ATOM if column.resolution else OFF_GRID
    shares = column.atoms(least / ABOVE / 2)
    some: list[float] = []
    for i, (_, share) in enumerate(shares):
        following = shares[i + 1][1] if i + 1 < len(shares) else least / ABOVE / 2
        if share < least or share * column.weight < FEWEST:
            break
        if share >= ABOVE * following:
            some = [v for v, _ in shares[: i + 1]]
    apart = column.sentinel()
    return tuple(some if apart is None or apart[0] in some else [*some, apart[0]])


def _discrete(column: ColumnProfile, whole: Profile) -> Decision | None:
    """The best family of counts or codes, if one is better than a normal density on the grid of whole numbers."""
    from unseen import Gaussian, NegativeBinomial, Ordinal, Poisson, ZeroInflated

    families: dict[str, Any] = {}
    n = max(column.weight, 2.0)
    if column.low >= 0 and column.mean < SMALL and not column.fractions:
        families = {"poisson": Poisson(), "negative_binomial": NegativeBinomial()}
    zeros = dict(column.atoms(0.0)).get(0.0, 0.0)
    if zeros:
        families |= {f"zero_inflated_{name}": ZeroInflated(family) for name, family in families.items()}
    if may_be_levels(column):
        families["ordinal"] = Ordinal()
    if not families:
        return None
    values = {name: criterion(family, column, whole, n) for name, family in families.items()}
    if "ordinal" in values and len(values) > 1 and (column.distinct or 0) > CODES:
        values["ordinal"] += 2 * n * CODE_GAIN
    best = min(values, key=lambda name: values[name])
    if len(column.table()[0]) > CODES and not values[best] < criterion(Gaussian(), column, whole, n):
        return None
    if best == "ordinal":
        return Decision(best, f"{column.distinct} {'levels' if column.fractions else 'whole numbers'}")
    return Decision(best, _counted(column, best))


def _counted(column: ColumnProfile, family: str) -> str:
    """What is told of counts."""
    zeros = dict(column.atoms(0.0)).get(0.0, 0.0)
    told = f"0 in {100 * zeros:.0f} % of rows" if family.startswith("zero_inflated") else f"mean {column.mean:.3g}"
    if family.endswith("negative_binomial"):
        told += f", variance {column.variance / column.mean:.2g} times the mean"
    return f"counts, {told}"


def _continuous(column: ColumnProfile, whole: Profile, atoms: tuple[float, ...]) -> Decision:
    """Normal or log-normal, with atoms beside it or without."""
    from unseen import Gaussian, LogNormal

    if not atoms and _heap_at_zero(column, whole):
        atoms = (0.0,)
    if not atoms and column.low == 0 and column.skewness > LOG_SKEW and column.distinct != 2:
        atoms = (0.0,)  # a few zeros keep skewed amounts from having logarithms
        with_zeros = _continuous(column, whole, atoms)
        if with_zeros.family == "hurdle_log_normal":
            return with_zeros
        atoms = ()
    rest = without(column, atoms) if atoms else column
    told = [_told(column, atoms)] if atoms else []
    if not rest.variance > 0 or (rest.distinct is not None and rest.distinct < 3):
        few = column.distinct is not None and column.distinct <= CODES
        codes = few and column.kind != "number"  # decimal types hold no codes
        return Decision("categorical" if codes else "gaussian", "; ".join(told))
    name = otherwise = "gaussian"
    if rest.low > 0 and rest.skewness > LOG_SKEW:
        n = max(rest.weight, 2.0)
        gain = (criterion(Gaussian(), rest, whole, n) - criterion(LogNormal(), rest, whole, n)) / (2 * n)
        if gain > max(LOG_GAIN, EVIDENCE / n):
            name = "log_normal"
            told.append(f"skewness {rest.skewness:.2g}")
    head = "hurdle_" if atoms else ""
    if name == otherwise:
        return Decision(head + name, "; ".join(told), atoms)
    return Decision(head + name, "; ".join(told), atoms, head + otherwise, atoms)


def _heap_at_zero(column: ColumnProfile, whole: Profile) -> bool:
    """Whether a visible share of zeros below all other values is more than a normal density has there."""
    from unseen import Gaussian

    share = dict(column.atoms(ATOM)).get(0.0, 0.0)
    if column.low < 0 or not share or column.weight < MANY:
        return False
    rest, n = without(column, (0.0,)), column.weight
    if not rest.variance > 0 or (rest.distinct or MANY) < 3 or rest.resolution != column.resolution:
        return False
    heap = -2 * n * (share * np.log(share) + (1 - share) * np.log1p(-share)) + np.log(n)
    apart = criterion(Gaussian(), rest, whole, rest.weight) + heap
    return bool(criterion(Gaussian(), column, whole, n) - apart > 2 * n * LOG_GAIN)


def _told(column: ColumnProfile, atoms: tuple[float, ...]) -> str:
    """Atoms with their shares, and whether one stands apart from all other values."""
    shares, apart = dict(column.atoms(0.0)), column.sentinel()
    parts = []
    for value in atoms:
        mark = " stands apart" if apart is not None and value == apart[0] else ""
        ask = f": if it means missing, say so ({_ask(column.name, value)})" if mark else ""
        share = shares.get(value, 1 / column.weight)
        parts.append(f"{value:.6g}{mark} in {100 * share:.2g} % of rows{ask}")
    return "; ".join(parts)


def _ask(column: str, value: float) -> str:
    mark = f"{column}={value:.6g}"
    return f"missing=[{mark!r}]; --missing {shlex.quote(mark)}"
