"""`stentor models pull`: what engines need, and the weights that models want."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from stentor.cli.failure import run_async
from stentor.cli.fetching import told
from stentor.cli.installed import Installed, Target
from stentor.cli.keep import keep
from stentor.cli.load import load_config
from stentor.cli.tables import mebibytes
from stentor.cli.tell import tell_server
from stentor.errors import ModelUnavailable
from stentor.lifecycle.environments.build import BuildFailed
from stentor.lifecycle.environments.environment import Environment
from stentor.lifecycle.weights.wanted import Wanted
from stentor.storage.size import size_of
from stentor.telemetry.log import configure_logging


def run(names: Sequence[str], *, accept_licence: bool, anew: bool) -> int:
    configure_logging("critical")  # what goes wrong is told once, by the command
    installed = Installed(load_config())
    named = [target for name in names for target in installed.targets(name)]
    distinct = {(t.engine, t.weights, t.revision, t.checksum): t for t in named}
    targets = [(target, target.wanted()) for target in distinct.values()]
    licences = [
        licence
        for _, wanted in targets
        if isinstance(wanted, Wanted) and not installed.weights.has(wanted)
        for licence in installed.weights.licences.lacking(wanted.licences)
    ]
    _accept(installed, list(dict.fromkeys(licences)), accept=accept_licence)
    return run_async(_pull(installed, [target for target, _ in targets], anew=anew))


def _accept(installed: Installed, licences: Sequence[str], *, accept: bool) -> None:
    for licence in licences:
        if accept or _asked(licence):
            installed.weights.licences.accept([licence])
            _say(f"accepted: {licence}")


def _asked(licence: str) -> bool:
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    print(f"These weights come with a licence: {licence}", file=sys.stderr)
    print("Do you accept it? [y/N] ", end="", file=sys.stderr, flush=True)
    return sys.stdin.readline().strip().lower() in ("y", "yes")


async def _pull(installed: Installed, targets: Sequence[Target], *, anew: bool) -> int:
    done: set[Path] = set()
    new: list[str] = []
    try:
        for target in targets:
            if target.file not in done:
                environment = await _built(installed, target, anew=anew)
                _say(f"{target.engine}: {_environment(environment)}")
                done.add(target.file)
            if line := await _weights(installed, target):
                _say(f"{target.engine}: {line}")
            if target.model is None and (kept := _kept(target)):
                new.append(kept)
    finally:
        # Of what came before something went wrong, too.
        if new:
            _say(f"new models: {', '.join(new)}")
        await tell_server()
    return 0


def _kept(target: Target) -> str | None:
    return keep(load_config(), target.engine, target.weights)


async def _built(installed: Installed, target: Target, *, anew: bool) -> Environment | None:
    """Raises ModelUnavailable, without what uv has told already."""
    try:
        return await installed.environments.pull(target.file, _indented, anew=anew)
    except BuildFailed as error:
        what = f"what {target.engine} needs cannot be installed, as told above"
        raise ModelUnavailable(f"{what}{error.advice}") from error


async def _weights(installed: Installed, target: Target) -> str:
    """What there is to say of them."""
    wanted = target.wanted()
    name = target.model or target.engine  # whoever knows the model pulls it by that name
    if isinstance(wanted, Wanted):
        with told() as progress:
            place = await installed.weights.pull(name, wanted, progress)
        await installed.weights.compare(name, place, target.checksum)
        return f"weights {wanted.name}, {mebibytes(size_of(place))} on disk, in {place}"
    if isinstance(wanted, Path):
        where = ", which are not there"
        if wanted.exists():
            await installed.weights.compare(name, wanted, target.checksum)
            where = ""
        return f"weights of your own, {wanted}{where}"
    return ""


def _environment(environment: Environment | None) -> str:
    if environment is None:
        return "needs nothing that is not there"
    return f"installed, {mebibytes(environment.size)} on disk"


def _indented(line: str) -> None:
    _say(f"  {line}")


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
