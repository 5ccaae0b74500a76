"""A Discord bot that watches the Midjourney accounts linked to ImaginePro."""
