"""The environment: what is accepted, what is refused in which words, and that no secret ever shows."""

import copy
import json
import pickle
import re
import traceback
from datetime import time, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.model import Threshold
from bot.domain.value import replace
from bot.imaginepro.endpoints import ENDPOINTS, Endpoint
from bot.imaginepro.http import PATIENCE
from bot.settings import ENDPOINT_VARIABLES, VARIABLES, Secret, Settings, SettingsError, load
from bot.settings.environment import LONGEST_TURN

ROOT = Path(__file__).parent.parent
REQUIRED = {
    "DISCORD_TOKEN": "MTE2OTc1ODU2.GaBcDe.canary-of-the-bot",
    "DISCORD_GUILD_ID": "100000000000000001",
    "OPS_CHANNEL_ID": "100000000000000002",
    "IMAGINEPRO_API_KEY": "sk-canary-of-the-key",
}


def problems(**changes: str) -> str:
    """Load the required values with these changes, and give the error's text."""
    with pytest.raises(SettingsError) as caught:
        load(REQUIRED | changes)
    return str(caught.value)


def field(name: str, text: str) -> object:
    """Load with this variable set, and give its value."""
    settings = load(REQUIRED | {name: text})
    return getattr(settings, next(variable.field for variable in VARIABLES if variable.name == name))


def test_three_values_are_enough() -> None:
    assert load({name: value for name, value in REQUIRED.items() if name != "OPS_CHANNEL_ID"}).ops_channel_id is None
    assert load(REQUIRED) == Settings(
        discord_token=Secret(REQUIRED["DISCORD_TOKEN"]),
        guild_id=100000000000000001,
        ops_channel_id=100000000000000002,
        api_key=Secret(REQUIRED["IMAGINEPRO_API_KEY"]),
        api_url="https://api.imaginepro.ai",
        rate_limit=(1, timedelta(seconds=3)),
        token_field="tokenId",
        poll_interval=timedelta(minutes=1),
        thresholds=(Threshold("20%", percent=20), Threshold("5%", percent=5)),
        database_url=Secret("sqlite:///data/bot.db"),
        history_raw=timedelta(days=14),
        history_hourly=timedelta(days=395),
        operator_role_id=None,
        viewer_role_id=None,
        alert_role_id=None,
        escalation_role_id=None,
        runbook_url=None,
        refresh_cooldown=timedelta(hours=6),
        fallback_webhook_url=None,
        heartbeat_url=None,
        timezone="UTC",
        digest_at=time(9),
        https_proxy=None,
        http_proxy=None,
        no_proxy=None,
        log_level="info",
        log_format="text",
        port=None,
        host="127.0.0.1",
        metrics_token=None,
        metrics_names=False,
        read_only=False,
        watchdog=False,
        given=frozenset(REQUIRED),
    )


def test_each_row_of_the_table_is_a_field_of_the_settings() -> None:
    assert [variable.field for variable in VARIABLES] == list(Settings.__struct_fields__[:-3])


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("DISCORD_GUILD_ID", " 12345678901234567 ", 12345678901234567),
        ("DISCORD_GUILD_ID", str(2**63 - 1), 2**63 - 1),
        ("OPERATOR_ROLE_ID", "1100000000000000301", 1100000000000000301),
        ("ALERT_ROLE_ID", "", None),
        ("IMAGINEPRO_API_URL", "https://proxy.example:8443/imaginepro/", "https://proxy.example:8443/imaginepro"),
        ("IMAGINEPRO_API_URL", "http://127.0.0.1:8000/", "http://127.0.0.1:8000"),
        ("IMAGINEPRO_API_URL", "http://[::1]:8000", "http://[::1]:8000"),
        ("IMAGINEPRO_API_URL", "http://localhost", "http://localhost"),
        ("IMAGINEPRO_RATE_LIMIT", "10/1m", (10, timedelta(minutes=1))),
        ("POLL_INTERVAL", "3s", timedelta(seconds=3)),
        ("POLL_INTERVAL", "3000ms", timedelta(seconds=3)),
        ("POLL_INTERVAL", "", timedelta(minutes=1)),
        ("FAST_TIME_THRESHOLD", "eta 12h,5%", (Threshold("eta 12h", ahead=720), Threshold("5%", percent=5))),
        ("FAST_TIME_THRESHOLD", "30m, 15%", (Threshold("30m", minutes=30), Threshold("15%", percent=15))),
        ("RUNBOOK_URL", "https://wiki.example/{rule}?id={token}", "https://wiki.example/{rule}?id={token}"),
        ("FALLBACK_WEBHOOK_URL", "https://ntfy.example/ops", Secret("https://ntfy.example/ops")),
        ("HEARTBEAT_URL", "https://hc-ping.com/x", Secret("https://hc-ping.com/x")),
        *(
            ("FALLBACK_WEBHOOK_URL", f"http://{host}/x", Secret(f"http://{host}/x"))
            for host in (
                "127.0.0.1:8000",
                "127.8.8.8",
                "10.1.2.3",
                "172.31.0.1",
                "192.168.178.20:8080",
                "169.254.1.1",
                "100.100.1.1",
                "[::1]:8000",
                "[fd12::1]",
                "[fe80::1%eth0]",
                "[::ffff:10.0.0.1]",
                "localhost",
                "ntfy",
                "my_ntfy:8080",
                "NTFY.",
                "ntfy.local",
                "nas.home.arpa",
                "bot.railway.internal",
                "host.docker.internal:8080",
                "ntfy.ops.svc.cluster.local",
                "fritz.lan",
            )
        ),
        ("TIMEZONE", "Europe/Berlin", "Europe/Berlin"),
        ("DIGEST_AT", "7:05", time(7, 5)),
        ("DIGEST_AT", "00:00", time(0)),
        ("DIGEST_AT", "Off", None),
        ("LOG_LEVEL", "DEBUG", "debug"),
        ("LOG_FORMAT", "json", "json"),
        ("PORT", "8080", 8080),
        ("PORT", "0", 0),
        ("PORT", "", None),
        ("HOST", "0.0.0.0", "0.0.0.0"),  # noqa: S104 - what hosts want
        ("HOST", "::", "::"),
        ("HOST", "localhost", "localhost"),
        ("METRICS_TOKEN", "abcdefghijklmnop", Secret("abcdefghijklmnop")),
        ("WATCHDOG", "True", True),
        ("WATCHDOG", "", False),
        *(
            ("DATABASE_URL", url, Secret(url))
            for url in (
                "sqlite:////var/lib/my bot/bot.db",
                "postgres://bot:p%40ss@db.example:5432/x?sslmode=require",
                "postgresql://db.example/x",
                "postgresql+asyncpg://bot@db.example/x",
                "postgresql://bot@/x?host=/run/postgresql",
            )
        ),
    ],
)
def test_a_value_is_read(name: str, text: str, value: object) -> None:
    assert field(name, text) == value


