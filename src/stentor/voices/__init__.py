"""Voices: from the name that a client gives to a voice that a model has."""
