"""Stentor: a self-hosted voice server."""

__version__ = "0.1.0"