@pytest.mark.parametrize(
    ("name", "text", "mend"),
    [
        ("DISCORD_TOKEN", '"abc"', "leave out the quotes"),
        ("DISCORD_TOKEN", "Bot abc", 'leave out the word "Bot"'),
        ("DISCORD_TOKEN", "abc def", "has blanks"),
        ("DISCORD_TOKEN", "1100000000000000001", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "sk-abc", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "mfa.abc", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "abc.def.", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "..", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "abc.def.ghi.jkl", "is not a bot's token, which has two dots"),
        ("DISCORD_TOKEN", "abc\u200b", "characters that such a key never has"),
        ("IMAGINEPRO_API_KEY", "Bearer abc", 'leave out the word "Bearer"'),
        ("DISCORD_GUILD_ID", "my server", "Copy ID"),
        ("DISCORD_GUILD_ID", "0", "Copy ID"),
        ("DISCORD_GUILD_ID", "123", "which has 17 to 20 digits"),
        ("DISCORD_GUILD_ID", "1234567890123456", "which has 17 to 20 digits"),
        ("DISCORD_GUILD_ID", "012345678901234567", "which has 17 to 20 digits"),
        ("OPS_CHANNEL_ID", "1" * 21, "which has 17 to 20 digits"),
        ("ESCALATION_ROLE_ID", "18446744073709551615", "which has 17 to 20 digits"),
        ("DISCORD_GUILD_ID", "-1", "Copy ID"),
        ("DISCORD_GUILD_ID", str(2**63), "Copy ID"),
        ("DISCORD_GUILD_ID", "\u0661\u0662", "Copy ID"),
        (
            "OPS_CHANNEL_ID",
            "https://discord.com/channels/100000000000000001/100000000000000002",
            "is a link; write one",
        ),
        ("DISCORD_GUILD_ID", "discord.gg/abc", "is a link; write one number"),
        ("DATABASE_URL", "psql 'postgresql://u:p@db.example/x'", "write the URL alone"),
        ("DATABASE_URL", "'postgresql://u:p@db.example/x'", "leave out the quotes"),
        ("DATABASE_URL", '"sqlite:///data/bot.db"', "leave out the quotes"),
        ("OPS_CHANNEL_ID", "<#123>", "is a mention; write only the digits"),
        ("ALERT_ROLE_ID", "<@&123>", "is a mention; write only the digits"),
        ("IMAGINEPRO_API_URL", "api.imaginepro.ai", "such as https://api.imaginepro.ai"),
        ("IMAGINEPRO_API_URL", "ftp://api.imaginepro.ai", "such as https://api.imaginepro.ai"),
        ("IMAGINEPRO_API_URL", "https://", "such as https://api.imaginepro.ai"),
        ("IMAGINEPRO_API_URL", "https://user:secret@api.imaginepro.ai", "leave out user and password"),
        ("IMAGINEPRO_API_URL", "https://api.imaginepro.ai/?key=1", "leave out what follows"),
        ("IMAGINEPRO_API_URL", "https://api.imaginepro.ai#", "leave out what follows"),
        ("IMAGINEPRO_API_URL", "http://api.imaginepro.ai", "write https"),
        ("IMAGINEPRO_API_URL", "http://localhost.example", "write https"),
        ("IMAGINEPRO_API_URL", "https://api.imaginepro.ai:port", "is not a URL"),
        ("IMAGINEPRO_API_URL", "https://[api", "is not a URL"),
        ("IMAGINEPRO_API_URL", "https://api.imagine\npro.ai", "is not a URL"),
        ("HISTORY_RAW", "0d", "at least 1d"),
        ("HISTORY_RAW", "12h", "at least 1d"),
        ("HISTORY_RAW", "2w", "a whole number and a unit"),
        ("REFRESH_COOLDOWN", "0", "a whole number and a unit"),
        ("REFRESH_COOLDOWN", "5m", "at least 10m"),
        ("REFRESH_COOLDOWN", "31d", "at most 30d"),
        ("HISTORY_HOURLY", "13 months", "a whole number and a unit"),
        ("HISTORY_HOURLY", "999999d", "at most 3650d"),
        ("IMAGINEPRO_RATE_LIMIT", "1", "such as 1/3s"),
        ("IMAGINEPRO_RATE_LIMIT", "1/3", "such as 500ms, 30s"),
        ("IMAGINEPRO_RATE_LIMIT", "0/3s", "above zero"),
        ("IMAGINEPRO_RATE_LIMIT", "1/0s", "above zero"),
        ("POLL_INTERVAL", "60", "such as 500ms, 30s"),
        ("POLL_INTERVAL", "999ms", "at least 1s"),
        ("POLL_INTERVAL", "25h", "at most 1d"),
        ("FAST_TIME_THRESHOLD", "20", "such as 15%"),
        ("FAST_TIME_THRESHOLD", "20%,", "such as 15%"),
        ("FAST_TIME_THRESHOLD", "20%,20.0%", "the same level twice"),
        ("FAST_TIME_THRESHOLD", "120m,2h", "the same level twice"),
        ("FAST_TIME_THRESHOLD", "20%,98.5%", "goes up to 98%"),
        ("DATABASE_URL", "data/bot.db", "write sqlite:///data/bot.db"),
        ("DATABASE_URL", "mysql://db.example/x", "write sqlite:///data/bot.db"),
        ("DATABASE_URL", "postgresql:x", "write sqlite:///data/bot.db"),
        ("DATABASE_URL", "sqlite://data/bot.db", "three slashes"),
        ("DATABASE_URL", "sqlite:///", "three slashes"),
        ("DATABASE_URL", "postgres://bot:p#ss@db.example/x", "percent-encode"),
        ("DATABASE_URL", "postgres://bot:1/2@db.example/x", "percent-encode"),
        ("DATABASE_URL", "postgres://bot:p/ss@db.example/x", "percent-encode"),
        ("DATABASE_URL", "postgres://bot:pa ss@db.example/x", "percent-encoded"),
        ("RUNBOOK_URL", "wiki/{rule}", "such as https://wiki.example.com/{rule}"),
        ("RUNBOOK_URL", "https://wiki.example/{runbook}", "only {rule} and {token} are filled in"),
        ("FALLBACK_WEBHOOK_URL", "https://", "write an https URL with a host"),
        ("FALLBACK_WEBHOOK_URL", "ftp://ntfy/ops", "write an https URL with a host"),
        *[
            (name, f"https://{host}/ops", "between two dots of its host is nothing, or more than a name may have")
            for name in ("FALLBACK_WEBHOOK_URL", "HEARTBEAT_URL", "IMAGINEPRO_API_URL", "RUNBOOK_URL", "HTTPS_PROXY")
            for host in ("hooks..example.com", ".example.com", f"{'a' * 64}.example")
        ],
        ("FALLBACK_WEBHOOK_URL", '"https://ntfy.sh/ops"', "leave out the quotes"),
        ("HEARTBEAT_URL", "http://hc-ping.com/x", "write https; plain http"),
        *(
            ("FALLBACK_WEBHOOK_URL", f"http://{host}/ops", "write https; plain http would show the address")
            for host in (
                "ntfy.example",
                "ntfy.local.example",
                "8.8.8.8",
                "172.32.0.1",
                "100.128.0.1",
                "134744072",
                "0x08080808",
                "8.8.2056",
                "[2606:4700::1111]",
                "[::ffff:8.8.8.8]",
            )
        ),
        ("TIMEZONE", "Berlin", "such as Europe/Berlin"),
        ("DIGEST_AT", "24:00", "from 00:00 to 23:59"),
        ("DIGEST_AT", "9", "such as 09:00"),
        ("DIGEST_AT", "9am", "off for none"),
        ("TIMEZONE", "../etc/passwd", "such as Europe/Berlin"),
        ("LOG_LEVEL", "loud", "one of debug, info, warning, error"),
        ("LOG_FORMAT", "xml", "one of text, json"),
        ("PORT", "http", "such as 8080"),
        ("PORT", "65536", "such as 8080"),
        ("PORT", "-1", "such as 8080"),
        ("HOST", "http://127.0.0.1", "such as 127.0.0.1"),
        ("HOST", "127.0.0.1:8080", "such as 127.0.0.1"),
        ("METRICS_TOKEN", "Bearer abcdefghijklmnop", 'leave out the word "Bearer"'),
        ("METRICS_TOKEN", "abcdefghijklmno", "is shorter than 16 characters"),
        ("WATCHDOG", "1", "one of true, false"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_with_its_name_and_how_to_mend_it(
    name: str, text: str, mend: str
) -> None:
    assert re.match(f"{name}: .*{re.escape(mend)}", problems(**{name: text}))


def test_what_is_kept_hourly_is_kept_no_shorter_than_the_rest() -> None:
    assert "HISTORY_HOURLY is shorter than HISTORY_RAW" in problems(HISTORY_RAW="30d", HISTORY_HOURLY="29d")
    settings = load(REQUIRED | {"HISTORY_RAW": "30d", "HISTORY_HOURLY": "30d"})
    assert settings.history_raw == settings.history_hourly == timedelta(days=30)


def test_polls_that_are_more_than_the_limit_of_calls_allows_are_a_problem() -> None:
    assert "POLL_INTERVAL is shorter than IMAGINEPRO_RATE_LIMIT allows" in problems(POLL_INTERVAL="1s")
    assert load(REQUIRED | {"POLL_INTERVAL": "1s", "IMAGINEPRO_RATE_LIMIT": "1/1s"}).poll_interval == timedelta(
        seconds=1
    )


def test_every_problem_is_told_at_once_a_line_each() -> None:
    with pytest.raises(SettingsError) as caught:
        load({"DISCORD_GUILD_ID": "my server", "POLL_INTERVAL": "often", "IMAGINEPRO_API_KEY": " "})

    assert [line.split(" ")[0].rstrip(":") for line in str(caught.value).splitlines()] == [
        "DISCORD_TOKEN",
        "DISCORD_GUILD_ID",
        "IMAGINEPRO_API_KEY",
        "POLL_INTERVAL",
    ]
    assert "DISCORD_TOKEN is missing: the bot's own token" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "like", "says"),
    [
        ("OPS_CHANNEL_ID", "DISCORD_GUILD_ID", "one of them is wrong"),
        ("OPERATOR_ROLE_ID", "DISCORD_GUILD_ID", "the same as DISCORD_GUILD_ID, so nobody could use the bot"),
        ("ALERT_ROLE_ID", "DISCORD_GUILD_ID", "the same as DISCORD_GUILD_ID, so nobody would be mentioned"),
        ("ESCALATION_ROLE_ID", "DISCORD_GUILD_ID", "the same as DISCORD_GUILD_ID, so nobody would be mentioned"),
        ("OPERATOR_ROLE_ID", "OPS_CHANNEL_ID", "the same as OPS_CHANNEL_ID, so nobody could use the bot"),
        ("ALERT_ROLE_ID", "OPS_CHANNEL_ID", "the same as OPS_CHANNEL_ID, so nobody would be mentioned"),
        ("ESCALATION_ROLE_ID", "OPS_CHANNEL_ID", "the same as OPS_CHANNEL_ID, so nobody would be mentioned"),
    ],
)
def test_an_id_that_something_else_has_is_a_problem(name: str, like: str, says: str) -> None:
    (line,) = problems(**{name: REQUIRED[like]}).splitlines()

    assert line.startswith(f"{name} is")
    assert like in line
    assert says in line


def test_each_role_that_is_the_server_itself_is_a_problem_of_its_own() -> None:
    roles = ("OPERATOR_ROLE_ID", "ALERT_ROLE_ID", "ESCALATION_ROLE_ID")

    lines = problems(**dict.fromkeys(roles, REQUIRED["DISCORD_GUILD_ID"])).splitlines()

    assert [line.split(" ")[0] for line in lines] == list(roles)


def test_one_role_may_have_all_three_parts() -> None:
    settings = load(REQUIRED | dict.fromkeys(("OPERATOR_ROLE_ID", "ALERT_ROLE_ID", "ESCALATION_ROLE_ID"), "1" * 18))

    assert settings.operator_role_id == settings.alert_role_id == settings.escalation_role_id == int("1" * 18)


EVERY = (*VARIABLES, *ENDPOINT_VARIABLES)


@given(name=st.sampled_from([variable.name for variable in EVERY]), noise=st.text(max_size=9), at=st.booleans())
def test_no_problem_echoes_a_value(name: str, noise: str, *, at: bool) -> None:
    """A secret may have been pasted into the wrong line."""
    secret = "canary://canary:canary@canary"

    shown = ""

    try:
        load(REQUIRED | {name: noise + secret if at else secret + noise})
    except SettingsError as error:
        shown = f"{error} {error!r} {error.__cause__}"

    assert "canary" not in shown


FORMS = sorted(form for variable in EVERY for form in variable.forms)
CANARY = "c4n4ry"
ANYTHING = st.text(st.characters(exclude_categories=()), max_size=20)
VALUES = st.one_of(
    ANYTHING,
    st.builds("{}{}{}".format, ANYTHING, st.just(CANARY), ANYTHING),
    st.sampled_from(
        [
            "postgres://",
            "sqlite:///",
            "https://",
            "http://[",
            "{",
            "1/3s",
            "20%,",
            "<@",
            "Bot ",
            "'",
            "/",
            "~",
            "POST /",
            "GET /{token}",
        ]
    ).flatmap(lambda start: st.builds("{}{}{}".format, st.just(start), st.sampled_from(["", CANARY]), ANYTHING)),
    st.sampled_from([variable.default or "1" for variable in VARIABLES]),
)


@given(st.dictionaries(st.sampled_from(FORMS), VALUES), st.dictionaries(st.sampled_from(FORMS), VALUES) | ANYTHING)
def test_any_environment_is_settings_or_a_list_of_problems_that_echoes_none_of_it(
    environ: dict[str, str], dotenv: dict[str, str] | str
) -> None:
    text = dotenv if isinstance(dotenv, str) else "\n".join(f"{name}={value}" for name, value in dotenv.items())
    with TemporaryDirectory() as folder:
        file = Path(folder) / ".env"
        file.write_bytes(text.encode(errors="surrogatepass"))
        try:
            settings = load(REQUIRED | environ, file)
        except SettingsError as error:
            shown = "".join(traceback.format_exception(error))
            assert error.problems  # noqa: PT017  # either outcome is right
        else:
            shown = "".join(
                map(repr, (settings.hints, settings.discord_token, settings.api_key, settings.database_url))
            )
    assert CANARY not in shown


def test_a_secret_may_be_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "token"
    file.write_bytes(b"abc.def.ghi\r\n")

    settings = load(REQUIRED | {"DISCORD_TOKEN": "", "DISCORD_TOKEN_FILE": str(file)})

    assert settings.discord_token.reveal() == "abc.def.ghi"


def test_a_secret_is_not_taken_from_two_places(tmp_path: Path) -> None:
    text = problems(DISCORD_TOKEN_FILE=str(tmp_path))

    assert text == "DISCORD_TOKEN and DISCORD_TOKEN_FILE are both set: keep one"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "names a file that cannot be read: No such file or directory"),
        (b"\xff\xfe", "names a file that cannot be read: it is not text in UTF-8"),
        (b"\n", "names a file that is empty"),
        (b"Bearer abc\n", ': leave out the word "Bearer" in front; the bot adds it'),
    ],
)
def test_a_file_of_a_secret_that_cannot_be_used_is_a_problem(
    tmp_path: Path, content: bytes | None, problem: str
) -> None:
    file = tmp_path / "key"
    if content is not None:
        file.write_bytes(content)

    text = problems(IMAGINEPRO_API_KEY="", IMAGINEPRO_API_KEY_FILE=str(file))

    assert text.removeprefix("IMAGINEPRO_API_KEY_FILE").lstrip() == problem
    assert str(file) not in text


