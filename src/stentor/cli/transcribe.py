"""`stentor transcribe`."""

from __future__ import annotations

import asyncio
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx2

from stentor.cli.client import Client, open_client
from stentor.cli.load import load_config
from stentor.config import Config
from stentor.errors import StentorError
from stentor.telemetry.log import configure_logging
from stentor.types import TranscriptionRequest


def run(files: list[Path], model: str, language: str | None, server: str | None) -> int:
    configure_logging("error")  # stdout is for text
    request = TranscriptionRequest(model, language=language)
    return asyncio.run(_transcribe(load_config(), request, files, server))


async def _transcribe(
    config: Config, request: TranscriptionRequest, files: list[Path], server: str | None
) -> int:
    """The exit status: 1 when any of the files failed; the others are still transcribed."""
    failed = False
    async with open_client(config, server) as client:
        for file in files:
            try:
                await _print_transcript(client, request, file, named=len(files) > 1)
            except (StentorError, httpx2.HTTPError, OSError) as error:
                print(f"stentor transcribe: {file}: {error}", file=sys.stderr)
                failed = True
    return int(failed)


async def _print_transcript(
    client: Client, request: TranscriptionRequest, file: Path, *, named: bool
) -> None:
    if named:
        print(f"# {file}")
    with _on_disk(file) as audio:
        async for text in client.transcribe(request, audio):
            print(text, flush=True)


@contextmanager
def _on_disk(file: Path) -> Iterator[Path]:
    """The file itself, or what stdin holds: reading audio needs to seek."""
    if str(file) != "-":
        yield file
        return
    with tempfile.NamedTemporaryFile() as spool:
        shutil.copyfileobj(sys.stdin.buffer, spool)
        spool.flush()
        yield Path(spool.name)
