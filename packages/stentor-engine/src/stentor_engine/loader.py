"""From an engine's file to its class."""

from __future__ import annotations

import ast
import importlib.util
import sys
from pathlib import Path
from types import ModuleType
from typing import get_origin

from .contract import SpeechEngine, TranscriptionEngine
from .errors import LoadFailed


def engine_names(path: Path) -> tuple[str, ...]:
    """The engines that a file defines, read without running it; none if it is not Python."""
    try:
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    classes = (node for node in tree.body if isinstance(node, ast.ClassDef))
    return tuple(name for node in classes for name in map(_name, node.body) if name is not None)


def _name(statement: ast.stmt) -> str | None:
    """The string that the statement sets a class's `name` to."""
    if not isinstance(statement, ast.Assign | ast.AnnAssign):
        return None
    target = statement.target if isinstance(statement, ast.AnnAssign) else statement.targets[0]
    if not isinstance(target, ast.Name) or target.id != "name":
        return None
    value = statement.value.value if isinstance(statement.value, ast.Constant) else None
    return value if isinstance(value, str) else None


def engine_class(path: Path, name: str) -> type[SpeechEngine] | type[TranscriptionEngine]:
    """The file's engine of that name; raises LoadFailed when it cannot be had."""
    for value in vars(_module(path)).values():
        if (
            isinstance(value, type)
            and get_origin(value) is None  # Python 3.10 takes even `list[int]` for a type
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
    sys.modules[spec.name] = module  # dataclasses and pickle look there for a class's module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise LoadFailed(f"{path.name} cannot be imported: {error!r}") from error
    return module