def dotenv(folder: Path, text: str) -> Path:
    """Write a `.env` file."""
    file = folder / ".env"
    file.write_text(text, encoding="utf-8")
    return file


def test_the_real_environment_wins_over_the_file(tmp_path: Path) -> None:
    file = dotenv(tmp_path, "\ufeffPOLL_INTERVAL=5m\nexport LOG_LEVEL='debug'  # all of it\nALERT_ROLE_ID=\n\n# end\n")

    settings = load(REQUIRED | {"POLL_INTERVAL": "2m", "LOG_LEVEL": ""}, file)

    assert (settings.poll_interval, settings.log_level) == (timedelta(minutes=2), "debug")


def test_a_secret_of_the_real_environment_wins_over_the_file_in_any_form(tmp_path: Path) -> None:
    file = dotenv(tmp_path, "DISCORD_TOKEN_FILE=nowhere\n")

    assert load(REQUIRED, file).discord_token == Secret(REQUIRED["DISCORD_TOKEN"])


def test_a_dollar_in_the_file_is_a_dollar(tmp_path: Path) -> None:
    file = dotenv(tmp_path, "IMAGINEPRO_API_KEY=a${HOME}$b\n")

    assert load(REQUIRED | {"IMAGINEPRO_API_KEY": ""}, file).api_key.reveal() == "a${HOME}$b"


