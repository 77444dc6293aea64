"""What an engine's file needs, from the block of comments at its top. Pure.

The format is that of inline script metadata (https://packaging.python.org/en/latest/specifications/
inline-script-metadata/, PEP 723).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import InvalidSpecifier, SpecifierSet

START, END = "# /// script", "# ///"
HEEDED = ("dependencies", "requires-python", "tool")
HEEDED_OF_UV = ("exclude-newer",)
HEEDED_OF_OURS = ("cuda",)


class ScriptError(Exception):
    """The block cannot be read; `str(error)` says why."""


@dataclass(frozen=True)
class Script:
    """`exclude_newer`: packages published after that time do not count, in place of a lock.
    `cuda`: what it needs beside its dependencies where there is one of Nvidia's GPUs.
    """

    dependencies: tuple[str, ...] = ()
    requires_python: str = ""
    exclude_newer: str | None = None
    cuda: tuple[str, ...] = ()

    def with_cuda(self) -> Script:
        """What it needs in all on a machine with such a GPU."""
        needed = {*self.dependencies, *self.cuda}
        return replace(self, dependencies=tuple(sorted(needed)), cuda=())


def read_script(source: str) -> Script:
    """Of a file without such a block: one that needs nothing. Raises ScriptError."""
    lines = source.splitlines()
    if lines.count(START) == 0:
        return Script()
    if lines.count(START) > 1:
        raise ScriptError("there are two script blocks")
    try:
        data = tomllib.loads("\n".join(_content(lines[lines.index(START) + 1 :])))
    except tomllib.TOMLDecodeError as error:
        raise ScriptError(f"the script block is not TOML: {error}") from error
    return _script(data)


def _content(lines: list[str]) -> Iterator[str]:
    """Up to the last `# ///` of the comments that follow one another."""
    block = []
    for line in lines:
        if not re.fullmatch(r"#(| .*)", line):
            break
        block.append(line)
    ends = [number for number, line in enumerate(block) if line == END]
    if not ends:
        raise ScriptError("the script block has no end")
    return (line[2:] for line in block[: ends[-1]])


def _script(data: dict[str, Any]) -> Script:
    """Whoever gives a key that is not heeded would wait for its effect: it is refused. Tables of
    other tools are theirs.
    """
    try:
        tools = data.get("tool", {})
        uv, ours = tools.get("uv", {}), tools.get("stentor", {})
        unheeded = [key for key in data if key not in HEEDED]
        unheeded += [f"tool.uv.{key}" for key in uv if key not in HEEDED_OF_UV]
        unheeded += [f"tool.stentor.{key}" for key in ours if key not in HEEDED_OF_OURS]
        dependencies = _canonical(data.get("dependencies", []))
        cuda = _canonical(ours.get("cuda", []))
        python = data.get("requires-python", "")
        newer = uv.get("exclude-newer")
        SpecifierSet(python)
    except (InvalidRequirement, InvalidSpecifier, TypeError, AttributeError) as error:
        raise ScriptError(f"the script block: {error}") from error
    if unheeded:
        raise ScriptError(
            f"the script block has {', '.join(unheeded)}, which would be of no effect: "
            "dependencies, requires-python, tool.uv.exclude-newer and tool.stentor.cuda are heeded"
        )
    return Script(dependencies, python, None if newer is None else str(newer), cuda)


def _canonical(requirements: list[str]) -> tuple[str, ...]:
    return tuple(sorted(str(Requirement(each)) for each in requirements))
