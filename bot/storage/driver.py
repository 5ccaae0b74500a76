"""What asyncpg is told of an address: the parts of it, and never its text.

TLS is as libpq has it: `sslmode=prefer` by default, no verification below `verify-ca`.
"""

import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlencode

from bot.storage.address import Server
from bot.storage.errors import StoreSettingsError

_OF_SERVER: Final = ("application_name", "options")
_OF_TLS: Final = (
    "sslcert",
    "sslcrl",
    "sslkey",
    "sslmode",
    "sslnegotiation",
    "sslpassword",
    "sslrootcert",
    "ssl_max_protocol_version",
    "ssl_min_protocol_version",
)
"""These asyncpg takes in a URL alone."""


def told(server: Server) -> dict[str, Any]:
    """The arguments of `asyncpg.connect` for it.

    Raises:
        StoreSettingsError: A file that an option names cannot be used.
    """
    options = server.options
    _try_files(options)
    arguments: dict[str, Any] = {
        "host": [host for host, _ in server.hosts if host] or None,
        "port": [port for _, port in server.hosts] or None,
        "user": server.user,
        "password": server.password,
        "database": server.database,
        "server_settings": {name: options[name] for name in _OF_SERVER if name in options},
        **{name: options[name] for name in ("krbsrvname", "passfile", "target_session_attrs") if name in options},
    }
    if options.get("sslrootcert") == "system":
        direct = options.get("sslnegotiation") == "direct"
        return arguments | {"ssl": _trusting_the_system(options), "direct_tls": direct}
    tls = {name: options[name] for name in _OF_TLS if name in options}
    return arguments | ({"dsn": f"postgresql://?{urlencode(tls)}"} if tls else {})


def _trusting_the_system(options: Mapping[str, str]) -> ssl.SSLContext:
    """For `sslrootcert=system`, which asyncpg does not know: whom the system trusts, and the name must be right."""
    context = ssl.create_default_context()
    if "sslcrl" in options:
        context.load_verify_locations(options["sslcrl"])
        context.verify_flags |= ssl.VERIFY_CRL_CHECK_CHAIN
    context.set_alpn_protocols(["postgresql"])
    if "sslcert" in options:
        context.load_cert_chain(options["sslcert"], options.get("sslkey"), options.get("sslpassword", ""))
    for side in ("minimum", "maximum"):
        version = options.get(f"ssl_{side[:3]}_protocol_version")
        if version is not None:
            setattr(context, f"{side}_version", ssl.TLSVersion[version.replace(".", "_")])
    return context


def _try_files(options: Mapping[str, str]) -> None:
    """See whether the files that the options name are there, and hold what they should."""
    for name in ("passfile", "sslcert", "sslkey", "sslrootcert", "sslcrl"):
        path = options.get(name, "")
        if not path or (name, path) == ("sslrootcert", "system"):
            continue
        try:
            Path(path).read_bytes()
        except OSError as error:
            message = f"DATABASE_URL: the option {name} names a file that cannot be read: {error.strerror}"
            raise StoreSettingsError(message) from None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        try:
            if name in {"sslrootcert", "sslcrl"}:
                context.load_verify_locations(path)
            elif name == "sslcert":
                context.load_cert_chain(path, options.get("sslkey"), options.get("sslpassword", ""))
        except (ssl.SSLError, OSError, ValueError):
            what = (
                "that is no certificate in PEM, or whose key (sslkey) is not in it" if name == "sslcert" else "no PEM"
            )
            message = f"DATABASE_URL: the option {name} names a file {what}"
            raise StoreSettingsError(message) from None