def test_the_file_need_not_exist(tmp_path: Path) -> None:
    assert load(REQUIRED, tmp_path / ".env") == load(REQUIRED)


def test_lines_of_the_file_that_say_nothing_are_problems_and_the_others_count(tmp_path: Path) -> None:
    file = dotenv(tmp_path, "LOG_LEVEL=debug\nMTE2-pasted-without-a-name\n'canary\nALERT_ROLE_ID=x\n")

    with pytest.raises(SettingsError) as caught:
        load(REQUIRED, file)

    assert caught.value.problems[:2] == (
        ".env, line 2: write NAME=value, and close what is quoted",
        ".env, line 3: write NAME=value, and close what is quoted",
    )
    assert caught.value.problems[2].startswith("ALERT_ROLE_ID: ")


def test_a_file_that_cannot_be_read_is_a_problem(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=f"{tmp_path} cannot be read: Is a directory"):
        load(REQUIRED, tmp_path)


def test_a_slip_of_the_pen_in_the_file_gets_a_hint(tmp_path: Path) -> None:
    file = dotenv(tmp_path, "DISCORD_TOKN=abc\npoll_interval=5m\nHOME_TOWN=Rome\nLOG_LEVELS=debug\nLOG_LEVEL=info\n")

    with pytest.raises(SettingsError) as caught:
        load(REQUIRED | {"DISCORD_TOKEN": ""}, file)

    assert caught.value.problems[1:] == (
        "DISCORD_TOKN is not a variable of this bot: is DISCORD_TOKEN meant?",
        "poll_interval is not a variable of this bot: is POLL_INTERVAL meant?",
    )


