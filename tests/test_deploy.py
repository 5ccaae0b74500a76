"""The files by which hosts run the bot: well-formed, with the settings that there are and the Procfile's command."""

import configparser
import fnmatch
import json
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
import yaml

from bot import settings
from bot.settings import VARIABLES

ROOT = Path(__file__).parents[1]
START = (ROOT / "Procfile").read_text(encoding="utf-8").partition(":")[2].strip()
PYTHON = (ROOT / ".python-version").read_text(encoding="utf-8").strip()
NAMES = {variable.name for variable in VARIABLES}
REQUIRED = {variable.name for variable in VARIABLES if variable.default is None}
ASKED = REQUIRED | {"OPS_CHANNEL_ID"}
"""What Render asks for: without an ops channel nobody is told of anything."""
SECRETS = {variable.name for variable in VARIABLES if variable.secret}
NOT_ON_HEROKU = {"DATABASE_URL", "PORT", "HOST", "METRICS_TOKEN", "HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY"}
"""What the add-on sets, and what a worker has no use for: nobody can reach its port, and it reaches everybody."""

HEROKU = json.loads((ROOT / "app.json").read_text(encoding="utf-8"))
RENDER = yaml.safe_load((ROOT / "render.yaml").read_text(encoding="utf-8"))
FLY = tomllib.loads((ROOT / "deploy/fly.toml").read_text(encoding="utf-8"))
COMPOSE = yaml.safe_load((ROOT / "deploy/compose.yaml").read_text(encoding="utf-8"))
DOCKERFILE = (ROOT / "Dockerfile").read_text(encoding="utf-8")
STAGES = re.split(r"^(?=FROM )", DOCKERFILE, flags=re.MULTILINE)[1:]


def instructions(stage: str, name: str) -> list[str]:
    """What follows each instruction of that name."""
    return re.findall(rf"^{name} (.*)$", stage, re.MULTILINE)


def starts_with(values: Mapping[str, str]) -> bool:
    """Whether the bot starts with these, beside what is required; raises where it does not."""
    needed = {
        "DISCORD_TOKEN": "a.b.c",
        "DISCORD_GUILD_ID": "1" * 18,
        "IMAGINEPRO_API_KEY": "k",
    }
    assert needed.keys() == REQUIRED
    settings.load({**needed, **values})
    return values.keys() <= NAMES


# Heroku


def test_heroku_s_manifest_fits_heroku_s_schema() -> None:
    schema = json.loads((ROOT / "tests/schemas/app-json.schema.json").read_text(encoding="utf-8"))
    jsonschema.validate(HEROKU, schema)


def test_heroku_asks_for_every_setting_in_the_words_of_the_settings_and_gives_a_value_to_the_watchdog_alone() -> None:
    assert HEROKU["env"] == {
        variable.name: {
            "description": variable.meaning + (f" (default: {variable.default})" if variable.default else ""),
            "required": variable.default is None,
            **({"value": "true"} if variable.name == "WATCHDOG" else {}),
        }
        for variable in VARIABLES
        if variable.name not in NOT_ON_HEROKU
    }


def test_heroku_runs_one_worker_with_a_database_by_a_buildpack_that_knows_uv() -> None:
    """It wants one file that locks packages, and a version of Python (devcenter.heroku.com/articles/python-support)."""
    assert {name: process["quantity"] for name, process in HEROKU["formation"].items()} == {"worker": 1}
    assert HEROKU["addons"] == [{"plan": "heroku-postgresql:essential-0"}]
    assert HEROKU["buildpacks"] == [{"url": "heroku/python"}]
    locks = {"uv.lock", "requirements.txt", "Pipfile.lock", "poetry.lock", "runtime.txt"}
    assert {name for name in locks if (ROOT / name).exists()} == {"uv.lock"}
    assert re.fullmatch(r"3\.\d+", PYTHON)


# Render


def test_render_runs_one_worker_that_is_asked_for_what_is_required_and_given_its_database() -> None:
    """What the specification of Blueprints has for a worker and a database (render.com/docs/blueprint-spec)."""
    (service,), (database,) = RENDER["services"], RENDER["databases"]
    variables = {variable.pop("key"): variable for variable in service.pop("envVars")}
    assert service.pop("startCommand").endswith(f"/{START}")
    assert "--locked --no-dev" in service.pop("buildCommand")
    assert service == {
        "type": "worker",
        "name": "imaginepro-bot",
        "runtime": "python",
        "plan": "starter",
        "numInstances": 1,
    }
    assert {name for name, origin in variables.items() if origin == {"sync": False}} == ASKED
    assert variables.pop("DATABASE_URL") == {"fromDatabase": {"name": database["name"], "property": "connectionString"}}
    assert starts_with({name: origin["value"] for name, origin in variables.items() if name not in ASKED})
    assert database["ipAllowList"] == []


# Fly


