"""Dashboards: Grafana's own types accept them, and the real Prometheus answers every query of every panel.

Grafana itself is not run here: nothing below says that the pictures are pretty.
"""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.calling import call
from tests.ops.stack import prometheus, query, scraping, until
from tests.ops.test_metrics_drift import looked, shift
from tests.ops.watch_case import champion, ended, finding, log, record, settings
from unseen.ops.record import Outcome
from unseen.ops.watch import ServingMetrics, dashboards, rules
from unseen.ops.watch.exporting import Live, families
from unseen.ops.watch.metrics import METRICS
from unseen.ops.watch.rulebook import as_yaml

GRAFANA = Path(sysconfig.get_path("data")) / "grafana"
HERE = Path(__file__).parent / "grafana"
NAMES = ["executive", "on-call", "debug"]


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


@pytest.fixture(scope="module")
def boards(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, Any]]:
    return dashboards(settings(tmp_path_factory.mktemp("boards")))


# ---- the JSON


@pytest.mark.parametrize("name", NAMES)
def test_panels_lie_side_by_side_and_say_what_they_show(boards: dict[str, dict[str, Any]], name: str) -> None:
    board = boards[name]
    assert [v["name"] for v in board["templating"]["list"]] == ["datasource", "model"]
    assert board["templating"]["list"][1]["current"]["value"] == "flights"
    taken: set[tuple[int, int]] = set()
    for panel in board["panels"]:
        at = panel["gridPos"]
        cells = {(at["x"] + i, at["y"] + j) for i in range(at["w"]) for j in range(at["h"])}
        assert not cells & taken and at["x"] + at["w"] <= 24, panel["title"]
        taken |= cells
    ids = [panel["id"] for panel in board["panels"]]
    assert len(set(ids)) == len(ids)
    for panel in panels(board):
        assert panel["title"] and panel["description"] and panel["targets"], panel["title"]
        assert panel["options"] and panel["fieldConfig"]["defaults"]["unit"], panel["title"]
        assert len({t["refId"] for t in panel["targets"]}) == len(panel["targets"])
        assert all("$model" in t["expr"] for t in panel["targets"]), panel["title"]


def test_three_boards_of_two_models_do_not_overwrite_each_other(tmp_path: Path) -> None:
    names = ["flights", "a" * 60, "a" * 61]
    uids = [b["uid"] for name in names for b in dashboards(settings(tmp_path, name=name)).values()]
    assert len(set(uids)) == 9 and all(re.fullmatch(r"[A-Za-z0-9_-]{1,40}", uid) for uid in uids)


def test_every_metric_is_on_some_board(boards: dict[str, dict[str, Any]]) -> None:
    shown = " ".join(t["expr"] for board in boards.values() for panel in panels(board) for t in panel["targets"])
    rows = {metric.row for metric in METRICS.values() if metric.name in shown}
    assert rows == {"-", *(f"M{i}" for i in range(1, 11))}


