"""From an engine's file to its class, and to what can be told of it without running it."""

from __future__ import annotations

import ast
import importlib.util
import sys
import traceback
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from types import ModuleType
from typing import Any, get_origin

from .contract import (
    ConversionEngine,
    Engine,
    SpeechEngine,
    Task,
    TranscriptionEngine,
    Weights,
)
from .errors import LoadFailed

MODULES = "stentor_engines_"
"""What the names of engines' files begin with, as modules."""
_TASKS: Mapping[str, Task] = {
    "SpeechEngine": "speech",
    "TranscriptionEngine": "transcription",
    "ConversionEngine": "conversion",
}


@dataclass(frozen=True)
class Declaration:
    """What an engine's class says of itself. `task`: None where only running it would tell."""

    name: str
    task: Task | None = None
    quality: int = Engine.quality
    devices: tuple[str, ...] = Engine.devices
    memory_mb: int = Engine.memory_mb
    weights: Mapping[str, tuple[Weights, ...]] = field(default_factory=dict)
    languages: tuple[str, ...] | Mapping[str, tuple[str, ...]] = ()


def engine_declarations(path: Path) -> tuple[Declaration, ...]:
    """The engines that a file defines, read without running it; none if it is not Python.

    What is declared must be literals in a class's body, or the file's own constants that are such;
    bases classes of the SDK or of the file. Anything else is taken for not declared.
    """
    try:
        return _declarations(path.read_bytes())
    except OSError:
        return ()


@lru_cache(maxsize=256)
def _declarations(source: bytes) -> tuple[Declaration, ...]:
    """Parsing all engines takes a tenth of a second, and they hardly ever change."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return ()
    classes = {node.name: node for node in tree.body if isinstance(node, ast.ClassDef)}
    imported = _imported(tree)
    found = (_declaration(node, classes, imported, tree) for node in classes.values())
    return tuple(declaration for declaration in found if declaration is not None)


def engine_names(path: Path) -> tuple[str, ...]:
    """The names of the engines that a file defines, read without running it."""
    return tuple(declaration.name for declaration in engine_declarations(path))


def _imported(tree: ast.Module) -> dict[str, str]:
    """From the file's own names of what it imports to theirs."""
    imports = (node for node in tree.body if isinstance(node, ast.ImportFrom))
    return {each.asname or each.name: each.name for node in imports for each in node.names}


def _declaration(
    node: ast.ClassDef,
    classes: Mapping[str, ast.ClassDef],
    imported: Mapping[str, str],
    module: ast.Module,
) -> Declaration | None:
    name = _literal(_value(node, "name"), module)
    if not isinstance(name, str):
        return None
    line = list(_line(node, classes))
    foreign = (imported.get(each, each) for each in line if isinstance(each, str))
    task = next((_TASKS[base] for base in foreign if base in _TASKS), None)

    def given(what: str) -> object:
        values = (_value(each, what) for each in line if isinstance(each, ast.ClassDef))
        return _literal(next(filter(None, values), None), module)

    return Declaration(
        name,
        task,
        _number(given("quality"), most=100, usual=Engine.quality),
        _devices(given("devices")),
        _number(given("memory_mb"), most=2**31, usual=Engine.memory_mb),
        _weights(given("weights")),
        _languages(given("languages")),
    )


def _line(node: ast.ClassDef, classes: Mapping[str, ast.ClassDef]) -> Iterator[ast.ClassDef | str]:
    """The class and what it comes from, nearest first; of bases from elsewhere the name."""
    waiting: list[ast.ClassDef | str] = [node]
    for each in waiting:
        yield each
        for base in each.bases if isinstance(each, ast.ClassDef) else ():
            name = base.attr if isinstance(base, ast.Attribute) else getattr(base, "id", "")
            known = classes.get(name) if isinstance(base, ast.Name) else None
            if (next_one := known or name) not in waiting:
                waiting.append(next_one)


def _value(node: ast.ClassDef | ast.Module, name: str) -> ast.expr | None:
    """What the body of the class, or of the file, sets the name to."""
    found = None
    for statement in node.body:
        if isinstance(statement, ast.Assign):
            targets = statement.targets
        elif isinstance(statement, ast.AnnAssign) and statement.value is not None:
            targets = [statement.target]
        else:
            continue
        if any(isinstance(target, ast.Name) and target.id == name for target in targets):
            found = statement.value
    return found


def _literal(value: ast.expr | None, module: ast.Module) -> object:
    """None for what is no literal."""
    try:
        return None if value is None else _evaluated(value, module)
    except (ValueError, TypeError, RecursionError, MemoryError):
        return None


