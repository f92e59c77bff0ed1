"""From a failed retrain to one page and its end, through the real Pushgateway, Prometheus and Alertmanager."""

from __future__ import annotations

import json
import shutil
import socket
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.ops.stack import Hook, alertmanager, get, node_exporter, prometheus, pushgateway, query, scraping, until
from tests.ops.watch_case import ended, finding, log, record, settings
from unseen.ops.config.settings import Settings
from unseen.ops.record import Outcome, Record, Resources
from unseen.ops.watch import alertmanager as routes
from unseen.ops.watch import export, rules
from unseen.ops.watch.rulebook import as_yaml

QUIET_SECONDS = 4  # several evaluations and group intervals


def impatient(s: Settings, folder: Path) -> tuple[Path, Path]:
    """The real files, but minutes are seconds: what is silenced still waits longer than what silences it."""
    written = rules(s)
    for group in written["groups"]:
        for rule in group["rules"]:
            if rule.get("for", "").endswith("m"):
                rule["for"] = f"{rule['for'][:-1]}s"
    routed = routes(s)
    routed["route"]["group_interval"] = "1s"
    paths = folder / "rules.yml", folder / "alertmanager.yml"
    for path, content in zip(paths, (written, routed), strict=True):
        path.write_text(as_yaml(content))
    return paths


def failed() -> Record:
    """Everything at once: it failed, and cost far too much."""
    dear = Resources(seconds=60, cpu_seconds=9000, peak_memory=1, cost=1)
    return record("bad", Outcome.ERROR, resources=dear)


def firing(url: str) -> set[str]:
    return {series["metric"]["alertname"] for series in query(url, 'ALERTS{alertstate="firing"}')}


def inhibited(url: str) -> dict[str, bool]:
    """Every alert that Alertmanager has, and whether another silences it."""
    alerts = json.loads(get(f"{url}/api/v2/alerts"))
    return {a["labels"]["alertname"]: bool(a["status"]["inhibitedBy"]) for a in alerts}


def is_true(condition: Callable[[], Any], what: str) -> None:
    until(condition, what, patience=60)


def test_one_failure_makes_one_page_and_a_good_retrain_ends_it(tmp_path: Path) -> None:
    with Hook() as pager, Hook() as tickets, pushgateway(tmp_path) as pushed:
        s = settings(
            tmp_path,
            metrics={"pushgateway": pushed},
            slo={"max_age_hours": 1},
            alerts={"page": {"webhook": pager.url}, "ticket": {"webhook": tickets.url}, "group_wait_seconds": 1},
        )
        for i in range(4):
            ended(s, record(f"good{i}"), hours_ago=10 - 2 * i)
        ended(s, failed())
        assert export(failed(), s, ["F3", "F5"]) == ()
        rule_file, route_file = impatient(s, tmp_path)
        with alertmanager(tmp_path, route_file) as manager:
            to = {"alertmanagers": [{"static_configs": [{"targets": [manager.removeprefix("http://")]}]}]}
            watched = scraping((pushed, True), rule_files=[str(rule_file)], alerting=to)
            with prometheus(tmp_path, watched) as url:
                pages = {"UnseenRetrainFailed", "UnseenStale", "UnseenRunawayCost"}
                low = {"UnseenDiagnosis"}
                is_true(lambda: firing(url) == pages | low, "the alerts fire")
                silenced = {name: name != "UnseenRetrainFailed" for name in pages | low}
                is_true(lambda: inhibited(manager) == silenced, "the cause silences what follows from it")
                is_true(lambda: pager.received, "the page")
                time.sleep(QUIET_SECONDS)
                assert pager.told() == [("firing", "UnseenRetrainFailed")]
                assert tickets.told() == []
                (alert,) = pager.received[0]["alerts"]
                assert alert["labels"]["outcome"] == "error"
                where = f"Next, on {socket.gethostname()}: cd {tmp_path} && unseen doctor flights"
                assert alert["annotations"]["next"] == where
                link = f"{tmp_path.as_uri()}/docs/runbooks/F10-non-reproducible-run.md"
                assert alert["annotations"]["runbook_url"] == link

                assert export(ended(s, record("mended")), s, []) == ()
                is_true(lambda: firing(url) == set(), "the alerts end")
                is_true(lambda: ("resolved", "UnseenRetrainFailed") in pager.told(), "the page ends")
                time.sleep(QUIET_SECONDS)
                # the end of what was silenced may be told with it: one message that begins, one that ends
                assert [message["status"] for message in pager.received] == ["firing", "resolved"]
                assert tickets.told() == []

                ended(s, record("held", Outcome.HELD))
                assert export(None, s, ["F4"]) == ()
                is_true(lambda: tickets.told() == [("firing", "UnseenCandidateHeld")], "a low-quality retrain")
                (alert,) = tickets.received[0]["alerts"]
                assert alert["annotations"]["description"].endswith("All of it: calibration, ")
                tampered = tmp_path / ".unseen" / "log.jsonl"
                tampered.write_text(tampered.read_text().replace("promoted", "pr0moted", 1))
                assert export(None, s) == ()
                is_true(lambda: ("firing", "UnseenTampered") in pager.told(), "security pages, whatever else there is")