def test_grafanas_own_types_accept_them(boards: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    errors = checked(tmp_path, *boards.values())
    assert errors == [[], [], []]


def test_grafanas_own_types_would_refuse_a_mistake(boards: dict[str, dict[str, Any]], tmp_path: Path) -> None:
    misspelt, unknown, bare = (json.loads(json.dumps(boards["on-call"])) for _ in range(3))
    panels(misspelt)[0]["titel"] = "x"
    panels(unknown)[0]["type"] = "pie"
    del panels(bare)[0]["options"]
    assert all(checked(tmp_path, misspelt, unknown, bare))


def checked(folder: Path, *given: dict[str, Any]) -> list[list[str]]:
    """What Grafana's published types, as a JSON schema, say of each dashboard."""
    node = shutil.which("node")
    if node is None or not (GRAFANA / "node_modules").is_dir():
        pytest.skip("Grafana's types are not installed: scripts/install_test_tools.sh does that where npm is")
    schema = GRAFANA / "board.schema.json"
    source = HERE / "schema.ts"
    if not schema.exists() or schema.stat().st_mtime < source.stat().st_mtime:
        shutil.copy(source, GRAFANA / "schema.ts")
        made = GRAFANA / "node_modules" / ".bin" / "ts-json-schema-generator"
        arguments = ["--path", "schema.ts", "--type", "Board", "--no-type-check"]
        done = subprocess.run([made, *arguments], cwd=GRAFANA, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        partial = schema.with_suffix(f".{folder.name}")  # another test may be making it too
        partial.write_text(done.stdout)
        partial.rename(schema)
    files = [folder / f"{i}.json" for i in range(len(given))]
    for file, board in zip(files, given, strict=True):
        file.write_text(json.dumps(board))
    command = [node, HERE / "check.mjs", schema, *files]
    done = subprocess.run(command, cwd=GRAFANA, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    found: list[list[str]] = json.loads(done.stdout)
    return found


# ---- the queries


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A Prometheus that scrapes a loop with a long history, its service, and evaluates its rules."""
    from prometheus_client import CollectorRegistry, start_http_server

    folder = tmp_path_factory.mktemp("watched")
    s = settings(folder, limits={"seconds": 600}, schema={"columns": {"arr_delay": {"type": "number"}}})
    for i in range(4):
        ended(s, record(f"r{i}"), hours_ago=8 - i)
    champion(s)
    looked(s, (shift("column", "arr_delay", 1e4),))
    ended(s, record("bad", Outcome.UNFIT, findings=(finding("range", "arr_delay"),)))
    log(s, "began", record="next")
    registry = CollectorRegistry()
    registry.register(Live(lambda: families(s, modes=["F1"])))
    service = ServingMetrics("flights", registry=registry)
    service.loaded(1)
    server, thread = start_http_server(0, "127.0.0.1", registry)
    (folder / "rules.yml").write_text(as_yaml(rules(s)))
    config = scraping((f"127.0.0.1:{server.server_port}", False), rule_files=["rules.yml"])
    with prometheus(folder, config) as url:
        until(lambda: query(url, "unseen_serving_version"), "the first scrape")
        ended(s, record("worse", Outcome.UNFIT, findings=(finding("range", "arr_delay"),)))
        for _ in range(50):
            service.observe(0.01)
        service.observe(3.0, ok=False)
        until(lambda: query(url, "model:unseen_serving_errors:ratio1d > 0"), "the recording rules")
        until(lambda: query(url, "model:unseen_retrain_failures:ratio1d > 0"), "the counts of retrains")
        yield url
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.mark.parametrize("name", NAMES)
def test_prometheus_answers_every_panel(boards: dict[str, dict[str, Any]], watched: str, name: str) -> None:
    for panel in panels(boards[name]):
        for target in panel["targets"]:
            expression = target["expr"].replace("$model", "flights")
            if "ALERTS" in expression:  # nothing has been pending for long enough
                expression = expression.replace("firing", "pending")
            found = query(watched, expression)
            assert found, f"{panel['title']}: {expression}"
            labels = re.findall(r"\{\{(\w+)\}\}", target["legendFormat"])
            assert all(set(labels) <= set(series["metric"]) for series in found), panel["title"]


def test_a_query_without_data_would_be_noticed(watched: str) -> None:
    assert query(watched, 'max by (model) (unseen_no_such_metric{model="flights"})') == []


# ---- unseen dashboards


def test_the_command(tmp_path: Path) -> None:
    (tmp_path / "unseen.yaml").write_text("name: flights\ndata:\n  path: data\n")
    done = call("dashboards", "-c", tmp_path / "unseen.yaml", "-o", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    files = [Path(f) for f in json.loads(done.stdout)["files"]]
    assert [f.name for f in files] == [f"unseen-flights-{name}.json" for name in NAMES]
    assert [json.loads(f.read_text())["title"] for f in files] == [f"unseen flights: {name}" for name in NAMES]
    assert "Grafana itself was not run" in call("dashboards", "--help").stdout.replace("\n  ", " ")


def test_without_the_extra_the_command_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unseen.yaml").write_text("name: flights\ndata:\n  path: data\n")
    for name in [name for name in sys.modules if name.startswith("grafana_foundation_sdk")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "grafana_foundation_sdk", None)
    done = call("dashboards", "-c", tmp_path / "unseen.yaml", "-o", tmp_path / "out")
    assert "pip install 'unseen[ops]'" in done.stderr and not (tmp_path / "out").exists()
