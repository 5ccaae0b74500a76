"""How the text of each kind of value is read. No message echoes it, since a secret may have been pasted there.

Each raises ValueError with a sentence that says how to mend it.
"""

import re
from collections.abc import Callable
from datetime import time, timedelta
from ipaddress import ip_address, ip_network
from typing import NoReturn
from urllib.parse import SplitResult, urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from bot.domain.info import duration
from bot.domain.model import Threshold
from bot.domain.rules.settable import fast_time_levels
from bot.storage.address import parsed


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


SHORTEST = 16
"""Characters of a secret that nobody guesses."""


def credential(scheme: str) -> Callable[[str], Secret]:
    """How a key or token is read: as its page shows it, without the word that a header has before it."""

    def parse(text: str) -> Secret:
        if text[0] in "'\"" or text[-1] in "'\"":
            _mend("leave out the quotes; they would become part of it")
        if text.lower().startswith(f"{scheme.lower()} "):
            _mend(f'leave out the word "{scheme}" in front; the bot adds it')
        if not re.fullmatch(r"[!-~]+", text):
            _mend("has blanks or characters that such a key never has; copy it anew")
        return Secret(text)

    return parse


def chosen(text: str) -> Secret:
    """A secret of the operator's own making. A word of three letters keeps nobody out, and is all over the log."""
    secret = credential("Bearer")(text)
    if len(text) < SHORTEST:
        _mend(f"is shorter than {SHORTEST} characters; take a long random one, as `openssl rand -hex 24` makes")
    return secret


def bot_token(text: str) -> Secret:
    """A bot's token: three parts with a dot between them, of which the first says which bot."""
    secret = credential("Bot")(text)
    if not re.fullmatch(r"[^.]+\.[^.]+\.[^.]+", text):
        _mend(
            "is not a bot's token, which has two dots in it; copy it in Discord's developer portal, on your "
            "application's page Bot"
        )
    return secret


def snowflake(text: str) -> int:
    """An id of Discord: milliseconds since the beginning of 2015, and 22 bits more, below 2**63."""
    if text[0] in "'\"":
        _mend("leave out the quotes (docker --env-file keeps them)")
    if text.startswith("<"):
        _mend("is a mention; write only the digits in it")
    if text.lower().startswith(("http", "discord.")):
        _mend("is a link; write one number of it: the first is the server's id, the second the channel's")
    if not re.fullmatch(r"[1-9][0-9]{16,19}", text) or int(text) >= 2**63:
        _mend(
            "is not an id of Discord, which has 17 to 20 digits; switch on developer mode in Discord, "
            "right-click it and choose Copy ID"
        )
    return int(text)


def url(text: str) -> str:
    """The address of an API, without a slash at its end; https, but for this machine."""
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write a URL such as https://api.imaginepro.ai")
    if "@" in parts.netloc:
        _mend("leave out user and password; the key has its own variable")
    if "?" in text or "#" in text:
        _mend("leave out what follows ? or #")
    if parts.scheme == "http" and not is_loopback(parts.hostname):
        _mend("write https; plain http would show the key to the network, and is for this machine only")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def template(text: str) -> str:
    """A URL in which `{rule}` and `{token}` are filled in later."""
    parts = _split(text.replace("{rule}", "rule").replace("{token}", "token"))
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write a URL such as https://wiki.example.com/{rule}")
    if "{" in parts.geturl() or "}" in parts.geturl():
        _mend("only {rule} and {token} are filled in; percent-encode other braces")
    return text


def webhook(text: str) -> Secret:
    """A webhook's URL, which is a secret as a whole; https, but for hosts that are no part of the internet."""
    if text[0] in "'\"":
        _mend("leave out the quotes (docker --env-file keeps them)")
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write an https URL with a host")
    if parts.scheme == "http" and not is_private(parts.hostname):
        _mend(
            "write https; plain http would show the address, and whoever has it may use it, to all on the way. It is "
            "for private hosts only, such as 127.0.0.1, 10.0.0.5, ntfy, ntfy.local or ntfy.internal"
        )
    return Secret(text)


