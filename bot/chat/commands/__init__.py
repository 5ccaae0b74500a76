"""Slash commands, one module a family: each asks the desk and shows a card."""