def test_fly_asks_whether_the_bot_lives_where_it_says_so_and_gives_it_time_to_end() -> None:
    assert starts_with(FLY["env"])
    assert not FLY["env"].keys() & (REQUIRED | SECRETS)
    assert FLY["env"]["HOST"] != "127.0.0.1"
    assert FLY["env"]["PORT"] == str(FLY["checks"]["live"]["port"])
    assert FLY["checks"]["live"]["path"] == "/live"
    assert FLY["kill_signal"] == "SIGTERM"
    assert int(FLY["kill_timeout"].removesuffix("s")) > 3
    assert FLY["restart"] == [{"policy": "always"}]
    assert not FLY.keys() & {"http_service", "services"}, "nobody on the internet has business with the bot"


# Docker


def test_the_dockerfile_pleases_its_linter() -> None:
    lint: list[str | Path] = [
        Path(sys.executable).with_name("hadolint"),
        "--failure-threshold",
        "style",
        ROOT / "Dockerfile",
    ]
    run = subprocess.run(lint, capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments
    assert run.returncode == 0, run.stdout


def test_the_image_runs_the_bot_itself_as_nobody_in_particular_with_nothing_to_build_in_it() -> None:
    last = STAGES[-1]
    assert json.loads(instructions(last, "CMD")[-1]) == START.split()  # the exec form: signals reach the bot
    assert not instructions(last, "ENTRYPOINT")
    (user,) = instructions(last, "USER")
    assert int(user.partition(":")[0]) > 0
    assert not re.search(r"\b(apt|apt-get|gcc|pip|uv)\b", last)
    assert all("--from=build" in copied for copied in instructions(last, "COPY"))


def test_the_image_is_made_of_named_versions_and_locked_packages() -> None:
    assert all(source.startswith(f"python:{PYTHON}-slim-") for source in instructions(DOCKERFILE, "FROM"))
    for source in re.findall(r"--from=(\S+/\S+)", DOCKERFILE):
        assert re.search(r":\d+\.\d+", source), source
    installing = [line for line in instructions(DOCKERFILE, "RUN") if line.startswith("uv ")]
    assert len(installing) == 2
    assert all("--locked --no-dev" in line for line in installing)


def test_the_image_gets_what_it_copies_and_no_secret() -> None:
    rules = (ROOT / ".dockerignore").read_text(encoding="utf-8").splitlines()

    def let_in(path: str) -> bool:
        matching = [rule for rule in rules if fnmatch.fnmatch(path, rule.removeprefix("!"))]
        return matching[-1].startswith("!")

    for line in instructions(STAGES[0], "COPY"):
        if "--from=" not in line:
            for source in line.split()[:-1]:
                assert (ROOT / source).exists()
                assert let_in(source), source
    assert not any(map(let_in, (".env", ".git", "data", "tests", "docs")))


def test_compose_runs_the_image_as_the_page_s_own_command_does() -> None:
    schema = json.loads((ROOT / "tests/schemas/compose-spec.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft201909Validator(schema).validate(COMPOSE)
    (bot,) = COMPOSE["services"].values()
    assert (ROOT / "deploy" / bot["build"]).resolve() == ROOT
    assert (ROOT / "deploy" / bot["env_file"]).resolve() == ROOT / ".env"
    assert starts_with(bot["environment"])
    page = " ".join((ROOT / "docs/hosting/docker.md").read_text(encoding="utf-8").split())
    (volume,) = COMPOSE["volumes"].values()
    for option in (
        f"--restart {bot['restart']}",
        *(f"--env {name}={value}" for name, value in bot["environment"].items()),
        f"--volume {volume['name']}:/app/data",
        f"--memory {bot['mem_limit']}",
        *(f"--cap-drop {capability}" for capability in bot["cap_drop"]),
        *(f"--security-opt {option.removesuffix(':true')}" for option in bot["security_opt"]),
    ):
        assert option in page, option
    assert bot["volumes"] == [f"{next(iter(COMPOSE['volumes']))}:/app/data"]


# A server of your own


def test_the_unit_starts_the_bot_again_unless_its_settings_are_wrong_and_lets_it_do_little_else() -> None:
    unit = configparser.ConfigParser(interpolation=None)
    unit.read(ROOT / "deploy/imaginepro-bot.service", encoding="utf-8")
    service = unit["Service"]
    assert service["ExecStart"].endswith(f"/{START}")
    assert service["Restart"] == "always"
    assert service["RestartPreventExitStatus"] == "78"
    assert int(service["TimeoutStopSec"]) > 3
    assert service["DynamicUser"] == service["NoNewPrivileges"] == "yes"
    assert service["ProtectSystem"] == "strict"
    assert service["WorkingDirectory"] == f"/var/lib/{service['StateDirectory']}"


# What people read

STEPS = [
    "Before you begin",
    "Deploy",
    "See it work",
    "Update",
    "Go back to the version before",
    "Logs",
    "Back up",
    "Remove",
    "Good to know",
]


@pytest.mark.parametrize("page", ["heroku", "render", "fly", "docker", "vps"])
def test_each_host_s_page_has_the_same_steps_and_names_every_required_setting(page: str) -> None:
    text = (ROOT / f"docs/hosting/{page}.md").read_text(encoding="utf-8")
    assert re.findall(r"^## (?:\d\. )?(.*)$", text, re.MULTILINE) == STEPS
    named = set(re.findall(r"\b[A-Z_]+_(?:ID|TOKEN|KEY|URL)\b", text))
    assert REQUIRED <= named <= NAMES
    assert {"discord.md", "moving.md", "../settings.md"} <= set(re.findall(r"\]\(([^)]+)\)", text))
    assert {"ALERT_ROLE_ID", "HEARTBEAT_URL"} <= named, "or nobody is woken, and nobody notices that the bot is dead"
    assert "**Costs**" in text
    assert len(re.findall(r"(?<!template=https://github\.com/)your-team", text)) <= 1, "write it once, as REPO"


@pytest.mark.parametrize("page", ["docker", "fly"])
def test_an_update_keeps_what_the_page_has_had_changed_in_a_file_of_ours(page: str) -> None:
    text = (ROOT / f"docs/hosting/{page}.md").read_text(encoding="utf-8")
    assert re.findall("git pull.*?(?= &&)", text) == ["git pull --autostash"], "git refuses to update such a file"


@pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")
def test_going_back_on_a_server_of_one_s_own_finds_what_was_there_before_the_update(tmp_path: Path) -> None:
    """Also where somebody has typed the update twice, as when it failed half-way."""
    page = (ROOT / "docs/hosting/vps.md").read_text(encoding="utf-8")
    folder = page.split("git clone")[1].split()[1]

    def typed(section: str) -> list[list[str]]:
        text = page.split(f". {section}\n")[1].split("\n## ")[0]
        return [call.split() for call in re.findall(rf"git -C {folder} ((?:pull|checkout)[^&`\n]*)", text)]

    (pull,) = typed("Update")
    back, forth = typed("Go back to the version before")

    def git(*arguments: str, at: str = "here") -> str:
        command = ["git", "-C", str(tmp_path / at), "-c", "user.name=a", "-c", "user.email=a@example.com", *arguments]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()  # noqa: S603 - of the page

    (tmp_path / "there").mkdir()
    git("init", "--quiet", "--initial-branch=main", at="there")
    git("commit", "--allow-empty", "--message=old", at="there")
    git("clone", "--quiet", "there", "here", at=".")
    for new in ("new", "newer"):
        before = git("rev-parse", "HEAD")
        git("commit", "--allow-empty", f"--message={new}", at="there")
        git(*pull)
        git(*pull)
        assert git("rev-parse", "HEAD") != before
        git(*back)
        assert git("rev-parse", "HEAD") == before
        git(*forth)


def test_whoever_is_no_root_can_type_what_is_said_of_a_folder_of_root_s() -> None:
    page = (ROOT / "docs/hosting/vps.md").read_text(encoding="utf-8")
    calls = re.findall(r"(?:^|`)((?:sudo )?(?:sh -c .*)?git -C .*)", page, re.MULTILINE)
    assert len(calls) == 4
    assert [call for call in calls if not call.startswith("sudo ")] == [], "git refuses a folder of somebody else's"


def test_what_ran_before_runs_on_after_going_back_with_compose() -> None:
    """Whatever makes the container anew; and it is what the next update keeps."""
    (bot,) = COMPOSE["services"].values()
    page = (ROOT / "docs/hosting/docker.md").read_text(encoding="utf-8")
    kept = r'docker image tag imaginepro-bot "imaginepro-bot:\$\(git rev-parse HEAD\)"\ngit pull'
    assert bot["image"] == "imaginepro-bot"
    assert re.search(kept, page), "before the pull, under a name that no second try of the update takes"
    assert 'docker image tag "imaginepro-bot:$(git rev-parse main@{1})" imaginepro-bot\n' in page


@pytest.mark.parametrize("page", ["docker", "fly", "vps"])
def test_no_backup_takes_the_place_of_the_one_before(page: str) -> None:
    """The one that counts is from before the update, which may be typed again, and so may be what comes before it."""
    text = (ROOT / f"docs/hosting/{page}.md").read_text(encoding="utf-8")
    made = re.findall(r'(?:"\.backup |--file=|docker compose cp ).*', text.split(". Back up\n")[1])
    assert len(made) == 1
    assert "$(date +%F-%H%M)" in made[0]


def test_moving_shows_no_password_to_a_log() -> None:
    page = (ROOT / "docs/hosting/moving.md").read_text(encoding="utf-8")
    commands = re.findall(r"bot copy (.*)", page)
    assert len(commands) > 3
    assert [command for command in commands if "$NEW" in command or "--from" in command.partition("#")[0]] == []
