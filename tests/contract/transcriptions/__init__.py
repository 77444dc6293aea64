"""Transcriptions and translations: the official SDK, and raw requests for what it never sends."""
