"""Alert rules and dashboard ask for what the product really counts, in their own languages."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml
from grafana_foundation_sdk.cog import plugins
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.metrics import MetricWrapperBase

from config import monitoring
from config.env import ROOT
from metrics import definitions
from metrics.definitions import counted

FOLDER = ROOT / "deploy" / "monitoring"
ALERTS, DASHBOARD = FOLDER / "alerts.yaml", FOLDER / "dashboard.json"
PROMTOOL = shutil.which("promtool")
SUFFIXES = {
    "counter": ("_total",),
    "gauge": ("",),
    "histogram": ("_bucket", "_sum", "_count"),
}
# What Grafana puts there.
VARIABLES = {"$__rate_interval": "1m"}


def alerts() -> list[dict[str, Any]]:
    [group] = yaml.safe_load(ALERTS.read_text(encoding="utf-8"))["groups"]
    return list(group["rules"])


def panels() -> list[dict[str, Any]]:
    return list(json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"])


def expressions() -> Iterator[tuple[str, str]]:
    for rule in alerts():
        yield rule["alert"], rule["expr"]
    for panel in panels():
        for target in panel.get("targets", ()):
            expression = target["expr"]
            for name, value in VARIABLES.items():
                expression = expression.replace(name, value)
            yield panel["title"], expression


def selectors(expression: str) -> list[Any]:
    found: list[Any] = []

    def visit(node: Any) -> None:
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)

    promql_parser.walk(promql_parser.parse(expression), visit)
    return found


@pytest.fixture
def samples(db: None) -> set[str]:
    """Names of every sample that `/metrics` may show."""
    monitoring.kept.forget()
    return {
        f"{family.name}{suffix}"
        for family in [*counted(), *monitoring.kept.get()]
        for suffix in SUFFIXES[family.type]
    }


def test_every_figure_that_is_asked_for_is_counted(samples: set[str]) -> None:
    asked = {(where, one.name) for where, text in expressions() for one in selectors(text)}

    assert {(where, name) for where, name in asked if name not in samples | {"up"}} == set()
    assert len(asked) > 40


def test_everything_that_is_counted_is_shown(samples: set[str]) -> None:
    shown = {one.name for _, text in expressions() for one in selectors(text)}
    families = {re.sub("_(bucket|sum|count)$", "", name) for name in samples}

    unseen = {name for name in families if not any(each.startswith(name) for each in shown)}
    assert unseen == set()


def test_labels_are_those_that_figures_have(db: None) -> None:
    monitoring.kept.forget()
    counters = [each for each in vars(definitions).values() if isinstance(each, MetricWrapperBase)]
    labels = {each._name: set(each._labelnames) for each in counters}
    labels |= {each.name: set(each._labelnames) for each in monitoring.kept.get()}
    labels["up"] = {"job"}
    chosen = {
        (re.sub("_(bucket|sum|count|total)$", "", one.name), matcher.name)
        for _, text in expressions()
        for one in selectors(text)
        for matcher in one.matchers.matchers
    }

    assert {(name, label) for name, label in chosen if label not in labels[name]} == set()
    assert len(chosen) > 5


def test_every_alert_says_what_to_do_and_how_bad_it_is() -> None:
    names = [rule["alert"] for rule in alerts()]

    assert len(names) == len(set(names)) > 10
    assert all(rule["annotations"].keys() == {"summary", "action"} for rule in alerts())
    assert {rule["labels"]["severity"] for rule in alerts()} == {"critical", "warning"}
    assert all("for" in rule for rule in alerts())


def lost(given: Any, kept: Any, path: str = "") -> Iterator[str]:
    """Name what is in one value of JSON and not in the other."""
    if isinstance(given, dict) and isinstance(kept, dict):
        for key, value in given.items():
            if key not in kept:
                yield f"{path}.{key}"
            else:
                yield from lost(value, kept[key], f"{path}.{key}")
    elif isinstance(given, list) and isinstance(kept, list) and len(given) == len(kept):
        for number, (one, other) in enumerate(zip(given, kept, strict=True)):
            yield from lost(one, other, f"{path}[{number}]")
    elif given != kept:
        yield path


def test_grafanas_own_types_know_all_of_the_dashboard() -> None:
    given = json.loads(DASHBOARD.read_text(encoding="utf-8"))

    plugins.register_default_plugins()
    kept = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))

    assert list(lost(given, kept)) == []


def test_panels_lie_beside_each_other_and_have_numbers_of_their_own() -> None:
    cells = [
        (panel["gridPos"]["x"] + x, panel["gridPos"]["y"] + y)
        for panel in panels()
        for x in range(panel["gridPos"]["w"])
        for y in range(panel["gridPos"]["h"])
    ]

    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) == 23
    assert len({panel["id"] for panel in panels()}) == len(panels())


@pytest.mark.skipif(PROMTOOL is None, reason="Prometheus is not installed")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", FOLDER / "prometheus.yaml"),
        ("check", "rules", ALERTS),
        ("test", "rules", Path(__file__).with_name("alerts_test.yaml")),
    ],
    ids=["configuration", "rules", "what the rules say"],
)
def test_prometheus_itself_takes_them(arguments: tuple[str | Path, ...], tmp_path: Path) -> None:
    if arguments[1] == "config":  # it opens the token's file, which is not ours to have
        text = (FOLDER / "prometheus.yaml").read_text(encoding="utf-8")
        (tmp_path / "token").write_text("a-token-of-this-test")
        (tmp_path / "alerts.yaml").write_bytes(ALERTS.read_bytes())
        given = tmp_path / "prometheus.yaml"
        given.write_text(text.replace("/etc/prometheus/semblance_token", "token"))
        arguments = (*arguments[:2], given)

    done = subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