def test_a_slip_of_the_pen_alone_is_no_error(tmp_path: Path) -> None:
    settings = load(REQUIRED | {"POLL_INTERVL": "5m"}, dotenv(tmp_path, "ALERT_ROLE=5\n"))

    assert settings.hints == ("ALERT_ROLE is not a variable of this bot: is ALERT_ROLE_ID meant?",)


def test_a_host_that_wipes_its_disk_gets_a_hint_unless_the_database_is_elsewhere() -> None:
    (hint,) = load(REQUIRED | {"DYNO": "worker.1"}).hints
    assert "Heroku" in hint
    assert "DATABASE_URL" in hint
    assert load(REQUIRED | {"DYNO": "worker.1", "DATABASE_URL": "postgres://u:p@db.example/bot"}).hints == ()


def test_figures_that_anybody_may_read_get_a_hint() -> None:
    reachable = REQUIRED | {"PORT": "8080", "HOST": "0.0.0.0"}  # noqa: S104 - what hosts want
    (hint,) = load(reachable).hints
    assert "METRICS_TOKEN" in hint
    for quiet in ({"METRICS_TOKEN": "abcdefghijklmnop"}, {"HOST": "::1"}, {"PORT": ""}):
        assert load(reachable | quiet).hints == ()


def test_the_example_names_every_variable_with_its_meaning_and_default() -> None:
    """Required ones first and open, the others with their default, to be uncommented."""
    rows = [
        f"# {row.meaning}\n{row.name}=" if row.default is None else f"# {row.meaning}\n#{row.name}={row.default}"
        for row in VARIABLES
    ]

    _, *example, endpoints = (ROOT / ".env.example").read_text(encoding="utf-8").strip().split("\n\n")

    assert example == rows
    assert endpoints.splitlines()[1:] == [f"#{each.variable}=" for each in ENDPOINTS.values() if not each.path]


