"""The environment, read once and strictly: frozen settings, or one error that lists all that is wrong with it."""

import re
from collections.abc import Iterator, Mapping
from datetime import time, timedelta
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from bot.domain.model import Threshold
from bot.domain.value import Value, replace
from bot.imaginepro.endpoints import ENDPOINTS, PREFIX, Endpoint, named, naming
from bot.settings.values import Secret, is_loopback, is_private
from bot.settings.variables import ENDPOINT_VARIABLES, VARIABLES, Variable
from bot.storage.address import Server, parsed

LONGEST_TURN = timedelta(seconds=15)
"""How long a call waits at most for its turn where a person waits for it: `PATIENCE` in `bot.imaginepro.http`."""


class SettingsError(Exception):
    """The environment cannot be used. Its text has a line for each problem, with the variable and how to mend it."""

    def __init__(self, problems: tuple[str, ...], known: Mapping[str, Any] | None = None) -> None:
        """`known` are the fields of `Settings` that could be read all the same."""
        super().__init__("\n".join(problems))
        self.problems = problems
        self.known = known or {}

    @property
    def secrets(self) -> tuple[str, ...]:
        """What is known and must not leave the process."""
        return tuple(each.reveal() for each in self.known.values() if isinstance(each, Secret))


class Settings(Value):
    """What the environment says. Each field is a row of `VARIABLES`, but for the last three."""

    discord_token: Secret
    guild_id: int
    api_key: Secret
    ops_channel_id: int | None
    """None before somebody named one: alerts wait."""
    api_url: str
    """Without a slash at its end."""
    rate_limit: tuple[int, timedelta]
    """So many calls in so much time."""
    token_field: str
    """In which field a command names its token; `endpoints` has it already."""
    poll_interval: timedelta
    thresholds: tuple[Threshold, ...]
    database_url: Secret
    """As given, since it may hold a password; the storage knows how to read it."""
    history_raw: timedelta
    """How long each change is kept."""
    history_hourly: timedelta
    """How long one reading an hour is kept."""
    operator_role_id: int | None
    viewer_role_id: int | None
    alert_role_id: int | None
    escalation_role_id: int | None
    runbook_url: str | None
    """A template in which `{rule}` and `{token}` are filled in."""
    refresh_cooldown: timedelta
    """How long nobody can refresh a token again."""
    fallback_webhook_url: Secret | None
    heartbeat_url: Secret | None
    timezone: str
    """IANA name."""
    digest_at: time | None
    """On the clock of that zone; None for no digest."""
    https_proxy: Secret | None
    http_proxy: Secret | None
    no_proxy: str | None
    """See `proxy_for`."""
    log_level: str
    log_format: str
    port: int | None
    """0 for any free one; None for no server at all."""
    host: str
    """An address or a name of this machine."""
    metrics_token: Secret | None
    metrics_names: bool
    read_only: bool
    """Whether nobody may change anything at ImaginePro, the bot itself included."""
    watchdog: bool
    endpoints: Mapping[str, Endpoint] = ENDPOINTS
    """Where ImaginePro's endpoints are, by name: as published, or as the operator says."""
    hints: tuple[str, ...] = ()
    """What looks like a slip of the pen, or like a trap; worth a warning in the log."""
    given: frozenset[str] = frozenset()
    """The names of the variables that were set, so that nothing that is set in chat counts for them."""

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not leave the process; what a redaction wants to know."""
        address = parsed(self.database_url.reveal())
        optional = (self.fallback_webhook_url, self.heartbeat_url, self.metrics_token)
        known = (self.discord_token.reveal(), self.api_key.reveal(), *(each.reveal() for each in optional if each))
        database = address.secrets if isinstance(address, Server) else ()
        return (*known, *database, *self._proxy_secrets)

    @property
    def _proxy_secrets(self) -> Iterator[str]:
        for proxy in filter(None, (self.https_proxy, self.http_proxy)):
            parts = urlsplit(proxy.reveal())
            if word := parts.password or parts.username:  # some services take a key in the user's place
                yield from (proxy.reveal(), word, unquote(word))

    def proxy_for(self, url: str) -> str | None:
        """The proxy by which an address is reached; None for the direct way.

        As urllib decides it, and with it most programs in Python. But what is on this machine is told to no proxy that
        is elsewhere, and so is whatever is reached by plain http: that is only taken for private hosts, since it shows
        a secret to whoever passes it on, and no proxy elsewhere knows them.
        """
        return proxy_for(url, {"http": self.http_proxy, "https": self.https_proxy}, self.no_proxy)


def proxy_for(url: str, proxies: Mapping[str, Secret | None], no_proxy: str | None) -> str | None:
    """As `Settings.proxy_for`, with the proxies by scheme."""
    parts = urlsplit(url)
    proxy = proxies.get(parts.scheme)
    host = parts.hostname or ""
    if proxy is None or _is_below(host, parts.port or _PORTS[parts.scheme], no_proxy or ""):
        return None
    elsewhere = not is_loopback(urlsplit(proxy.reveal()).hostname or "")
    return (
        None if elsewhere and (is_loopback(host) or (parts.scheme == "http" and is_private(host))) else proxy.reveal()
    )


_PORTS = {"http": 80, "https": 443}


def _is_below(host: str, port: int, names: str) -> bool:
    """Whether one of these names is the host's, or that of a domain or network in which it is.

    Programs do not agree on how they are written, and one variable serves them all: commas or blanks between them,
    `.example.com` or `*.example.com`, IPv6 with brackets or without, `10.0.0.0/8`.
    """
    host = host.rstrip(".")
    written = (host, f"{host}:{port}", f"[{host}]", f"[{host}]:{port}")
    for name in filter(None, re.split(r"[\s,]+", names.lower())):
        domain = name.removeprefix("*").strip(".")
        if name == "*" or _is_in(host, name):
            return True
        if domain and any(f".{each}".endswith(f".{domain}") for each in written):
            return True
    return False


def _is_in(host: str, network: str) -> bool:
    try:
        return ip_address(host) in ip_network(network, strict=False)
    except ValueError:
        return False


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
            values[variable.field] = _value(variable, (_as_named(variable, environ), _as_named(variable, written)))
        except SettingsError as error:
            problems += error.problems
    values["endpoints"], wrong = _endpoints(values.get("token_field"), environ, written)
    problems += wrong
    problems += _contradictions(values)
    hints = tuple(_hints(written, environ))
    if problems:
        raise SettingsError((*problems, *hints), values)
    given = (each.name for each in VARIABLES if _is_set(each, environ) or _is_set(each, written))
    settings = Settings(**values, hints=hints, given=frozenset(given))
    return replace(settings, hints=(*hints, *_forgetful(settings, environ), *_open(settings), *_crowded(settings)))


def _endpoints(
    token_field: str | None, environ: Mapping[str, str], written: Mapping[str, str]
) -> tuple[Mapping[str, Endpoint], list[str]]:
    """Where the endpoints are, and what is wrong with what is said of them."""
    found = dict(ENDPOINTS)
    problems: list[str] = []
    for variable in ENDPOINT_VARIABLES:
        try:
            text = _value(variable, (environ, written))
        except SettingsError as error:
            problems += error.problems
        else:
            if isinstance(text, Endpoint):
                found[variable.field] = text
    if "words" in named(found["BANWORDS_UPDATE"].body) and found["BANWORDS"].path is None and not problems:
        update, words = found["BANWORDS_UPDATE"].variable, found["BANWORDS"].variable
        problems.append(f"{update} sends the whole list, which is read first: set {words} as well")
    if token_field and found["COMMANDS"].body == ENDPOINTS["COMMANDS"].body:
        found["COMMANDS"] = naming(found["COMMANDS"], token_field)
    return found, problems


def _is_set(variable: Variable, source: Mapping[str, str]) -> bool:
    named = _as_named(variable, source)
    return any(named.get(form, "").strip() for form in variable.forms)


def load_database_url(environ: Mapping[str, str], dotenv: Path | None = None) -> str:
    """Read just where the bot remembers, from the same sources.

    Raises:
        SettingsError: with what is wrong with it.
    """
    written, problems = _written(dotenv)
    if problems:
        raise SettingsError(tuple(problems))
    variable = next(each for each in VARIABLES if each.name == "DATABASE_URL")
    url = _value(variable, (environ, written))
    assert isinstance(url, Secret)  # noqa: S101 - as `VARIABLES` has it
    return url.reveal()


def _contradictions(values: Mapping[str, Any]) -> Iterator[str]:
    """Find what is wrong only together, among the values that are right each by itself."""
    if "rate_limit" in values and "poll_interval" in values:
        calls, period = values["rate_limit"]
        if values["poll_interval"] < period / calls:
            yield "POLL_INTERVAL is shorter than IMAGINEPRO_RATE_LIMIT allows: make the one longer, or raise the other"
    if "history_raw" in values and "history_hourly" in values and values["history_hourly"] < values["history_raw"]:
        yield "HISTORY_HOURLY is shorter than HISTORY_RAW: make the one longer, or the other shorter"
    yield from same_ids(values)


ROLES = {
    "operator_role_id": ("OPERATOR_ROLE_ID", "nobody could use the bot"),
    "viewer_role_id": ("VIEWER_ROLE_ID", "everybody, or nobody, could look"),
    "alert_role_id": ("ALERT_ROLE_ID", "nobody would be mentioned"),
    "escalation_role_id": ("ESCALATION_ROLE_ID", "nobody would be mentioned"),
}
"""Settings that name a role, by their fields; and what came of one that is none."""


def same_ids(values: Mapping[str, Any]) -> Iterator[str]:
    """Find ids that cannot be what they are meant to be, as something else has them.

    The role that everyone has bears the server's own id: to mention it by that pings nobody, and no member lists it.
    """
    guild, channel = values.get("guild_id"), values.get("ops_channel_id")
    if guild is not None and guild == channel:
        yield (
            "OPS_CHANNEL_ID is the same as DISCORD_GUILD_ID: one of them is wrong. Right-click the channel for Copy "
            "Channel ID, the server for Copy Server ID; the first channel of an old server, which may bear its id, "
            "cannot be used"
        )
    for field, (name, harm) in ROLES.items():
        role = values.get(field)
        if role is not None and role in {guild, channel}:
            other, more = "OPS_CHANNEL_ID", ""
            if role == guild:
                other, more = "DISCORD_GUILD_ID", "; @everyone, which has the server's id, cannot be used"
            yield f"{name} is the same as {other}, so {harm}: one is wrong. Right-click a role for Copy Role ID{more}"


FORGETFUL = {"DYNO": "Heroku", "RENDER": "Render"}
"""Hosts that wipe the disk at each restart, by a variable that they set (their documentation says so)."""


def _forgetful(settings: Settings, environ: Mapping[str, str]) -> Iterator[str]:
    """Warn of a database that would be gone after the next restart."""
    for name, host in FORGETFUL.items():
        if environ.get(name) and settings.database_url.reveal().startswith("sqlite"):
            yield f"{host} wipes the disk at each restart: set DATABASE_URL to a PostgreSQL, or all is forgotten"


def _open(settings: Settings) -> Iterator[str]:
    """Warn of figures that anybody who reaches this machine may read."""
    if settings.port is not None and settings.metrics_token is None and not is_loopback(settings.host):
        yield "HOST lets others reach /metrics, which names your tokens: set METRICS_TOKEN, or keep the network from it"


def _crowded(settings: Settings) -> Iterator[str]:
    """Warn of a limit under which polls leave no call to people."""
    calls, period = settings.rate_limit
    if period / calls > min(settings.poll_interval / 2, LONGEST_TURN):
        yield (
            "IMAGINEPRO_RATE_LIMIT is so low that what people ask for in chat may find no turn between two polls:"
            " raise it if ImaginePro allows more, else make POLL_INTERVAL longer"
        )


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
        return {}, [f"{dotenv.absolute()} cannot be read: {_reason(error)}"]
    values = {line.key: line.value for line in lines if line.key and line.value}
    broken = [line.original.line for line in lines if line.error or (line.key and line.value is None)]
    return values, [f"{dotenv.name}, line {number}: write NAME=value, and close what is quoted" for number in broken]


def _as_named(variable: Variable, source: Mapping[str, str]) -> Mapping[str, str]:
    """The source, with what it says in small letters where the variable may be written so."""
    small = variable.name.lower()
    return {variable.name: source[small]} if variable.lower and small in source else source


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
    ours = {form for variable in (*VARIABLES, *ENDPOINT_VARIABLES) for form in variable.forms}
    missing = sorted(form for form in ours if not (environ.get(form) or written.get(form)))
    strange = set(written) - ours - {each.name.lower() for each in VARIABLES if each.lower}
    for name in sorted(strange | {each for each in environ if each.startswith(PREFIX)} - ours):
        from difflib import get_close_matches  # noqa: PLC0415 - most never get here

        near = get_close_matches(name.upper(), missing, n=1, cutoff=0.85)
        if near:
            yield f"{name} is not a variable of this bot: is {near[0]} meant?"
        elif name.startswith(PREFIX):
            yield f"{name} is not a variable of this bot: docs/settings.md names those that begin so"
