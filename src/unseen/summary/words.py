"""Numbers and tables as plain text."""

from __future__ import annotations

from collections.abc import Callable, Sequence

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
