"""MLflow behind retries: what can pass is tried again, what cannot becomes one sentence with the knob to turn."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, TypeVar

from unseen.errors import RegistryError, UnseenError
from unseen.ops.config.settings import Settings
from unseen.ops.registry.opening import address, artifacts, client, experiment, local

T = TypeVar("T")
#: most items of one kind that MLflow takes in one call
MOST_METRICS, MOST_PARAMS = 1000, 100


class Tracking:
    """Runs, artefacts, versions and aliases of one model in MLflow."""

    def __init__(self, settings: Settings) -> None:
        self.settings, self.name = settings, settings.name
        self.uri = address(settings)

    def call(self, what: str, action: Callable[[Any], T]) -> T:
        """Do something with MLflow's client; ``what`` completes "the registry did not ...".

        Raises
        ------
        RegistryError
            It is locked, unreachable, or refuses; the message says which, and what to do.
        """
        from tenacity import Retrying, retry_if_exception, stop_after_attempt, wait_exponential, wait_random

        r = self.settings.retries
        waiting = wait_exponential(multiplier=r.first_seconds, max=r.most_seconds) + wait_random(0, r.first_seconds)
        trying = Retrying(
            retry=retry_if_exception(passes), stop=stop_after_attempt(r.attempts), wait=waiting, reraise=True
        )
        try:
            return trying(lambda: action(client(self.settings)))
        except UnseenError:
            raise
        except ModuleNotFoundError:
            raise
        except Exception as error:
            raise self._sentence(what, error) from error

    def _sentence(self, what: str, error: Exception) -> RegistryError:
        tries = f"{self.settings.retries.attempts} tries"
        met = chain(error)
        if busy(error):
            return RegistryError(
                f"the registry at {self.uri} is locked by another process ({tries}): end what holds it, or wait longer "
                "with retries.attempts and retries.most_seconds in unseen.yaml"
            )
        if unreachable(error):
            return RegistryError(
                f"the registry at {self.uri} cannot be reached ({tries}): start it, name another with registry.uri, or "
                "wait longer with retries.attempts in unseen.yaml"
            )
        if any("mlflow db upgrade" in str(e) for e in met):
            return RegistryError(
                f"the registry at {self.uri} has the tables of another MLflow: back it up, then "
                f"`mlflow db upgrade {self.uri}`"
            )
        full = next((e for e in met if isinstance(e, OSError) and e.errno), None)
        if full is not None:
            return RegistryError(f"the registry at {self.uri} did not {what}: {os.strerror(full.errno or 5)}")
        code = next((c for e in met if (c := getattr(e, "sqlite_errorname", getattr(e, "error_code", None)))), "")
        return RegistryError(
            f"the registry at {self.uri} did not {what} ({type(error).__name__}{f', {code}' if code else ''})"
        )

    # ---- runs and versions

    def find(self, tags: Mapping[str, str]) -> Any:
        """The model version that carries these tags, or None."""
        wanted = " and ".join([f"name = '{self.name}'", *_equal(tags)])
        found = self.call("look for a version", lambda c: list(c.search_model_versions(wanted)))
        return found[0] if found else None

    def run(self, tags: Mapping[str, str], name: str) -> Any:
        """The run that carries these tags, made if there is none."""

        def made(c: Any) -> Any:
            named = experiment(self.settings)
            known = c.get_experiment_by_name(named)
            id = known.experiment_id if known else c.create_experiment(named, artifacts(self.settings))
            runs = c.search_runs([id], " and ".join(_equal(tags)), max_results=1)
            return runs[0] if runs else c.create_run(id, run_name=name, tags=dict(tags))

        return self.call("make a run", made)

    def log(self, run: str, params: Mapping[str, Any], metrics: Sequence[tuple[str, float, int]], time: int) -> None:
        """Parameters, and metrics as (name, value, step) at one time (ms), so that doing it twice is doing it once."""
        from mlflow.entities import Metric, Param

        p = [Param(k, str(v)) for k, v in params.items()]
        m = [Metric(k, v, time, step) for k, v, step in metrics]

        def keep(c: Any) -> None:
            for i in range(0, len(p), MOST_PARAMS):
                c.log_batch(run, params=p[i : i + MOST_PARAMS])
            for i in range(0, len(m), MOST_METRICS):
                c.log_batch(run, metrics=m[i : i + MOST_METRICS])

        self.call("keep parameters and metrics", keep)

    def publish(self, run: Any, folder: Path, tags: Mapping[str, str]) -> Any:
        """Upload an MLflow model into a run, and make it a version."""
        id = run.info.run_id
        self.call("take the artefact", lambda c: c.log_artifacts(id, str(folder), "model"))
        self.call("end the run", lambda c: c.set_terminated(id, "FINISHED"))
        self.call("make the model", self._ensure_model)
        source = f"{run.info.artifact_uri}/model"
        return self.call("make a version", lambda c: c.create_model_version(self.name, source, id, tags=dict(tags)))

    def _ensure_model(self, c: Any) -> None:
        from mlflow.exceptions import MlflowException

        try:
            c.create_registered_model(self.name)
        except MlflowException as error:
            if error.error_code != "RESOURCE_ALREADY_EXISTS":
                raise

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
        """A folder with the artefact: where it lies, if that is here, else a copy for as long as it is needed."""
        here = local(uri)
        if here is not None:
            yield here
            return

        def download(c: Any) -> Path:
            from mlflow.artifacts import download_artifacts

            return Path(download_artifacts(artifact_uri=uri, dst_path=temporary, tracking_uri=self.uri))

        with TemporaryDirectory(prefix="unseen-") as temporary:
            yield self.call("give the artefact", download)


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
