"""MLflow behind retries: what can pass is tried again, what cannot becomes one sentence with the knob to turn."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.files import why
from unseen.ops.patience import patiently
from unseen.ops.registry.artefact import local
from unseen.ops.registry.opening import Seen, address, artifacts, client, database, experiment, look
from unseen.ops.registry.report import Input, Report

T = TypeVar("T")
#: most items of one kind that MLflow takes in one call, and the longest digest of a data set
MOST_METRICS, MOST_PARAMS, LONGEST_DIGEST = 1000, 100, 36


class Tracking:
    """Runs, artefacts, versions and aliases of one model in MLflow."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.name = settings, settings.name
        self.uri = address(settings)

    def call(self, what: str, action: Callable[[Any], T], tries: int | None = None) -> T:
        """Do something with MLflow's client; ``what`` completes the "did not ..." of a `RegistryError`."""
        retries = self.settings.retries.model_copy(update={"attempts": tries} if tries else {})
        try:
            return patiently(lambda: action(client(self.settings)), retries, when=passes)
        except (UnseenError, ModuleNotFoundError):
            raise
        except Exception as error:
            raise self._sentence(what, error) from error

    def _sentence(self, what: str, error: Exception) -> RegistryError:
        tries, met = f"{self.settings.retries.attempts} tries", chain(error)
        full = next((e for e in met if isinstance(e, OSError) and e.errno), None)
        if busy(error):
            said = (
                f"is locked by another process ({tries}): end what holds it, or wait longer with retries.attempts and "
                "retries.most_seconds in unseen.yaml"
            )
        elif unreachable(error):
            said = (
                f"cannot be reached ({tries}): start it, name another with registry.uri, or wait longer with "
                "retries.attempts in unseen.yaml"
            )
        elif any("mlflow db upgrade" in str(e) for e in met):
            said = f"has the tables of another MLflow: back it up, then `mlflow db upgrade {self.uri}`"
        elif full is not None:
            said = f"did not {what}: {why(full)}"
        else:
            code = next((c for e in met if (c := getattr(e, "sqlite_errorname", getattr(e, "error_code", None)))), "")
            said = f"did not {what} ({type(error).__name__}{f', {code}' if code else ''})"
        return RegistryError(f"the registry at {self.uri} {said}")

    def seen(self) -> Seen | None:
        """What MLflow holds of the model; None where it cannot be asked at the moment."""
        path = database(self.uri)
        if path is not None:
            return look(self.settings, path)

        def ask(c: Any) -> Seen:
            found = list(c.search_model_versions(f"name = '{self.name}'"))
            records = {int(v.version): v.tags.get("unseen.record") for v in found}
            aliases = c.get_registered_model(self.name).aliases if records else {}
            return Seen(records, {alias: int(n) for alias, n in aliases.items()}, max(records, default=0))

        try:
            return self.call("say what it holds", ask, tries=1)
        except (RegistryError, ModuleNotFoundError):
            return None

    # ---- runs and versions

    def find(self, tags: Mapping[str, str]) -> Any:
        """The model version that carries these tags, or None."""
        wanted = " and ".join([f"name = '{self.name}'", *_equal(tags)])
        return next(iter(self.call("look for a version", lambda c: list(c.search_model_versions(wanted)))), None)

    def report(self, report: Report) -> Any:
        """Keep a run, found by its identity or made; its metrics have the time of its start, so that twice is once."""
        from mlflow.entities import Dataset, DatasetInput, InputTag, Metric, Param

        def made(c: Any) -> Any:
            named = experiment(self.settings)
            known = c.get_experiment_by_name(named)
            id = known.experiment_id if known else c.create_experiment(named, artifacts(self.settings))
            runs = c.search_runs([id], " and ".join(_equal(report.identity)), max_results=1)
            facts = {"start_time": report.started, "run_name": report.name}
            return runs[0] if runs else c.create_run(id, tags={**report.tags, **report.identity}, **facts)

        run = self.call("make a run", made)
        id, time = run.info.run_id, report.started
        params = [Param(k, str(v)) for k, v in report.params.items()]
        metrics = [Metric(k, v, time, 0) for k, v in report.metrics.items()]
        metrics += [Metric(k, v, time, step) for k, values in report.history.items() for step, v in enumerate(values)]
        used = [InputTag("mlflow.data.context", "training")]
        inputs = [DatasetInput(Dataset(**_dataset(rows)), used) for rows in report.inputs]

        def keep(c: Any) -> None:
            for i in range(0, len(params), MOST_PARAMS):
                c.log_batch(id, params=params[i : i + MOST_PARAMS])
            for i in range(0, len(metrics), MOST_METRICS):
                c.log_batch(id, metrics=metrics[i : i + MOST_METRICS])
            c.log_inputs(id, inputs)

        self.call("keep parameters and metrics", keep)
        if report.artefact is not None:
            self.call("take the artefact", lambda c: c.log_artifacts(id, str(report.artefact), "model"))
        self.call("end the run", lambda c: c.set_terminated(id, "FINISHED"))
        return run

    def version(self, run: Any, tags: Mapping[str, str], source: str | None = None) -> Any:
        """Make a version of a run's artefact, or of one that lies elsewhere."""
        from mlflow.exceptions import MlflowException

        place, id = source or f"{run.info.artifact_uri}/model", run.info.run_id

        def ensure(c: Any) -> None:
            try:
                c.create_registered_model(self.name)
            except MlflowException as error:
                if error.error_code != "RESOURCE_ALREADY_EXISTS":
                    raise

        self.call("make the model", ensure)
        return self.call("make a version", lambda c: c.create_model_version(self.name, place, id, tags=dict(tags)))

    def forget(self, number: int) -> None:
        """Take back a version that was just made."""
        self.call("take a version back", lambda c: c.delete_model_version(self.name, str(number)))

    # ---- aliases and artefacts

    def align(self, wanted: Mapping[str, int | None]) -> None:
        """Move the aliases that do not point where they should."""

        def move(c: Any) -> None:
            found = {alias: int(n) for alias, n in c.get_registered_model(self.name).aliases.items()}
            for alias, number in wanted.items():
                if number is None and alias in found:
                    c.delete_registered_model_alias(self.name, alias)
                elif number is not None and found.get(alias) != number:
                    c.set_registered_model_alias(self.name, alias, str(number))

        self.call("move its aliases", move)

    @contextmanager
    def fetched(self, uri: str) -> Iterator[Path]:
        """A folder with an artefact: where it lies, if that is here, else a copy for as long as it is needed."""
        if (here := local(uri)) is not None:
            yield self.settings.home / here
            return

        def download(c: Any) -> Path:
            from mlflow.artifacts import download_artifacts

            return Path(download_artifacts(artifact_uri=uri, dst_path=temporary, tracking_uri=self.uri))

        with TemporaryDirectory(prefix="unseen-") as temporary:
            yield self.call("give the artefact", download)


