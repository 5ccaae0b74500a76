"""One file a family of slash commands."""
