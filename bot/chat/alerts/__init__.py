"""What is posted in the ops channel: cards, summaries, and the notices beside them."""

from bot.chat.alerts.components import row
from bot.chat.alerts.listing import incident_list
from bot.chat.alerts.message import Alert, Roles, alert
from bot.chat.alerts.troubles import trouble, troubles_of_fleet, troubles_of_token
from bot.chat.alerts.wording import WORDINGS

__all__ = [
    "WORDINGS",
    "Alert",
    "Roles",
    "alert",
    "incident_list",
    "row",
    "trouble",
    "troubles_of_fleet",
    "troubles_of_token",
]
