"""What a promotion did to ordinary rows: log-density per row of the new champion, less that of the old one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

#: rows that judge
ROWS = 3000
#: the most that `init` may propose to lose, in nats per row, by rows in a month
MOST = {500: 0.05, 2000: 0.02, 20_000: 0.01}
#: families that give single values a probability; others have a density, beside atoms
DISCRETE = ("poisson", "negative_binomial", "bernoulli", "categorical", "ordinal")


def most(rows: int) -> float:
    """The largest tolerance that may be proposed for so many rows."""
    return MOST[max((size for size in MOST if size <= rows), default=min(MOST))]


def measures(model: Any) -> dict[str, tuple[bool, tuple[float, ...]]]:
    """For each column of a model: whether it has probabilities in place of a density, and the atoms set apart.

    A retrain keeps the families of its champion, so two champions of one loop agree as a rule.
    """
    found = {}
    for column in model.columns:
        family = column["family"]
        if family:
            plain = family.removeprefix("hurdle_").removeprefix("zero_inflated_")
            found[column["column"]] = (plain in DISCRETE, tuple(column.get("set_apart", ())))
    return found


def common(new: Any, old: Any) -> list[str]:
    """The columns that both models describe by the same measure."""
    ours, theirs = measures(new), measures(old)
    return [name for name in ours if ours[name] == theirs.get(name)]


def harm(new: Any, old: Any, rows: pd.DataFrame) -> dict[str, Any]:
    """Gain and its standard error in nats per row, on columns that both measure alike; others are taken as missing.

    A row that is impossible under both says nothing; under the new one alone, the gain is minus infinity.
    """
    shared = common(new, old)
    seen = rows.assign(**{c: rows[c].where(np.zeros(len(rows), bool)) for c in rows if c not in shared})
    table = _arrow(seen)
    ours, theirs = new.log_prob(table, unknown="missing"), old.log_prob(table, unknown="missing")
    both = np.isfinite(theirs) | np.isfinite(ours)
    gain = (ours - theirs)[both]
    finite = gain[np.isfinite(gain)]
    return {
        "gain": float(gain.mean()) if len(gain) else 0.0,
        "se": float(finite.std(ddof=1) / np.sqrt(len(finite))) if len(finite) > 1 else 0.0,
        "apart": sorted((measures(new).keys() | measures(old).keys()) - set(shared)),
    }


def _arrow(frame: pd.DataFrame) -> Any:
    import pyarrow as pa

    return pa.Table.from_pandas(frame, preserve_index=False)
