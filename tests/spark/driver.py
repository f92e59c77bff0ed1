"""A driver of its own process: fits on whatever cluster its environment says, and may kill a worker on the way.

python -m tests.spark.driver DATA OUT [KILL_AT WORKER]
"""

from __future__ import annotations

import json
import sys
from typing import Any

import unseen
from tests.spark.cluster import killed
from unseen.core.observe import Event


def main(data: str, out: str, *kill: str) -> None:
    seen = {"iterations": 0}

    def observe(event: Event) -> None:
        seen["iterations"] += 1
        if kill and seen["iterations"] == int(kill[0]):
            killed(int(kill[1]))

    result = unseen.fit(model(), data, engine="spark", observers=[observe], **OPTIONS)
    result.save(out)
    print(json.dumps({"iterations": seen["iterations"], "loglik": result.loglik.hex()}))


def model() -> Any:
    return unseen.Mixture(unseen.Gaussian("full"), 3)


OPTIONS: dict[str, Any] = {"restarts": 1, "seed": 5, "max_iterations": 12, "tol": 0.0, "block_rows": 2000}

if __name__ == "__main__":
    main(*sys.argv[1:])
