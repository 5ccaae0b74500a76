"""The environment, read once and strictly: frozen settings, or one error that lists everything that is wrong with it.

`VARIABLES` is the specification; parsing, `.env.example` and `docs/settings.md` follow it. No message echoes a value,
since a secret may have been pasted into the wrong line.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import Any, NoReturn
from urllib.parse import SplitResult, unquote, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.info import duration, threshold
from bot.domain.model import Threshold
from bot.domain.value import Value, replace


class SettingsError(Exception):
    """The environment cannot be used. Its text has a line for each problem, with the variable and how to mend it."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        super().__init__("\n".join(problems))
        self.problems = problems


class Secret:
    """A text that shows itself only when asked by name, and that cannot be pickled or copied by accident."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Give the secret itself."""
        return self._value

    def __repr__(self) -> str:
        return "Secret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._value == other._value

    def __hash__(self) -> int:
        return hash(self._value)

    def __reduce__(self) -> NoReturn:
        message = "a secret is neither pickled nor copied"
        raise TypeError(message)


class Settings(Value):
    """What the environment says. Each field is a row of `VARIABLES`, but for the last."""

    discord_token: Secret
    guild_id: int
    ops_channel_id: int
    api_key: Secret
    api_url: str
    """Without a slash at its end."""
    rate_limit: tuple[int, timedelta]
    """So many calls in so much time."""
    poll_interval: timedelta
    thresholds: tuple[Threshold, ...]
    database_url: Secret
    """As given, since it may hold a password; the storage knows how to read it."""
    operator_role_id: int | None
    alert_role_id: int | None
    escalation_role_id: int | None
    runbook_url: str | None
    """A template in which `{rule}` and `{token}` are filled in."""
    fallback_webhook_url: Secret | None
    timezone: str
    """IANA name."""
    log_level: str
    log_format: str
    port: int | None
    """0 for any free one; None for no server at all."""
    host: str
    """An address or a name of this machine."""
    metrics_token: Secret | None
    watchdog: bool
    hints: tuple[str, ...] = ()
    """What looks like a slip of the pen, or like a trap; worth a warning in the log."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not leave the process; what a redaction wants to know."""
        url = self.database_url.reveal()
        password = urlsplit(url).password
        optional = (self.fallback_webhook_url, self.metrics_token)
        known = (self.discord_token.reveal(), self.api_key.reveal(), *(each.reveal() for each in optional if each))
        return known if password is None else (*known, url, password, unquote(password))


class Variable(Value):
    """One variable of the environment."""

    name: str
    field: str
    """Its field in `Settings`."""
    parse: Callable[[str], object]
    """Raises ValueError with a sentence that says how to mend it, and that does not hold the value."""
    meaning: str
    default: str | None = None
    """As it would be written; None for a variable that is required, empty for one that may be left out."""
    secret: bool = False
    """Whether `NAME_FILE` may name a file that holds it."""

    @property
    def forms(self) -> tuple[str, ...]:
        """The names under which it may be set."""
        return (self.name, f"{self.name}_FILE") if self.secret else (self.name,)


def load(environ: Mapping[str, str], dotenv: Path | None = None) -> Settings:
    """Read the settings from the environment and, for what it leaves out, from a `.env` file.

    Args:
        environ: The real environment; it wins. An empty value counts as none.
        dotenv: The `.env` file; it need not exist.

    Raises:
        SettingsError: with every problem at once.
    """
    written, problems = _written(dotenv)
    values: dict[str, Any] = {}  # typed as `Settings` from here on
    for variable in VARIABLES:
        try:
            values[variable.field] = _value(variable, (environ, written))
        except SettingsError as error:
            problems += error.problems
    problems += _contradictions(values)
    hints = tuple(_hints(written, environ))
    if problems:
        raise SettingsError((*problems, *hints))
    settings = Settings(**values, hints=hints)
    return replace(settings, hints=(*hints, *_forgetful(settings, environ), *_open(settings)))


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """Find what is wrong only together, among the values that are right each by itself."""
    if "rate_limit" in values and "poll_interval" in values:
        calls, period = values["rate_limit"]
        if values["poll_interval"] < period / calls:
            yield "POLL_INTERVAL is shorter than IMAGINEPRO_RATE_LIMIT allows: make the one longer, or raise the other"


