"""Take secrets out of a text before anybody sees it: by their values when known, and by their shapes anyway.

Redacting too much costs a word in a log; too little costs an account. In doubt it goes.
"""

import re
from collections.abc import Iterable

REDACTED = "[redacted]"

SHORT = 8
"""Characters. A shorter secret is found in the midst of words, which then show what it is by what they lack."""

_START = r"(?:(?<![\w-])|(?<=\\[nrt]))"
"""Where a secret may begin: not inside a word, but right after a line break that somebody's `repr` wrote as `\\n`."""

SECRET_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = (
    # A Discord token: the account's id, a time and a signature, in base64url. `mfa.` is the older form of user tokens.
    (re.compile(_START + r"[\w-]{18,40}\.[\w-]{5,10}\.[\w-]{20,}", re.ASCII), REDACTED),
    (re.compile(_START + r"mfa\.[\w-]{20,}", re.ASCII), REDACTED),
    # ImaginePro's keys: `sk-...` in its SDK's examples, three-part JWTs (RFC 7519; `{"` is `eyJ`) in older clients.
    (re.compile(_START + r"sk-[\w-]{6,}", re.ASCII), REDACTED),
    (re.compile(_START + r"eyJ[\w-]*\.[\w-]+(?:\.[\w-]*)?", re.ASCII), REDACTED),
    (re.compile(r"\b(bearer\s+)[^\s\"',;]+", re.IGNORECASE), rf"\1{REDACTED}"),
    (re.compile(r"\b(authorization[\"']?\s?[:=]\s?[\"']?)[^\r\n\"',;]+", re.IGNORECASE), rf"\1{REDACTED}"),
    # A quoted field of JSON, or of a dictionary's repr. The upstream sends an account's Discord token as `token`.
    (
        re.compile(r"([\"'](?:token|password|secret|api_?key)\\?[\"']\s?:\s?\\?[\"'])[^\"'\r\n]*", re.IGNORECASE),
        rf"\1{REDACTED}",
    ),
    # User and password of a URL, and a password among its options.
    (re.compile(r"(?<=://)[^\s/]+@"), f"{REDACTED}@"),
    (re.compile(r"\b(password=)[^\s&\"']+", re.IGNORECASE), rf"\1{REDACTED}"),
    # The tokens of interactions and webhooks are part of the paths that discord.py logs.
    (re.compile(r"(/(?:interactions|webhooks)/\d+/)[\w.-]+", re.ASCII), rf"\1{REDACTED}"),
    # The owner's address, which ImaginePro's account calls send.
    (re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+\.[\w.-]+"), REDACTED),
)
"""What a secret looks like, and what is put in its place. No pattern can scan the same text twice from one start."""


def redact(text: str, secrets: Iterable[str] = ()) -> str:
    """Replace every known secret, and everything that looks like one, with `[redacted]`.

    Args:
        text: Anything that may leave the process.
        secrets: Known values; empty ones are ignored. Longer ones go first, since one may contain another; short ones
            go where they stand by themselves.
    """
    for secret in sorted(filter(None, secrets), key=len, reverse=True):
        if len(secret) < SHORT:
            text = re.sub(rf"(?<!\w){re.escape(secret)}(?!\w)", REDACTED, text)
        else:
            text = text.replace(secret, REDACTED)
    for shape, replacement in SECRET_SHAPES:
        text = shape.sub(replacement, text)
    return text
