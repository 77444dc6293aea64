from __future__ import annotations

from pathlib import Path

import pytest

from stentor_engine import LoadFailed
from stentor_engine.weight_files import weights_file, weights_folder


def test_a_folder_with_what_is_needed(tmp_path: Path) -> None:
    for weights in (None, "", str(tmp_path / "gone")):
        with pytest.raises(LoadFailed, match=r"a folder with a\.json, b\.bin"):
            weights_folder(weights, ("a.json", "b.bin"))
    (tmp_path / "a.json").touch()
    with pytest.raises(LoadFailed, match=r"lacks b\.bin$"):
        weights_folder(str(tmp_path), ("a.json", "b.bin"))
    (tmp_path / "b.bin").touch()
    assert weights_folder(str(tmp_path), ("a.json", "b.bin")) == tmp_path


def test_a_file_or_the_only_one_of_a_folder(tmp_path: Path) -> None:
    for weights in (None, "", str(tmp_path / "gone")):
        with pytest.raises(LoadFailed, match=r"a folder with \*\.pt, or the file"):
            weights_file(weights, "*.pt")
    with pytest.raises(LoadFailed, match=r"holds no \*\.pt"):
        weights_file(str(tmp_path), "*.pt")
    file, other = tmp_path / "a.pt", tmp_path / "b.pt"
    file.touch()
    assert weights_file(str(tmp_path), "*.pt") == weights_file(str(file), "*.pt") == file
    other.touch()
    with pytest.raises(LoadFailed, match=r"more than one \*\.pt"):
        weights_file(str(tmp_path), "*.pt")
    assert weights_file(str(other), "*.pt") == other
