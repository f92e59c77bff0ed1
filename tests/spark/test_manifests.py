"""The manifests: strictly valid, and the command of the nightly job retrains and promotes on a real cluster."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from tests.cli.calling import call
from tests.spark.cluster import Cluster, environment, free_port, needs_spark

ROOT = Path(__file__).parents[2]
NIGHTLY, OPERATOR = (ROOT / "deploy" / "kubernetes" / name for name in ("nightly.yaml", "spark-operator.yaml"))


def documents(path: Path) -> list[Any]:
    return list(yaml.safe_load_all(path.read_text()))


def driver() -> Any:
    (job,) = (d for d in documents(NIGHTLY) if d["kind"] == "CronJob")
    return job["spec"]["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]


def validated(path: Path) -> subprocess.CompletedProcess[str]:
    command = [str(Path(sys.executable).parent / "kubernetes-validate"), "--strict", str(path)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120)


def test_the_nightly_job_is_strictly_valid(tmp_path: Path) -> None:
    found = validated(NIGHTLY)
    assert found.returncode == 0 and found.stdout.count("passed for resource") == len(documents(NIGHTLY)), found.stdout
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text(NIGHTLY.read_text().replace("restartPolicy: Never", "restartPolicies: Never"))
    assert validated(wrong).returncode != 0, "a field that does not exist passes"


def test_both_jobs_do_the_same() -> None:
    (application,) = documents(OPERATOR)
    spec, env = application["spec"]["template"], {e["name"]: e["value"] for e in driver()["env"]}
    args = [expanded(a, env) for a in driver()["args"]]
    conf = dict(pair.split("=", 1) for flag, pair in zip(args, args[1:], strict=False) if flag == "--conf")
    assert spec["arguments"] == args[-3:] and spec["mainApplicationFile"] == f"local://{args[-4]}"
    assert spec["image"] == driver()["image"] == conf["spark.kubernetes.container.image"]
    assert {k: conf[k] for k in spec["sparkConf"]} == spec["sparkConf"]
    assert str(spec["executor"]["instances"]) == conf["spark.executor.instances"]
    assert (str(spec["executor"]["cores"]), spec["executor"]["memory"]) == (
        conf["spark.executor.cores"],
        conf["spark.executor.memory"],
    )
    mounts = [{k: m[k] for k in ("name", "mountPath")} for m in driver()["volumeMounts"]]
    assert mounts == spec["driver"]["volumeMounts"]
    config = next(d for d in documents(NIGHTLY) if d["kind"] == "ConfigMap")["data"]["unseen.yaml"]
    assert env["UNSEEN_CONFIG"] == "/etc/unseen/unseen.yaml" and yaml.safe_load(config)["fit"]["engine"] == "spark"
    assert yaml.safe_load(config)["state"].startswith("/var/lib/unseen/"), "the state is not on the volume"


def expanded(text: str, env: dict[str, str]) -> str:
    """What Kubernetes makes of ``$(NAME)``."""
    return re.sub(r"\$\((\w+)\)", lambda found: env[found[1]], text)


@needs_spark()
@pytest.mark.timeout(900)
def test_the_command_of_the_manifest_promotes(standalone: Cluster, tmp_path: Path) -> None:
    (tmp_path / "months").mkdir()
    for month in (1, 2, 3):
        rng = np.random.default_rng(month)
        kind = rng.integers(0, 2, 800)
        columns = {"age": rng.normal(40 + 20 * kind, 5), "visits": rng.poisson(2 + 5 * kind)}
        pq.write_table(pa.table(columns), tmp_path / "months" / f"2024-{month:02d}.parquet")
    config = tmp_path / "unseen.yaml"
    told = call("init", str(tmp_path / "months"), "--name", "visits", "--config", str(config))
    assert told.exit_code == 0, told.output
    settings = yaml.safe_load(config.read_text())
    settings["fit"] = {"engine": "spark", "restarts": 1, "max_iterations": 200}
    settings["model"] |= {"components": 2, "covariance": "diagonal"}
    config.write_text(yaml.safe_dump(settings))
    here = {
        "SPARK_MASTER": standalone.address, "SPARK_DRIVER_HOST": "127.0.0.1", "SPARK_DRIVER_PORT": str(free_port()),
        "SPARK_EXECUTOR_CORES": "1", "SPARK_EXECUTOR_MEMORY": "512m", "UNSEEN_CONFIG": str(config),
        "UNSEEN_APPLICATION": str(ROOT / "deploy" / "spark" / "nightly.py"),
    }  # fmt: skip
    assert here.keys() == {e["name"] for e in driver()["env"]}
    (command,) = driver()["command"]
    env = environment(**here)
    env["PATH"] = f"{env['SPARK_HOME']}/bin:{Path(sys.executable).parent}:{env['PATH']}"
    done = subprocess.run(
        [str(ROOT / "deploy" / "spark" / Path(command).name), *(expanded(a, here) for a in driver()["args"])],
        env=env, cwd=tmp_path, capture_output=True, text=True, timeout=800,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-3000:]
    assert "version 1 is the champion" in done.stdout
    again = call("status", "--config", str(config), "--json")
    assert again.exit_code == 0 and '"version": 1' in again.stdout
