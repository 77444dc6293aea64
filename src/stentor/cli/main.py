"""`stentor`: the list of commands. Each is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from stentor.cli.config_app import config_app
from stentor.cli.lazy import run
from stentor.cli.models_app import models_app
from stentor.cli.options import Json, Running, Server

app = typer.Typer(
    name="stentor",
    help="A self-hosted voice server: speech and transcription for any app.",
    epilog="Commands end with 0; 1 when they failed; 2 when they, or the configuration, were told "
    "wrongly; 130 when they were interrupted.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
)

app.add_typer(models_app, name="models")
app.add_typer(config_app, name="config")


def main() -> None:
    app()


@app.command()
def serve(
    host: Annotated[str | None, typer.Option(help="address to listen on")] = None,
    port: Annotated[int | None, typer.Option(help="port to listen on; 0: any free one")] = None,
    insecure: Annotated[
        bool, typer.Option("--insecure", help="allow other machines in without an API key")
    ] = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="start again when its files change (development)")
    ] = False,
) -> None:
    """Run the server."""
    run("serve", host, port, insecure, reload)


@app.command()
def say(
    text: Annotated[
        str | None, typer.Argument(help="what to say; '-', or nothing, reads it from stdin")
    ] = None,
    file: Annotated[Path | None, typer.Option(help="text file to read out")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="file to write; '-' is stdout")
    ] = None,
    audio_format: Annotated[
        str | None, typer.Option("--format", help="format to write; default: the file's suffix")
    ] = None,
    words: Annotated[
        bool, typer.Option("--words", help="show the words on stderr as they are heard")
    ] = False,
    words_to: Annotated[
        Path | None, typer.Option(help=".srt, .vtt or .json file to write the words' times to")
    ] = None,
    model: Annotated[str, typer.Option(help="model to speak with")] = "tts-1",
    voice: Annotated[str | None, typer.Option(help="one of the model's voices")] = None,
    language: Annotated[
        str | None, typer.Option(help="language of the text, as en or pt-br")
    ] = None,
    speed: Annotated[float, typer.Option(help="1 is the voice's own", min=0.25, max=4)] = 1.0,
    instructions: Annotated[str | None, typer.Option(help="how to speak, in words")] = None,
    option: Annotated[
        list[str] | None, typer.Option(help="the model's own parameter, as key=value")
    ] = None,
    seed: Annotated[
        int | None, typer.Option(help="for another take; -1: a new one", min=-1, max=2**31 - 1)
    ] = None,
    server: Server = None,
) -> None:
    """Speak a text: into a file, or aloud where a player is found."""
    run(
        "say",
        text,
        file=file,
        output=output,
        audio_format=audio_format,
        words=words,
        words_to=words_to,
        model=model,
        voice=voice,
        language=language,
        speed=speed,
        instructions=instructions,
        options=option or [],
        seed=seed,
        server=server,
    )


@app.command()
def transcribe(
    files: Annotated[
        list[Path], typer.Argument(help="audio or video files, or folders; '-' is stdin")
    ],
    formats: Annotated[
        list[str] | None,
        typer.Option("--format", "-f", help="txt, srt, vtt or json; may be given several times"),
    ] = None,
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="folder to write to, or for one file a file"),
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="write again what is there already")
    ] = False,
    words: Annotated[
        bool, typer.Option("--words", help="with the times of words; in json")
    ] = False,
    task: Annotated[
        Literal["transcribe", "translate"], typer.Option(help="translate: into English")
    ] = "transcribe",
    model: Annotated[str, typer.Option(help="model to listen with")] = "whisper-1",
    language: Annotated[str | None, typer.Option(help="spoken language, as en")] = None,
    server: Server = None,
) -> None:
    """Write down what is said in audio and video files: one file and format to stdout, several
    beside the files, or to a folder of their own.
    """
    run(
        "transcribe",
        files,
        formats=formats or [],
        output=output,
        overwrite=overwrite,
        words=words,
        task=task,
        model=model,
        language=language,
        server=server,
    )


@app.command()
def voices(
    model: Annotated[str | None, typer.Option(help="whose voices; default: what is usual")] = None,
    language: Annotated[str | None, typer.Option(help="only those that speak it, as en-gb")] = None,
    play: Annotated[str | None, typer.Option(help="hear this voice")] = None,
    play_all: Annotated[
        bool, typer.Option("--play-all", help="hear all of the list, one after the other")
    ] = False,
    as_json: Json = False,
    server: Server = None,
) -> None:
    """List the voices: id, name, languages, gender, model; or hear them."""
    run(
        "voices",
        model=model,
        language=language,
        play_one=play,
        play_all=play_all,
        as_json=as_json,
        server=server,
    )


@app.command()
def setup(
    language: Annotated[
        list[str] | None,
        typer.Option(help="that you speak, as de; default: as told before, or English"),
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="without asking")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="propose only")] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="of weights that come with one")
    ] = False,
) -> None:
    """Propose models that suit this machine, and pull them."""
    run("setup", language or [], yes=yes, dry_run=dry_run, accept_licence=accept_licence)


@app.command()
def top(
    interval: Annotated[float, typer.Option(help="seconds between two looks", min=0.1)] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="one look only")] = False,
    server: Running = None,
) -> None:
    """Watch what a running server does: models, memory, queues."""
    run("top", server=server, interval=interval, once=once)


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what works on this machine, and what to do about what does not."""
    run("doctor", as_json=as_json)


if __name__ == "__main__":
    main()
