"""For engines on the package transformers, which they bring: the SDK imports nothing of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .errors import LoadFailed, OutOfMemory
from .pytorch import within_memory

WEIGHTS, INDEX = "model.safetensors", "model.safetensors.index.json"
"""Of a model in one file; of the files of one in several."""


def pretrained_folder(weights: str | None, needed: Sequence[str]) -> Path:
    """The folder that `Settings.weights` names, with those files and a model's weights in it.
    Raises LoadFailed, which names the files that are not there.
    """
    folder = Path(weights or "").expanduser()
    if not weights or not folder.is_dir():
        raise LoadFailed(f"`weights` of the model must name a folder with {', '.join(needed)}")
    require_files(folder, needed)
    require_files(folder, _shards(folder))
    return folder


def require_files(folder: Path, names: Sequence[str]) -> None:
    """Raises LoadFailed, which names those that are not there."""
    if lacking := [name for name in names if not (folder / name).is_file()]:
        raise LoadFailed(f"the folder of the weights lacks {', '.join(lacking)}")


def pretrained(model_class: Any, folder: Path, **options: Any) -> Any:
    """The model of `from_pretrained` with all its weights from the folder: where some are missing
    or of another shape, transformers would only warn, and make them up. Raises LoadFailed, and
    OutOfMemory.
    """

    def load() -> Any:
        asked = {"local_files_only": True, "output_loading_info": True, **options}
        model, found = model_class.from_pretrained(folder, **asked)
        if lacking := [*found["missing_keys"], *found["mismatched_keys"]]:
            raise LoadFailed(f"its weights do not fit: of {len(lacking)} parts, as {lacking[0]}")
        return model.eval()

    try:
        return within_memory(load)
    except (LoadFailed, OutOfMemory):
        raise
    except Exception as error:
        told = str(error).partition("\n")[0].replace(str(folder), folder.name)
        raise LoadFailed(f"its weights cannot be loaded: {type(error).__name__}: {told}") from error


def _shards(folder: Path) -> Sequence[str]:
    index = folder / INDEX
    if not index.is_file():
        return (WEIGHTS,)
    try:
        places = json.loads(index.read_text())["weight_map"]
        return sorted(set(places.values()))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise LoadFailed(f"{INDEX} is no list of a model's weights") from error
