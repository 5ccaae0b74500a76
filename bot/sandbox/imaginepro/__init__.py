"""ImaginePro at home: its whole API as an aiohttp application, over tokens, jobs and an account that can be scripted.

Every record carries a fake secret in `token`, as the real one carries its account's Discord token, and the account an
address. Both hold a word chosen by whoever made the upstream, so that a test can look for it wherever nothing secret
may be. What was done is counted, whatever was answered. Sources of paths and shapes: `bot.imaginepro.endpoints`; what
has no public path is at one of its own, and answers as somebody may have thought it up.
"""

from bot.sandbox.imaginepro.faults import (
    BAD_GATEWAY,
    FORBIDDEN,
    HANG,
    HANG_AFTER,
    HUGE,
    INVALID,
    NOT_FOUND,
    OUT_OF_CREDITS,
    REDIRECT,
    RESET,
    RESET_AFTER,
    SERVER_ERROR,
    TRUNCATED,
    UNAUTHORIZED,
    UNAVAILABLE,
    WEB_PAGE,
    WRONG,
    Fault,
    after,
    dripping,
    late,
    page,
    problem,
    rate_limited,
)
from bot.sandbox.imaginepro.jobs import SimulatedJob
from bot.sandbox.imaginepro.paths import ENVIRONMENT, PATHS
from bot.sandbox.imaginepro.records import TokenRecord, token_record
from bot.sandbox.imaginepro.service import pictures, serving
from bot.sandbox.imaginepro.upstream import Call, Effect, Shape, Upstream

__all__ = [
    "BAD_GATEWAY",
    "ENVIRONMENT",
    "FORBIDDEN",
    "HANG",
    "HANG_AFTER",
    "HUGE",
    "INVALID",
    "NOT_FOUND",
    "OUT_OF_CREDITS",
    "PATHS",
    "REDIRECT",
    "RESET",
    "RESET_AFTER",
    "SERVER_ERROR",
    "TRUNCATED",
    "UNAUTHORIZED",
    "UNAVAILABLE",
    "WEB_PAGE",
    "WRONG",
    "Call",
    "Effect",
    "Fault",
    "Shape",
    "SimulatedJob",
    "TokenRecord",
    "Upstream",
    "after",
    "dripping",
    "late",
    "page",
    "pictures",
    "problem",
    "rate_limited",
    "serving",
    "token_record",
]
