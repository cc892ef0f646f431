"""The commands: one file each, or one for a group. Heavy imports stand inside the functions."""