def test_the_example_with_its_four_values_filled_in_loads(tmp_path: Path) -> None:
    text = (ROOT / ".env.example").read_text(encoding="utf-8")
    for name, value in REQUIRED.items():
        text = text.replace(f"\n{name}=\n", f"\n{name}={value}\n")

    text = text.replace("\n#OPS_CHANNEL_ID=\n", f"\nOPS_CHANNEL_ID={REQUIRED['OPS_CHANNEL_ID']}\n")
    assert load({}, dotenv(tmp_path, text)) == load(REQUIRED)


def test_the_example_with_everything_uncommented_loads_to_the_same(tmp_path: Path) -> None:
    text = re.sub(r"^#(?=[A-Z])", "", (ROOT / ".env.example").read_text(encoding="utf-8"), flags=re.MULTILINE)

    loaded = load(REQUIRED, dotenv(tmp_path, text))
    assert replace(loaded, given=frozenset(REQUIRED)) == load(REQUIRED)


SECRET = Secret("canary")


@pytest.mark.parametrize(
    "shown", [repr(SECRET), str(SECRET), f"{SECRET}", f"{SECRET!r:>20}", repr([SECRET]), ascii(SECRET)]
)
def test_a_secret_shows_nothing(shown: str) -> None:
    assert "Secret(...)" in shown
    assert "canary" not in shown


@pytest.mark.parametrize("leak", [pickle.dumps, copy.copy, copy.deepcopy, json.dumps, "{:>20}".format, vars, bytes])
def test_a_secret_is_not_handed_on(leak: object) -> None:
    assert callable(leak)
    with pytest.raises(TypeError) as caught:
        leak(SECRET)

    assert "canary" not in str(caught.value)


def test_settings_show_no_secret_and_are_not_taken_apart() -> None:
    settings = load(REQUIRED)

    assert "canary" not in f"{settings} {settings!r}"
    for take_apart in (copy.deepcopy, pickle.dumps, msgspec.to_builtins, msgspec.json.encode):
        with pytest.raises(TypeError) as caught:
            take_apart(settings)
        assert "canary" not in str(caught.value)


def test_secrets_are_equal_by_value_only_to_secrets() -> None:
    assert Secret("a") == Secret("a")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"


def test_the_settings_know_every_text_that_must_not_leave_the_process() -> None:
    url = "postgres://bot:p%40ss@db.example/x"

    assert load(REQUIRED).secrets == (REQUIRED["DISCORD_TOKEN"], REQUIRED["IMAGINEPRO_API_KEY"])
    more = {
        "FALLBACK_WEBHOOK_URL": "https://ntfy.example/ops",
        "HEARTBEAT_URL": "https://hc-ping.example/x",
        "METRICS_TOKEN": "abcdefghijklmnop",
    }
    assert load(REQUIRED | more).secrets[2:] == tuple(more.values())
    assert load(REQUIRED | {"DATABASE_URL": url}).secrets[2:] == (url, "p%40ss", "p@ss")


PROXY = "http://proxy.example:3128"


@pytest.mark.parametrize(
    ("settings", "url", "proxy"),
    [
        ({}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY}, "https://discord.com/api", PROXY),
        ({"https_proxy": PROXY}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": "http://other:1", "https_proxy": PROXY}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": PROXY, "https_proxy": ""}, "https://discord.com", None),
        ({"HTTPS_PROXY": "proxy.example:3128"}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": "https://u:p%40@proxy.example/"}, "https://a.example", "https://u:p%40@proxy.example/"),
        ({"HTTP_PROXY": PROXY}, "https://discord.com", None),
        ({"HTTP_PROXY": PROXY}, "http://hooks.example", PROXY),
        ({"ALL_PROXY": PROXY}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com"}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "no_proxy": "other.example, .Discord.com"}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com"}, "https://gateway.discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "iscord.com,,"}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com:8443"}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com:443"}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": " * "}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "other.example discord.com"}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*.discord.com"}, "https://gateway.discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com."}, "https://discord.com", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "discord.com"}, "https://discord.com.", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "*.,.,*iscord.com"}, "https://discord.com", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/8"}, "https://10.1.2.3:8443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "10.0.0.0/33,10.0.0.0/8"}, "https://11.1.2.3", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "fd00::/8"}, "https://[fd00::1]", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "[fd00::1]"}, "https://[fd00::1]:8443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "[fd00::1]:8443"}, "https://[fd00::1]:8443", None),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": "[fd00::1]:443"}, "https://[fd00::1]:8443", PROXY),
        ({"HTTPS_PROXY": PROXY, "NO_PROXY": ""}, "https://discord.com", PROXY),
        ({"HTTP_PROXY": PROXY}, "http://127.0.0.1:8000", None),
        ({"HTTP_PROXY": PROXY}, "http://localhost:8000", None),
        ({"HTTP_PROXY": PROXY}, "http://[::1]:8000", None),
        ({"HTTP_PROXY": PROXY}, "http://ntfy/ops", None),
        ({"HTTP_PROXY": PROXY}, "http://10.0.0.5:8000", None),
        ({"HTTP_PROXY": "http://10.0.0.1:3128"}, "http://ntfy.local", None),
        ({"HTTPS_PROXY": PROXY}, "https://10.0.0.5", PROXY),
        ({"HTTP_PROXY": "http://localhost:1055"}, "http://ntfy/ops", "http://localhost:1055"),
        ({"HTTP_PROXY": "http://localhost:3128"}, "http://127.0.0.1:8000", "http://localhost:3128"),
        ({"HTTP_PROXY": "http://localhost:3128", "NO_PROXY": "127.0.0.1,::1"}, "http://127.0.0.1:8000", None),
        ({"HTTP_PROXY": "http://localhost:3128", "NO_PROXY": "127.0.0.1,::1"}, "http://[::1]:8000", None),
        ({"HTTPS_PROXY": PROXY}, "wss://gateway.discord.gg", None),
    ],
)
def test_an_address_is_reached_by_the_proxy_that_other_programs_would_take(
    settings: dict[str, str], url: str, proxy: str | None
) -> None:
    assert load(REQUIRED | settings).proxy_for(url) == proxy


