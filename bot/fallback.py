"""Who is told what nobody in the ops channel can hear of, as the settings have it."""

from collections.abc import Callable
from datetime import datetime

from bot.settings import Settings, SettingsError, proxy_for
from bot.webhook import Webhook


def fallback_of(settings: Settings, clock: Callable[[], datetime]) -> Webhook | None:
    """Who is told what nobody in the ops channel can hear of."""
    if settings.fallback_webhook_url is None:
        return None
    url = settings.fallback_webhook_url.reveal()
    return Webhook(url, clock, settings.proxy_for(url), settings.secrets)


def fallback_in_spite_of(error: SettingsError, clock: Callable[[], datetime]) -> Webhook | None:
    """The same, where other settings are wrong."""
    if error.known.get("fallback_webhook_url") is None:
        return None
    url = error.known["fallback_webhook_url"].reveal()
    proxies = {scheme: error.known.get(f"{scheme}_proxy") for scheme in ("http", "https")}
    return Webhook(url, clock, proxy_for(url, proxies, error.known.get("no_proxy")), error.secrets)