def proxy(text: str) -> Secret:
    """Where an HTTP proxy is, which is a secret since it may hold a password; curl's short form `host:port` as well."""
    text = text if "://" in text else f"http://{text}"
    parts = _split(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        _mend("write http://host:port; other kinds of proxies, such as SOCKS, cannot be used")
    if parts.netloc.count("@") > 1 or parts.path.strip("/") or parts.query or "#" in text:
        _mend("write http://user:password@host:port, with / ? # @ in user and password percent-encoded")
    return Secret(text)


def port(text: str) -> int:
    """A TCP port; 0 for any free one."""
    if not re.fullmatch(r"[0-9]{1,5}", text) or int(text) >= 2**16:
        _mend("write a number up to 65535, such as 8080; 0 for any free one")
    return int(text)


def host(text: str) -> str:
    """An address or a name of this machine."""
    try:
        return str(ip_address(text))
    except ValueError:
        if not re.fullmatch(r"(?!-)[A-Za-z0-9-]{1,63}(\.(?!-)[A-Za-z0-9-]{1,63})*", text):
            _mend("write an address of this machine, such as 127.0.0.1, or 0.0.0.0 for all of them")
        return text


def zone(text: str) -> str:
    """The IANA name of a time zone."""
    try:
        return ZoneInfo(text).key
    except (ValueError, OSError, ZoneInfoNotFoundError):
        _mend("is not a time zone; write its name in the IANA database, such as Europe/Berlin or UTC")


def clock(text: str) -> time | None:
    """A time of the day, on a clock of 24 hours; None for `off`."""
    if text.lower() == "off":
        return None
    if not (match := re.fullmatch(r"([01]?[0-9]|2[0-3]):([0-5][0-9])", text)):
        _mend("write a time of the day from 00:00 to 23:59, such as 09:00 or 17:30; off for none")
    return time(int(match[1]), int(match[2]))


def is_loopback(host: str) -> bool:
    """Whether this name or address reaches this machine alone."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


PRIVATE_NETWORKS = tuple(
    map(
        ip_network,
        (
            "127.0.0.0/8",
            "10.0.0.0/8",
            "172.16.0.0/12",
            "192.168.0.0/16",
            "169.254.0.0/16",
            "100.64.0.0/10",  # RFC 6598: also what Tailscale gives
            "::1/128",
            "fc00::/7",
            "fe80::/10",
        ),
    )
)
"""Addresses that no router of the internet passes on: RFC 1918, 3927, 4193, 4291 and 6598."""

PRIVATE_DOMAINS = ("localhost", "local", "internal", "home.arpa", "lan", "home", "corp", "private", "intranet")
"""Domains that the internet's name servers do not have: RFC 6761, 6762 (with its appendix G), 8375; `internal` by a
resolution of ICANN's of 2024."""


def is_private(host: str) -> bool:
    """Whether this name or address is reached within one's own network: a name without a dot, or of such a domain."""
    name = host.rstrip(".").lower()
    try:
        address = ip_address(name.partition("%")[0])
    except ValueError:
        # Digits alone, or in hexadecimal, are an address to the system's resolver, and may be anybody's.
        labels = name.split(".")
        if not re.fullmatch(r"[a-z_][a-z0-9_-]*", labels[-1]):
            return False
        return len(labels) == 1 or any(name.endswith(f".{domain}") for domain in PRIVATE_DOMAINS)
    address = getattr(address, "ipv4_mapped", None) or address
    return any(address in network for network in PRIVATE_NETWORKS if network.version == address.version)


def _split(text: str) -> SplitResult:
    """Split a URL. The standard library's own errors quote the text, and it drops line breaks in silence."""
    if not re.fullmatch(r"[!-~]+", text):
        _mend("is not a URL: it has blanks or other characters that must be percent-encoded")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        _mend("is not a URL: percent-encode / # @ and the like in user and password, and look at host and port")
    if parts.hostname and not all(0 < len(label) <= LONGEST_LABEL for label in parts.hostname.rstrip(".").split(".")):
        _mend("is not a URL: between two dots of its host is nothing, or more than a name may have")
    return parts


LONGEST_LABEL = 63
"""Characters of a name between two dots (RFC 1035)."""


def database_url(text: str) -> Secret:
    """A SQLite file or a PostgreSQL URL, as given, since it may hold a password."""
    parsed(text)
    return Secret(text)


def rate_limit(text: str) -> tuple[int, timedelta]:
    """So many calls in so much time: `1/3s`."""
    match = re.fullmatch(r"([0-9]{1,6})/(.+)", text)
    if match is None:
        _mend("write calls per time, such as 1/3s or 10/1m")
    calls, period = int(match[1]), duration(match[2])
    if not calls or not period:
        _mend("both numbers lie above zero, as in 1/3s")
    return calls, period


def field_name(text: str) -> str:
    """The name of a field of what is sent to ImaginePro."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,49}", text) or text == "cmd":
        _mend("write the name of a field, such as tokenId or id: letters, digits and _; cmd is the command's own")
    return text


def poll_interval(text: str) -> timedelta:
    """A time of one second to a day: with more nobody would be told in time."""
    interval = duration(text)
    if not timedelta(seconds=1) <= interval <= timedelta(days=1):
        _mend("must be at least 1s, and at most 1d")
    return interval


def retention(text: str) -> timedelta:
    """A time of one day to ten years: for so long something is kept."""
    time = duration(text)
    if not timedelta(days=1) <= time <= timedelta(days=3650):
        _mend("must be at least 1d, and at most 3650d")
    return time


def cooldown(text: str) -> timedelta:
    """A time of ten minutes to thirty days: with less, accounts would be banned."""
    time = duration(text)
    if not timedelta(minutes=10) <= time <= timedelta(days=30):
        _mend("must be at least 10m, and at most 30d")
    return time


def thresholds(text: str) -> tuple[Threshold, ...]:
    """Levels of fast time, each once: `20%,30m`."""
    return fast_time_levels(text)


def choice(*words: str) -> Callable[[str], str]:
    """How one of these words is read; in lower case."""

    def parse(text: str) -> str:
        if text.lower() not in words:
            _mend(f"write one of {', '.join(words)}")
        return text.lower()

    return parse


def switch(text: str) -> bool:
    """`true` or `false`."""
    return choice("true", "false")(text) == "true"


def _mend(sentence: str) -> NoReturn:
    raise ValueError(sentence)
