"""The commands: parse and call. Nothing heavy is imported before a command runs."""
