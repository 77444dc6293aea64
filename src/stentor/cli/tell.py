"""A server that runs hears of what came to this machine's disk, and of what goes from it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from urllib.parse import quote

import httpx2

from stentor.cli.client import open_server
from stentor.cli.failure import UsageError, described
from stentor.cli.load import load_config
from stentor.cli.remote import Remote
from stentor.errors import StentorError


async def tell_server() -> None:
    """It takes in what there is now. What keeps it from that is told."""
    with _told():
        async with open_server(load_config(), None) as remote:
            await remote.admin("POST", "reload")


async def unload(models: Sequence[str]) -> None:
    """The same; and of these models, whose files are no longer to be used, nothing runs any more
    when this returns: their requests have ended, or had as long as at any unloading.
    """
    with _told():
        async with open_server(load_config(), None) as remote:
            for name in await _built_anew(remote, models):
                with _told():
                    await remote.admin("POST", f"models/{quote(name)}/unload")


async def _built_anew(remote: Remote, models: Sequence[str]) -> Sequence[str]:
    """Those that the server is done with as they were; all where it does not tell."""
    try:
        changed = (await remote.admin("POST", "reload"))["changed"]
    except StentorError as error:
        _tell(error)
        return models
    return [name for name in models if name in changed]


@contextmanager
def _told() -> Iterator[None]:
    try:
        yield
    except UsageError:
        return  # none runs
    except (StentorError, httpx2.HTTPError) as error:
        _tell(error)


def _tell(error: Exception) -> None:
    print(f"the running server was not told: {described(error)}", file=sys.stderr, flush=True)
