"""A saved fit as an MLflow model, and what MLflow is told about it."""

from __future__ import annotations

import math
import platform
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import unseen
from unseen.core.block import BOOLEAN, CATEGORY, INTEGER, NUMBER, OTHER, Field
from unseen.core.encoding import Encoding
from unseen.core.output import Output
from unseen.ops.config.settings import Settings
from unseen.ops.record import Record
from unseen.ops.registry.artefact import FIT

# stands in the MLmodel file of every version there is: never to be renamed
LOADER = "unseen.ops.registry.pyfunc"


def wrap(fit: Path, target: Path, encoding: Encoding, outputs: Sequence[Output]) -> None:
    """Make an MLflow model of a saved fit: no pickles, no code, no row of the data as an example."""
    import yaml
    from mlflow.models import Model
    from mlflow.pyfunc import add_to_model

    from unseen.store import read_manifest

    manifest = read_manifest(fit)
    (target / FIT).mkdir(parents=True)
    for name in (*manifest.files, "MANIFEST.json"):
        shutil.copyfile(fit / name, target / FIT / name)
    for name, said in environment(manifest.foreign).items():
        text = "\n".join(said) + "\n" if isinstance(said, list) else yaml.safe_dump(said, sort_keys=False)
        (target / name).write_text(text)
    # `save_model` would do this too, after a second or two of looking through every installed package
    model = Model(signature=signature(inputs_of(encoding), outputs, encoding.unknown))
    add_to_model(model, loader_module=LOADER, data=FIT, conda_env="conda.yaml", python_env="python_env.yaml")
    model.save(str(target / "MLmodel"))


def environment(foreign: Mapping[str, str]) -> dict[str, Any]:
    """What a server has to install, in the three forms that MLflow knows; ``foreign`` are packages of its kinds."""
    import mlflow

    needs = [f"unseen[frames]=={unseen.__version__}", f"mlflow-skinny=={mlflow.__version__}"]
    needs += [f"{name}=={version}" for name, version in foreign.items()]
    python = platform.python_version()
    return {
        "requirements.txt": needs,
        "python_env.yaml": {"python": python, "build_dependencies": ["pip"], "dependencies": ["-r requirements.txt"]},
        "conda.yaml": {"name": "mlflow-env", "dependencies": [f"python={python}", "pip", {"pip": needs}]},
    }


def inputs_of(encoding: Encoding) -> tuple[Field, ...]:
    """The columns that rows come in, that of the unit among them, whatever its type."""
    return encoding.fields if encoding.unit is None else (Field(encoding.unit, OTHER), *encoding.fields)


def signature(fields: Sequence[Field], outputs: Sequence[Output], unknown: str) -> Any:
    """What goes in and what comes out.

    A cell may be missing; a column may not, so that a misspelt name is an error and not a missing column. Whole
    numbers and booleans are of type ``any``: MLflow cannot hold a missing one (it reads a missing boolean as a
    value), and refuses whole numbers where a double is named.
    """
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    kinds = {NUMBER: DataType.double, CATEGORY: DataType.string}
    inputs = Schema([ColSpec(kinds.get(f.kind) or AnyType(), f.name, required=True) for f in fields])
    types = {INTEGER: DataType.long, CATEGORY: DataType.string, BOOLEAN: DataType.boolean}
    said = [column for output in outputs for column in output.kinds(fields)]
    told = [ColSpec(types.get(kind, DataType.double), name) for name, kind in said]
    return ModelSignature(inputs, Schema(told), ParamSchema([ParamSpec("unknown", DataType.string, unknown)]))


def milliseconds(record: Record) -> int:
    return int(datetime.fromisoformat(record.started).timestamp() * 1000)


def params(record: Record, settings: Settings) -> dict[str, Any]:
    """What was fitted, and how."""
    assert record.fit is not None and record.batch is not None
    return {
        "components": record.fit.components,
        "kind": settings.model.kind,
        "criterion": settings.model.criterion,
        "covariance": settings.model.form,
        "algorithm": settings.fit.algorithm,
        "start": settings.fit.start,
        "restarts": settings.fit.restarts,
        "seed": record.fit.seed,
        "tol": settings.fit.tol,
        "prior": settings.fit.prior,
        "batch": record.batch.id,
        "rows": record.batch.rows,
        "partitions": len(record.batch.partitions),
        "outcome": record.fit.outcome,
        **{f"version.{name}": version for name, version in record.versions.items()},
    }


def metrics(record: Record, result: Any, settings: Settings) -> list[tuple[str, float, int]]:
    """Log-likelihood at each iteration, validation, resources, and how much is missing in columns that may be named."""
    found = [*_of_record(record), *_missing(result, settings.privacy.sensitive)]
    return [(name, float(value), step) for name, value, step in found if value is not None and math.isfinite(value)]


def _of_record(record: Record) -> Iterator[tuple[str, float | None, int]]:
    fit, validation, used = record.fit, record.validation, record.resources
    assert fit is not None
    for step, value in enumerate(fit.trace):
        yield "loglik_per_row", value, step
    for name in ("iterations", "loglik", "bic", "seconds", "floors", "smallest_share", "smallest_spread"):
        yield name, getattr(fit, name), 0
    measured = ("rows", "heldout", "heldout_se", "training", "champion", "gain", "gain_se", "calibration")
    for name in (*measured, "moved_share", "metric", "champion_metric") if validation else ():
        yield f"validation.{name}", getattr(validation, name), 0
    for name in ("cpu_seconds", "peak_memory", "cost") if used else ():
        yield name, getattr(used, name), 0
    yield "gates_refused", sum(not v.passed for v in record.gates), 0


def _missing(result: Any, sensitive: Sequence[str]) -> Iterator[tuple[str, float, int]]:
    for c in result.profile.columns:
        if c.name not in sensitive and c.rows:
            yield f"missing_share.{re.sub(r'[^A-Za-z0-9_. /:-]', '_', c.name)}", c.missing / c.rows, 0
