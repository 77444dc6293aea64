"""How a command ends: with 0; 1 when it failed; 2 when it was told wrongly; or by the signal that
ended it. What went wrong is one line on stderr, never a traceback.
"""

from __future__ import annotations

import asyncio
import io
import os
import signal
import sys
from collections.abc import Callable, Coroutine

import httpx2

from stentor.config import ConfigurationError
from stentor.errors import StentorError

FAILED = 1
USAGE = 2
INTERRUPTED = 128 + 2
NOT_READ = 128 + 13
TERMINATED = 128 + 15
"""As shells tell of the signals INT, PIPE and TERM."""

FAILURES = (StentorError, httpx2.HTTPError, OSError)
"""What may go wrong without anything being wrong with this program."""


class UsageError(Exception):
    """`str(error)` says what is wrong with what the command was told."""


def attempt(name: str, command: Callable[[], int]) -> int:
    """The exit status of `stentor <name>`, whose failure is told."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # whatever can be shown is better than a failure
            stream.reconfigure(errors="replace")
    try:
        return command()
    except ConfigurationError as error:
        print(f"the configuration is wrong: {error}", file=sys.stderr)
        return USAGE
    except UsageError as error:
        tell(name, str(error))
        return USAGE
    except KeyboardInterrupt:
        return INTERRUPTED
    except asyncio.CancelledError:
        return TERMINATED
    except BrokenPipeError:
        # Who reads stdout has enough. What Python still holds for it must go nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOT_READ
    except FAILURES as error:
        tell(name, described(error))
        return FAILED


def run_async(work: Coroutine[None, None, int]) -> int:
    """Runs it. SIGTERM cancels it as an interrupt does, so that it takes back what it has begun;
    raises CancelledError or KeyboardInterrupt then.
    """
    return asyncio.run(_stoppable(work))


def tell(name: str, why: str) -> None:
    print(f"stentor {name}: {why}", file=sys.stderr, flush=True)


def described(error: BaseException) -> str:
    """In one line."""
    if isinstance(error, OSError) and error.strerror:
        place = f"{error.filename}: " if error.filename else ""
        text = f"{place}{error.strerror}"
    elif isinstance(error, httpx2.ConnectError | httpx2.ConnectTimeout):
        text = f"no server answers at {_origin(error)}"
    elif isinstance(error, httpx2.TimeoutException):
        text = f"{_origin(error)} gave no answer in time"
    elif isinstance(error, httpx2.NetworkError | httpx2.RemoteProtocolError):
        text = f"the connection to {_origin(error)} broke before the answer was complete"
    else:
        text = str(error) or type(error).__name__
    return " ".join(text.split())


def _origin(error: httpx2.RequestError) -> str:
    url = error.request.url
    return f"{url.scheme}://{url.netloc.decode()}"


async def _stoppable(work: Coroutine[None, None, int]) -> int:
    running = asyncio.current_task()
    if sys.platform != "win32" and running is not None:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, running.cancel)
    return await work
