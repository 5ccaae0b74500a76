"""A Discord bot that watches the tokens (Midjourney accounts) linked to ImaginePro."""

__version__ = "0.2.0"
"""The one place where it is written: the package, `--version`, `/metrics` and the log take it from here."""

USER_AGENT = f"imaginepro-bot/{__version__}"
"""How the bot introduces itself over HTTP; but to Discord, which wants to know the library."""
