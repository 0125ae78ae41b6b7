"""The dashboard and the alerts ask for nothing that the application does not expose."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from eagleray.contracts.collections import Collection
from indexes.runs.ended import EndedRun, write_ended_run
from tests.small_collections import SPEC

FOLDER = Path(__file__).parents[4] / "cluster" / "monitoring"
WORDS = {"by", "histogram_quantile", "increase", "or", "rate", "sum"}
"""Of PromQL, as far as the files use it."""
TARGET_LABELS = {"instance", "job"}
"""What Prometheus itself adds to each sample."""


def read_panels():
    return json.loads((FOLDER / "grafana-dashboard.json").read_text(encoding="utf-8"))["panels"]


def read_rules():
    groups = yaml.safe_load((FOLDER / "prometheus-rules.yml").read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def list_expressions():
    asked = [target["expr"] for panel in read_panels() for target in panel["targets"]]
    return asked + [rule["expr"] for rule in read_rules()]


def find_names(expression):
    """Return the metrics and the labels that an expression names."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    matched = re.findall(r"\{([^}]*)\}", plain)
    grouped = re.findall(r"\bby\s*\(([^)]*)\)", plain)
    labels = set(re.findall(r"[a-z_]+", " ".join([*matched, *grouped])))
    rest = re.sub(r"\{[^}]*\}|\bby\s*\([^)]*\)|\[[^\]]*\]", " ", plain)
    return set(re.findall(r"\b[a-z_]+\b", rest)) - WORDS, labels


@pytest.fixture
def exposed(serve_with):
    """Return metric -> labels, of an application that has answered a search."""
    found = {}

    async def ask(served):
        await served.search(query="swap")
        ended = EndedRun.of_report({}, run="a", error="", ended_at=1)
        write_ended_run(Collection(served.store, SPEC.name), ended)
        answer = await served.client.get("/metrics", headers={"authorization": "Bearer publisher"})
        for family in text_string_to_metric_families(answer.text):
            for sample in family.samples:
                found.setdefault(sample.name, set()).update(sample.labels)

    serve_with(ask)
    return found


def test_names_are_found_in_expressions():
    asked = 'sum by (le) (rate(a_bucket{b="c", d=~"e"}[5m])) / sum(f) > 0.01 or g == 1'
    assert find_names(asked) == ({"a_bucket", "f", "g"}, {"le", "b", "d"})


def test_every_metric_and_label_is_one_that_the_application_exposes(exposed):
    assert len(list_expressions()) > 15
    for expression in list_expressions():
        metrics, labels = find_names(expression)
        assert metrics, expression
        assert metrics <= set(exposed), expression
        known = TARGET_LABELS.union(*(exposed[name] for name in metrics))
        assert labels <= known, expression


def test_every_outcome_that_is_asked_for_is_counted(serve_with):
    async def ask(served):
        shown = (await served.client.get("/metrics")).text
        asked = {outcome for text in list_expressions() for outcome in re.findall(r'outcome="(\w+)"', text)}
        assert asked == {"refused", "timed_out"}
        for outcome in asked:
            assert f'eagleray_searches_total{{kind="search",outcome="{outcome}"}}' in shown

    serve_with(ask)


def test_rules_have_what_an_alert_needs():
    names = [rule["alert"] for rule in read_rules()]
    assert len(set(names)) == len(names) > 0
    for rule in read_rules():
        assert set(rule) <= {"alert", "expr", "for", "labels", "annotations"}
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert rule["annotations"]["summary"]


def test_panels_have_titles_and_places_of_their_own():
    panels = read_panels()
    assert len({panel["title"] for panel in panels}) == len(panels) > 0
    places = {(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels}
    assert len(places) == len(panels)
