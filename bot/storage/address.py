"""`DATABASE_URL`, taken apart in one place: as hosts hand it out, with what means nothing to the bot left out.

    sqlite:///file    postgresql://user:password@host:port,host:port/database?option=value&...

Nothing else reads the text, and the driver gets the parts, since two parsers that differ in one character would take a
piece of a password for a host, and have it looked up. Options are libpq's, and those of other programs that hosts hand
out: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
"""

import re
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from typing import Final, NoReturn
from urllib.parse import quote, unquote

from bot.domain.value import Value


class File(Value):
    """A SQLite file."""

    path: str


class Server(Value):
    """A PostgreSQL server, or several of which one is to be used."""

    hosts: tuple[tuple[str, int], ...]
    """Names, addresses or folders of sockets, each with its port; none for those that libpq would try."""
    user: str | None
    password: str | None
    database: str | None
    options: Mapping[str, str]
    """What else the driver is asked for, by libpq's names. `sslrootcert` may be `system`."""
    text: str
    """The URL itself, which holds the password as it was written."""

    def __repr__(self) -> str:
        return "Server(...)"

    @property
    def secrets(self) -> tuple[str, ...]:
        """Every text that must not leave the process: the passwords, in all forms in which they may be written."""
        return tuple(dict.fromkeys(self._secrets()))

    def _secrets(self) -> Iterator[str]:
        if self.password or "sslpassword" in self.options:
            yield self.text
        written = re.search(r"://[^:/?]*:([^/?]*)@", self.text)
        if written:
            yield written[1]
        for name in _PASSWORDS:
            yield from re.findall(rf"[?&]{name}=([^&]+)", self.text)
        for password in (self.password, self.options.get("sslpassword")):
            if password:
                yield from (password, quote(password), quote(password, safe=""))


_PASSWORDS: Final = ("password", "sslpassword")

PORT: Final = 5432

_PARTS: Final = frozenset({"host", "hostaddr", "port", "user", "password", "dbname"})
"""What may stand among the options, and is no option."""

_MEANT: Final[Mapping[str, str]] = {
    "application_name": "",
    "krbsrvname": "",
    "options": "",
    "passfile": "",
    "sslcert": "",
    "sslcrl": "",
    "sslkey": "",
    "sslmode": "disable|allow|prefer|require|verify-ca|verify-full",
    "sslnegotiation": "postgres|direct",
    "sslpassword": "",
    "sslrootcert": "",
    "ssl_max_protocol_version": r"TLSv1(\.[123])?",
    "ssl_min_protocol_version": r"TLSv1(\.[123])?",
    "target_session_attrs": "any|primary|read-write",
}
"""Options that are passed on, each with a pattern of what it may say."""

_IGNORED: Final[Mapping[str, str]] = {
    # The bot has deadlines, a pool and statements of its own.
    "connect_timeout": "",
    "connection_limit": "",
    "max_overflow": "",
    "pool": "",
    "pool_recycle": "",
    "pool_size": "",
    "pool_timeout": "",
    "pool_pre_ping": "",
    "prepared_statement_cache_size": "",
    "prepared_statements": "",
    "prepareThreshold": "",
    "socket_timeout": "",
    "statement_cache_size": "",
    "keepalives": "",
    "keepalives_count": "",
    "keepalives_idle": "",
    "keepalives_interval": "",
    "tcp_user_timeout": "",
    # Whatever the driver does about these is what is meant, or no worse.
    "channel_binding": "",
    "client_encoding": "utf-?8|auto",
    "encoding": "utf-?8|unicode",
    "fallback_application_name": "",
    "gssencmode": "disable|prefer",
    "load_balance_hosts": "",
    "max_protocol_version": "",
    "min_protocol_version": "3.0|latest",
    "sslaccept": "accept_invalid_certs",
    "sslcompression": "",
    "sslsni": "1",
    # Words of hosts, and to other programs
    "currentSchema": "public",
    "pgbouncer": "",
    "schema": "public",
    "supa": "",
    "uselibpqcompat": "",
    "workaround": "",
}
"""Options that are left out, each with a pattern of what it may say; if it says something else, it is refused."""

_SAME: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    ("sslmode", "no-verify"): ("sslmode", "require"),
    ("ssl", "true"): ("sslmode", "require"),
    ("ssl", "1"): ("sslmode", "require"),
    ("ssl", "on"): ("sslmode", "require"),
    ("ssl", "no-verify"): ("sslmode", "require"),
    ("ssl", "require"): ("sslmode", "require"),
    ("ssl", "prefer"): ("sslmode", "prefer"),
    ("ssl", "verify-ca"): ("sslmode", "verify-ca"),
    ("ssl", "verify-full"): ("sslmode", "verify-full"),
    ("ssl", "false"): ("sslmode", "prefer"),
    ("ssl", "0"): ("sslmode", "prefer"),
    ("ssl", "off"): ("sslmode", "prefer"),
    ("ssl", "disable"): ("sslmode", "disable"),
}
"""What other programs write for something that libpq has a word for."""

