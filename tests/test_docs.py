"""What the documentation says is what the code does."""

import ast
import json
import re
import tomllib
from datetime import UTC, datetime
from pathlib import Path

import discord
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from discord import app_commands

from bot import __version__
from bot.chat.alerts import WORDINGS, Roles, alert
from bot.chat.survey import NEEDED
from bot.chat.tree import COMMANDS, leaves
from bot.domain.incidents import Happening, Incident, Key, Moment, Rule, Stage
from bot.domain.messages import Message
from bot.domain.model import Fleet, Severity, Trouble
from bot.domain.naming import NOUNS
from bot.domain.rules.settable import THRESHOLDS, check
from bot.domain.rules.table import RULES
from bot.domain.steering import Setting
from bot.domain.value import replace
from bot.imaginepro.endpoints import ENDPOINTS
from bot.observe.health import CAUSES
from bot.settings import VARIABLES
from bot.webhook import Event, Webhook

ROOT = Path(__file__).parents[1]
OBSERVING = (ROOT / "docs/observing.md").read_text(encoding="utf-8")
INCIDENTS = (ROOT / "docs/incidents.md").read_text(encoding="utf-8")
COMMANDS_PAGE = (ROOT / "docs/commands.md").read_text(encoding="utf-8")
SETTINGS_PAGE = (ROOT / "docs/settings.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
SOURCES = {path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py")}
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), ROOT / "bench/README.md"])
NOW = datetime(2026, 11, 22, 3, 12, tzinfo=UTC)
REPORT = "it is an error, and the page asks to report those"


def rows(heading: str, document: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = document.split(f"\n## {heading}\n")[1].split("\n## ", maxsplit=1)[0]
    table = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.split("|")] for row in table[2:]]


def test_the_settings_table_is_the_settings() -> None:
    expected = [
        [
            f"`{each.name}`",
            f"`{each.default}`" if each.default else "required" if each.default is None else "",
            each.meaning,
        ]
        for each in VARIABLES
    ]
    assert [row[:3] for row in rows("All of them", SETTINGS_PAGE)] == expected
    endpoints = [
        [f"`{each.name}`", f"`{each.method} {each.path}`" if each.path else "not published", each.what]
        for each in ENDPOINTS.values()
    ]
    assert rows("IMAGINEPRO_ENDPOINT", SETTINGS_PAGE) == endpoints


def test_the_changelog_begins_with_this_version_and_goes_back_one_by_one() -> None:
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    versions = re.findall(r"^## (.*)$", changelog, re.MULTILINE)
    assert versions[0] == __version__
    numbers = [tuple(map(int, version.split("."))) for version in versions]
    assert numbers == sorted(set(numbers), reverse=True)


def test_the_package_that_is_built_has_the_version_of_the_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert project["project"]["dynamic"] == ["version"]
    written = (ROOT / project["tool"]["hatch"]["version"]["path"]).read_text(encoding="utf-8")
    assert re.findall(r'^__version__ = "(.*)"$', written, re.MULTILINE) == [__version__]


def test_the_readme_begins_with_what_a_newcomer_has_to_know_and_uses_no_word_of_ours() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    first, _, rest = readme.partition("<p>")
    assert rest
    lines = [line for line in first.splitlines() if line.startswith("* ")]
    assert len(lines) == 4
    words = ("ImaginePro", "DIY", "token", "Fast time", "FAST", "RELAX", "VERIFYING", "BANNED")
    assert [word for word in words if f"**{word}**" not in "".join(lines)] == []
    prose = re.sub(r"```.*?```", "", readme, flags=re.DOTALL)
    assert re.findall(r"\b(?:flap\w*|lease|nonce|outbox)\b", prose, re.IGNORECASE) == []


def test_the_commands_table_is_the_commands() -> None:
    """Every command by its whole name, what it needs beside that, and what else it takes."""
    all_leaves = {
        leaf.qualified_name: leaf
        for make in COMMANDS
        for leaf in leaves(make())
        if isinstance(leaf, app_commands.Command)
    }
    documented: dict[str, tuple[str, str]] = {}
    for row in rows("All of them", COMMANDS_PAGE):
        for call in re.findall(r"`/([^`]*)`", row[0]):
            name = max((each for each in all_leaves if f"{call} ".startswith(f"{each} ")), key=len, default=call)
            documented[name] = (call.removeprefix(name), " ".join(row))
    assert documented.keys() == all_leaves.keys()
    for name, leaf in all_leaves.items():
        needed, words = documented[name]
        assert needed.split() == [each.display_name for each in leaf.parameters if each.required]
        for parameter in leaf.parameters:
            assert parameter.display_name in words


