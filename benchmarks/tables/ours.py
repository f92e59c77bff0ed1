"""One default fit in a process of its own: python ours.py REQUEST.json, with any version of unseen on the path.

It takes the way of a user: `unseen fit FILE` and then the saved run, so that a change below the command line changes
nothing here. Answers with one JSON object; arrays and tables go to the files that the request names.
"""

from __future__ import annotations

import contextlib
import io
import json
import sys
import tempfile
import time
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np

DENSITIES = ("gaussian", "student_t", "log_normal", "gamma", "beta")
COUNTS = ("categorical", "bernoulli", "ordinal", "poisson", "negative_binomial")  # plain, or zero_inflated before it


def fit(path: str, folder: str, seed: int, components: int | None) -> tuple[Any, dict[str, Any], dict]:
    """The result of the command, what it printed as JSON, and its seconds on the wall and of all threads together."""
    from unseen.cli.common import open_run
    from unseen.cli.shell import cli

    wanted = ["fit", path, "--out", folder, "--name", "run", "--seed", str(seed), "--json"]
    wanted += ["--components", str(components)] if components else []
    printed = io.StringIO()
    began, worked = time.perf_counter(), time.process_time()
    with contextlib.redirect_stdout(printed), contextlib.suppress(SystemExit):
        cli.main(wanted, prog_name="unseen", standalone_mode=False)
    seconds = {"seconds": time.perf_counter() - began, "processor": time.process_time() - worked}
    run = Path(folder) / "run"
    if not run.exists():
        raise RuntimeError(_reason(printed.getvalue()))
    return open_run(run)[0], json.loads(printed.getvalue()), seconds


def _reason(printed: str) -> str:
    try:
        said = json.loads(printed)["error"]
        return str(said["message"])
    except (ValueError, KeyError, TypeError):
        return printed.strip()[-300:] or "no run was saved"


def forms(part: Any) -> list[str]:
    """Every form of covariance that the model holds."""
    if isinstance(part, (tuple, list)):
        return [form for p in part for form in forms(p)]
    if not is_dataclass(part):
        return []
    own = [str(part.covariance)] if isinstance(getattr(part, "covariance", None), str) else []
    return own + [form for f in fields(part) for form in forms(getattr(part, f.name, None))]


def described(result: Any) -> dict[str, dict[str, Any]]:
    """Per column its family, the values that have a probability of their own, and whether the rest has a density."""
    found = {}
    for entry in result.description.views:
        family = str(entry["family"]).replace("-", "_").replace(" ", "_")
        rest = family.removeprefix("hurdle_").removeprefix("zero_inflated_")
        if rest not in DENSITIES + COUNTS:
            raise RuntimeError(f"the benchmark does not know whether the family {family} has a density")
        atoms = [float(a) for a in np.ravel(entry.get("atoms", []))] if rest in DENSITIES else []
        found[str(entry["column"])] = {"family": family, "dense": rest in DENSITIES, "atoms": atoms}
    return found


def answer(request: dict[str, Any]) -> dict[str, Any]:
    import unseen

    home = str(Path(unseen.__file__).resolve().parent)
    if not home.startswith(request["source"]):
        raise RuntimeError("another version of unseen was imported than the one to be measured")
    with tempfile.TemporaryDirectory() as folder:
        result, said, seconds = fit(request["file"], folder, request["seed"], request.get("components"))
    out = {
        **seconds,
        "K": int(getattr(result.model, "components", 1)),
        "form": "+".join(dict.fromkeys(forms(result.model))),
        "outcome": result.outcome.name,
        "bic": result.bic,
        "columns": described(result),
        "choices": said.get("columns"),
        "search": [{k: _plain(v) for k, v in row.items()} for row in result.search],
        "warnings": list(result.warnings),
    }
    began = time.perf_counter()
    if request["measure"] == "heldout":
        np.save(request["output"], result.log_prob(request["score"]))
    elif request["measure"] == "hidden":
        result.impute(request["file"]).to_pandas().to_csv(request["output"], index=False)
    else:
        np.save(request["output"], result.assign(request["file"]))
    return {**out, "seconds_use": time.perf_counter() - began}


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value


if __name__ == "__main__":
    try:
        told = answer(json.loads(Path(sys.argv[1]).read_text()))
    except Exception as error:  # whatever happens to one table is the result of this table
        told = {"failed": f"{type(error).__name__}: {error}"[:400]}
    print(json.dumps(told, default=str))
