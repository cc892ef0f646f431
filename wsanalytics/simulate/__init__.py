"""What would have happened: one WorkSpace as a state machine, and a fleet in flat arrays."""
