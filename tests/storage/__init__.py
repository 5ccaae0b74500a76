"""Tests of the database, on both engines."""
