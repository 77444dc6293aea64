"""A debugger, where the environment asks for one."""

from __future__ import annotations

import os
import sys
from importlib import import_module

from stentor.config import ConfigurationError

DEBUGGER = "STENTOR_DEBUGPY"
"""The variable: see `debugger_address`."""


def attach_debugger() -> None:
    """Nothing where the variable is not set; raises ConfigurationError."""
    asked = os.environ.get(DEBUGGER)
    if not asked:
        return
    host, port, wait = debugger_address(asked)
    try:
        debugpy = import_module("debugpy")
    except ModuleNotFoundError as error:
        raise ConfigurationError(f"{DEBUGGER} needs the package debugpy: install it") from error
    debugpy.listen((host, port))
    print(f"a debugger may attach to {host}:{port}", file=sys.stderr, flush=True)
    if wait:
        debugpy.wait_for_client()


def debugger_address(asked: str) -> tuple[str, int, bool]:
    """Host, port, and whether to wait until a debugger is there, of `[wait:][HOST:]PORT`. Without a
    host it is this machine only: who can reach a debugger can do anything. Raises
    ConfigurationError.
    """
    place = asked.removeprefix("wait:")
    host, _, port = place.rpartition(":")
    if not (port.isascii() and port.isdecimal() and 0 < int(port) < 65536):
        raise ConfigurationError(f"{DEBUGGER} is [wait:][HOST:]PORT, not '{asked}'")
    return host.strip("[]") or "127.0.0.1", int(port), place != asked
