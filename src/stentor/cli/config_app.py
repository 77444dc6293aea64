"""`stentor config`: the list of its commands."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stentor.cli.lazy import run

config_app = typer.Typer(
    help="The configuration: show it, check it, or make it from another system's.",
    no_args_is_help=True,
    rich_markup_mode=None,
)


@config_app.command("show")
def config_show() -> None:
    """Print the configuration that counts, from all sources, as TOML with secrets masked."""
    run("config_show")


@config_app.command("check")
def config_check() -> None:
    """Look for mistakes in the configuration; end with 2 if there are any."""
    run("config_check")


@config_app.command("import")
def config_import(
    file: Annotated[
        Path,
        typer.Argument(help="models.json, tts_processors.json, or Voice Stack's .env"),
    ],
    source: Annotated[
        Literal["local-ai", "yapit", "voice-stack"] | None,
        typer.Option("--from", help="the system that it is of; default: what is in it tells"),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("--output", "-o", help="file to write, as stentor.toml; default: stdout"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="write the file also if it is there already")
    ] = False,
    env: Annotated[
        list[str] | None,
        typer.Option(help="variable that the system is started with, as IDLE_TIMEOUT=600"),
    ] = None,
) -> None:
    """Write the equal of another system's configuration, with comments on what has no equal."""
    run("config_import", file, source=source, output=output, overwrite=overwrite, env=env or [])