def test_a_killed_retrain_pages_by_way_of_a_secret_in_a_file(tmp_path: Path) -> None:
    """The monitor notices it; Alertmanager reads Slack's address from the file, and the template is filled in."""
    with Hook() as slack, pushgateway(tmp_path) as pushed:
        secret = tmp_path / "slack"
        secret.write_text(slack.url)
        own = {"page": {"slack": f"file:{secret}"}, "group_wait_seconds": 1}
        s = settings(tmp_path, metrics={"pushgateway": pushed}, alerts=own, limits={"seconds": 600})
        ended(s, record("good"), hours_ago=2)
        log(s, "began", hours_ago=1, record="killed")
        assert export(None, s) == ()
        rule_file, route_file = impatient(s, tmp_path)
        assert slack.url not in route_file.read_text()
        with alertmanager(tmp_path, route_file) as manager:
            to = {"alertmanagers": [{"static_configs": [{"targets": [manager.removeprefix("http://")]}]}]}
            with prometheus(tmp_path, scraping((pushed, True), rule_files=[str(rule_file)], alerting=to)):
                is_true(lambda: slack.received, "the page")
                (message,) = slack.received[0]["attachments"]
                assert message["title"] == "[FIRING] flights: a retrain stopped without an outcome"
                assert f"cd {tmp_path} && unseen doctor flights" in message["text"]
                assert "F6-out-of-memory.md" in message["text"]


def test_a_refused_batch_and_an_old_one_by_way_of_node_exporter(tmp_path: Path) -> None:
    """The same alerts by a text file: a ticket with all findings, and a page when no data was learned from."""
    with Hook() as pager, Hook() as tickets:
        s = settings(
            tmp_path,
            metrics={"textfile": "textfiles/flights.prom"},
            schema={"columns": {"arr_delay": {"type": "number"}}},
            slo={"max_age_hours": 1},
            alerts={"page": {"webhook": pager.url}, "ticket": {"webhook": tickets.url}, "group_wait_seconds": 1},
        )
        ended(s, record("good"))
        findings = (finding("range", "arr_delay"), finding("missing", "Jane Roe"), finding("rows", None))
        ended(s, record("bad", Outcome.REFUSED, fit=None, validation=None, gates=(), findings=findings))
        assert export(None, s, ["F7"]) == ()
        rule_file, route_file = impatient(s, tmp_path)
        with alertmanager(tmp_path, route_file) as manager, node_exporter(tmp_path, tmp_path / "textfiles") as node:
            to = {"alertmanagers": [{"static_configs": [{"targets": [manager.removeprefix("http://")]}]}]}
            with prometheus(tmp_path, scraping((node, False), rule_files=[str(rule_file)], alerting=to)):
                is_true(lambda: tickets.told() == [("firing", "UnseenBatchRefused")], "the ticket")
                (alert,) = tickets.received[0]["alerts"]
                said = alert["annotations"]["description"]
                assert said.endswith("All of it: missing other, range arr_delay, rows , ") and "Jane" not in said
                shutil.rmtree(tmp_path / ".unseen")
                ended(s, record("long ago"), hours_ago=2)
                assert export(None, s, []) == ()
                is_true(lambda: pager.told() == [("firing", "UnseenStale")], "the page")
                is_true(lambda: ("resolved", "UnseenBatchRefused") in tickets.told(), "the ticket ends")
                ended(s, record("fresh"))
                assert export(None, s, []) == ()
                is_true(lambda: ("resolved", "UnseenStale") in pager.told(), "the page ends")
