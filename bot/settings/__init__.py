"""The settings: what the environment says, and what it may say."""

from bot.settings.environment import Settings, SettingsError, load, load_database_url, proxy_for
from bot.settings.values import Secret
from bot.settings.variables import ENDPOINT_VARIABLES, VARIABLES

__all__ = [
    "ENDPOINT_VARIABLES",
    "VARIABLES",
    "Secret",
    "Settings",
    "SettingsError",
    "load",
    "load_database_url",
    "proxy_for",
]
