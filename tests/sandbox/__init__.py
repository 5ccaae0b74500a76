"""Tests of the outside world at home."""
