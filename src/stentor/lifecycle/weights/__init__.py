"""Weights: what a model wants, and how that comes to be here."""
