"""Folders of models of transformers, before anything is loaded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stentor_engine import LoadFailed
from stentor_engine.pretrained import INDEX, WEIGHTS, pretrained_folder


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("config.json", WEIGHTS):
        (tmp_path / name).touch()
    return tmp_path


def test_a_whole_one(folder: Path) -> None:
    assert pretrained_folder(str(folder), ["config.json"]) == folder


@pytest.mark.parametrize("weights", [None, "", "nowhere"])
def test_none(weights: str | None) -> None:
    with pytest.raises(LoadFailed, match=r"must name a folder with config\.json"):
        pretrained_folder(weights, ["config.json"])


def test_what_lacks_is_named(folder: Path) -> None:
    with pytest.raises(LoadFailed, match=r"lacks a\.json, b\.json"):
        pretrained_folder(str(folder), ["config.json", "a.json", "b.json"])
    (folder / WEIGHTS).unlink()
    with pytest.raises(LoadFailed, match=f"lacks {WEIGHTS}"):
        pretrained_folder(str(folder), ["config.json"])


def test_every_file_of_the_index_is_needed(folder: Path) -> None:
    parts = {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}
    (folder / INDEX).write_text(json.dumps({"weight_map": parts}))
    (folder / "model-1.safetensors").touch()
    with pytest.raises(LoadFailed, match=r"lacks model-2\.safetensors$"):
        pretrained_folder(str(folder), ["config.json"])
    (folder / "model-2.safetensors").touch()
    assert pretrained_folder(str(folder), ["config.json"]) == folder


@pytest.mark.parametrize("index", ["", "[]", "{}", '{"weight_map": []}', '{"weight_map": null}'])
def test_a_broken_index(folder: Path, index: str) -> None:
    (folder / INDEX).write_text(index)
    with pytest.raises(LoadFailed, match="is no list"):
        pretrained_folder(str(folder), [])
