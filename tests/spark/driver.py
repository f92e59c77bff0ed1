"""A driver of its own process: fits on the cluster of its environment, and kills a worker or itself (0) on the way.

python -m tests.spark.driver DATA OUT [KILL_AT PID]
"""

from __future__ import annotations

import json
import os
import sys
from typing import Any

import unseen
from tests.spark.cluster import killed
from unseen.core.observe import Event


def main(data: str, out: str, *kill: str) -> None:
    seen = {"iterations": 0}

    def observe(event: Event) -> None:
        seen["iterations"] += event.name == "iteration"
        if kill and seen["iterations"] == int(kill[0]):
            killed(int(kill[1]) or os.getpid())

    kept: dict[str, Any] = {"checkpoint": f"{out}.kept", "every": 1, "resume": True}
    result = unseen.fit(model(), data, engine="spark", observers=[observe], **kept, **OPTIONS)
    result.save(out)
    print(json.dumps({"iterations": seen["iterations"], "loglik": result.loglik.hex()}))


def model() -> Any:
    return unseen.Mixture(unseen.Gaussian("full"), 3)


OPTIONS: dict[str, Any] = {"restarts": 1, "seed": 5, "max_iterations": 12, "tol": 0.0, "block_rows": 2000}

if __name__ == "__main__":
    main(*sys.argv[1:])
