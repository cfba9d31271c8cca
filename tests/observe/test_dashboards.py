"""What stands in docs/monitoring fits the figures that a server really gives."""

import json
import re
import shutil
from pathlib import Path

import pytest
import yaml
from monitored import Monitored, promtool
from server_process import SERVE, servers

DOCS = Path(__file__).parents[2] / "docs"
MONITORING = DOCS / "monitoring"
METRIC = re.compile(r"\bblackmail_[a-z_]+\b")
TYPED = re.compile(r"^# TYPE (\w+) ", re.MULTILINE)
# Of the names of samples, those that a histogram has beside its own.
SAMPLES = ("", "_bucket", "_sum", "_count")
# The test string of docs/trying.md.
FLAGGED = b"Subject: x\r\n\r\nBLACKMAIL-FILTER-TEST-NO-CRIME-MAXIZI-RIWUPU-JAZAZY\r\n"
LABELS = re.compile(r'(\w+)(?:=~?|!=)"')


@pytest.fixture(scope="module")
def scraped(tmp_path_factory):
    """What a server that has taken one flagged mail tells."""
    folder = tmp_path_factory.mktemp("server")
    with servers(folder, SERVE) as start:
        server = Monitored(start, folder)
        server.server.send(FLAGGED)
        return server.get("/metrics")[1]


@pytest.fixture(scope="module")
def names(scraped):
    return {name + end for name in TYPED.findall(scraped) for end in SAMPLES}


def expressions() -> list[str]:
    """All of the dashboard."""
    dashboard = json.loads((MONITORING / "blackmail-filter.json").read_text(encoding="ascii"))
    return [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]


def test_each_figure_of_the_dashboard_exists(names):
    used = {name for expression in expressions() for name in METRIC.findall(expression)}
    assert len(used) > 20
    assert used <= names


def test_each_figure_of_the_alerts_exists(names):
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    used = {name for rule in rules for name in METRIC.findall(rule["expr"])}
    assert len(used) > 10
    assert used <= names


def test_each_figure_is_shown_and_told_of(names, scraped):
    shown = {name for expression in expressions() for name in METRIC.findall(expression)}
    told = (DOCS / "monitoring.md").read_text(encoding="utf-8")
    for name in TYPED.findall(scraped):
        assert name in told, name
        if name != "blackmail_quarantine_readable":  # it has an alert
            assert shown & {name + end for end in SAMPLES}, name


def test_each_label_that_is_asked_for_exists(scraped):
    known = set(re.findall(r'[{,](\w+)="', scraped)) | {"instance"}
    assert {label for expression in expressions() for label in LABELS.findall(expression)} <= known


def test_the_expressions_of_the_dashboard_are_promql(tmp_path):
    filled = [expression.replace("$__rate_interval", "5m").replace("$instance", ".*") for expression in expressions()]
    rules = [{"record": f"dashboard:{number}", "expr": expression} for number, expression in enumerate(filled)]
    path = tmp_path / "rules.yml"
    path.write_text(yaml.safe_dump({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool("check", "rules", str(path))


def test_panels_have_places_and_names_of_their_own():
    dashboard = json.loads((MONITORING / "blackmail-filter.json").read_text(encoding="ascii"))
    ids, titles, squares = [], [], []
    for panel in dashboard["panels"]:
        ids.append(panel["id"])
        titles.append(panel["title"])
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        rows, columns = range(place["y"], place["y"] + place["h"]), range(place["x"], place["x"] + place["w"])
        squares += [(row, column) for row in rows for column in columns]
        assert panel["description"]
    for things in (ids, titles, squares):
        assert len(set(things)) == len(things)


def test_the_alerts_come_when_they_should():
    promtool("check", "rules", str(MONITORING / "alerts.yml"))
    promtool("test", "rules", str(MONITORING / "alerts.test.yml"))


def test_each_alert_is_tested_both_ways_and_says_what_to_do():
    rules = yaml.safe_load((MONITORING / "alerts.yml").read_text(encoding="utf-8"))["groups"][0]["rules"]
    tests = yaml.safe_load((MONITORING / "alerts.test.yml").read_text(encoding="utf-8"))["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]
    for rule in rules:
        of_rule = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == rule["alert"]]
        assert set(of_rule) == {True, False}, rule["alert"]
        assert rule["annotations"].keys() == {"summary", "action"}


def test_a_broken_alert_is_found(tmp_path):
    shutil.copy(MONITORING / "alerts.test.yml", tmp_path)
    rules = (MONITORING / "alerts.yml").read_text(encoding="utf-8")
    (tmp_path / "alerts.yml").write_text(rules.replace("blackmail_workers <", "blackmail_workers >"))
    with pytest.raises(AssertionError, match="WorkersMissing"):
        promtool("test", "rules", str(tmp_path / "alerts.test.yml"))