_FORM: Final = "write sqlite:///data/bot.db, or postgresql://user:password@host:5432/name"
_ENCODE: Final = "percent-encode / ? # @ : [ ] and % in user and password (%2F, %3F, %23, %40, %3A, %5B, %5D, %25)"

_AMPERSAND: Final = "has an option that is not known here: leave it out, or percent-encode & in the password (%26)"


def parsed(text: str) -> File | Server:
    """Take it apart.

    Raises:
        ValueError: It can never work. The text is a sentence that says how to mend it, and holds nothing of the URL
            but names of options.
    """
    if re.match(r"(psql|export)\s|database_url\b", text, re.IGNORECASE):
        _mend("write the URL alone, from postgres:// on, without the command before it and the quotes around it")
    if text[:1] in {"'", '"', "`"} or text[-1:] in {"'", '"', "`"}:
        _mend("leave out the quotes; they would become part of it (docker --env-file keeps them)")
    scheme, _, rest = text.partition("://")
    if scheme.startswith("sqlite") or text.startswith("sqlite:"):
        return _file(text)
    if not re.fullmatch(r"[!-~]*", text):
        _mend("is not a URL: it has blanks or other characters that must be percent-encoded")
    if text.startswith("jdbc:"):
        _mend("leave out jdbc: in front, and write user and password before the host: postgresql://user:password@host")
    family, _, driver = scheme.partition("+")
    if family not in {"postgres", "postgresql"} or "://" not in text:
        _mend(_FORM)
    if driver not in {"", "asyncpg"}:
        _mend("leave out the driver after the +; the bot brings its own")
    return _server(text, rest)


def _file(text: str) -> File:
    if text.startswith("sqlite+"):
        _mend("leave out the driver after the +: write a file after three slashes, such as sqlite:///data/bot.db")
    if ":memory:" in text or "mode=memory" in text or text == "sqlite://":
        _mend(
            "write a file after three slashes, such as sqlite:///data/bot.db; in memory all is forgotten at each start"
        )
    if not re.fullmatch(r"sqlite:///[^?#\0]+", text):
        _mend(
            "write a file after three slashes, such as sqlite:///data/bot.db, no options; a path from the root has four"
        )
    path = text.removeprefix("sqlite:///")
    if path.endswith("/"):
        _mend("names a folder; write a file in it, such as sqlite:///data/bot.db")
    return File(path)


def _server(text: str, rest: str) -> Server:
    head, _, query = rest.partition("?")
    authority, _, path = head.partition("/")
    login, _, hosts = authority.rpartition("@")
    user, _, password = login.partition(":")
    if re.search(r"[\[<{](YOUR|MY|DB|DATABASE)?[-_]?PASSWORD[\]>}]", text, re.IGNORECASE):
        _mend("has a word in brackets where the password belongs: write the password there, without the brackets")
    if "@" in login:
        _mend("has more than one @: write %40 for each in user (as in name@server) and password")
    if "#" in text or "@" in path + query or re.search(r"[\[\]]", login + path):
        _mend(_ENCODE)
    given = _options(query)
    parts = {name: given.pop(name) for name in _PARTS if name in given}
    if parts.get("hostaddr") and (hosts or parts.get("host")):
        _mend("has host and hostaddr: leave out the option hostaddr")
    host = parts.get("host") or parts.get("hostaddr") or ""
    return Server(
        hosts=_hosts(host, parts.get("port", "")) if host else _hosts(hosts, parts.get("port", ""), encoded=True),
        user=parts.get("user") or _decoded(user) or None,
        password=parts.get("password") or _decoded(password) or None,
        database=parts.get("dbname") or _decoded(path) or None,
        options=_known(given, secret="password" in parts or "sslpassword" in given),
        text=text,
    )


def _options(query: str) -> dict[str, str]:
    """The options by name; of those that are given twice the last one counts, and the empty ones do not."""
    options = {}
    for pair in filter(None, query.split("&")):
        name, equals, value = pair.partition("=")
        if not equals or not re.fullmatch(r"[A-Za-z_]{2,40}", name):
            _mend(f"cannot be read: after ? stand options such as sslmode=require; and {_ENCODE}")
        if value:
            # What is written for a server's command line may have blanks, which many programs write as +.
            options[name] = _decoded(value.replace("+", " ") if name == "options" else value)
    return options


