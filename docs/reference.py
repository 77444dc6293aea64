"""Writes what the documents say about keys and commands from the code, so that it cannot drift.

python docs/reference.py           writes the files
python docs/reference.py --check   exits with 1 and names each file that differs
"""

from __future__ import annotations

import re
import sys
import types
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import typer
from annotated_types import Ge, Gt, Le, Lt
from pydantic import BaseModel, ByteSize, SecretStr
from pydantic.fields import FieldInfo

from stentor.cli.main import app
from stentor.config import (
    SHORT_NAMES,
    Config,
    ContainerBackendConfig,
    EngineBackendConfig,
    ModelConfig,
    ProcessBackendConfig,
    base_models,
    parse_duration,
    parse_idle,
)

ROOT = Path(__file__).parents[1]
WIDTH = 80
"""Columns of the command line's help, whatever the terminal has."""
EXAMPLES = {
    "data_dir": "/var/lib/stentor",
    "cpu_threads": 4,
    "weights": "/path/to/weights",
    "max_parallel": 2,
    "memory": "2GB",
    "idle_timeout": "10m",
    "memory_limit": "4GB",
}
"""For keys whose default is none, or another one on each machine."""
BARS: dict[type, tuple[str, str]] = {
    Ge: ("ge", "from {}"),
    Gt: ("gt", "above {}"),
    Le: ("le", "to {}"),
    Lt: ("lt", "below {}"),
}
DURATIONS = {"h": 3600, "m": 60, "s": 1}
BACKENDS: dict[str, type[BaseModel]] = {
    "engine": EngineBackendConfig,
    "process": ProcessBackendConfig,
    "container": ContainerBackendConfig,
}
NAMES: dict[Any, str] = {
    str: "string",
    SecretStr: "string",
    Path: "path",
    ByteSize: "size",
    int: "integer",
    float: "number",
    bool: "boolean",
}


def main(arguments: list[str]) -> str | None:
    """What is wrong, if anything is: it ends the program with status 1."""
    check = arguments == ["--check"]
    if arguments and not check:
        return __doc__
    texts = contents()
    stale = [name for name, text in texts.items() if not _holds(ROOT / name, text)]
    if check and stale:
        return f"not what the code says: {', '.join(stale)}; run docs/reference.py"
    for name in stale:
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(texts[name], encoding="utf-8", newline="\n")
    return None


def contents() -> dict[str, str]:
    """The generated files: from their paths below the project's root to their texts."""
    guide = "docs/guides/writing-an-engine.md"
    return {
        "docs/reference/config.md": config_page(),
        "docs/reference/cli.md": cli_page(),
        "stentor.example.toml": example_file(),
        guide: with_examples((ROOT / guide).read_text(encoding="utf-8"), ROOT / "docs/guides"),
    }


def _holds(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text(encoding="utf-8") == text


# The command line


def cli_page() -> str:
    root = typer.main.get_command(app)
    context = root.make_context("stentor", [], resilient_parsing=True, terminal_width=WIDTH)
    parts = [_page_head("The command line", "src/stentor/cli/main.py"), _help(context)]
    parts += _commands(root, context, "stentor")
    return "\n\n".join(parts) + "\n"


def _commands(group: Any, context: Any, before: str) -> list[str]:
    """Those of the group, each followed by its own."""
    parts = []
    for name, command in getattr(group, "commands", {}).items():
        inner = command.make_context(
            name, [], parent=context, resilient_parsing=True, terminal_width=WIDTH
        )
        parts += [
            f"## {before} {name}",
            _help(inner),
            *_commands(command, inner, f"{before} {name}"),
        ]
    return parts


def _help(context: Any) -> str:
    return f"```text\n{context.get_help().strip()}\n```"


# The configuration


def config_page() -> str:
    parts = [
        _page_head("The configuration", "src/stentor/config/__init__.py"),
        "Stentor runs without any. A value comes from the first of these that has it:\n\n"
        "1. the command line (`stentor serve --port …`),\n"
        "2. the short names: " + ", ".join(f"`{name}`" for name in SHORT_NAMES) + ",\n"
        "3. the variable of a key, `STENTOR_<SECTION>__<KEY>`; lists and tables are JSON,\n"
        "4. the file that `STENTOR_CONFIG` names, or `stentor.toml` in the working folder,\n"
        "5. the default.\n\n"
        "An unknown key is an error. A duration is a number of seconds, or a string such as\n"
        '`"500ms"`, `"90s"`, `"10m"` or `"2h"`; a size is a number of bytes, or `"6GB"`.\n'
        "Every key is in\n"
        "[stentor.example.toml](../../stentor.example.toml).",
    ]
    for section, field in Config.model_fields.items():
        if section != "models":
            parts += [f"## [{section}]", _table(_model_of(field), section)]
    parts += [
        "## [models.NAME]",
        "Models come beside those of the base install, which are: "
        + ", ".join(f"`{name}`" for name in base_models())
        + ". A model of that name\nchanges the keys that it gives, and keeps the others. As a"
        " variable: `STENTOR_MODELS`, in JSON.",
        _table(ModelConfig, None),
    ]
    for kind, backend in BACKENDS.items():
        parts += [f"## [[models.NAME.backends]] of kind {kind}", _table(backend, None)]
    return "\n\n".join(parts) + "\n"


def _table(model: type[BaseModel], section: str | None) -> str:
    """`section`: where each key has an environment variable of its own."""
    heads = ["key", "type", "default", "meaning"] + (["variable"] if section else [])
    rows = [heads, ["---"] * len(heads)]
    for key in dict.fromkeys([*vars(model).get("__annotations__", ()), *model.model_fields]):
        field = model.model_fields[key]  # its own keys first, then those that its kinds share
        meaning, default = described(key, field)
        cells = [f"`{key}`", type_of(field), default or f"`{toml(default_of(field))}`", meaning]
        if section:
            cells.append("<br>".join(f"`{name}`" for name in _variables(section, key)))
        rows.append(cells)
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in row)} |" for row in rows)