def _dataset(rows: Input) -> dict[str, str]:
    """An input as MLflow's data sets say it: schema and profile are JSON texts, and hold no value."""
    columns = [{"type": kind, "name": name, "required": True} for name, kind in rows.columns.items()]
    scheme = rows.source.partition("://")[0] if "://" in rows.source else "local"
    return {
        "name": rows.name,
        "digest": rows.digest[:LONGEST_DIGEST],
        "source_type": scheme,
        "source": json.dumps({"uri": rows.source}),
        "schema": json.dumps({"mlflow_colspec": columns}),
        "profile": json.dumps({"num_rows": rows.rows, "sha256": rows.digest}),
    }


def _equal(tags: Mapping[str, str]) -> list[str]:
    return [f"tags.`{key}` = '{value}'" for key, value in tags.items()]


def chain(error: BaseException) -> list[BaseException]:
    """An exception and what led to it."""
    out: list[BaseException] = []
    seen: BaseException | None = error
    while seen is not None and seen not in out:
        out.append(seen)
        seen = seen.__cause__ or seen.__context__
    return out


def busy(error: BaseException) -> bool:
    """Whether a SQLite file is held by someone else."""
    names = ("SQLITE_BUSY", "SQLITE_LOCKED")
    return any(str(getattr(e, "sqlite_errorname", "")).startswith(names) for e in chain(error))


def unreachable(error: BaseException) -> bool:
    """Whether a server did not answer."""
    return any(type(e).__module__.startswith(("requests.", "urllib3.")) for e in chain(error)) or _status(error) >= 500


def passes(error: BaseException) -> bool:
    """Whether waiting may help."""
    return not isinstance(error, UnseenError) and (busy(error) or unreachable(error) or _status(error) == 429)


def _status(error: BaseException) -> int:
    """The HTTP status of an answer that a server gave, or 0."""
    return int(getattr(error, "get_http_status_code", lambda: 0)()) if type(error).__name__ == "RestException" else 0
