"""Other people's HTTP addresses: the one that is told what the ops channel cannot hear of, and its kind."""

from bot.webhook.address import Answer, Notify, Webhook
from bot.webhook.body import Event
from bot.webhook.fallback import Fallback

__all__ = ["Answer", "Event", "Fallback", "Notify", "Webhook"]