def test_a_proxy_may_be_written_in_the_file_and_the_real_environment_wins(tmp_path: Path) -> None:
    dotenv = tmp_path / ".env"
    dotenv.write_text("https_proxy=http://written:1\nNO_PROXY=a.example\n")
    settings = load(REQUIRED, dotenv)
    assert settings.proxy_for("https://discord.com") == "http://written:1"
    assert settings.hints == ()
    assert load(REQUIRED | {"HTTPS_PROXY": PROXY}, dotenv).proxy_for("https://discord.com") == PROXY


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("socks5://u:s3cr3tpassword@proxy.example:1080", "SOCKS"),
        ("ftp://proxy.example", "SOCKS"),
        ("http://", "SOCKS"),
        ("http://u:s3cr3t@password@proxy.example:1", "percent-encoded"),
        ("http://u:s3cr3t/password@proxy.example:1", "percent-encode"),
        ("http://proxy.example:1/#s3cr3t", "percent-encode"),
        ("http://proxy.example:s3cr3t", "not a URL"),
        ("http://proxy example", "not a URL"),
    ],
)
@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy"])
def test_a_proxy_that_cannot_be_used_is_refused_and_not_shown(name: str, text: str, words: str) -> None:
    problem = problems(**{name: text})
    assert problem.startswith("HTTPS_PROXY: " if name == "HTTPS_PROXY" else "HTTP_PROXY: ")
    assert words in problem
    assert "s3cr3t" not in problem


def test_the_password_of_a_proxy_is_a_secret() -> None:
    settings = load(REQUIRED | {"HTTPS_PROXY": "http://u:pw%40first@a:1", "http_proxy": "http://u:second-pw@b:1"})
    assert {"pw%40first", "pw@first", "second-pw"} <= set(settings.secrets)
    assert "first" not in repr(settings)
    assert "its-key" in load(REQUIRED | {"HTTPS_PROXY": "http://its-key:@a:1"}).secrets
    assert load(REQUIRED | {"HTTPS_PROXY": PROXY}).secrets == load(REQUIRED).secrets


def endpoint(name: str, text: str) -> Endpoint:
    """The endpoint of that name where this is said of it."""
    return load(REQUIRED | {f"IMAGINEPRO_ENDPOINT_{name}": text}).endpoints[name]


@pytest.mark.parametrize(
    ("name", "text", "method", "path", "body"),
    [
        ("QUEUE_PAUSE", "POST /api/v1/queue/pause", "POST", "/api/v1/queue/pause", ""),
        ("QUEUE_PAUSE", "  put   /q?on=0 ", "PUT", "/q?on=0", ""),
        ("QUEUE_STATUS", "GET /q/{token}", "GET", "/q/{token}", ""),
        ("QUEUE_STATUS", 'POST /q {"id": "{token}"}', "POST", "/q", '{"id": "{token}"}'),
        ("TOGGLE", "PATCH /t/{token}", "PATCH", "/t/{token}", '{"isActive": "{active}"}'),
        ("TOGGLE", 'POST /t {"id": "{token}", "on": "{active}"}', "POST", "/t", '{"id": "{token}", "on": "{active}"}'),
        ("BANWORDS_UPDATE", 'PUT /b {"w": ["{add}", "{remove}"]}', "PUT", "/b", '{"w": ["{add}", "{remove}"]}'),
        ("COMMANDS", "POST /c", "POST", "/c", ENDPOINTS["COMMANDS"].body),
    ],
)
def test_an_endpoint_is_where_the_operator_says(name: str, text: str, method: str, path: str, body: str) -> None:
    found = endpoint(name, text)
    assert (found.method, found.paths, found.body) == (method, (path,), body)
    assert found.state == "set by you"
    assert found.changes is ENDPOINTS[name].changes
    assert load(REQUIRED).endpoints == ENDPOINTS


def test_the_whole_list_of_ban_words_can_be_sent_by_who_can_read_it() -> None:
    update = {"IMAGINEPRO_ENDPOINT_BANWORDS_UPDATE": 'PUT /b {"w": "{words}"}'}
    assert problems(**update).endswith("which is read first: set IMAGINEPRO_ENDPOINT_BANWORDS as well")
    found = load(REQUIRED | update | {"IMAGINEPRO_ENDPOINT_BANWORDS": "GET /b"}).endpoints["BANWORDS_UPDATE"]
    assert found.body == '{"w": "{words}"}'


