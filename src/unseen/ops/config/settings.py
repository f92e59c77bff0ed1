"""``unseen.yaml`` as a whole, and which of it decides the model: files that differ elsewhere mean the same retrain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from pydantic import Field, PrivateAttr

from unseen.core.model import Latent, Penalised
from unseen.ops.config.base import Section, Text
from unseen.ops.config.data import Data, Privacy, Schema
from unseen.ops.config.kind import named, unit_option
from unseen.ops.config.learn import Fit, Limits, Model, Retries, Validate
from unseen.ops.config.operate import Alerts, Drift, Gates, Memory, Metrics, Registry, Retain, Slo

# Where the rows lie is not here (a batch has an identity of its own), nor is anything that only watches.
_DECIDES: dict[str, Any] = {
    "name": True,
    "data": {"window", "weights", "labels", "ignore"},
    "schema_": True,
    "model": True,
    "fit": True,
    "validate_": True,
    "gates": True,
    "memory": True,
    "privacy": {"min_rows_per_component"},
    "retries": {"fits"},
}


class Settings(Section):
    """One production loop: a name, its data, its model, and everything that decides what is promoted."""

    name: str = Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$", examples=["my-model"])
    """The model's name in registry and metrics: a letter, then letters, digits, _ or -."""
    state: Text = ".unseen"
    """Folder of log, runs, registry and metrics."""
    data: Data
    schema_: Schema = Field(default=Schema(), alias="schema")
    model: Model = Model()
    fit: Fit = Fit()
    validate_: Validate = Field(default=Validate(), alias="validate")
    gates: Gates = Gates()
    memory: Memory = Memory()
    drift: Drift = Drift()
    slo: Slo = Slo()
    limits: Limits = Limits()
    retries: Retries = Retries()
    privacy: Privacy = Privacy()
    registry: Registry = Registry()
    retain: Retain = Retain()
    metrics: Metrics = Metrics()
    alerts: Alerts = Alerts()

    _folder: Path = PrivateAttr(default_factory=Path)

    def clashes(self) -> Iterator[tuple[str, str]]:
        data, model, kind = self.data, self.model, named(self.model.kind)
        for key in ("min_metric", "metric_drop"):
            if getattr(self.gates, key) is not None and self.validate_.metric is None:
                yield f"gates.{key}", "needs validate.metric"
        if self.fit.start == "labels" and data.labels is None:
            yield "fit.start", "needs data.labels"
        aside = {column: key for key, columns in data.aside.items() for column in columns}
        for key in ("columns", "family"):
            if aside.keys() & set(getattr(model, key)):
                yield f"model.{key}", "names a column that is in data.weights, data.labels or data.ignore"
        unit = unit_option(kind)
        for option, column in model.named_columns.items():
            if column in aside:
                yield f"model.{option}", f"names a column that is in {aside[column]} too: leave it out there"
            if unit is not None and unit.name == option and column in model.columns:
                why = "names a column that is among model.columns: it says which rows belong together"
                yield f"model.{option}", why
        if data.labels is not None and not issubclass(kind, Latent):
            yield "data.labels", f"is for models with classes to name, which {model.kind} is not: leave it out"
        if self.fit.prior and not issubclass(kind, Penalised):
            yield "fit.prior", f"is for models with a conjugate prior, which {model.kind} is not: leave it at 0"

    @property
    def folder(self) -> Path:
        """The folder that relative paths start from: the one of the file."""
        return self._folder

    def within(self, path: str) -> Path:
        """A path of the file, made absolute."""
        return (self._folder / Path(path).expanduser()).resolve()

    @property
    def home(self) -> Path:
        """The state folder."""
        return self.within(self.state)


def settings_hash(settings: Settings) -> str:
    """Sixteen hexadecimal digits that change when a setting does that decides the model or what becomes of it."""
    said = settings.model_dump(mode="json", by_alias=True, include=_DECIDES)
    if read := settings.data.read.told:  # where nothing is said hashes are those of before it could be
        said["data"]["read"] = read
    return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]
