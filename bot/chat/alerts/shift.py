"""What the channel reads when somebody's shift begins."""

from bot.chat.text import stamp
from bot.domain.messages import Notice


def shift(notice: Notice) -> tuple[str, str, list[str]]:
    """A sign, the headline, and what to know beside what is open. Nobody in it is mentioned."""
    handover = notice.shift
    if handover is None or handover.who is None:
        lines = [
            "Everybody of the rota has left this server, so pages mention the alert role. Set another: `/oncall set`."
        ]
        return "📟", "Nobody is on call", lines
    until = f" until {stamp(notice.until, 'f')}" if notice.until else ""
    lines = [f"<@{handover.left}> has left this server."] if handover.left is not None else []
    lines += ["They stand in for somebody, by `/oncall swap`."] if handover.swap else []
    lines += [] if notice.keys else ["Nothing is open."]
    return "📟", f"<@{handover.who}> is on call{until}", lines
