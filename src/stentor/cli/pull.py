"""`stentor models pull`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from stentor.app import environments
from stentor.cli.failure import UsageError, run_async
from stentor.cli.load import load_config
from stentor.config import Config, configured_models
from stentor.lifecycle.catalog import bundled_engines, find_engines
from stentor.lifecycle.environment import Environment


def run(names: Sequence[str]) -> int:
    config = load_config()
    engines = find_engines([bundled_engines(), *config.engines.paths])
    files = {name: file for given in names for name, file in _files(given, config, engines).items()}
    return run_async(_pull(config, files))


def _files(name: str, config: Config, engines: dict[str, Path]) -> dict[str, Path]:
    """Of the engines of a model, or of the engine of that name. Raises UsageError."""
    model = configured_models(config).get(name)
    wanted = [backend.engine for backend in model.backends] if model else [name]
    missing = [engine for engine in wanted if engine not in engines]
    if missing:
        known = ", ".join(sorted({*configured_models(config), *engines}))
        raise UsageError(f"there is no model or engine '{missing[0]}'; there are: {known}")
    return {engine: engines[engine] for engine in wanted}


async def _pull(config: Config, files: dict[str, Path]) -> int:
    pulled = environments(config)
    for engine, file in files.items():
        environment = await pulled.pull(file, lambda line: print(f"  {line}", file=sys.stderr))
        print(f"{engine}: {_told(environment)}", file=sys.stderr)
    return 0


def _told(environment: Environment | None) -> str:
    if environment is None:
        return "needs nothing that is not there"
    files = (path for path in environment.folder.rglob("*") if not path.is_symlink())
    size = sum(path.stat().st_size for path in files if path.is_file())
    return f"installed, {size / 2**20:.0f} MiB on disk"
