"""Tests of the bot; they mirror bot/."""