FORGETFUL = {"DYNO": "Heroku", "RENDER": "Render"}
"""Hosts that wipe the disk at each restart, by a variable that they set (their documentation says so)."""


def _forgetful(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Warn of a database that would be gone after the next restart."""
    for name, host in FORGETFUL.items():
        if environ.get(name) and settings.database_url.reveal().startswith("sqlite"):
            yield f"{host} wipes the disk at each restart: set DATABASE_URL to a PostgreSQL, or all is forgotten"


def _open(settings: Settings) -> Iterator[str]:
    """Warn of figures that anybody who reaches this machine may read."""
    if settings.port is not None and settings.metrics_token is None and not _is_loopback(settings.host):
        yield "HOST lets others reach /metrics, which names your tokens: set METRICS_TOKEN, or keep the network from it"


def _written(dotenv: Path | None) -> tuple[dict[str, str], list[str]]:
    """Read what `.env` says, and what is wrong with it."""
    if dotenv is None:
        return {}, []
    try:
        with dotenv.open(encoding="utf-8-sig") as stream:
            from dotenv.parser import parse_stream  # noqa: PLC0415 - most hosts have no such file

            lines = list(parse_stream(stream))
    except FileNotFoundError:
        return {}, []
    except (OSError, ValueError) as error:
        return {}, [f"{dotenv.name} cannot be read: {_reason(error)}"]
    values = {line.key: line.value for line in lines if line.key and line.value}
    broken = [line.original.line for line in lines if line.error or (line.key and line.value is None)]
    return values, [f"{dotenv.name}, line {number}: write NAME=value" for number in broken]


def _value(variable: Variable, sources: tuple[Mapping[str, str], ...]) -> object:
    """Parse the variable's text of the first source that has it in any form."""
    for source in sources:
        forms = [form for form in variable.forms if source.get(form, "").strip()]
        if len(forms) > 1:
            raise SettingsError((f"{' and '.join(forms)} are both set: keep one",))
        if forms:
            form = forms[0]
            text = source[form].strip() if form == variable.name else _content(form, source[form].strip())
            return _parsed(variable, form, text)
    if variable.default is None:
        raise SettingsError((f"{variable.name} is missing: {variable.meaning}",))
    return _parsed(variable, variable.name, variable.default) if variable.default else None


def _content(form: str, path: str) -> str:
    try:
        text = Path(path).read_text(encoding="utf-8").rstrip("\r\n")
    except (OSError, ValueError) as error:
        raise SettingsError((f"{form} names a file that cannot be read: {_reason(error)}",)) from None
    if not text.strip():
        raise SettingsError((f"{form} names a file that is empty",))
    return text


def _reason(error: OSError | ValueError) -> str:
    """Say why a file cannot be read; without its name, as a secret may stand where its file's name belongs."""
    return (error.strerror or "unknown reason") if isinstance(error, OSError) else "it is not text in UTF-8"


def _parsed(variable: Variable, form: str, text: str) -> object:
    try:
        return variable.parse(text)
    except ValueError as error:
        raise SettingsError((f"{form}: {error}",)) from None


def _hints(written: Mapping[str, str], environ: Mapping[str, str]) -> Iterator[str]:
    """Find names in `.env` that are nearly ours, where ours is not set. The real environment is not ours to judge."""
    ours = {form for variable in VARIABLES for form in variable.forms}
    missing = sorted(form for form in ours if not (environ.get(form) or written.get(form)))
    for name in sorted(set(written) - ours):
        from difflib import get_close_matches  # noqa: PLC0415 - most never get here

        for near in get_close_matches(name.upper(), missing, n=1, cutoff=0.85):
            yield f"{name} is not a variable of this bot: is {near} meant?"


SHORTEST = 16
"""Characters of a secret that nobody guesses."""


def _credential(scheme: str) -> Callable[[str], Secret]:
    def parse(text: str) -> Secret:
        if text[0] in "'\"" or text[-1] in "'\"":
            _mend("leave out the quotes; they would become part of it")
        if text.lower().startswith(f"{scheme.lower()} "):
            _mend(f'leave out the word "{scheme}" in front; the bot adds it')
        if not re.fullmatch(r"[!-~]+", text):
            _mend("has blanks or characters that such a key never has; copy it anew")
        return Secret(text)

    return parse


def _chosen(text: str) -> Secret:
    """A secret of the operator's own making. A word of three letters keeps nobody out, and is all over the log."""
    secret = _credential("Bearer")(text)
    if len(text) < SHORTEST:
        _mend(f"is shorter than {SHORTEST} characters; take a long random one, as `openssl rand -hex 24` makes")
    return secret


def _snowflake(text: str) -> int:
    if text.startswith("<"):
        _mend("is a mention; write only the digits in it")
    if not re.fullmatch(r"[0-9]{1,19}", text) or not 0 < int(text) < 2**63:
        _mend("is not an id of Discord; switch on developer mode in Discord, right-click it and choose Copy ID")
    return int(text)


def _url(text: str) -> str:
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write a URL such as https://api.imaginepro.ai")
    if "@" in parts.netloc:
        _mend("leave out user and password; the key has its own variable")
    if "?" in text or "#" in text:
        _mend("leave out what follows ? or #")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        _mend("write https; plain http would show the key to the network, and is for this machine only")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _template(text: str) -> str:
    parts = _split(text.replace("{rule}", "rule").replace("{token}", "token"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write a URL such as https://wiki.example.com/{rule}")
    if "{" in parts.geturl() or "}" in parts.geturl():
        _mend("only {rule} and {token} are filled in; percent-encode other braces")
    return text


def _webhook(text: str) -> Secret:
    parts = _split(text)
    if parts.scheme != "https" and not (parts.scheme == "http" and parts.hostname and _is_loopback(parts.hostname)):
        _mend("write an https URL")
    if not parts.hostname:
        _mend("write an https URL with a host")
    return Secret(text)


def _port(text: str) -> int:
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) >= 2**16:
        _mend("write a number up to 65535, such as 8080; 0 for any free one")
    return int(text)


def _host(text: str) -> str:
    try:
        return str(ip_address(text))
    except ValueError:
        if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*", text):
            _mend("write an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
        return text


def _zone(text: str) -> str:
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        _mend("is not a time zone; write its name in the IANA database, such as Europe/Berlin or UTC")


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _split(text: str) -> SplitResult:
    """Split a URL. The standard library's own errors quote the text, and it drops line breaks in silence."""
    if not re.fullmatch(r"[!-~]+", text):
        _mend("is not a URL: it has blanks or other characters that must be percent-encoded")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        _mend("is not a URL: percent-encode / # @ and the like in user and password, and look at host and port")
    return parts


def _database_url(text: str) -> Secret:
    if text.startswith("sqlite:"):
        if not re.fullmatch(r"sqlite:///[^?#]+", text):
            _mend("write a file after three slashes, such as sqlite:///data/bot.db; a path from the root has four")
        return Secret(text)
    parts = _split(text)
    if text.partition("://")[0].removesuffix("+asyncpg") not in {"postgres", "postgresql"}:
        _mend("write sqlite:///data/bot.db, or postgresql://user:password@host:5432/name")
    if "#" in text or "@" in parts.path + parts.query:
        _mend("percent-encode / ? # @ in user and password (%2F, %3F, %23, %40)")
    return Secret(text)


def _rate_limit(text: str) -> tuple[int, timedelta]:
    match = re.fullmatch(r"([0-9]{1,6})/(.+)", text)
    if match is None:
        _mend("write calls per time, such as 1/3s or 10/1m")
    calls, period = int(match[1]), duration(match[2])
    if not calls or not period:
        _mend("both numbers lie above zero, as in 1/3s")
    return calls, period


def _poll_interval(text: str) -> timedelta:
    interval = duration(text)
    if interval < timedelta(seconds=1):
        _mend("must be at least 1s")
    return interval


def _thresholds(text: str) -> tuple[Threshold, ...]:
    steps = tuple(map(threshold, text.split(",")))
    if len({(step.percent, step.minutes) for step in steps}) < len(steps):
        _mend("names the same level twice")
    return steps


def _choice(*words: str) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if text.lower() not in words:
            _mend(f"write one of {', '.join(words)}")
        return text.lower()

    return parse


def _switch(text: str) -> bool:
    return _choice("true", "false")(text) == "true"


def _mend(sentence: str) -> NoReturn:
    raise ValueError(sentence)


VARIABLES = (
    Variable(
        "DISCORD_TOKEN",
        "discord_token",
        _credential("Bot"),
        "the bot's own token, from the Bot page of your application in Discord's developer portal",
        secret=True,
    ),
    Variable(
        "DISCORD_GUILD_ID",
        "guild_id",
        _snowflake,
        "the server in which the commands are registered and accepted",
    ),
    Variable(
        "OPS_CHANNEL_ID",
        "ops_channel_id",
        _snowflake,
        "the channel where alerts go",
    ),
    Variable(
        "IMAGINEPRO_API_KEY",
        "api_key",
        _credential("Bearer"),
        "the key of your ImaginePro account",
        secret=True,
    ),
    Variable(
        "IMAGINEPRO_API_URL",
        "api_url",
        _url,
        "where ImaginePro's API is",
        "https://api.imaginepro.ai",
    ),
    Variable(
        "IMAGINEPRO_RATE_LIMIT",
        "rate_limit",
        _rate_limit,
        "calls to ImaginePro per time, over all calls",
        "1/3s",
    ),
    Variable(
        "POLL_INTERVAL",
        "poll_interval",
        _poll_interval,
        "how often the accounts are read; at least 1s, and no shorter than the rate limit allows",
        "60s",
    ),
    Variable(
        "FAST_TIME_THRESHOLD",
        "thresholds",
        _thresholds,
        "levels of fast time under which to warn, each its own step: percentages or times, as in 15%,30m,2h",
        "20%,5%",
    ),
    Variable(
        "DATABASE_URL",
        "database_url",
        _database_url,
        "where the bot remembers: a SQLite file, or a PostgreSQL URL as your host hands it out",
        "sqlite:///data/bot.db",
        secret=True,
    ),
    Variable(
        "OPERATOR_ROLE_ID",
        "operator_role_id",
        _snowflake,
        "the role that may use the bot; without it, whoever may manage the server",
        "",
    ),
    Variable(
        "ALERT_ROLE_ID",
        "alert_role_id",
        _snowflake,
        "the role that critical alerts mention; without it, nobody is mentioned",
        "",
    ),
    Variable(
        "ESCALATION_ROLE_ID",
        "escalation_role_id",
        _snowflake,
        "the role that is mentioned, too, from the second reminder of a critical alert on",
        "",
    ),
    Variable(
        "RUNBOOK_URL",
        "runbook_url",
        _template,
        "where alerts link to for what to do; `{rule}` and `{token}` in it are filled in",
        "",
    ),
    Variable(
        "FALLBACK_WEBHOOK_URL",
        "fallback_webhook_url",
        _webhook,
        "an HTTPS address that is told when the bot may not speak in the ops channel",
        "",
        secret=True,
    ),
    Variable(
        "TIMEZONE",
        "timezone",
        _zone,
        "the time zone in which maintenance windows are written, as in Europe/Berlin",
        "UTC",
    ),
    Variable(
        "LOG_LEVEL",
        "log_level",
        _choice("debug", "info", "warning", "error"),
        "how much is logged: debug, info, warning or error",
        "info",
    ),
    Variable(
        "LOG_FORMAT",
        "log_format",
        _choice("text", "json"),
        "how it is logged: text, or json for log drains",
        "text",
    ),
    Variable(
        "PORT",
        "port",
        _port,
        "where `/health` and `/metrics` are served; without it, nowhere",
        "",
    ),
    Variable(
        "HOST",
        "host",
        _host,
        "from where they can be reached: 127.0.0.1 is this machine alone, 0.0.0.0 everywhere",
        "127.0.0.1",
    ),
    Variable(
        "METRICS_TOKEN",
        "metrics_token",
        _chosen,
        "what whoever reads `/metrics` must send as a bearer token: 16 characters or more",
        "",
        secret=True,
    ),
    Variable(
        "WATCHDOG",
        "watchdog",
        _switch,
        "true: the bot ends itself when it is stuck, so that the host starts it again",
        "false",
    ),
)
"""Every variable, required ones first."""
