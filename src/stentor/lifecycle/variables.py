"""The gateway's environment, as other programs get it."""

from __future__ import annotations

import os


def without_secrets() -> dict[str, str]:
    """For what is ours."""
    return {
        name: value
        for name, value in os.environ.items()
        if not (name.startswith("STENTOR_") and name.endswith(("_KEY", "_KEYS", "_TOKEN")))
    }


def without_ours() -> dict[str, str]:
    """For what is somebody else's: another Stentor would take our settings for its own, and be
    started by itself.
    """
    return {k: v for k, v in os.environ.items() if not k.startswith("STENTOR_")}
