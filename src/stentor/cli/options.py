"""Options that several commands have."""

from __future__ import annotations

from typing import Annotated

import typer

Server = Annotated[
    str | None, typer.Option(help="URL of a running server; default: one on this machine, or none")
]
Running = Annotated[
    str | None, typer.Option(help="URL of a running server; default: the one on this machine")
]
Json = Annotated[bool, typer.Option("--json", help="as JSON")]
