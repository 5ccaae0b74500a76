"""What every delivery lives by: what became of an attempt, what rests after a refusal, who is woken by what is new."""
