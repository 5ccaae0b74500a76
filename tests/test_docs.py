"""What the documentation says is what the code does."""

import re
from pathlib import Path

import pytest

from bot.chat.alerts import WORDINGS
from bot.chat.client import COMMANDS, NEEDED
from bot.domain.incidents import Rule
from bot.settings import VARIABLES

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table under a heading, without its head."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    table = re.findall(r"^\|(.*)\|$", section, re.MULTILINE)
    return [[cell.strip() for cell in row.split(" | ")] for row in table[2:]]


def test_the_settings_table_is_the_settings() -> None:
    expected = [
        [
            f"`{each.name}`",
            f"`{each.default}`" if each.default else "required" if each.default is None else "",
            each.meaning,
        ]
        for each in VARIABLES
    ]
    assert [row[:3] for row in rows("Settings")] == expected


def test_the_commands_table_is_the_commands() -> None:
    documented = {re.match(r"`/(\w+)", row[0]).group(1): " ".join(row) for row in rows("Commands")}  # type: ignore[union-attr] # each row names one
    commands = {command.name: command for command in (make() for make in COMMANDS)}
    assert documented.keys() == commands.keys()
    for name, command in commands.items():
        for parameter in command.parameters:
            assert parameter.display_name in documented[name]


def test_every_rule_is_documented() -> None:
    documented = {name.strip() for row in rows("What it tells, and when") for name in row[0].split(",")}
    assert documented == {rule.replace("_", " ") for rule in Rule}
    assert set(WORDINGS) == set(Rule)


def test_the_invitation_asks_for_what_the_bot_needs() -> None:
    assert f"permissions={NEEDED.value}" in README
    for name, needed in NEEDED:
        if needed:
            assert {"read_messages": "View Channels"}.get(name, name.replace("_", " ").title()) in README


@pytest.mark.parametrize("path", [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))])
def test_every_link_to_a_file_leads_somewhere(path: Path) -> None:
    links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text(encoding="utf-8"))
    assert [link for link in links if not (path.parent / link).exists()] == []
