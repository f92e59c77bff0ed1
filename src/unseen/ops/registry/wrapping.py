"""A saved fit as an MLflow model: signature, an example, what a server installs, and hashes of it all."""

from __future__ import annotations

import json
import platform
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import unseen
from unseen.core.block import BOOLEAN, CATEGORY, EMPTY, INTEGER, NUMBER, OTHER
from unseen.ops.registry.artefact import FIT, SUMS, made_up, seal

# stands in the MLmodel file of every version there is: never to be renamed
LOADER = "unseen.ops.registry.pyfunc"
EXAMPLE, REQUEST, EXAMPLE_ROWS = "input_example.json", "serving_input_example.json", 2
#: MLflow's names of types; where a cell was missing, only a double can say so, whatever kind of number it is
COMPLETE = {NUMBER: "double", INTEGER: "long", BOOLEAN: "boolean", CATEGORY: "string", EMPTY: "double"}
WITH_HOLES = {**COMPLETE, INTEGER: "double", BOOLEAN: "double"}


def wrap(fit: Path, target: Path, result: Any, sensitive: Sequence[str], unit: str) -> None:
    """Make an MLflow model of a saved fit: no pickles, no code, no row of the data.

    Cells of ``sensitive`` columns are empty in the example; ``unit`` is the kind of the column that says which rows
    belong together, where there is one.
    """
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
    types = column_types(result, unit)
    sealed = {"unseen": {"content": manifest.content, "hashes": SUMS}}
    # `save_model` would do all this, too, after a second or two of looking through every installed package
    model = Model(signature=signature(result, types), metadata=sealed)
    if example := _example(result, types, sensitive):
        (target / EXAMPLE).write_text(json.dumps(example))
        (target / REQUEST).write_text(json.dumps({"dataframe_split": example}))
        files = {"artifact_path": EXAMPLE, "serving_input_path": REQUEST}
        model.saved_input_example_info = {"type": "dataframe", "pandas_orient": "split", **files}
    add_to_model(model, loader_module=LOADER, data=FIT, conda_env="conda.yaml", python_env="python_env.yaml")
    model.save(str(target / "MLmodel"))
    seal(target)


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


def column_types(result: Any, unit: str = OTHER) -> dict[str, str]:
    """MLflow's types of the columns that rows come in, that of the unit among them.

    A whole number or a truth value is a double where the training data had holes in it: MLflow's integers and booleans
    hold none (mlflow issue 25593), and its server would read a missing boolean as false.
    """
    encoding, holes = result.encoding, {c.name for c in result.profile.columns if c.missing}
    kinds = {f.name: (WITH_HOLES if f.name in holes else COMPLETE).get(f.kind, "any") for f in encoding.fields}
    return kinds if encoding.unit is None else {encoding.unit: COMPLETE.get(unit, "any"), **kinds}


def signature(result: Any, types: Mapping[str, str]) -> Any:
    """What goes in and what comes out; no column may be left out, so that a misspelt name is an error."""
    from mlflow.models import ModelSignature
    from mlflow.types.schema import AnyType, ColSpec, DataType, ParamSchema, ParamSpec, Schema

    inputs = [ColSpec(AnyType() if t == "any" else DataType[t], name) for name, t in types.items()]
    said = [column for output in result.model.outputs() for column in output.kinds(result.encoding.fields)]
    outputs = [ColSpec(DataType[COMPLETE.get(kind, "double")], name) for name, kind in said]
    unknown = ParamSpec("unknown", DataType.string, result.encoding.unknown)
    return ModelSignature(Schema(inputs), Schema(outputs), ParamSchema([unknown]))


def _example(result: Any, types: Mapping[str, str], sensitive: Sequence[str]) -> dict[str, Any] | None:
    """Rows as a client sends them, made up by the model; none where it does not score them.

    Categories are data, as are cells of sensitive columns: both stay empty.
    """
    try:
        drawn = made_up(result, EXAMPLE_ROWS)
        cells = {name: [_cell(x, t, name in sensitive) for x in drawn[name]] for name, t in types.items()}
        if result.encoding.unit is not None:
            cells[result.encoding.unit] = ["a" if types[result.encoding.unit] == "string" else 1] * EXAMPLE_ROWS
        result.outputs(cells)
    except Exception:  # a version without an example is as good
        return None
    return {"columns": list(cells), "data": [list(row) for row in zip(*cells.values(), strict=True)]}


def _cell(value: Any, kind: str, hidden: bool) -> Any:
    if kind == "boolean":
        return bool(value) and not hidden
    if kind == "long":
        return 0 if hidden else int(value)
    return None if hidden or kind != "double" or value != value else float(f"{float(value):.3g}")
