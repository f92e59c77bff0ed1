"""Numbers and tables as plain text."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

WIDTH = 100
Spelled = Callable[[str], str]


def number(x: float | None, digits: int = 4) -> str:
    """A number with a few significant digits and thousands separated.

    >>> number(1234567.8), number(0.012345), number(float("nan"))
    ('1,234,568', '0.01235', '-')
    """
    if x is None or not np.isfinite(x):
        return "-" if x is None or np.isnan(x) else ("inf" if x > 0 else "-inf")
    x = float(x) + 0.0  # 0, not -0
    if x and (abs(x) >= 1e12 or abs(x) < 1e-4):
        return f"{x:.{digits - 1}e}"
    decimals = digits - 1 - (int(np.floor(np.log10(abs(x)))) if x else 0)
    return f"{x:,.{max(decimals, 0)}f}"


def probability(p: float) -> str:
    """A probability to four decimals; only nothing is 0.

    >>> probability(0.25), probability(1e-9), probability(0.0)
    ('0.2500', '<0.0001', '0')
    """
    if not np.isfinite(p):
        return number(p)
    return "0" if p == 0 else "<0.0001" if p < 1e-4 else f"{p:.4f}"


def mean_and_sd(mean: float, sd: float) -> str:
    """Both with the decimals that the deviation's first two digits call for.

    >>> mean_and_sd(12.3456, 4.2), mean_and_sd(1234.6, 310)
    ('12.3 ± 4.2', '1,235 ± 310')
    """
    if not np.isfinite(sd) or sd <= 0:
        return f"{number(mean)} ± {number(sd)}"
    if max(abs(mean), sd) >= 1e7 or sd < 1e-4:
        return f"{mean + 0.0:.3g} ± {sd:.2g}"
    decimals = max(1 - int(np.floor(np.log10(sd))), 0)
    return f"{round(mean, decimals) + 0.0:,.{decimals}f} ± {sd:,.{decimals}f}"


def table(rows: Sequence[Sequence[str]], left: int = 1) -> list[str]:
    """Rows as aligned lines; the first ``left`` columns to the left, the others to the right."""
    widths = [max(len(r[j]) for r in rows) for j in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [c.ljust(w) if j < left else c.rjust(w) for j, (c, w) in enumerate(zip(row, widths, strict=True))]
        lines.append("  " + "  ".join(cells).rstrip())
    return lines


def short(name: str, most: int = 24) -> str:
    """Return a name on one line of at most so many characters.

    >>> short("a name", 4)
    'a n…'
    """
    text = " ".join(name.split())
    return text if len(text) <= most else text[: most - 1] + "…"


def side_by_side(widths: Mapping[int, int], room: int) -> list[list[int]]:
    """Return which columns of a table stand side by side, as far as the room goes.

    >>> side_by_side({0: 4, 1: 4, 2: 4}, 12)
    [[0, 1], [2]]
    """
    chunks: list[list[int]] = [[]]
    used = 0
    for k, width in widths.items():
        if chunks[-1] and used + width + 2 > room:
            chunks.append([])
            used = 0
        chunks[-1].append(k)
        used += width + 2
    return chunks
