"""Doors for the server's owner: what runs, and what shall."""
