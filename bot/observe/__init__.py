"""How the bot is doing, for those who run it: `/health`, `/metrics` and the watchdog."""
