"""`DATABASE_URL` means what it means elsewhere, or is refused with how to mend it; no piece of a password is a host."""

import re
from urllib.parse import quote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.settings import SettingsError, load
from bot.storage.address import File, Server, parsed
from bot.storage.database import database_at
from bot.storage.errors import StoreSettingsError
from tests.test_settings import REQUIRED

HOSTS = (("h", 5432),)

SERVED = {
    # as hosts hand it out
    "postgres://u:p@ec2-1-2-3-4.compute-1.amazonaws.com:5432/d9": (
        (("ec2-1-2-3-4.compute-1.amazonaws.com", 5432),),
        {},
    ),
    "postgresql://u:p@ep-x-pooler.eu.neon.tech/d?sslmode=require&channel_binding=require": (
        (("ep-x-pooler.eu.neon.tech", 5432),),
        {"sslmode": "require"},
    ),
    "postgres://postgres.abc:p@aws-0-eu.pooler.supabase.com:6543/postgres?pgbouncer=true": (
        (("aws-0-eu.pooler.supabase.com", 6543),),
        {},
    ),
    "postgres://u:p@h/d?sslmode=require&supa=base-pooler.x": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?workaround=supabase-pooler.vercel&connect_timeout=15": (HOSTS, {}),
    "postgresql://u:p@h:5432/d?schema=public&connection_limit=1&pool_timeout=0": (HOSTS, {}),
    "postgres://u:p@h/d?sslmode=no-verify": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?ssl=true": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?ssl=true&sslmode=verify-full&sslrootcert=/ca.pem": (
        HOSTS,
        {"sslmode": "verify-full", "sslrootcert": "/ca.pem"},
    ),
    "postgres://u:p@h/d?sslmode=verify-full&ssl=true": (HOSTS, {"sslmode": "verify-full"}),
    "postgres://u:p@h/d?ssl=false": (HOSTS, {"sslmode": "prefer"}),
    "postgres://u%40srv:p@srv.postgres.database.azure.com:5432/d?sslmode=require": (
        (("srv.postgres.database.azure.com", 5432),),
        {"sslmode": "require"},
    ),
    "postgres://u:p@/d?host=/cloudsql/p:r:i": ((("/cloudsql/p:r:i", 5432),), {}),
    "postgres://u:p@localhost/d?host=/cloudsql/p:r:i": ((("/cloudsql/p:r:i", 5432),), {}),
    # drivers
    "postgresql+asyncpg://u:p@h/d": (HOSTS, {}),
    "postgres+asyncpg://u:p@h/d": (HOSTS, {}),
    # hosts
    "postgres://u:p@h1:5432,h2:5433/d?target_session_attrs=read-write": (
        (("h1", 5432), ("h2", 5433)),
        {"target_session_attrs": "read-write"},
    ),
    "postgres://u:p@h1,h2/d": ((("h1", 5432), ("h2", 5432)), {}),
    "postgres://u:p@h1,h2:6/d": ((("h1", 5432), ("h2", 6)), {}),
    "postgres://u:p@h1,h2/d?port=7": ((("h1", 7), ("h2", 7)), {}),
    "postgres://u:p@/d?host=a,b&port=1,2": ((("a", 1), ("b", 2)), {}),
    "postgres://u:p@/d?host=a:3": ((("a", 3),), {}),
    "postgres://u:p@[::1]/d": ((("::1", 5432),), {}),
    "postgres://u:p@[2001:db8::1]:6,h/d": ((("2001:db8::1", 6), ("h", 5432)), {}),
    "postgres://u:p@/d?host=::1&port=6": ((("::1", 6),), {}),
    "postgres://u:p@/d?hostaddr=127.0.0.1": ((("127.0.0.1", 5432),), {}),
    "postgres://u:p@127.0.0.1:6432/d": ((("127.0.0.1", 6432),), {}),
    "postgres://u:p@db_1.internal./d": ((("db_1.internal.", 5432),), {}),
    "postgres://u:p@%2Fvar%2Frun%2Fpostgresql/d": ((("/var/run/postgresql", 5432),), {}),
    "postgres://u:p@%2Frun:6/d": ((("/run", 6),), {}),
    "postgres://u:p@/d?host=/run": ((("/run", 5432),), {}),
    "postgres:///d?user=u&password=p": ((), {}),
    "postgres://u:p@/d?port=6": ((("", 6),), {}),
    "postgres://h/d?user=u&password=p": (HOSTS, {}),
    "postgres://somebody@h/nowhere?user=u&password=p&dbname=d": (HOSTS, {}),
    # options
    "postgres://u:p@h/d?options=-csearch_path%3Dbot": (HOSTS, {"options": "-csearch_path=bot"}),
    "postgres://u:p@h/d?options=-c%20a%3Db+-c+c%3Dd": (HOSTS, {"options": "-c a=b -c c=d"}),
    "postgres://u:p@h/d?options=endpoint%3Dep-x": (HOSTS, {"options": "endpoint=ep-x"}),
    "postgres://u:p@h/d?application_name=bot&fallback_application_name=x": (HOSTS, {"application_name": "bot"}),
    "postgres://u:p@h/d?keepalives=1&keepalives_idle=30&keepalives_interval=10&keepalives_count=5": (HOSTS, {}),
    "postgres://u:p@h/d?tcp_user_timeout=1&client_encoding=utf8&sslsni=1&load_balance_hosts=random": (HOSTS, {}),
    "postgres://u:p@h/d?gssencmode=disable&sslcompression=0&sslaccept=accept_invalid_certs": (HOSTS, {}),
    "postgres://u:p@h/d?sslmode=verify-full&sslrootcert=system": (
        HOSTS,
        {"sslmode": "verify-full", "sslrootcert": "system"},
    ),
    "postgres://u:p@h/d?sslrootcert=system": (HOSTS, {"sslmode": "verify-full", "sslrootcert": "system"}),
    "postgres://u:p@h/d?sslmode=require&sslrootcert=system": (
        HOSTS,
        {"sslmode": "verify-full", "sslrootcert": "system"},
    ),
    "postgres://u:p@h/d?sslmode=require&sslmode=": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?sslmode=disable&sslmode=require": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?": (HOSTS, {}),
    "postgres://u:p@h/d?&sslmode=require&": (HOSTS, {"sslmode": "require"}),
    "postgres://u:p@h/d?ssl_min_protocol_version=TLSv1.3": (HOSTS, {"ssl_min_protocol_version": "TLSv1.3"}),
}
"""URLs of user u with password p and database d; the hosts, and the options that are passed on."""


