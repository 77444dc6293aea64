"""The models of a running server, through its API: what it has loaded, paused and promised stays
its own.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote

from stentor.cli.checks.trial import NOTHING_FETCHED, Candidate, Loaded
from stentor.cli.remote import Remote
from stentor.errors import StentorError


class ServerTrial:
    def __init__(self, remote: Remote) -> None:
        self.client = remote

    async def candidates(self) -> list[Candidate]:
        status = await self.client.admin("GET", "status")
        with _understood():
            return [candidate(model, status["paused"]) for model in status["models"]]

    async def load(self, model: str) -> Loaded:
        state = await self.client.admin("POST", f"models/{quote(model)}/load")
        with _understood():
            return Loaded(state["task"], bool(state["word_times"]))

    async def convert(self, model: str, pcm: bytes) -> float | None:
        return None  # no route of a server converts a voice


@contextmanager
def _understood() -> Iterator[None]:
    try:
        yield
    except (AttributeError, KeyError, TypeError) as error:
        raise StentorError("it is of another version than this command") from error


def candidate(model: Mapping[str, Any], paused: Collection[str]) -> Candidate:
    """Of what the server tells. What runs is tried, whatever another start would need."""
    services = [backend["service"] for backend in model["backends"]]
    why_not, advice = "", ""
    if all(service and _is_paused(service["device"], paused) for service in services):
        why_not, advice = f"paused, with {', '.join(sorted(paused))}", "stentor models resume"
    elif model["missing"] and not any(s and s["state"] == "ready" for s in services):
        why_not, advice = model["missing"], NOTHING_FETCHED
    return Candidate(model["name"], model["task"], tuple(model["aliases"]), why_not, advice)


def _is_paused(device: str, paused: Collection[str]) -> bool:
    """A pause is of a device or of its kind."""
    return device in paused or device.partition(":")[0] in paused
