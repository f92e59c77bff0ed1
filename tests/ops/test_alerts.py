"""Rules, routes and their own unit tests, read by the real promtool and amtool."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path
from typing import Any

import hypothesis
import pytest
import yaml
from hypothesis import strategies as st

from tests.cli.calling import call
from tests.ops.stack import tool
from tests.ops.watch_case import settings
from unseen.errors import ConfigError
from unseen.ops.config.settings import Settings
from unseen.ops.watch import alertmanager, rules
from unseen.ops.watch.known import FAILURES
from unseen.ops.watch.metrics import METRICS
from unseen.ops.watch.modes import MODES, alerts, rule
from unseen.ops.watch.rulebook import CAUSES, SYMPTOMS, TOLD, as_yaml, check, secret_files, unit_tests, write

DEMANDING: dict[str, Any] = {
    "slo": {"retrain_success": 0.999, "window_days": 1, "max_age_hours": 2.5, "serving_p99_seconds": 1.0},
    "limits": {"seconds": 600, "cost": 3.0, "price_per_core_hour": 1.0},
    "gates": {"max_calibration": 0.05, "max_floors": 2},
}


def run(name: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run([tool(name), *map(str, arguments)], capture_output=True, text=True, check=False)


def everyone(folder: Path) -> Settings:
    """Every kind of receiver, every secret by reference."""
    page = {"webhook": "http://pager.local/hook", "pagerduty": "env:PD_KEY", "slack": "file:/run/secrets/slack"}
    ticket = {"email": "team@example.org", "slack": "env:SLACK_URL", "channel": "#models"}
    own = {"page": page, "ticket": ticket, "smarthost": "mail:25", "sender": "unseen@example.org"}
    return settings(folder, alerts=own)


# ---- the alerts by themselves


def test_every_alert_says_what_to_do(tmp_path: Path) -> None:
    s = settings(tmp_path, alerts={"runbooks": "https://wiki/runbooks"})
    for alert, mode in alerts():
        made = rule(alert, mode, s)
        texts = made["annotations"]
        assert made["labels"]["severity"] in ("page", "ticket") and made["labels"]["model"] == "flights"
        assert texts["summary"].startswith("flights: ") and texts["description"]
        assert "{{ .Labels.host }}: cd {{ .Labels.folder }} && unseen doctor flights" in texts["next"]
        page = texts["runbook_url"].removeprefix("https://wiki/runbooks/").removesuffix(".md")
        assert page in {*(m.page for m in MODES.values()), "{{ $labels.mode }}"}, alert.name
        assert "for" in made


def test_a_link_to_a_runbook_is_never_relative(tmp_path: Path) -> None:
    alert, mode = alerts()[0]
    link = rule(alert, mode, settings(tmp_path))["annotations"]["runbook_url"]
    assert link.startswith(f"{tmp_path.as_uri()}/docs/runbooks/F")


def test_alerts_ask_only_for_metrics_that_exist(tmp_path: Path) -> None:
    for group in rules(settings(tmp_path, **DEMANDING))["groups"]:
        recorded = {made["record"] for made in group["rules"] if "record" in made}
        for made in group["rules"]:
            for name in re.findall(r"(?:model:)?unseen_[a-z0-9_:]+", made["expr"]):
                plain = re.sub(r"_(count|bucket)$", "", name)
                assert name in recorded or plain in METRICS, name


def test_severities_are_those_of_the_table(tmp_path: Path) -> None:
    severity = {alert.name: alert.severity for alert, _ in alerts()}
    assert {n for n, s in severity.items() if s == "page"} == {
        *("UnseenRetrainFailed", "UnseenRetrainLost", "UnseenRunawayCost", "UnseenStale", "UnseenNoMetrics"),
        *("UnseenSensitiveData", "UnseenTampered", "UnseenServingErrors", "UnseenServingSlow"),
    }
    assert severity["UnseenCandidateHeld"] == severity["UnseenBatchRefused"] == severity["UnseenDiagnosis"] == "ticket"


def test_every_outcome_that_is_a_failure_pages_with_its_own_runbook(tmp_path: Path) -> None:
    s, led = settings(tmp_path), {}
    for alert, mode in alerts():
        if alert.name == "UnseenRetrainFailed":
            found = re.search(r'outcome=~"(.*?)"', alert.when.expr(s))
            assert found is not None and mode is not None
            led |= dict.fromkeys(found[1].split("|"), mode.id)
    assert led == {"unfit": "F1", "limit": "F6", "error": "F10", "registry": "F10"}
    assert set(led) == {o.value for o in FAILURES}


def test_symptoms_wait_longer_than_their_causes(tmp_path: Path) -> None:
    hold = {alert.name: alert.hold for alert, _ in alerts()}
    assert max(hold[name] for name in CAUSES) < min(hold[name] for name in SYMPTOMS)
    assert max(hold[name] for name in TOLD) <= hold["UnseenDiagnosis"]


def test_thresholds_come_from_the_settings(tmp_path: Path) -> None:
    s = settings(tmp_path, slo={"page_burn_rate": 5, "retrain_success": 0.98, "max_age_hours": 12})
    expr = {alert.name: alert.when.expr(s) for alert, _ in alerts()}
    assert "> 0.02 " in expr["UnseenRetrainBudget"]
    assert "> 43200 unless" in expr["UnseenStale"]
    assert 'ratio1h{model="flights"} > 0.005 and' in expr["UnseenServingErrors"]
    assert 'ratio5m{model="flights"} > 0.005 and' in expr["UnseenServingErrors"]


def test_an_alert_that_could_never_fire_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"slo\.retrain_success.*never fire"):
        rules(settings(tmp_path, slo={"retrain_success": 0.6, "page_burn_rate": 4, "ticket_burn_rate": 3}))


# ---- with the real tools


def test_promtool_passes_rules_and_their_unit_tests(tmp_path: Path) -> None:
    """Of settings that differ everywhere; those of the default are run by the command below."""
    rule_file, test_file, _ = write(settings(tmp_path, **DEMANDING), tmp_path / "out")
    checked = run("promtool", "check", "rules", rule_file)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    tested = run("promtool", "test", "rules", test_file)
    assert tested.returncode == 0, tested.stdout + tested.stderr


LEGAL = st.fixed_dictionaries(
    {
        "slo": st.fixed_dictionaries(
            {
                "max_age_hours": st.floats(1e-6, 1e5),
                "window_days": st.integers(1, 400),
                "retrain_success": st.floats(0.7, 0.999999),
                "serving_success": st.floats(0.7, 0.999999),
                "serving_p99_seconds": st.floats(1e-6, 1e4),
                "page_burn_rate": st.floats(1.0, 3.0),
                "ticket_burn_rate": st.floats(0.01, 1.0),
            }
        ),
        "limits": st.fixed_dictionaries(
            {"price_per_core_hour": st.just(1.0)},
            optional={"seconds": st.floats(1e-3, 1e7), "cost": st.floats(1e-6, 1e6)},
        ),
    }
)


@hypothesis.settings(
    max_examples=6, deadline=None, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)
@hypothesis.given(LEGAL)
@hypothesis.example({"slo": {"max_age_hours": 0.5}})
def test_the_rules_of_any_legal_settings_pass_their_own_tests(tmp_path: Path, sections: dict[str, Any]) -> None:
    rule_file, test_file, _ = write(settings(tmp_path, **sections), tmp_path / "out")
    for words in (("check", "rules", rule_file), ("test", "rules", test_file)):
        done = run("promtool", *words)
        assert done.returncode == 0, (done.stdout + done.stderr)[:3000]


def test_every_alert_is_tested_firing_and_silent(tmp_path: Path) -> None:
    for sections in ({}, DEMANDING):
        s = settings(tmp_path, **sections)
        calm = unit_tests(s, "rules.yml")["tests"][0]["alert_rule_test"]
        assert {test["alertname"] for test in calm if not test["exp_alerts"]} == {alert.name for alert, _ in alerts()}
        for alert, _ in alerts():
            looks = [[fires for _, fires in scene.looks] for scene in alert.when.scenes(s)]
            assert any(fires[-2:] == [True, False] for fires in looks), f"{alert.name} fires, and ends"


@pytest.mark.parametrize(
    ("right", "wrong", "alert"),
    [
        ("> 0.01 ", "> 0.3 ", "UnseenRetrainBudget"),
        ("> 0.003 ", "> 0.0003 ", "UnseenServingErrors"),
        ("ratio5m{", "ratio1h{", "UnseenServingErrors"),  # without the short window it goes on when all is over
        ("increase1h{", "ratio1h{", "UnseenServingErrors"),
        ("> 4.5", "> 0", "UnseenServingErrors"),  # a single bad request
        ("> 129600", "> 150000", "UnseenStale"),
        ("<= 1.5 *", "<= 0.001 *", "UnseenStale"),  # a monthly file is not late after 36 hours
        ('outcome=~"refused"', 'outcome=~"held"', "UnseenBatchRefused"),
        ("unseen_loop_info{", "unseen_loop{", "UnseenRetrainLost"),  # the page names host and folder
        ("sortByLabel", "first | print", "UnseenBatchRefused"),  # and all of the findings
    ],
)
def test_the_unit_tests_find_a_wrong_rule(tmp_path: Path, right: str, wrong: str, alert: str) -> None:
    rule_file, test_file, _ = write(settings(tmp_path), tmp_path)
    text = rule_file.read_text()
    assert right in text
    tests = yaml.safe_load(test_file.read_text())
    about = [t for t in tests["tests"] if {x["alertname"] for x in t["alert_rule_test"]} == {alert}]
    test_file.write_text(yaml.safe_dump({**tests, "tests": about}))
    assert about
    rule_file.write_text(text.replace(right, wrong))
    tested = run("promtool", "test", "rules", test_file)
    assert tested.returncode != 0 and "FAILED" in tested.stdout + tested.stderr


@pytest.mark.parametrize("who", [everyone, settings], ids=["everyone", "nobody"])
def test_amtool_passes_the_routes(tmp_path: Path, who: Any) -> None:
    _, _, routes = write(who(tmp_path), tmp_path / "out")
    checked = run("amtool", "check-config", routes)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert "2 receivers" in checked.stdout
    for severity in ("page", "ticket"):
        found = run("amtool", "config", "routes", "test", f"--config.file={routes}", f"severity={severity}")
        assert found.stdout.strip() == severity


def test_an_older_alertmanager_says_what_it_does_not_know(tmp_path: Path) -> None:
    """``url_file`` of a webhook is younger than Debian's Alertmanager 0.25; the check says so."""
    if "version 0.25" not in run("amtool", "--version").stdout:
        pytest.skip("amtool is not 0.25")
    _, _, routes = write(settings(tmp_path, alerts={"page": {"webhook": "env:HOOK"}}), tmp_path)
    checked = check(routes, routes, routes)[2]
    assert checked.passed is False and "url_file" in checked.said