NO_COMMANDS = {"health", "metrics", "info"}
"""What begins with a slash in the README too: what is served at PORT, and Midjourney's own."""


def test_the_readme_names_every_family_of_commands_and_no_command_that_there_is_not() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    named = {call.strip() for call in re.findall(r"`/([a-z ]+)[^`]*`", readme)} - NO_COMMANDS
    roots = [make() for make in COMMANDS]
    known = {leaf.qualified_name for root in roots for leaf in leaves(root)} | {root.name for root in roots}
    assert [call for call in named if not any(f"{call} ".startswith(f"{each} ") for each in known)] == []
    slashed = {root.name for root in roots if not isinstance(root, app_commands.ContextMenu)}
    assert slashed - {call.split()[0] for call in named} == set()


def test_every_rule_is_documented_for_newcomers_and_for_operators() -> None:
    for heading in ("What fires, and when", "Rules"):
        documented = [name.strip() for row in rows(heading, INCIDENTS) for name in row[0].split(",")]
        assert sorted(documented) == sorted(rule.replace("_", " ") for rule in Rule), heading
    assert set(WORDINGS) == set(Rule) == set(RULES) == set(NOUNS)


def test_what_is_said_of_a_rule_s_severity_holds_for_its_default() -> None:
    for row in rows("What fires, and when", INCIDENTS):
        for name in row[0].split(","):
            rule = Rule(name.strip().replace(" ", "_"))
            assert rule is Rule.BASELINE or RULES[rule].severity in row[2]


def test_every_rule_that_has_a_threshold_says_how_to_write_it() -> None:
    written = {
        Rule(row[0].replace(" ", "_")): re.findall(r"`([0-9][^`]*)`", row[3]) for row in rows("Rules", INCIDENTS)
    }
    assert {rule for rule, examples in written.items() if examples} == THRESHOLDS.keys()
    for rule, examples in written.items():
        for example in examples:
            check(Setting(rule, threshold=example))


def test_the_buttons_table_is_the_buttons() -> None:
    banned = Incident(
        Key(Rule.BANNED, 1900), Severity.CRITICAL, Stage.FIRING, NOW, NOW, moments=(Moment(NOW, Happening.FIRED),)
    )
    answered = replace(
        banned, acknowledged=Moment(NOW, Happening.ACKNOWLEDGED), silenced=Moment(NOW, Happening.SILENCED), thread=4
    )
    shown: set[str] = set()
    for one in (banned, answered, replace(banned, key=Key(Rule.LIST_SHORT))):
        message = Message(57, "k3f9-57", (one, replace(one, key=Key(Rule.BANNED, 1901))), 1, summary=True)
        view = alert(message, Fleet(), Roles(), "https://wiki.example.com/{rule}", discussed=5).view
        assert view is not None
        shown |= {str(item.label) for item in view.children if isinstance(item, discord.ui.Button)}
    assert sorted(row[0] for row in rows("Buttons", INCIDENTS)) == sorted(shown)


async def test_what_the_fallback_webhook_gets_is_what_is_documented() -> None:
    (example,) = re.findall(r"```json\n(.*?)\n```", INCIDENTS, re.DOTALL)
    got: list[object] = []

    async def take(request: web.Request) -> web.Response:
        got.append(await request.json())
        return web.Response(status=204)

    place = web.Application()
    place.add_routes([web.post("/", take)])
    async with TestServer(place) as server:
        documented = json.loads(example)
        assert await Webhook(str(server.make_url("/")), lambda: NOW).notify(
            Event(documented["event"]), documented["reason"]
        )
    assert got == [documented]


def test_the_table_of_events_is_what_the_fallback_webhook_is_told_of() -> None:
    told = [row[0] for row in rows("When the bot may not post", INCIDENTS)]
    assert sorted(told) == sorted(f"`{each}`" for each in Event)


def test_the_table_of_reasons_is_what_health_says() -> None:
    assert [row[0] for row in rows("What turns it red", OBSERVING)] == [f"`{cause.word}`" for cause in CAUSES]


def test_every_line_of_the_log_that_is_explained_is_one_that_the_bot_writes() -> None:
    source = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "bot").rglob("*.py"))
    lines = [row[0].strip("`").removesuffix("…").strip() for row in rows("What the log says", OBSERVING)]
    assert [line for line in lines if f'"{line}' not in source] == []


