"""From an engine's file to its class."""

from __future__ import annotations

import ast
import importlib.util
import inspect
from pathlib import Path
from types import ModuleType

from .contract import SpeechEngine, TranscriptionEngine
from .errors import LoadFailed


def engine_names(path: Path) -> tuple[str, ...]:
    """The engines that a file defines, read without running it; none if it is not Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (SyntaxError, ValueError):
        return ()
    return tuple(
        statement.value.value
        for node in tree.body
        if isinstance(node, ast.ClassDef)
        for statement in node.body
        if isinstance(statement, ast.Assign)
        and ast.unparse(statement.targets[0]) == "name"
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def engine_class(path: Path, name: str) -> type[SpeechEngine] | type[TranscriptionEngine]:
    """The file's engine of that name; raises LoadFailed when it cannot be had."""
    for value in vars(_module(path)).values():
        if (
            inspect.isclass(value)
            and issubclass(value, SpeechEngine | TranscriptionEngine)
            and getattr(value, "name", None) == name
        ):
            return value
    raise LoadFailed(f"{path.name} defines no engine '{name}'")


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"stentor_engines_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise LoadFailed(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)
    except Exception as error:
        raise LoadFailed(f"{path.name} cannot be imported: {error!r}") from error
    return module
