"""Servers of others: commands and containers."""
