"""`stentor`: the list of commands. Each is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, NoReturn

import typer

app = typer.Typer(
    name="stentor",
    help="A self-hosted voice server: speech and transcription for any app.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

Server = Annotated[
    str | None, typer.Option(help="URL of a running server; default: one on this machine, or none")
]


def main() -> None:
    app()


def _run(command: str, *arguments: object) -> NoReturn:
    run: Callable[..., int] = importlib.import_module(f"stentor.cli.{command}").run
    from stentor.config import ConfigurationError  # not before the command has imported it anyway

    try:
        sys.exit(run(*arguments))
    except ConfigurationError as error:
        print(f"the configuration is wrong: {error}", file=sys.stderr)
        sys.exit(2)


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0: any free one")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="allow other machines in without an API key")
    ] = False,
) -> None:
    """Run the server."""
    _run("serve", host, port, insecure)


@app.command()
def say(
    text: Annotated[str, typer.Argument(help="what to say; '-' reads it from stdin")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="file to write; '-' is stdout")
    ] = None,
    model: Annotated[str, typer.Option(help="model to speak with")] = "tts-1",
    voice: Annotated[str | None, typer.Option(help="one of the model's voices")] = None,
    language: Annotated[
        str | None, typer.Option(help="language of the text, as en or pt-br")
    ] = None,
    speed: Annotated[float, typer.Option(help="1 is the voice's own", min=0.25, max=4)] = 1.0,
    server: Server = None,
) -> None:
    """Speak a text: into a file, or aloud where a player is found."""
    _run("say", text, output, model, voice, language, speed, server)


@app.command()
def transcribe(
    files: Annotated[list[Path], typer.Argument(help="audio or video files; '-' is stdin")],
    model: Annotated[str, typer.Option(help="model to listen with")] = "whisper-1",
    language: Annotated[str | None, typer.Option(help="spoken language, as en")] = None,
    server: Server = None,
) -> None:
    """Write what is said in audio files to stdout, as it is heard."""
    _run("transcribe", files, model, language, server)


@app.command()
def doctor() -> None:
    """Tell what works on this machine, and what to do about what does not."""
    _run("doctor")


if __name__ == "__main__":
    main()
