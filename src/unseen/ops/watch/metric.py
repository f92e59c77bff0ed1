"""What a metric is: declared once, with its unit in its name and the function that reads its value."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

#: a value, values by the label (a tuple where there are several labels), or nothing to be exported
Value = float | int | bool | Mapping[Any, float | int | bool] | None


@dataclass(frozen=True, slots=True)
class Metric:
    """One row of the table; ``row`` is its number there (M1 to M10), or a dash.

    ``read`` takes what is known of the loop; a service's metrics have none and count by themselves.
    """

    name: str
    help: str
    read: Callable[[Any], Value] | None = None
    labels: tuple[str, ...] = ()
    row: str = "-"
    kind: Literal["gauge", "counter", "histogram"] = "gauge"

    def samples(self, known: Any) -> Iterator[tuple[tuple[str, ...], float]]:
        """Values of the labels, and the value; what is not finite is left out."""
        value = None if self.read is None else self.read(known)
        found = value if isinstance(value, Mapping) else {(): value}
        for labels, number in found.items():
            if number is not None and math.isfinite(number):
                yield tuple(map(str, labels if isinstance(labels, tuple) else (labels,))), float(number)
