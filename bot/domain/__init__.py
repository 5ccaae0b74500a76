"""What the bot knows and decides: values and pure functions, no I/O, no clock, nothing but the standard library."""
