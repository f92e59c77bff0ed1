"""Models and families in a line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


def model_name(model: Any) -> str:
    """A model in one line, such as ``Mixture of 3 x Gaussian(full)``.

    >>> import unseen
    >>> model_name(unseen.Mixture(unseen.Gaussian("diagonal", tied=True), 3))
    'Mixture of 3 x Gaussian(diagonal, tied)'
    """
    name = type(model).__name__
    if (number := model.number) is not None:
        name += f" of {number}"
    family = getattr(model, "family", None)
    return name if family is None else f"{name} x {_family_name(family)}"


def _family_name(family: Any) -> str:
    if hasattr(family, "terms"):
        grouped: dict[str, list[str]] = {}
        for t in family.terms:
            grouped.setdefault(_family_name(t.family), []).extend(t.columns)
        return "Product(" + "; ".join(f"{n}: {', '.join(c)}" for n, c in grouped.items()) + ")"
    kind = type(family).__name__
    if kind == "LogNormal":
        return _with(_family_name(family.inner), f"log of {_logged(family)}" if _logged(family) else "log")
    if kind == "Hurdle":
        atoms = [name for name, _ in family.atoms or ()]
        return _with(_family_name(family.inner), f"atoms in {_few(atoms)}" if atoms else "atoms")
    inside = []
    if hasattr(family, "inner"):
        inside.append(_family_name(family.inner))
    if hasattr(family, "covariance"):
        factors = getattr(family, "factors", 0)
        inside.append(f"{factors} factor{'s' * (factors > 1)}" if factors else str(family.covariance))
    if getattr(family, "tied", False):
        inside.append("tied")
    return kind + (f"({', '.join(inside)})" if inside else "")


def _with(name: str, more: str) -> str:
    """A family's name with one thing more inside its parentheses."""
    return f"{name[:-1]}; {more})" if name.endswith(")") else f"{name}({more})"


def _logged(family: Any) -> str:
    """The columns that enter by their logarithms."""
    if family.logged is None:
        return _few(family.logs or ())
    names = [name for name, log in zip(family.slots[0].columns, family.logged, strict=True) if log]
    return "all" if len(names) == len(family.logged) > 1 else _few(names)


def _few(names: Sequence[str], most: int = 4) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
