"""`stentor`: the list of commands. Each is imported when it runs, so that `--help` is quick."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Literal, NoReturn

import typer

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

Server = Annotated[
    str | None, typer.Option(help="URL of a running server; default: one on this machine, or none")
]
Running = Annotated[
    str | None, typer.Option(help="URL of a running server; default: the one on this machine")
]
Json = Annotated[bool, typer.Option("--json", help="as JSON")]


def main() -> None:
    app()


def _run(
    command: str, *arguments: object, told_as: str | None = None, **options: object
) -> NoReturn:
    """`told_as`: what was typed, where it is not the module's name."""
    try:
        from stentor.cli.failure import attempt

        def run() -> int:
            chosen: Callable[..., int] = importlib.import_module(f"stentor.cli.{command}").run
            return chosen(*arguments, **options)

        sys.exit(attempt(told_as or command.replace("_", " "), run))
    except KeyboardInterrupt:  # before anything could be begun
        sys.exit(130)


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
    _run("serve", host, port, insecure, reload)


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
    _run(
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
    _run(
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


models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)
app.add_typer(models_app, name="models")


@models_app.callback()
def models(context: typer.Context, as_json: Json = False, server: Server = None) -> None:
    """List the models: task, default, state, memory, disk, aliases, languages."""
    if context.invoked_subcommand is None:
        _run("models", as_json=as_json, server=server)


@models_app.command("list")
def list_models(as_json: Json = False, server: Server = None) -> None:
    """List the models, as without a command."""
    _run("models", as_json=as_json, server=server)


@models_app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="models or engines")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="of weights that come with one")
    ] = False,
) -> None:
    """Install what engines need, each in an environment of its own, and fetch their weights."""
    _run("pull", names, told_as="models pull", accept_licence=accept_licence)


@models_app.command()
def load(
    names: Annotated[list[str], typer.Argument(help="models")],
    server: Running = None,
) -> None:
    """Load models into a running server's memory."""
    _run("control", "load", names, told_as="models load", server=server)


@models_app.command()
def unload(
    names: Annotated[list[str], typer.Argument(help="models")],
    timeout: Annotated[
        float | None, typer.Option(help="seconds for their running requests to end in", min=0)
    ] = None,
    server: Running = None,
) -> None:
    """Stop models, and give their memory back. The next request loads them again."""
    _run("control", "unload", names, told_as="models unload", server=server, timeout=timeout)


@models_app.command()
def pause(
    device: Annotated[
        list[str] | None, typer.Option(help="as cuda:0, cuda or cpu; default: every GPU")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(help="seconds for running requests to end in", min=0)
    ] = None,
    server: Running = None,
) -> None:
    """Free the GPUs for something else: nothing is loaded there before `resume`."""
    _run("control", "pause", told_as="models pause", server=server, devices=device, timeout=timeout)


@models_app.command()
def resume(server: Running = None) -> None:
    """Take the GPUs back into use."""
    _run("control", "resume", told_as="models resume", server=server)


@models_app.command()
def remove(
    names: Annotated[list[str] | None, typer.Argument(help="models or engines")] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="also what no model and no engine refers to any more")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="without asking")] = False,
) -> None:
    """Remove weights, and the environments that nothing else uses, from the disk."""
    _run("remove", names or [], told_as="models remove", unused=unused, yes=yes)


@models_app.command()
def info(
    name: Annotated[str, typer.Argument(help="a model or an engine")],
    as_json: Json = False,
) -> None:
    """Tell all of one model: engines, device, weights, environment, licence, state."""
    _run("info", name, told_as="models info", as_json=as_json)


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
    _run(
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
        list[str] | None, typer.Option(help="that you speak, as de; default: English")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="without asking")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="propose only")] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="of weights that come with one")
    ] = False,
) -> None:
    """Propose models that suit this machine, and pull them."""
    _run("setup", language or [], yes=yes, dry_run=dry_run, accept_licence=accept_licence)


@app.command()
def top(
    interval: Annotated[float, typer.Option(help="seconds between two looks", min=0.1)] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="one look only")] = False,
    server: Running = None,
) -> None:
    """Watch what a running server does: models, memory, queues."""
    _run("top", server=server, interval=interval, once=once)


config_app = typer.Typer(
    help="The configuration: show it, check it, or make it from another system's.",
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(config_app, name="config")


@config_app.command("show")
def config_show() -> None:
    """Print the configuration that counts, from all sources, as TOML with secrets masked."""
    _run("config_show")


@config_app.command("check")
def config_check() -> None:
    """Look for mistakes in the configuration; end with 2 if there are any."""
    _run("config_check")


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
    _run("config_import", file, source=source, output=output, overwrite=overwrite, env=env or [])


@app.command()
def doctor(as_json: Json = False) -> None:
    """Tell what works on this machine, and what to do about what does not."""
    _run("doctor", as_json=as_json)


if __name__ == "__main__":
    main()
