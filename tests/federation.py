"""What the tests of federations give to sites, which import it by its name."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from unseen import Sites
from unseen.core.block import Field
from unseen.core.source import Nowhere, Part
from unseen.engines.federated import Federated

ALLOWED = tuple(f"tests.federation:{name}" for name in ("Each", "Slow", "FirstRow")) + (
    "unseen.testing.engines:Walk",
    "unseen.testing.engines:Trail",
)


@dataclass
class Number:
    """A source whose one block is a number."""

    number: int
    unit = None

    def schema(self) -> tuple[Field, ...]:
        return (Field("x", "integer"),)

    def manifest(self) -> tuple[Part, ...]:
        return (Part(0, 1),)

    def read(self, part: Part, columns: Sequence[str]) -> Any:
        raise NotImplementedError

    def fingerprint(self) -> dict[str, Any]:
        return {}


class Each:
    """The numbers that sites have, as blocks."""

    def __init__(self, source: Any) -> None:
        self.source = source

    @property
    def parts(self) -> tuple[Part, ...]:
        return self.source.manifest()

    def __len__(self) -> int:
        return len(self.parts)

    def over(self, source: Any) -> Any:
        return Each(source) if isinstance(source, Nowhere) else [source.source.number]


def of_numbers(blocks: Sequence[int], **options: Any) -> Federated:
    """A federation of one number at each site."""
    sites = Sites({str(i): Number(b) for i, b in enumerate(blocks)}, least_rows=1, allowed=ALLOWED)
    return Federated(Each(sites), **options)


@dataclass(frozen=True)
class Slow:
    """A task that takes its time."""

    seconds: float

    def __call__(self, block: Any) -> int:
        time.sleep(self.seconds)
        return 1


@dataclass(frozen=True)
class Opens:
    """A call that a pickle would make where it is read."""

    path: str

    def __reduce__(self) -> Any:
        return os.mkdir, (self.path,)


@dataclass(frozen=True)
class FirstRow:
    """A task that picks a row."""

    def __call__(self, block: Any) -> Any:
        return block.cells[0].values[:, 0]


def cut(data: Mapping[str, Any], home: Any) -> dict[str, dict[str, Any]]:
    """The rows of each site, by its number."""
    return {f"site {s}": {k: np.asarray(v)[home == s] for k, v in data.items()} for s in np.unique(home)}


def home(n: int, sites: int = 3) -> Any:
    """The site of each row, as even parts."""
    return np.arange(n) * sites // n


MARK = 1234.567891234


def marked(n: int) -> dict[str, Any]:
    """Columns in which one row has values that no sum comes to."""
    rng = np.random.default_rng(1)
    data = {f"x{j}": rng.normal(10.0 * j, 1.0, n) for j in range(3)}
    data["whole"] = rng.integers(0, 5000, n)
    data["x0"][n // 2], data["whole"][n // 2] = MARK, 987_654
    return data