def _variables(section: str, key: str) -> Iterator[str]:
    yield from (name for name, place in SHORT_NAMES.items() if place == (section, key))
    yield f"STENTOR_{section}__{key}".upper()


def described(key: str, field: FieldInfo) -> tuple[str, str]:
    """What a key means, and its default in words where it has no value to print."""
    meaning, _, default = (field.description or "").partition("; default: ")
    if field.is_required():
        default = "must be given"
    elif key in EXAMPLES:
        default = default or "none"
    return meaning, default


def type_of(field: FieldInfo) -> str:
    """In words, with the bounds."""
    name = _duration(field.metadata) or _type_name(field.annotation)
    bounds = [
        form.format(f"{getattr(item, attribute):g}")
        for item in field.metadata
        for kind, (attribute, form) in BARS.items()
        if isinstance(item, kind)
    ]
    return f"{name} {' '.join(bounds)}".strip()


def _type_name(annotation: Any) -> str:
    origin, inner = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _duration(inner[1:]) or _type_name(inner[0])
    if origin is Literal:
        return " or ".join(f"`{toml(value)}`" for value in inner)
    if origin is list:
        one = get_args(inner[0])[0] if get_origin(inner[0]) is Annotated else inner[0]
        is_table = get_origin(one) in (Union, types.UnionType) or _is_table(one)
        return "tables" if is_table else f"list of {_type_name(inner[0])}s"
    if origin is dict:
        return "table"
    if origin is tuple:
        return "list of " + " and ".join(_type_name(each) for each in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_type_name(each) for each in inner if each is not type(None))
    return NAMES[annotation]


def _is_table(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _duration(metadata: Sequence[Any]) -> str:
    """Empty for what is none."""
    readers = {getattr(item, "func", None) for item in metadata}
    never = ' or `"never"`' if parse_idle in readers else ""
    return f"duration{never}" if readers & {parse_duration, parse_idle} else ""


def default_of(field: FieldInfo) -> Any:
    """As it would be written: a duration as a string, no key as an empty one."""
    if _duration(field.metadata) and field.default is not None:
        unit = next(unit for unit, seconds in DURATIONS.items() if field.default % seconds == 0)
        return f"{field.default / DURATIONS[unit]:g}{unit}"
    return "" if field.default is None else field.default


def toml(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        return '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, list):
        return f"[{', '.join(toml(each) for each in value)}]"
    if isinstance(value, Mapping):
        inner = ", ".join(f"{key} = {toml(each)}" for key, each in value.items())
        return f"{{ {inner} }}" if inner else "{}"
    return f"{value}"


# The example


def example_file() -> str:
    lines = [
        "# Every key of Stentor's configuration, at its default. Written by docs/reference.py.",
        "#",
        "# Copy what you change into stentor.toml, in the folder that Stentor is started in, or",
        "# name another file with STENTOR_CONFIG. Keys are commented out without a space: #key = 1",
    ]
    for section, field in Config.model_fields.items():
        if section != "models":
            lines += ["", f"[{section}]", *_keys(_model_of(field), {})]
    lines += [
        "",
        "# The models of the base install. Give another name to add a model of your own; a table",
        "# with one of these names changes the keys that it gives.",
    ]
    for at, (name, given) in enumerate(base_models().items()):
        (backend,) = given["backends"]
        lines += ["", f"#[models.{name}]", *_keys(ModelConfig, given, only_given=at > 0)]
        lines += [f"#[[models.{name}.backends]]"]
        lines += _keys(EngineBackendConfig, backend, only_given=at > 0)
    return "\n".join(lines) + "\n"


def _keys(
    model: type[BaseModel], given: Mapping[str, Any], *, only_given: bool = False
) -> Iterator[str]:
    """A comment and a line for each key; `given` goes before the defaults."""
    for key, field in model.model_fields.items():
        if key == "backends" or (only_given and key not in given):
            continue
        meaning, default = described(key, field)
        if key in given:
            value = given[key]
        elif key in EXAMPLES:
            value, meaning = EXAMPLES[key], f"{meaning}; default: {default}"
        else:
            value = default_of(field)
        if not only_given:
            yield f"# {meaning}"
        yield f"#{key} = {toml(value)}"


def _model_of(field: FieldInfo) -> type[BaseModel]:
    assert isinstance(field.annotation, type)
    assert issubclass(field.annotation, BaseModel)
    return field.annotation


# Pages


def _page_head(title: str, source: str) -> str:
    return (
        f"# {title}\n\n"
        f"*Written by [docs/reference.py](../reference.py) from [{source}](../../{source}).*"
    )


def with_examples(page: str, folder: Path) -> str:
    """The page with the code under each `<!-- include: FILE -->` as that file has it."""

    def included(found: re.Match[str]) -> str:
        code = (folder / found[2]).read_text(encoding="utf-8")
        return f"{found[1]}\n```python\n{code}```\n"

    return re.sub(
        r"(<!-- include: (\S+) -->)\n```python\n.*?^```\n", included, page, flags=re.M | re.S
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
