"""Doors of other projects' APIs, each below `/compat/<name>`."""
