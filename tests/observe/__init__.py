"""Tests of what the bot says about itself."""
