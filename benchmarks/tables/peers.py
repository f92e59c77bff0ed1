"""One peer in a process of its own: python peers.py REQUEST.json; answers with one JSON object."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import clusterers
import imputers
import numpy as np
import pandas as pd

IMPUTERS = {"iterative": imputers.iterative, "forest": imputers.forest}
CLUSTERERS = {"mclust": clusterers.mclust, "gmm": clusterers.gmm, "stepmix": clusterers.stepmix}


def answer(request: dict[str, Any]) -> dict[str, Any]:
    name, seed = request["contestant"], request["seed"]
    numbers, categories = request["numbers"], request["categories"]
    frame = pd.read_csv(request["file"], keep_default_na=False, na_values=[""])
    began = time.perf_counter()
    if name in IMPUTERS:
        filled = IMPUTERS[name](frame, numbers, categories, seed)
        seconds = time.perf_counter() - began
        filled.to_csv(request["output"], index=False)
        return {"seconds": seconds}
    labels, form = CLUSTERERS[name](frame, numbers, categories, seed)
    seconds = time.perf_counter() - began
    np.save(request["output"], labels)
    return {"seconds": seconds, "K": int(form.split()[0]), "form": form.partition(" ")[2]}


if __name__ == "__main__":
    try:
        told = answer(json.loads(Path(sys.argv[1]).read_text()))
    except Exception as error:  # a peer that fails on a table is a result, too
        told = {"failed": f"{type(error).__name__}: {error}"[:400]}
    print(json.dumps(told))