def _known(given: Mapping[str, str], *, secret: bool) -> Mapping[str, str]:
    """The options that are passed on; if there is a `secret` among them, a piece of it may look like one."""
    meant: dict[str, str] = {}
    for name, value in _in_words_of_libpq(given):
        pattern = _MEANT.get(name, _IGNORED.get(name))
        if pattern is None:
            _mend(
                _OTHERWISE.get(name) or (_AMPERSAND if secret else f"leave out the option {name}; it is not known here")
            )
        if pattern and not re.fullmatch(pattern, value, re.IGNORECASE if name in _IGNORED else 0):
            _mend(_OTHERWISE.get(name) or f"the option {name} may be {pattern.replace('|', ', ')}, or left out")
        if name in _MEANT:
            meant[name] = value
    insists = meant.get("sslmode") in {"require", "verify-ca", "verify-full"}
    if meant.get("sslrootcert") == "system":
        if not insists and "sslmode" in meant:
            _mend("the option sslrootcert=system wants sslmode=verify-full")
        meant["sslmode"] = "verify-full"  # as libpq does: any of these certificates is somebody's
    elif meant.get("sslnegotiation") == "direct" and not insists:
        _mend("the option sslnegotiation=direct wants sslmode=require, or more")
    return meant


def _in_words_of_libpq(given: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, value in given.items():
        if name != "ssl" or "sslmode" not in given:
            yield _SAME.get((name, value.lower()), (name, value))


_OTHERWISE: Final[Mapping[str, str]] = {
    "schema": "write the option schema as options=-csearch_path%3DNAME",
    "currentSchema": "write the option currentSchema as options=-csearch_path%3DNAME",
    "sslaccept": "write sslmode=verify-full in place of the option sslaccept",
    "client_encoding": "leave out the option client_encoding; the bot writes UTF-8",
    "target_session_attrs": "the option target_session_attrs may be any, primary, read-write: the bot has to write",
    "require_auth": "leave out the option require_auth; the bot cannot insist on it",
    "gssencmode": "leave out the option gssencmode; the bot has no such encryption: take sslmode=require",
    "ssl_max_protocol_version": "the option ssl_max_protocol_version may be TLSv1.2 or TLSv1.3, or left out",
    "ssl_min_protocol_version": "the option ssl_min_protocol_version may be TLSv1.2 or TLSv1.3, or left out",
}
"""What is said of options that say what the bot cannot do."""


def _hosts(hosts: str, ports: str, *, encoded: bool = False) -> tuple[tuple[str, int], ...]:
    """Hosts and their ports, which may stand behind each of them or apart, one for all or one for each."""
    names = hosts.split(",") if hosts else []
    apart = ports.split(",") if ports else [""]
    if len(apart) not in {1, max(len(names), 1)}:
        _mend("the option port wants one number, or one for each host")
    found = []
    for name, port in zip(names, apart * len(names) if len(apart) == 1 else apart, strict=True):
        # An address of IPv6 has brackets where a port may follow, which is anywhere but in an option.
        match = re.fullmatch(r"(/.*|\[[^\]]*\]|[^:]*)(?::([0-9]*))?", name)
        host, behind = (match[1], match[2] or "") if match else (name, "")
        host = (_decoded(host) if encoded else host).removeprefix("[").removesuffix("]")
        if not _is_host(host) or (encoded and match is None):
            _mend(f"has no host that can be one, or a port that is no number; {_ENCODE}")
        found.append((host, _port(port or behind)))
    return tuple(found) or ((("", _port(ports)),) if ports else ())


_LONG: Final = 255
_LABEL: Final = r"[A-Za-z0-9_][A-Za-z0-9_-]{0,62}"


def _is_host(text: str) -> bool:
    """Whether it is a folder of sockets, a name or an address."""
    if text.startswith("/") or re.fullmatch(rf"{_LABEL}(\.{_LABEL})*\.?", text):
        return text.startswith("/") or len(text) < _LONG
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _port(text: str) -> int:
    if not text:
        return PORT
    if not re.fullmatch(r"[0-9]{1,5}", text) or not 0 < int(text) < 2**16:
        _mend("has a port that is no number up to 65535")
    return int(text)


def _decoded(text: str) -> str:
    """What it stands for. A % that begins nothing stands for itself."""
    try:
        decoded = unquote(text, errors="strict")
    except UnicodeDecodeError:
        decoded = "\0"
    if "\0" in decoded:
        _mend("has percent-encoded characters that are not text in UTF-8")
    return decoded


def _mend(sentence: str) -> NoReturn:
    raise ValueError(sentence) from None
