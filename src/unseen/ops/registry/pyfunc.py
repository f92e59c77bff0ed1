"""What ``mlflow models serve`` calls: a saved fit that scores rows.

One row in, one row out, under the same index: ``component``, ``log_density`` and ``responsibility_0`` to
``responsibility_{K-1}``. A cell may be missing (null, NaN); a category that the fit never met is refused, or taken as
missing with the parameter ``unknown: "missing"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from unseen.core.block import Block
from unseen.core.stats import Array


class Scorer:
    """A fit behind MLflow's ``predict``."""

    def __init__(self, result: Any) -> None:
        self.result = result

    def predict(self, model_input: Any, params: Mapping[str, Any] | None = None) -> Any:
        """The component, log-density and responsibilities of each row of a pandas data frame.

        Raises
        ------
        DataError
            A column has another type than it had, or a category that was not there; no value is named.
        """
        import pandas as pd

        model, fitted = self.result.model, self.result.params

        def answers(block: Block) -> Array:
            r, density = model.posterior(fitted, block)
            if hasattr(model, "log_density"):
                density = model.log_density(fitted, block)
            return np.vstack([r.argmax(axis=0), density, r]).T

        table = self.result.rows_of(model_input, answers, unknown=(params or {}).get("unknown")).T
        table = table if table.size else np.empty((2 + model.components, 0))
        columns = {"component": table[0].astype(np.int64), "log_density": table[1]}
        columns |= {f"responsibility_{k}": row for k, row in enumerate(table[2:])}
        return pd.DataFrame(columns, index=model_input.index)


def _load_pyfunc(path: str) -> Scorer:
    """Called by MLflow with the folder of the saved fit; its hashes are verified before any of it is used."""
    from unseen.store import load

    return Scorer(load(path))
