"""The specification: every variable of the environment. `.env.example` and `docs/settings.md` follow it."""

from collections.abc import Callable
from functools import partial

from bot.domain.value import Value
from bot.imaginepro.endpoints import ENDPOINTS, placed
from bot.settings import values


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
    lower: bool = False
    """Whether other programs write it in small letters too, which then count for more, as for them."""
    in_chat: bool = False
    """Whether `/admin setup` may set it, where the environment does not."""

    @property
    def forms(self) -> tuple[str, ...]:
        """The names under which it may be set."""
        return (self.name, f"{self.name}_FILE") if self.secret else (self.name,)


VARIABLES = (
    Variable(
        "DISCORD_TOKEN",
        "discord_token",
        values.bot_token,
        "the bot's own token, from the Bot page of your application in Discord's developer portal",
        secret=True,
    ),
    Variable(
        "DISCORD_GUILD_ID",
        "guild_id",
        values.snowflake,
        "the server in which the commands are registered and accepted",
    ),
    Variable(
        "IMAGINEPRO_API_KEY",
        "api_key",
        values.credential("Bearer"),
        "the key of your ImaginePro account",
        secret=True,
    ),
    Variable(
        "OPS_CHANNEL_ID",
        "ops_channel_id",
        values.snowflake,
        "the channel where alerts go; without it they wait, until `/admin setup` names one",
        "",
        in_chat=True,
    ),
    Variable(
        "IMAGINEPRO_API_URL",
        "api_url",
        values.url,
        "where ImaginePro's API is",
        "https://api.imaginepro.ai",
    ),
    Variable(
        "IMAGINEPRO_RATE_LIMIT",
        "rate_limit",
        values.rate_limit,
        "calls to ImaginePro per time, over all calls",
        "1/3s",
    ),
    Variable(
        "IMAGINEPRO_TOKEN_FIELD",
        "token_field",
        values.field_name,
        "the field in which `/mode` and `/refresh` name the token; ImaginePro does not publish its name",
        "tokenId",
    ),
    Variable(
        "POLL_INTERVAL",
        "poll_interval",
        values.poll_interval,
        "how often the linked tokens are polled; 1s to 1d, and no shorter than the rate limit allows",
        "60s",
    ),
    Variable(
        "FAST_TIME_THRESHOLD",
        "thresholds",
        values.thresholds,
        "levels of fast time to warn under, each once: percentages up to 98%, times, times ahead: 15%,2h,eta 12h",
        "20%,5%",
        in_chat=True,
    ),
    Variable(
        "DATABASE_URL",
        "database_url",
        values.database_url,
        "where the bot remembers: a SQLite file, or a PostgreSQL URL as your host hands it out",
        "sqlite:///data/bot.db",
        secret=True,
    ),
    Variable(
        "HISTORY_RAW",
        "history_raw",
        values.retention,
        "how long each change of a token's figures is kept, for charts and exports; 1d to 3650d",
        "14d",
    ),
    Variable(
        "HISTORY_HOURLY",
        "history_hourly",
        values.retention,
        "how long one reading an hour is kept of each token; 1d to 3650d, and no shorter than HISTORY_RAW",
        "395d",
    ),
    Variable(
        "OPERATOR_ROLE_ID",
        "operator_role_id",
        values.snowflake,
        "the role that may use the bot; without it, whoever may manage the server",
        "",
        in_chat=True,
    ),
    Variable(
        "VIEWER_ROLE_ID",
        "viewer_role_id",
        values.snowflake,
        "the role that may look, and change nothing; without it, only operators",
        "",
        in_chat=True,
    ),
    Variable(
        "ALERT_ROLE_ID",
        "alert_role_id",
        values.snowflake,
        "the role that critical alerts mention, while no rota (/oncall) says whom; without either, nobody is mentioned",
        "",
        in_chat=True,
    ),
    Variable(
        "ESCALATION_ROLE_ID",
        "escalation_role_id",
        values.snowflake,
        "the role that is mentioned, too, from the second reminder of a critical alert on; with a rota, one later",
        "",
        in_chat=True,
    ),
    Variable(
        "RUNBOOK_URL",
        "runbook_url",
        values.template,
        "where alerts link to for what to do; `{rule}` and `{token}` in it are filled in",
        "",
    ),
    Variable(
        "REFRESH_COOLDOWN",
        "refresh_cooldown",
        values.cooldown,
        "how long after a `/refresh` of a token nobody can refresh it again; 10m to 30d",
        "6h",
    ),
    Variable(
        "FALLBACK_WEBHOOK_URL",
        "fallback_webhook_url",
        values.webhook,
        "an address that is told what nobody in the ops channel can hear of: of ntfy, Slack, Discord and the like",
        "",
        secret=True,
    ),
    Variable(
        "HEARTBEAT_URL",
        "heartbeat_url",
        values.webhook,
        "an address that is called while all is well, of a service that tells you when the calls stop",
        "",
        secret=True,
    ),
    Variable(
        "TIMEZONE",
        "timezone",
        values.zone,
        "the time zone of maintenance windows, the daily digest, charts, exports and all days, as in Europe/Berlin",
        "UTC",
        in_chat=True,
    ),
    Variable(
        "DIGEST_AT",
        "digest_at",
        values.clock,
        "when the daily digest is posted, on the clock of `TIMEZONE`, as in 9:00 or 17:30; off for none",
        "09:00",
        in_chat=True,
    ),
    Variable(
        "HTTPS_PROXY",
        "https_proxy",
        values.proxy,
        "the HTTP proxy by which ImaginePro, Discord and webhooks are reached, as in http://user:password@host:3128",
        "",
        lower=True,
    ),
    Variable(
        "HTTP_PROXY",
        "http_proxy",
        values.proxy,
        "the same for http:// addresses, which are private: only a proxy on this machine is asked for them",
        "",
        lower=True,
    ),
    Variable(
        "NO_PROXY",
        "no_proxy",
        str,
        "hosts that are reached without a proxy, and all below them, as in discord.com,.example.com; `*` for all",
        "",
        lower=True,
    ),
    Variable(
        "LOG_LEVEL",
        "log_level",
        values.choice("debug", "info", "warning", "error"),
        "how much is logged: debug, info, warning or error",
        "info",
    ),
    Variable(
        "LOG_FORMAT",
        "log_format",
        values.choice("text", "json"),
        "how it is logged: text, or json for log drains",
        "text",
    ),
    Variable(
        "PORT",
        "port",
        values.port,
        "where `/health` and `/metrics` are served; without it, nowhere",
        "",
    ),
    Variable(
        "HOST",
        "host",
        values.host,
        "from where they can be reached: 127.0.0.1 is this machine alone, 0.0.0.0 everywhere",
        "127.0.0.1",
    ),
    Variable(
        "METRICS_TOKEN",
        "metrics_token",
        values.chosen,
        "what whoever reads `/metrics` must send as a bearer token: 16 characters or more",
        "",
        secret=True,
    ),
    Variable(
        "METRICS_NAMES",
        "metrics_names",
        values.switch,
        "true: `/metrics` says what people call tokens, in a label `name` beside their ids",
        "false",
    ),
    Variable(
        "READ_ONLY",
        "read_only",
        values.switch,
        "true: the bot only watches, and changes nothing at ImaginePro, neither by itself nor for anybody",
        "false",
    ),
    Variable(
        "WATCHDOG",
        "watchdog",
        values.switch,
        "true: the bot ends itself when it is stuck, so that the host starts it again",
        "false",
    ),
)
"""Every variable, required ones first."""


ENDPOINT_VARIABLES = tuple(
    Variable(each.variable, each.name, partial(placed, each), each.what, "") for each in ENDPOINTS.values()
)
"""One for each endpoint of ImaginePro's; the field of each is that endpoint's name, in `Settings.endpoints`."""