# ---- routes


def test_secrets_are_never_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("PD_KEY", "SLACK_URL"):
        monkeypatch.setenv(name, "hunter2")
    s = everyone(tmp_path)
    for path in write(s, tmp_path / "out"):
        assert "hunter2" not in path.read_text()
    config = alertmanager(s, "/etc/alertmanager")
    page, ticket = config["receivers"]
    assert page["pagerduty_configs"][0]["routing_key_file"] == "/etc/alertmanager/secrets/PD_KEY"
    assert page["slack_configs"][0]["api_url_file"] == "/run/secrets/slack"
    assert ticket["slack_configs"][0]["api_url_file"] == "/etc/alertmanager/secrets/SLACK_URL"
    assert secret_files(s, "/x").keys() == {"env:PD_KEY", "file:/run/secrets/slack", "env:SLACK_URL"}
    hook = settings(tmp_path, alerts={"page": {"webhook": "env:HOOK"}})
    (webhook,) = alertmanager(hook, "/x")["receivers"][0]["webhook_configs"]
    assert webhook == {"url_file": "/x/secrets/HOOK", "send_resolved": True}


def test_every_receiver_is_told_of_the_end(tmp_path: Path) -> None:
    for receiver in alertmanager(everyone(tmp_path))["receivers"]:
        for key, configs in receiver.items():
            if key != "name":
                assert all(config["send_resolved"] for config in configs), key