@pytest.mark.parametrize("url", SERVED)
def test_a_url_that_hosts_hand_out_means_what_it_means_elsewhere(url: str) -> None:
    hosts, options = SERVED[url]
    server = parsed(url)
    assert isinstance(server, Server)
    assert server.user == ("u@srv" if "azure" in url else "postgres.abc" if "supabase.com" in url else "u")
    assert server.password == "p"
    assert server.database in {"d", "d9", "postgres"}
    assert server.hosts == hosts
    assert server.options == options
    assert load(REQUIRED | {"DATABASE_URL": url}).database_url.reveal() == url


REFUSED = {
    # passwords that are not encoded, and logins that are none
    "postgres://u:hunter@2@h/d": "more than one @",
    "postgres://u:hunter2@x:S3CRET@h/d": "more than one @",
    "postgres://u@srv:hunter2@srv.postgres.database.azure.com/d": "%40",
    "postgres://u:hun/ter2@h/d": "percent-encode",
    "postgres://u:hun?ter2@h/d": "percent-encode",
    "postgres://u:hun#ter2@h/d": "percent-encode",
    "postgres://u:hun[ter2@h/d": "percent-encode",
    "postgres://u:hun]ter2@h/d": "percent-encode",
    "postgres://u:hun ter2@h/d": "percent-encoded",
    "postgres://u:huntér2@h/d": "percent-encoded",
    "postgres://u:hunter2%ff@h/d": "UTF-8",
    "postgres://u:hunter2%00@h/d": "UTF-8",
    "postgres://u:[YOUR-PASSWORD]@h/d": "without the brackets",
    "postgres://u:<password>@h/d": "without the brackets",
    "postgres://user:hunter2host/d": "percent-encode",
    "postgres://u:p@h/d?password=hunter@2": "percent-encode",
    # hosts and ports
    "postgres://u:hunter2@h:port/d": "port",
    "postgres://u:hunter2@h:65536/d": "port",
    "postgres://u:hunter2@h:0/d": "port",
    "postgres://u:hunter2@h1,,h2/d": "host",
    "postgres://u:hunter2@h:1:2/d": "host",
    "postgres://u:hunter2@::1/d": "host",
    "postgres://u:hunter2@[::g]/d": "host",
    "postgres://u:hunter2@[::1/d": "host",
    "postgres://u:hunter2@:5432/d": "host",
    "postgres://u:hunter2@h..x/d": "host",
    f"postgres://u:hunter2@{'h' * 64}/d": "host",
    "postgres://u:hunter2@-h/d": "host",
    f"postgres://u:hunter2@{'h.' * 127}h/d": "host",
    "postgres://u:hunter2@/d?host=a,b&port=1,2,3": "port",
    "postgres://u:hunter2@/d?host=a,b,c&port=1,2": "port",
    "postgres://u:hunter2@/d?host=a&port=x": "port",
    "postgres://u:hunter2@h/d?hostaddr=127.0.0.1": "hostaddr",
    # drivers and forms
    "postgresql+psycopg2://u:hunter2@h/d": "driver",
    "postgresql+psycopg://u:hunter2@h/d": "driver",
    "sqlite+aiosqlite:///data/bot.db": "driver",
    "jdbc:postgresql://h/d?user=u&password=hunter2": "jdbc:",
    "pgsql://u:hunter2@h/d": "write sqlite:///data/bot.db, or postgresql://",
    "mysql://u:hunter2@h/d": "write sqlite:///data/bot.db, or postgresql://",
    "POSTGRES://u:hunter2@h/d": "write sqlite:///data/bot.db, or postgresql://",
    "postgres:u:hunter2@h/d": "write sqlite:///data/bot.db, or postgresql://",
    "host=h dbname=d password=hunter2": "blanks",
    "'postgres://u:hunter2@h/d'": "quotes",
    '"postgres://u:hunter2@h/d"': "quotes",
    "psql 'postgres://u:hunter2@h/d'": "quotes",
    "psql postgres://u:hunter2@h/d": "the command before it",
    "DATABASE_URL=postgres://u:hunter2@h/d": "write the URL alone",
    "export DATABASE_URL=postgres://u:hunter2@h/d": "write the URL alone",
    "data/bot.db": "write sqlite:///data/bot.db",
    "": "write sqlite:///data/bot.db",
    # SQLite
    "sqlite://": "three slashes",
    "sqlite:///": "three slashes",
    "sqlite:data.db": "three slashes",
    "sqlite://data.db": "three slashes",
    "sqlite:///:memory:": "forgotten",
    "sqlite:///file::memory:?cache=shared": "forgotten",
    "sqlite:///data.db?mode=ro": "no options",
    "sqlite:///data/": "folder",
    "sqlite:///data/bot.db\0": "three slashes",
    # options
    "postgres://u:hunter2@h/d?sslmode": "options",
    "postgres://u:hunter2@h/d?sslmode=sometimes": "sslmode may be disable, allow, prefer, require, verify-ca",
    "postgres://u:hunter2@h/d?ssl=maybe": "leave out the option ssl",
    "postgres://u:hunter2@h/d?target_session_attrs=typo": "target_session_attrs may be any, primary",
    "postgres://u:hunter2@h/d?target_session_attrs=read-only": "the bot has to write",
    "postgres://u:hunter2@h/d?target_session_attrs=prefer-standby": "the bot has to write",
    "postgres://h/d?user=u&password=x&hunter=2": "%26",
    "postgres://u:x@h/d?sslpassword=x&hunter=2": "%26",
    "postgres://u:hunter2@h/d?sslnegotiation=maybe": "sslnegotiation may be postgres, direct",
    "postgres://u:hunter2@h/d?sslnegotiation=direct&sslmode=prefer": "sslnegotiation",
    "postgres://u:hunter2@h/d?sslnegotiation=direct": "sslnegotiation",
    "postgres://u:hunter2@h/d?sslrootcert=system&sslmode=disable": "sslrootcert",
    "postgres://u:hunter2@h/d?ssl_min_protocol_version=9": "ssl_min_protocol_version may be TLSv1.2",
    "postgres://u:hunter2@h/d?schema=bot": "search_path%3DNAME",
    "postgres://u:hunter2@h/d?currentSchema=bot": "search_path%3DNAME",
    "postgres://u:hunter2@h/d?sslsni=0": "sslsni",
    "postgres://u:hunter2@h/d?gssencmode=require": "gssencmode",
    "postgres://u:hunter2@h/d?require_auth=scram-sha-256": "require_auth",
    "postgres://u:hunter2@h/d?client_encoding=latin1": "client_encoding",
    "postgres://u:hunter2@h/d?sslaccept=strict": "sslaccept",
    "postgres://u:hunter2@h/d?service=x": "leave out the option service",
    "postgres://u:hunter2@h/d?statement_timeout=1": "leave out the option statement_timeout",
    "postgres://u:hunter2@h/d?replication=database": "leave out the option replication",
}
"""URLs that can never work, or would not mean what somebody wants; with what is said of them."""