@pytest.mark.parametrize(
    ("limit", "interval", "warned"),
    [
        ("1/3s", "60s", False),
        ("1/3s", "5s", True),
        ("1/60s", "60s", True),
        ("1/20s", "1h", True),
        ("1/15s", "30s", False),
    ],
)
def test_a_limit_under_which_people_find_no_turn_is_hinted_at(limit: str, interval: str, *, warned: bool) -> None:
    settings = load(REQUIRED | {"IMAGINEPRO_RATE_LIMIT": limit, "POLL_INTERVAL": interval})
    assert [each.partition(" ")[0] for each in settings.hints] == ["IMAGINEPRO_RATE_LIMIT"] * warned
    assert timedelta(seconds=PATIENCE) == LONGEST_TURN


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("QUEUE_PAUSE", "/api/v1/queue/pause", "write a method and a path, such as POST /api/v1/..."),
        ("QUEUE_PAUSE", "POST", "write a method and a path"),
        ("QUEUE_PAUSE", "SEND /q", "write a method and a path"),
        ("QUEUE_PAUSE", "POST https://api.imaginepro.ai/q", "leave out the host"),
        ("QUEUE_PAUSE", "POST api/v1/q", "the whole path: it begins with /"),
        ("QUEUE_PAUSE", "POST /api/../q", "the whole path: it begins with /"),
        ("QUEUE_PAUSE", "POST /q#now", "the whole path: it begins with /"),
        ("QUEUE_PAUSE", "POST /q/{id}", "only {token} can be filled in"),
        ("QUEUE_PAUSE", "POST /q/{token", "only {token} can be filled in"),
        ("BANWORDS", "GET /q/{token}", "nothing is filled in here"),
        ("QUEUE_PAUSE", 'POST /q {"id": "{id}"}', "only {token} can be filled in"),
        ("QUEUE_PAUSE", "POST /q pause", "is not JSON that can be sent"),
        ("QUEUE_PAUSE", "POST /q [1]", "is not JSON that can be sent"),
        ("BANWORDS", 'GET /q {"all": true}', "leave out what follows the path"),
        ("TOKEN", "GET /t", "write {token} where the token's id goes"),
        ("TRACE", "GET /t/{token}", "only {job} can be filled in"),
        ("TRACE", "GET /t", "write {job} where the job's id goes"),
        ("TOGGLE", 'POST /t/{token} {"on": true}', "write {active} where the choice of true or false goes"),
        ("TOGGLE", "GET /t/{token}", "a GET sends nothing, and this call has to: write PUT"),
        ("TOGGLE", "PUT /t/{token}/{active}", 'write "{active}" in the JSON behind the path'),
        ("TOGGLE", 'PUT /t/{token} {"is": "now {active}"}', "with nothing else in its quotes"),
        ("BANWORDS_UPDATE", "POST /b?add={add}&remove={remove}", 'write "{add}" in the JSON behind the path'),
        ("BANWORDS_UPDATE", 'POST /b {"{words}": 1, "words": ["{words}"]}', "with nothing else in its quotes"),
        ("QUEUE_PAUSE", "POST /api/v1/...", "write the whole path"),
        ("QUEUE_PAUSE", "POST /q/:id", "in braces, such as {token}"),
        ("QUEUE_PAUSE", "POST /q/<id>", "in braces, such as {token}"),
        ("QUEUE_PAUSE", '"POST /q"', "leave out the quotes"),
        ("QUEUE_PAUSE", "POST /q?key=sk-abcdefgh", "leave out the key"),
        ("QUEUE_PAUSE", "POST /q " + '{"a":' * 2000, "is not JSON that can be sent"),
        ("QUEUE_PAUSE", 'POST /q {"id": {token}}', 'such as {"token": "{token}"}'),
        ("BANWORDS_UPDATE", "POST /b", "write behind the path what is sent"),
        ("BANWORDS_UPDATE", 'POST /b {"words": "{add}"}', "write behind the path what is sent"),
    ],
)
def test_where_no_endpoint_can_be_has_a_sentence_that_says_how_to_mend_it(name: str, text: str, words: str) -> None:
    shown = problems(**{f"IMAGINEPRO_ENDPOINT_{name}": text})
    assert shown.startswith(f"IMAGINEPRO_ENDPOINT_{name}: ")
    assert words in shown


def test_the_field_that_names_a_token_is_a_setting() -> None:
    set_ = REQUIRED | {"IMAGINEPRO_TOKEN_FIELD": "discordTokenId"}
    assert json.loads(load(set_).endpoints["COMMANDS"].body) == {"cmd": "{command}", "discordTokenId": "{token}"}
    moved = load(set_ | {"IMAGINEPRO_ENDPOINT_COMMANDS": "POST /c"}).endpoints["COMMANDS"]
    assert json.loads(moved.body) == {"cmd": "{command}", "discordTokenId": "{token}"}
    own = load(set_ | {"IMAGINEPRO_ENDPOINT_COMMANDS": 'POST /c {"c": "{command}", "t": "{token}"}'})
    assert json.loads(own.endpoints["COMMANDS"].body) == {"c": "{command}", "t": "{token}"}
    for text in ("cmd", "token id", "'id'", "{token}"):
        assert "write the name of a field" in problems(IMAGINEPRO_TOKEN_FIELD=text)


def test_an_endpoint_of_no_such_name_is_asked_after_wherever_it_is_written(tmp_path: Path) -> None:
    (near,) = load(REQUIRED | {"IMAGINEPRO_ENDPOINT_QUEUE_PAUS": "POST /q"}).hints
    (far,) = load(REQUIRED, dotenv(tmp_path, "IMAGINEPRO_ENDPOINT_X=GET /x")).hints
    assert (
        near
        == "IMAGINEPRO_ENDPOINT_QUEUE_PAUS is not a variable of this bot: is IMAGINEPRO_ENDPOINT_QUEUE_PAUSE meant?"
    )
    assert far.startswith("IMAGINEPRO_ENDPOINT_X is not a variable of this bot")