def test_every_trouble_with_imaginepro_that_is_counted_and_logged_is_named() -> None:
    (meaning,) = (row[2] for row in rows("Figures", OBSERVING) if row[0] == "`upstream_errors_total`")
    assert set(re.findall("`([^`]+)`", meaning)) - {"kind", "trouble"} == set(Trouble)


NEED_NO_ANSWER = {
    "the gateway is away, next try in": "it goes on trying, and /health turns red",
    "commands could not be registered, earlier ones still stand, next try in": "it goes on trying",
    "could not answer an interaction:": "whoever asked asks again",
    "an interaction was not answered in time, or by another copy of the bot:": "the same",
    "the clock was set back": "nothing waits for the clock to come back",
    "lease is not given back; another copy waits for it": "it takes it after 10 s",
    "message is gone from the channel": "it is posted anew",
    "lease failed": REPORT,
    "outbox failed": REPORT,
    "an aside failed": REPORT,
    "boards failed": REPORT,
    "the proof that the database can be written failed": REPORT,
    "telling that the database takes no writes failed": REPORT,
    "telling that the database takes writes again failed": REPORT,
    "a thread ended by an error": REPORT,
    "an error came where nobody could take it": REPORT,
    "the bot ended by an error that nobody foresaw": REPORT,
    "telling of an act failed": REPORT,
    "an act failed": REPORT,
    "what became of acts is for the copy that leads to find out": "that one reads it back",
    "health": "it has a section of its own",
}
"""Lines that are not explained one by one, each with the reason."""


def _logged(call: ast.Call) -> str | None:
    """The constant part of a line that a call logs, unless it is of level INFO or DEBUG."""
    match call:
        case ast.Call(func=ast.Name("event"), args=[_, ast.Attribute(attr="INFO" | "DEBUG"), ast.Constant(str()), *_]):
            return None
        case ast.Call(func=ast.Name("event"), args=[_, _, ast.Constant(str(text)), *_]):
            return text
        case ast.Call(
            func=ast.Attribute(ast.Name("logger"), "warning" | "error" | "exception" | "critical"),
            args=[ast.Constant(str(text)), *_],
        ):
            return text.partition("%")[0].strip()
    return None


def test_every_warning_and_error_that_the_bot_may_log_is_explained_or_needs_no_answer() -> None:
    explained = tuple(row[0].strip("`").removesuffix("…").strip() for row in rows("What the log says", OBSERVING))
    files = [path for path in (ROOT / "bot").rglob("*.py") if "sandbox" not in path.parts]
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in files]
    calls = [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]
    logged = set(filter(None, map(_logged, calls)))
    assert {line for line in logged if not line.startswith(explained)} == NEED_NO_ANSWER.keys()


@pytest.mark.parametrize(
    ("page", "total"), [("docs/hosting/discord.md", "permissions={}`"), ("SECURITY.md", "{} together")]
)
def test_the_invitation_asks_for_what_the_bot_needs(page: str, total: str) -> None:
    text = " ".join((ROOT / page).read_text(encoding="utf-8").split())
    assert total.format(NEEDED.value) in text
    for name, needed in NEEDED:
        if needed:
            assert {"read_messages": "View Channels"}.get(name, name.replace("_", " ").title()) in text


@pytest.mark.parametrize("path", PAGES)
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", PAGES)
def test_every_link_to_a_section_leads_to_one(path: Path) -> None:
    """By the names that GitHub gives them: small letters, no punctuation, a hyphen for each blank."""
    for link, section in re.findall(r"\]\((?!https?://)([^)#]*)#([^)]+)\)", path.read_text(encoding="utf-8")):
        page = (path.parent / link if link else path).read_text(encoding="utf-8")
        headings = re.findall(r"^#+ (.*)$", page, re.MULTILINE)
        assert section in [re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings]


def places(heading: str) -> list[str]:
    """The files and folders in which something has to be written, by the table under a heading of CONTRIBUTING."""
    return [row[0].strip("`") for row in rows(heading, CONTRIBUTING)]


@pytest.mark.parametrize("heading", ["A new rule", "A new slash command", "A new call to ImaginePro"])
def test_each_way_in_leads_to_files_that_are_there(heading: str) -> None:
    assert len(places(heading)) > 3
    assert [place for place in places(heading) if not (ROOT / place).exists()] == []