@pytest.mark.parametrize("url", REFUSED)
def test_a_url_that_cannot_work_is_refused_alike_by_the_settings_and_by_the_storage(url: str) -> None:
    with pytest.raises(StoreSettingsError, match=re.escape(REFUSED[url])) as caught:
        database_at(url)
    if url:
        with pytest.raises(SettingsError) as refused:
            load(REQUIRED | {"DATABASE_URL": url})
        assert refused.value.problems == (str(caught.value),)
    assert not re.search(r"hun|ter2|S3CRET", str(caught.value))


def test_a_file_is_where_its_path_says() -> None:
    assert parsed("sqlite:///data/bot.db") == File("data/bot.db")
    assert parsed("sqlite:////var/lib/my bot/é.db") == File("/var/lib/my bot/é.db")


texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1)


@given(texts, texts, texts)
@example("bot", r""":/?#[]@!$&'()*+,;=%"<>\^`{|}~ ä""", "bot")
def test_a_password_that_is_encoded_is_taken_as_it_is(user: str, password: str, database: str) -> None:
    login = f"{quote(user, safe='')}:{quote(password, safe='')}"
    server = parsed(f"postgres://{login}@h:5433/{quote(database, safe='')}?sslmode=require")
    assert isinstance(server, Server)
    assert (server.user, server.password, server.database) == (user, password, database)
    assert server.hosts == (("h", 5433),)
    apart = parsed(f"postgres://h/?user={quote(user, safe='')}&password={quote(password, safe='')}&port=5433")
    assert isinstance(apart, Server)
    assert (apart.user, apart.password, apart.hosts) == (user, password, server.hosts)
    for each in (server, apart):
        assert {password, quote(password, safe="")} <= set(each.secrets)
        assert password not in repr(each) or len(password) < 12


@given(st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1))
@example("p@ss")
@example("abc@x:S3CRET")
@example("a/b@c:6543/d?host=e")
@example("a?host=evil&password=")
@example("1/d?x=")
@example("a,b:1")
@example("%2Fetc")
@example("[::1]:80")
def test_a_password_that_is_not_encoded_is_taken_as_it_is_or_refused_and_never_a_host(password: str) -> None:
    url = f"postgres://bot:{password}@db.example:6543/bot?sslmode=require"
    try:
        server = parsed(url)
    except ValueError as refused:
        said = str(refused)
    else:
        said = ""
        assert isinstance(server, Server)
        assert server.hosts == (("db.example", 6543),)
        assert (server.user, server.database) == ("bot", "bot")
        assert password in server.secrets
    assert len(password) < 4 or password not in said
