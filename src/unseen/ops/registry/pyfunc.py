"""What ``mlflow models serve`` calls: a saved fit that scores rows.

One row in, one row out, under the same index: ``component``, ``log_density`` and ``responsibility_0`` to
``responsibility_{K-1}``. A cell may be missing (null, NaN); a category that the fit never met is refused, or taken as
missing with the parameter ``unknown: "missing"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np


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

        columns = self.result.outputs(model_input, unknown=(params or {}).get("unknown"))
        columns = {k: v.astype(np.int64) if v.dtype == np.int32 else v for k, v in columns.items()}
        return pd.DataFrame(columns, index=model_input.index)


def _load_pyfunc(path: str) -> Scorer:
    """Called by MLflow with the folder of the saved fit; every hash is verified before any of it is used."""
    from unseen.ops.registry.artefact import FIT, unseal
    from unseen.store import load

    fit = Path(path)
    model = fit.parents[FIT.count("/")]
    if (model / "MLmodel").is_file():
        unseal(model)
    return Scorer(load(fit))
