"""What is posted in the ops channel: cards, summaries, and the notices beside them."""

from bot.chat.alerts.components import offered, row
from bot.chat.alerts.groups import place
from bot.chat.alerts.listing import PAGE_SIZE, incident_list, said_of
from bot.chat.alerts.message import Alert, Roles, alert
from bot.chat.alerts.troubles import trouble, troubles_of_fleet, troubles_of_token
from bot.chat.alerts.unsaved import unsaved
from bot.chat.alerts.wording import WORDINGS

__all__ = [
    "PAGE_SIZE",
    "WORDINGS",
    "Alert",
    "Roles",
    "alert",
    "incident_list",
    "offered",
    "place",
    "row",
    "said_of",
    "trouble",
    "troubles_of_fleet",
    "troubles_of_token",
    "unsaved",
]
