"""Where the simulated ImaginePro serves what: the documented paths, and some of its own for what has none."""

from typing import Final

PATHS: Final = (
    ("LIST", "GET", "/api/v1/discord/tokens"),
    ("LIST", "GET", "/api/v1/discord/token/"),
    ("TOKEN", "GET", "/api/v1/discord/token/{token}"),
    ("TOGGLE", "PUT", "/api/v1/discord/token/{token}"),
    ("COMMANDS", "POST", "/api/v1/nova/commands"),
    ("COMMANDS", "POST", "/api/v1/midjourney/commands"),
    ("TRACE", "GET", "/api/v1/message/trace/{job}"),
    ("PROGRESS", "GET", "/api/v1/message/fetch/{job}"),
    ("PROGRESS", "GET", "/api/v1/midjourney/message/{job}"),
    ("IMAGES", "GET", "/api/v1/nova/images"),
    ("IMAGES", "GET", "/api/v1/midjourney/images"),
    ("IMAGINE", "POST", "/api/v1/nova/imagine"),
    ("IMAGINE", "POST", "/api/v1/midjourney/imagine"),
    ("BUTTON", "POST", "/api/v1/nova/button"),
    ("BUTTON", "POST", "/api/v1/midjourney/button"),
    ("ACCOUNT", "GET", "/api/v1/subscription/account-info"),
    ("PROMPT_CHECK", "POST", "/api/v1/nova/prompt-check"),
    ("QUEUE_COUNT", "GET", "/api/v1/sandbox/queue/count"),
    ("QUEUE_PAUSE", "POST", "/api/v1/sandbox/queue/pause"),
    ("QUEUE_RESUME", "POST", "/api/v1/sandbox/queue/resume"),
    ("QUEUE_REBOOT", "POST", "/api/v1/sandbox/queue/reboot"),
    ("QUEUE_STATUS", "GET", "/api/v1/sandbox/queue/status/{token}"),
    ("LINKED_ACCOUNTS", "GET", "/api/v1/sandbox/linked-accounts"),
    ("BANWORDS", "GET", "/api/v1/sandbox/ban-words"),
    ("BANWORDS_UPDATE", "POST", "/api/v1/sandbox/ban-words"),
)
"""Name of the endpoint, method and path. Of two paths with one name each does the same."""

PICTURE: Final = "/picture/{job}.png"
"""What came of a job; everybody may see it."""

_BODIES: Final = {"BANWORDS_UPDATE": ' {"add": "{add}", "remove": "{remove}"}'}
_OWN: Final = "/api/v1/sandbox/"

ENVIRONMENT: Final = {
    f"IMAGINEPRO_ENDPOINT_{name}": f"{method} {path}{_BODIES.get(name, '')}"
    for name, method, path in PATHS
    if path.startswith(_OWN)
}
"""What somebody has to set who uses what ImaginePro does not publish, by the names of the variables."""
