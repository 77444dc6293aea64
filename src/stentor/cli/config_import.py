"""`stentor config import`."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

from stentor.cli.failure import UsageError, tell
from stentor.cli.files import whole_file
from stentor.cli.imports import env_file, local_ai, recognise, voice_stack, yapit
from stentor.cli.imports.recognise import Source
from stentor.cli.imports.render import one_line, rendered
from stentor.cli.imports.served import loaded, refusal
from stentor.cli.imports.settle import settled, told
from stentor.cli.imports.tree import Imported, lost
from stentor.config import ConfigurationError
from stentor.lifecycle.catalog import bundled_engines, declared, find_engines

COMMAND = "config import"
Engines = Mapping[str, Sequence[str]]


def run(
    file: Path, *, source: Source | None, output: Path | None, overwrite: bool, env: Sequence[str]
) -> int:
    if output is not None and output.exists() and not overwrite:
        raise UsageError(f"{output} is there already; --overwrite replaces it")
    engines = _engines()
    found = settled(_imported(file, source, env, engines), partial(refusal, engines=engines))
    text = _checked(rendered(found, file.name))
    for line in told(found):
        tell(COMMAND, one_line(line))
    if output is None:
        sys.stdout.write(text)
        return 0
    with whole_file(output) as written:
        written.write(text.encode())
    tell(COMMAND, f"{output} is written")
    return 0


def _refuse_broken(file: Path, text: str) -> None:
    """Raises UsageError for what only looks like JSON."""
    try:
        recognise.parsed(text)
    except ValueError as error:
        raise UsageError(f"{file} is not JSON: {error}") from error


def _imported(file: Path, source: Source | None, env: Sequence[str], engines: Engines) -> Imported:
    text = _read(file)
    source = source or recognise.recognised(text)
    if source is None:
        if text.lstrip().startswith(("{", "[")):
            _refuse_broken(file, text)
        known = ", ".join(recognise.SOURCES)
        raise UsageError(f"{file} is none that is known; name its system with --from: {known}")
    try:
        found = _by(source, file, text, env_file.given(env), engines)
    except ValueError as error:
        raise UsageError(f"{file} cannot be imported from {source}: {error}") from error
    if not (found.sections or found.models):
        raise UsageError(f"{file} holds nothing that could be imported from {source}")
    return found


def _by(
    source: Source, file: Path, text: str, env: Mapping[str, str], engines: Engines
) -> Imported:
    if source == "voice-stack":
        variables = env_file.parsed(text)
        return _with_unread(
            voice_stack.imported({**variables.values, **env}, engines), variables, file.name
        )
    data = recognise.parsed(text)
    if source == "yapit":
        found = yapit.imported(data, engines)
        unused = tuple(lost(f"{name}: no variable is used") for name in env)
        return replace(found, notes=(*found.notes, *unused))
    beside = _beside(file)
    found = local_ai.imported(data, {**beside.values, **env}, engines)
    return _with_unread(found, beside, ".env")


def _beside(file: Path) -> env_file.Environment:
    """The variables of the .env file in the same folder, if there is one."""
    place = file.parent / ".env"
    return env_file.parsed(_read(place) if place.is_file() else "")


def _with_unread(found: Imported, variables: env_file.Environment, name: str) -> Imported:
    notes = (lost(f"{name}, line {line}: no assignment") for line in variables.unread)
    return replace(found, notes=(*found.notes, *notes))


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        raise UsageError(f"{file} is not UTF-8") from error


def _checked(text: str) -> str:
    """Nothing is written that does not load, wherever it comes from."""
    try:
        text.encode()
        loaded(text)
    except (ConfigurationError, UnicodeEncodeError) as error:
        raise UsageError(f"what was made of it does not load: {error}") from error
    return text


def _engines() -> dict[str, tuple[str, ...]]:
    """From their names to the kinds of device that they run on."""
    files = find_engines([bundled_engines()])
    return {name: declared(name, files).devices for name in files}
