"""Tests of what every delivery lives by."""