def test_grouping_and_repeats_come_from_the_settings(tmp_path: Path) -> None:
    route = alertmanager(settings(tmp_path, alerts={"group_wait_seconds": 0.5, "repeat_hours": 2}))["route"]
    assert route["group_by"] == ["model", "severity"]
    assert route["group_wait"] == "500ms"
    assert route["routes"][0]["repeat_interval"] == "2h"


def silenced_by(s: Settings) -> dict[str, set[str]]:
    """Every alert and those that it silences."""
    known = {alert.name: {"alertname": alert.name, "severity": alert.severity} for alert, _ in alerts()}

    def matching(matchers: list[str]) -> set[str]:
        found = set(known)
        for matcher in matchers:
            label, pattern = re.fullmatch(r'(\w+)=~?"(.*)"', matcher).groups()  # type: ignore[union-attr]
            assert label != "alertname" or set(pattern.split("|")) <= set(known), pattern
            found &= {name for name, labels in known.items() if re.fullmatch(pattern, labels[label])}
        assert found
        return found

    silences: dict[str, set[str]] = {name: set() for name in known}
    for made in alertmanager(s)["inhibit_rules"]:
        assert "model" in made["equal"]
        for source in matching(made["source_matchers"]):
            silences[source] |= matching(made["target_matchers"])
    return silences


