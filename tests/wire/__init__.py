"""Discord over real sockets, small enough to run in a test, and the bot as a process beside it."""
