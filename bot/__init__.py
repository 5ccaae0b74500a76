"""A Discord bot that watches the tokens (Midjourney accounts) linked to ImaginePro."""

VERSION = "0.1.0"
"""As in `pyproject.toml`, which a test holds it to: a checkout that was never installed has it, too."""

USER_AGENT = f"imaginepro-bot/{VERSION}"
"""How the bot introduces itself over HTTP; but to Discord, which wants to know the library."""