def test_inhibitions_name_alerts_that_exist_and_never_form_a_circle(tmp_path: Path) -> None:
    """Two alerts that silence each other would both be silent."""
    silences = silenced_by(settings(tmp_path))
    for _ in set(silences):  # everything that is silenced by way of others
        silences = {n: t.union(*(silences[x] for x in t)) if t else t for n, t in silences.items()}
    assert not [name for name, targets in silences.items() if name in targets]
    assert not any("UnseenTampered" in t or "UnseenSensitiveData" in t for t in silences.values())


def test_a_cause_is_evaluated_after_what_it_silences(tmp_path: Path) -> None:
    """When all end together, what was silenced would else be told between the end of its cause and its own."""
    s = settings(tmp_path)
    (group,) = rules(s)["groups"]
    order = {made["alert"]: i for i, made in enumerate(group["rules"]) if "alert" in made}
    for cause, silenced in silenced_by(s).items():
        assert not [name for name in silenced if order[name] > order[cause]], cause


# ---- unseen alerts


def test_the_command_writes_checks_and_warns(tmp_path: Path) -> None:
    file = tmp_path / "unseen.yaml"
    file.write_text("name: flights\ndata:\n  path: data\nalerts:\n  page:\n    pagerduty: env:PD_KEY\n")
    done = call("alerts", "-c", file, "-o", tmp_path / "out", "--json")
    assert done.exit_code == 0, done.output
    said = json.loads(done.stdout)
    assert [Path(f).name for f in said["files"]] == [
        "unseen-flights.rules.yml",
        "unseen-flights.test.yml",
        "alertmanager.yml",
    ]
    assert said["secrets"] == {"env:PD_KEY": str(tmp_path / "out" / "secrets" / "PD_KEY")}
    assert said["silent"] == ["ticket"]
    assert {c["passed"] for c in said["checked"]} <= {True, None}
    for name in said["files"]:
        assert yaml.safe_load(Path(name).read_text())


def test_without_the_tools_the_command_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "unseen.yaml").write_text("name: flights\ndata:\n  path: data\n")
    monkeypatch.setattr("unseen.ops.watch.rulebook.shutil.which", lambda _: None)
    done = call("alerts", "-c", tmp_path / "unseen.yaml", "-o", tmp_path / "out")
    assert done.exit_code == 0
    assert done.stdout.count("not run") == 3 and "promtool is not installed" in done.stdout
    assert "alerts.page names no receiver: nobody is told" in done.stderr


def test_rules_are_plain_yaml_and_come_out_the_same(tmp_path: Path) -> None:
    content = rules(settings(tmp_path))
    assert yaml.safe_load(as_yaml(content, "about")) == content == rules(settings(tmp_path))
