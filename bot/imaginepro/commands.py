"""Midjourney's commands, run by ImaginePro in the account of one token.

Its newest page (docs.imaginepro.ai/api-254009155) says that a token must be named, and not in which field; the body and
the answer of the page before it (imaginepro.ai/docs/commands) are taken for the rest.
"""

from bot.imaginepro.http import Line
from bot.imaginepro.jobs import submitted


async def command(line: Line, token_id: int, word: str) -> str:
    """See `ImaginePro.command`."""
    return await line.call("COMMANDS", lambda: submitted(line.clean), {"command": word, "token": token_id})
