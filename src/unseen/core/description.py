"""What a fitted model says of itself: its parts, tables, facts. Text, report, JSON, drift and doctor read these."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from unseen.core.family import Floor
from unseen.core.stats import Array
from unseen.core.table import Table, numbered


def plural(noun: str) -> str:
    """Return the word for several.

    >>> plural("state"), plural("class")
    ('states', 'classes')
    """
    return f"{noun}es" if noun.endswith(("s", "x")) else f"{noun}s"


@dataclass(frozen=True, slots=True)
class Fact:
    """Say one simple thing; ``column`` is the column it names, ``category`` the number of the category it names."""

    name: str
    value: str
    column: str = ""
    category: int | None = None


@dataclass(frozen=True, eq=False)
class Description:
    """What a model says of itself at some parameters.

    Parameters
    ----------
    noun : what its parts are called: ``"component"``, ``"state"``, ``"factor"``, ``"expert"``
    count : how many parts there are, numbered from 0
    shares : (count,), the part of the rows each stands for; None where the parameters do not say
    long_run : whether ``shares`` are those of a chain that has run for long, not those of the rows at hand
    views : per column what it looks like in each part, as `Family.describe` tells it
    discrete : whether each row belongs to one of the parts, so that its certainty means something
    floors : the floors that bind, by part and column
    shapes : those of the parameters, where the model says nothing else

    >>> Description("component", 2, np.array([0.3, 0.7])).order.tolist()
    [1, 0]
    """

    noun: str
    count: int
    shares: Array | None = None
    long_run: bool = False
    views: Sequence[dict[str, Any]] = ()
    tables: tuple[Table, ...] = ()
    facts: tuple[Fact, ...] = ()
    discrete: bool = False
    floors: Sequence[Floor] = ()
    shapes: Mapping[str, tuple[int, ...]] = field(default_factory=dict)

    @property
    def weights(self) -> Array:
        """The shares, equal where there are none, (count,)."""
        return np.full(self.count, 1 / max(self.count, 1)) if self.shares is None else self.shares

    @property
    def order(self) -> Array:
        """The numbers of the parts, the heaviest first, (count,)."""
        return np.argsort(-self.weights, kind="stable")

    def name(self, k: int) -> str:
        """Return what part ``k`` is called."""
        return f"{self.noun} {k}"

    def table(self, name: str) -> Table | None:
        """Return the table of that name, None where there is none."""
        return next((t for t in self.tables if t.name == name), None)

    def part(self, k: int) -> list[dict[str, Any]]:
        """Return what each column looks like in part ``k``, ready for JSON."""
        return [_view_of(entry, k) for entry in self.views]

    def without(self, hidden: Collection[str]) -> Self:
        """Return the description without what it says of some columns of the data."""
        return replace(
            self,
            views=[v for v in self.views if v["column"] not in hidden],
            tables=tuple(left for t in self.tables if (left := t.without(hidden)) is not None),
            facts=tuple(f for f in self.facts if f.column not in hidden),
            floors=[f for f in self.floors if f.column not in hidden],
            shapes={},  # names of parameters may hold those of columns
        )

    def numbered(self) -> Self:
        """Return the description with numbers in place of the names of categories and of single values."""
        words = {"categories": "category", "atoms": "value"}
        return replace(
            self,
            views=[{**v, **{key: numbered(v[key], w) for key, w in words.items() if key in v}} for v in self.views],
            tables=tuple(t.numbered() for t in self.tables),
            facts=tuple(f if f.category is None else replace(f, value=f"category {f.category + 1}")
                        for f in self.facts),
        )  # fmt: skip


def _view_of(entry: Mapping[str, Any], k: int) -> dict[str, Any]:
    one = {"column": entry["column"], "family": entry["family"]}
    for key, value in entry.items():
        if isinstance(value, list) and key not in ("categories", "probabilities", "atom_shares", "atoms"):
            one[key] = value[k]
    if "atoms" in entry:
        pairs = zip(entry["atoms"], entry["atom_shares"][k], strict=True)
        one["atoms"] = [{"value": value, "share": share} for value, share in pairs]
    if "categories" in entry:
        one["probabilities"] = dict(zip(entry["categories"], entry["probabilities"][k], strict=True))
    return one
