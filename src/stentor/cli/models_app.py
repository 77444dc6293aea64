"""`stentor models`: the list of its commands."""

from __future__ import annotations

from typing import Annotated

import typer

from stentor.cli.lazy import run
from stentor.cli.options import Json, Running, Server

models_app = typer.Typer(invoke_without_command=True, rich_markup_mode=None)


@models_app.callback()
def models(context: typer.Context, as_json: Json = False, server: Server = None) -> None:
    """List the models: task, default, state, memory, disk, aliases, languages."""
    if context.invoked_subcommand is None:
        run("models", as_json=as_json, server=server)


@models_app.command("list")
def list_models(as_json: Json = False, server: Server = None) -> None:
    """List the models, as without a command."""
    run("models", as_json=as_json, server=server)


@models_app.command()
def pull(
    names: Annotated[list[str], typer.Argument(help="models or engines")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="of weights that come with one")
    ] = False,
    anew: Annotated[
        bool, typer.Option("--anew", help="build environments again, of packages fetched again")
    ] = False,
) -> None:
    """Install what engines need, each in an environment of its own, and fetch their weights. An
    environment that has lost files is built again.
    """
    run("pull", names, told_as="models pull", accept_licence=accept_licence, anew=anew)


@models_app.command()
def load(
    names: Annotated[list[str], typer.Argument(help="models")],
    server: Running = None,
) -> None:
    """Load models into a running server's memory."""
    run("control", "load", names, told_as="models load", server=server)


@models_app.command()
def unload(
    names: Annotated[list[str], typer.Argument(help="models")],
    timeout: Annotated[
        float | None, typer.Option(help="seconds for their running requests to end in", min=0)
    ] = None,
    server: Running = None,
) -> None:
    """Stop models, and give their memory back. The next request loads them again."""
    run("control", "unload", names, told_as="models unload", server=server, timeout=timeout)


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
    run("control", "pause", told_as="models pause", server=server, devices=device, timeout=timeout)


@models_app.command()
def resume(
    device: Annotated[
        list[str] | None, typer.Option(help="as cuda:0, cuda or cpu; default: all that is paused")
    ] = None,
    server: Running = None,
) -> None:
    """Take the GPUs back into use."""
    run("control", "resume", told_as="models resume", server=server, devices=device)


@models_app.command()
def remove(
    names: Annotated[list[str] | None, typer.Argument(help="models or engines")] = None,
    unused: Annotated[
        bool, typer.Option("--unused", help="also what no model and no engine refers to any more")
    ] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="without asking")] = False,
) -> None:
    """Remove weights and the environments that nothing else uses from the disk, and models that
    were pulled or created.
    """
    run("remove", names or [], told_as="models remove", unused=unused, yes=yes)


@models_app.command()
def info(
    name: Annotated[str, typer.Argument(help="a model or an engine")],
    as_json: Json = False,
) -> None:
    """Tell all of one model: engines, device, weights, environment, licence, state."""
    run("info", name, told_as="models info", as_json=as_json)
