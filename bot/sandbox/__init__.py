"""The outside world, small enough to run at home: for the demo and the tests."""
