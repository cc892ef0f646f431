"""The commands: one file a command or group of commands."""
