"""The rules and the dashboard of `deploy/` fire and show what they say, over what the bot serves."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Final, NamedTuple

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.parser import text_string_to_metric_families

from bot.jobs import Job
from bot.observe.health import CAUSES
from bot.observe.metrics import PREFIX
from tests.domain.fleets import record
from tests.observe.conftest import Patient
from tests.observe.test_web import get, visiting

ROOT: Final = Path(__file__).parents[2]
RULES: Final = ROOT / "deploy/prometheus-rules.yml"
OBSERVING: Final = (ROOT / "docs/observing.md").read_text(encoding="utf-8")
DASHBOARD: Final = json.loads((ROOT / "deploy/grafana-dashboard.json").read_text(encoding="utf-8"))
ALERTS: Final = [rule for group in yaml.safe_load(RULES.read_text("utf-8"))["groups"] for rule in group["rules"]]

PROMTOOL: Final = shutil.which("promtool")
needs_promtool: Final = pytest.mark.skipif(
    PROMTOOL is None, reason="no promtool: apt-get install prometheus, or from Debian 13 on promtool"
)


def promtool(*arguments: str | Path, text: bytes = b"") -> str:
    """Run it; what it says, whose end must be good."""
    assert PROMTOOL is not None
    ran = subprocess.run([PROMTOOL, *arguments], input=text, capture_output=True, check=False)  # noqa: S603 - Prometheus's
    said = (ran.stdout + ran.stderr).decode()
    assert ran.returncode == 0, said
    return said


# What they ask for


class Query(NamedTuple):
    """One expression, and the labels that the text beside it shows."""

    place: str
    expr: str
    shown: frozenset[str] = frozenset()


def asked_by_the_rules() -> Iterator[Query]:
    """What each alert asks for."""
    for rule in ALERTS:
        texts = " ".join(rule["annotations"].values())
        yield Query(rule["alert"], rule["expr"], frozenset(re.findall(r"\$labels\.(\w+)", texts)))


def asked_by_the_dashboard() -> Iterator[Query]:
    """What each panel and variable, and the marks of a start, ask for."""
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            yield Query(panel["title"], target["expr"], frozenset(re.findall(r"{{(\w+)}}", target["legendFormat"])))
    for mark in DASHBOARD["annotations"]["list"]:
        if "expr" in mark:
            yield Query(mark["name"], mark["expr"])
    for variable in DASHBOARD["templating"]["list"]:
        if variable["type"] == "query":
            asked = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"])
            assert asked is not None
            yield Query(variable["name"], asked[1], frozenset({asked[2]}))


QUERIES: Final = [*asked_by_the_rules(), *asked_by_the_dashboard()]
OF_PROMETHEUS: Final = {"job", "instance"}
"""The labels that Prometheus gives each series of a target."""


class Asked(NamedTuple):
    """What an expression needs."""

    metrics: dict[str, set[str]]
    """By which of its labels each is chosen."""
    labels: set[str]
    """By which series are grouped and matched."""


def needs(expr: str) -> Asked:
    """Take an expression apart. Words that are followed by a parenthesis are functions."""
    bare = re.sub(r'"[^"]*"', '""', expr)
    grouped = re.findall(r"\b(?:by|on|without|ignoring)\s*\(([^)]*)\)", bare)
    metrics: dict[str, set[str]] = {}
    rest = re.sub(r"\b(?:by|on|without|ignoring)\s*\([^)]*\)", " ", bare)
    for name, matchers in re.findall(r"\b([a-z]\w*_\w+|up)\b(?!\s*\()(?:\{([^}]*)\})?", rest):
        metrics.setdefault(name, set()).update(re.findall(r"(\w+)\s*[=!]", matchers))
    return Asked(metrics, {label for each in grouped for label in re.split(r"\s*,\s*", each.strip()) if label})


@pytest.fixture
async def served(patient: Patient) -> dict[str, set[str]]:
    """Each sample's name that a leader or a standby serves, with its labels, beside Prometheus's own `up`."""
    bodies = []
    async with visiting(patient) as session:
        bodies.append((await get(session, "/metrics"))[1])
        with patient.leading():
            patient.pulse.watched(Job("poll", timedelta(minutes=1), patient.monitor.poll))
            await patient.poll(record(status="BANNED"), record(1901, fast="3.00/15.0 hours (20.00%)"))
            await patient.monitor.look_ahead()
            bodies.append((await get(session, "/metrics"))[1])
    names: dict[str, set[str]] = {"up": set()}
    for body in bodies:
        for family in text_string_to_metric_families(body):
            for sample in family.samples:
                names.setdefault(sample.name, set()).update(sample.labels)
    return names


@pytest.mark.parametrize("query", QUERIES, ids=lambda query: query.place)
def test_each_query_is_of_figures_and_labels_that_the_bot_serves(query: Query, served: dict[str, set[str]]) -> None:
    asked = needs(query.expr)
    assert asked.metrics
    assert asked.metrics.keys() <= served.keys()
    for name, labels in asked.metrics.items():
        assert labels <= served[name] | OF_PROMETHEUS, name
    there = OF_PROMETHEUS.union(*(served[name] for name in asked.metrics))
    assert asked.labels | query.shown <= there


async def test_no_label_of_the_bot_is_one_that_prometheus_gives_itself(served: dict[str, set[str]]) -> None:
    """Prometheus would call it `exported_job`."""
    assert [name for name, labels in served.items() if labels & OF_PROMETHEUS] == []


def test_the_dashboard_shows_every_figure_that_is_documented() -> None:
    documented = re.findall(r"^\| `(\w+)` \| (?:gauge|counter|histogram) \|", OBSERVING, re.MULTILINE)
    shown = {name for query in asked_by_the_dashboard() for name in needs(query.expr).metrics}
    plain = {name.removeprefix(PREFIX).removesuffix("_bucket") for name in shown}
    assert documented
    assert [name for name in documented if name not in plain] == []


@needs_promtool
def test_each_query_of_the_dashboard_is_one_that_prometheus_understands(tmp_path: Path) -> None:
    rules = [
        {"record": f"panel:{number}", "expr": query.expr.replace("$job", "a").replace("$__rate_interval", "2m")}
        for number, query in enumerate(asked_by_the_dashboard())
    ]
    place = tmp_path / "rules.yml"
    place.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}), encoding="utf-8")
    assert f"SUCCESS: {len(rules)} rules found" in promtool("check", "rules", place)


# The dashboard


def test_the_dashboard_is_one_as_grafana_s_schema_has_it() -> None:
    """Whatever the schema does not know, is gone after it was read and written."""
    register_default_plugins()
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(DASHBOARD)))
    assert lost(DASHBOARD, again) == []
    panel = {**DASHBOARD["panels"][0], "titel": "All installations"}
    misspelled = json.loads(JSONEncoder().encode(Dashboard.from_json({**DASHBOARD, "panels": [panel]})))
    assert lost(panel, misspelled["panels"][0]) == ["/titel"]


def lost(before: object, after: object, path: str = "") -> list[str]:
    """Where something of the one is not, or is otherwise, in the other."""
    match before, after:
        case dict(), dict():
            return [where for key, value in before.items() for where in lost(value, after.get(key), f"{path}/{key}")]
        case list(), list() if len(before) == len(after):
            pairs = enumerate(zip(before, after, strict=True))
            return [where for number, pair in pairs for where in lost(*pair, f"{path}/{number}")]
    return [] if before == after else [path]


def test_each_panel_has_a_place_of_its_own_and_says_what_it_shows() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
        assert panel["title"]
    ids = [panel["id"] for panel in DASHBOARD["panels"]]
    assert len(ids) == len(set(ids))


def test_all_of_the_dashboard_is_of_the_data_source_and_the_installation_that_were_chosen() -> None:
    assert [variable["name"] for variable in DASHBOARD["templating"]["list"]] == ["datasource", "job"]
    sources = {
        json.dumps(each["datasource"], sort_keys=True)
        for panel in DASHBOARD["panels"]
        for each in (panel, *panel.get("targets", ()))
        if panel["type"] != "row"
    }
    assert sources == {json.dumps({"type": "prometheus", "uid": "${datasource}"})}
    of_all = [query.place for query in asked_by_the_dashboard() if '{job="$job"' not in query.expr]
    assert of_all == ["All installations", "job"]


# The rules


@needs_promtool
def test_the_rules_fire_when_they_should_and_at_no_other_time() -> None:
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "rules", RULES)
    assert "SUCCESS" in promtool("test", "rules", RULES.with_suffix(".test.yml"))


@needs_promtool
def test_installations_that_another_label_tells_apart_need_the_one_change_that_the_file_names(tmp_path: Path) -> None:
    text = RULES.read_text(encoding="utf-8")
    before, after = re.findall(r"sed 's/([^/]*)/([^/]*)/g'", text)[0]
    (tmp_path / "rules.yml").write_text(text.replace(before, after), encoding="utf-8")
    labels = 'job="imaginepro-bot", instance="{0}:8080", env="{0}"'
    series = {
        f"up{{{labels.format('eu')}}}": "1x40",
        f"up{{{labels.format('us')}}}": "1x20 0x20",
        f"imaginepro_bot_leading{{{labels.format('eu')}}}": "1x40",
        f"imaginepro_bot_leading{{{labels.format('us')}}}": "1x20 stale",
    }
    gone = {"labels": '{alertname="ImagineProBotAway", env="us"}', "value": 1}
    check = {"expr": 'count by (alertname, env) (ALERTS{alertstate="firing"})', "eval_time": "15m"}
    test = {
        "interval": "30s",
        "input_series": [{"series": name, "values": values} for name, values in series.items()],
        "promql_expr_test": [check | {"exp_samples": [gone]}],
    }
    whole = {"rule_files": ["rules.yml"], "evaluation_interval": "30s", "tests": [test]}
    (tmp_path / "test.yml").write_text(json.dumps(whole), encoding="utf-8")
    promtool("test", "rules", tmp_path / "test.yml")


@needs_promtool
def test_what_the_page_says_to_write_into_prometheus_yml_is_what_prometheus_takes(tmp_path: Path) -> None:
    whole, relabelled = re.findall(r"```yaml\n(.*?)```", OBSERVING, re.DOTALL)
    config = yaml.safe_load(whole)
    (job,) = config["scrape_configs"]
    job |= yaml.safe_load(relabelled)
    token = tmp_path / "token"
    token.write_text("a-token-for-figures", encoding="utf-8")
    job["authorization"]["credentials_file"] = str(token)
    (rules,) = config["rule_files"]
    shutil.copy(RULES, tmp_path / rules)
    place = tmp_path / "prometheus.yml"
    place.write_text(json.dumps(config), encoding="utf-8")
    assert f"SUCCESS: {len(ALERTS)} rules found" in promtool("check", "config", place)


def test_each_alert_says_what_it_means_and_what_to_do_and_leads_to_its_section() -> None:
    section = OBSERVING.split("\n## Alerts about the bot\n")[1].split("\n## ", maxsplit=1)[0]
    headings = re.findall(r"^### (\w+)$", section, re.MULTILINE)
    assert sorted(headings) == sorted({rule["alert"] for rule in ALERTS})
    for rule in ALERTS:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert {"summary", "description", "runbook_url"} == rule["annotations"].keys()
        assert rule["annotations"]["runbook_url"].endswith(f"/docs/observing.md#{rule['alert'].lower()}")


def test_each_reason_of_health_is_told_at_one_severity() -> None:
    unwell = {rule["labels"]["severity"]: rule["expr"] for rule in ALERTS if rule["alert"] == "ImagineProBotUnwell"}
    (least,) = re.findall(r'reason=~"([^"]*)"', unwell["warning"])
    assert f'reason!~"{least}"' in unwell["critical"]
    assert set(least.split("|")) < {cause.word for cause in CAUSES}
    named = {
        word
        for rule in ALERTS
        for words in re.findall(r'reason!?=~?"([^"]*)"', rule["expr"])
        for word in words.split("|")
    }
    assert named <= {cause.word for cause in CAUSES}


@needs_promtool
async def test_prometheus_s_own_check_finds_nothing_to_say_about_the_figures(patient: Patient) -> None:
    async with visiting(patient) as session:
        standby = (await get(session, "/metrics"))[1]
        with patient.leading():
            await patient.poll(record(status="BANNED"))
            leader = (await get(session, "/metrics"))[1]
    for body in (standby, leader):
        assert promtool("check", "metrics", text=body.encode()) == ""