def _evaluated(node: ast.expr, module: ast.Module) -> Any:
    """As `ast.literal_eval`, with calls of `Weights` and the module's constants. Raises ValueError,
    TypeError or RecursionError.
    """
    if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "Weights":
        given = {str(each.arg): _evaluated(each.value, module) for each in node.keywords}
        return Weights(*(_evaluated(each, module) for each in node.args), **given)
    if isinstance(node, ast.Dict):
        keys = [ast.literal_eval(key) for key in node.keys if key is not None]
        values = [_evaluated(each, module) for each in node.values]
        return dict(zip(keys, values, strict=True))
    if isinstance(node, ast.Tuple):
        return tuple(each for part in node.elts for each in _elements(part, module))
    if isinstance(node, ast.Name) and (constant := _value(module, node.id)) is not None:
        return _evaluated(constant, module)
    return ast.literal_eval(node)


def _elements(node: ast.expr, module: ast.Module) -> tuple[Any, ...]:
    """Of a tuple: those of another one, after a star, or the one."""
    if isinstance(node, ast.Starred):
        return tuple(_evaluated(node.value, module))
    return (_evaluated(node, module),)


def _number(given: object, *, most: int, usual: int) -> int:
    return given if type(given) is int and 0 <= given <= most else usual


def _devices(given: object) -> tuple[str, ...]:
    known = isinstance(given, tuple) and given and all(isinstance(each, str) for each in given)
    return tuple(map(str, given)) if known and isinstance(given, tuple) else Engine.devices


def _weights(given: object) -> Mapping[str, tuple[Weights, ...]]:
    """By short names; of a name whose files are not all declared as they should be, nothing."""
    named = given.items() if isinstance(given, dict) else ()
    return {
        name: parts
        for name, parts in named
        if isinstance(name, str)
        and isinstance(parts, tuple)
        and all(isinstance(part, Weights) for part in parts)
    }


def _languages(given: object) -> tuple[str, ...] | Mapping[str, tuple[str, ...]]:
    """Of weights whose languages are not told as they should be, nothing."""
    if isinstance(given, dict):
        named = {str(name): _tags(tags) for name, tags in given.items()}
        return {name: tags for name, tags in named.items() if tags}
    return _tags(given)


def _tags(given: object) -> tuple[str, ...]:
    known = isinstance(given, tuple) and all(isinstance(each, str) for each in given)
    return given if known and isinstance(given, tuple) else ()


def engine_class(
    path: Path, name: str
) -> type[SpeechEngine] | type[TranscriptionEngine] | type[ConversionEngine]:
    """The file's engine of that name; raises LoadFailed when it cannot be had."""
    for value in vars(_module(path)).values():
        if (
            isinstance(value, type)
            and get_origin(value) is None  # Python 3.10 takes even `list[int]` for a type
            and issubclass(value, SpeechEngine | TranscriptionEngine | ConversionEngine)
            and getattr(value, "name", None) == name
        ):
            return value
    raise LoadFailed(f"{path.name} defines no engine '{name}'{_unlike(path, name)}")


def _unlike(path: Path, name: str) -> str:
    """A class of that name which is none."""
    module = sys.modules[_module_name(path)]
    for value in vars(module).values():
        if isinstance(value, type) and getattr(value, "name", None) == name:
            bases = "SpeechEngine, TranscriptionEngine or ConversionEngine"
            return f": its class {value.__name__} is no {bases}"
    return ""


def _module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(_module_name(path), path)
    if spec is None or spec.loader is None:
        raise LoadFailed(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses and pickle look there for a class's module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        why = f"{_told(error, module.__file__)}{_missing(error, path.parent)}"
        raise LoadFailed(f"{path.name} cannot be imported: {why}") from error
    return module


def _module_name(path: Path) -> str:
    return f"stentor_engines_{path.stem}"


def _missing(error: BaseException, folder: Path) -> str:
    """What to do about a module that is not there."""
    if not isinstance(error, ModuleNotFoundError) or not error.name:
        return ""
    name = error.name.partition(".")[0]
    if (folder / f"{name}.py").exists() or (folder / name).is_dir():
        return "; files beside an engine's cannot be imported"
    return "; what brings it belongs into `dependencies` at the file's top"


def _told(error: BaseException, file: str | None) -> str:
    """In one line, with the line of the file that it comes from."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((each.lineno for each in reversed(frames) if each.filename == file), None)
    words = str(error)
    if isinstance(error, SyntaxError) and error.filename == file:
        line, words = error.lineno, error.msg
    return f"{type(error).__name__}: {words}" + ("" if line is None else f" (line {line})")