def test_every_other_file_and_command_that_contributing_names_is_there() -> None:
    named = [name for name in re.findall(r"`([\w./]+)`", CONTRIBUTING) if "/" in name or name.endswith((".py", ".md"))]
    files = [path.relative_to(ROOT).as_posix() for path in [*ROOT.glob("[!.]*"), *ROOT.glob("[!.]*/**/*")]]
    assert [name for name in named if not any(f"/{file}".endswith(f"/{name.rstrip('/')}") for file in files)] == []
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    asked = set(re.findall(r"`make (\w+)`", CONTRIBUTING))
    assert asked
    assert [name for name in asked if not re.search(rf"^{name}:", makefile, re.MULTILINE)] == []


def test_a_comparison_names_files_of_ours_that_are_there_and_of_others_that_were_read() -> None:
    page = (ROOT / "docs/comparison.md").read_text(encoding="utf-8")
    named = re.compile(r"`([\w./-]+\.(?:py|md|js|json|go|yml|yaml|cs|java)|LICENSE)`")
    read = [name for row in rows("What was read", page) for name in named.findall(row[1])]
    oncall = rows("Grafana OnCall on Discord beside this bot", page)
    assert [row[0] for row in oncall if not named.search(row[1])] == []
    assert [name for row in oncall for name in named.findall(row[1]) if not (ROOT / name).exists()] == []
    theirs = [name for row in oncall for name in named.findall(row[2])]
    theirs += [
        name for row in rows("The peers of this field", page) for cell in row[1:] for name in named.findall(cell)
    ]
    assert len(theirs) > 60
    beside_it = {"InMemoryTaskStoreServiceImpl.java", "RedisTaskStoreServiceImpl.java"}
    assert {name for name in theirs if not any(f"/{each}".endswith(f"/{name}") for each in read)} <= beside_it


def test_a_new_rule_has_to_be_named_where_contributing_says_and_nowhere_else() -> None:
    """A file that names every rule would have to name the next one, too."""
    name_all = {path for path, text in SOURCES.items() if all(re.search(rf"\b{rule.name}\b", text) for rule in Rule)}
    assert name_all == {place for place in places("A new rule") if place in name_all}
    assert len(name_all) == 4


def test_a_new_command_has_to_be_named_where_contributing_says_and_nowhere_else() -> None:
    names = [
        path.stem for path in (ROOT / "bot/chat/commands").glob("*.py") if "def command(" in path.read_text("utf-8")
    ]
    name_all = {
        path for path, text in SOURCES.items() if all(re.search(rf"\b{name}\.command\b", text) for name in names)
    }
    assert name_all == {"bot/chat/tree.py"} == name_all & set(places("A new slash command"))


def test_a_new_call_to_imaginepro_has_to_be_served_where_contributing_says() -> None:
    table, simulated = "bot/imaginepro/endpoints.py", "bot/sandbox/imaginepro/paths.py"
    paths = {path: set(re.findall(r'"(/api/v1/[\w/{}-]+)', text)) for path, text in SOURCES.items()}
    assert paths[table] <= paths[simulated]
    assert {path for path, found in paths.items() if found} == {table, simulated}
    assert {table, simulated} <= set(places("A new call to ImaginePro"))
    listed = (ROOT / "tests/payloads/README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "tests/payloads").glob("*.json") if path.name not in listed] == []


def test_the_glossary_names_what_is_in_the_code() -> None:
    code = "".join(SOURCES.values())
    named = {name for row in rows("Words", CONTRIBUTING) for name in re.findall(r"`([^`]+)`", row[3])}
    assert len(named) > 20
    files = [name for name in named if name.endswith(".py")]
    assert [name for name in files if not any(path.endswith(f"/{name}") for path in SOURCES)] == []
    words = [name.rpartition(".")[2] for name in named if not name.endswith(".py")]
    assert [word for word in words if not re.search(rf"\b{word}\b", code)] == []


def test_each_finding_says_what_was_seen_and_cleans_up() -> None:
    findings = sorted((ROOT / "findings").iterdir())
    assert findings
    for path in findings:
        text = path.read_text(encoding="utf-8")
        assert path.suffix == ".sh"
        assert text.startswith("#!/usr/bin/env bash\n# ")
        assert "set -euo pipefail" in text
        assert "mktemp -d" in text
        assert "trap 'rm -rf" in text
        assert re.search(r"\w==[0-9]", text), "the packages that it installs are pinned"
