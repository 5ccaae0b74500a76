"""A Discord bot that watches the tokens (Midjourney accounts) linked to ImaginePro."""
