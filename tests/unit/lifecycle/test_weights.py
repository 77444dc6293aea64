"""What a model's `weights` mean, where they are kept, and which licences are lacking."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stentor.errors import ModelUnavailable, StentorError
from stentor.lifecycle.weights.licences import Licences
from stentor.lifecycle.weights.wanted import TwoRevisions, Wanted, inside, resolve
from stentor_engine.contract import Weights
from stentor_engine.loader import Declaration

LARGE = Weights(hub="maker/large", revision="v2", files=("*.bin", "config.json"), licence="L")
VOCODER = Weights(urls={"v.onnx": "https://host/v.onnx"}, folder="vocoder", sha256={"v.onnx": "a"})
SMALL = Weights(hub="maker/small")
ENGINE = Declaration("e", weights={"large": (LARGE, VOCODER), "small": (SMALL,)})
PLAIN = Declaration("plain")
ONLY_URLS = Declaration("u", weights={"usual": (VOCODER,)})


@pytest.mark.parametrize(
    ("declaration", "given", "meant"),
    [
        (ENGINE, None, Wanted("large", (LARGE, VOCODER))),
        (ENGINE, "", Wanted("large", (LARGE, VOCODER))),
        (ENGINE, "small", Wanted("small", (SMALL,))),
        (
            ENGINE,
            "other/model",
            Wanted("other/model", (replace(LARGE, hub="other/model", revision="main"), VOCODER)),
        ),
        (
            ENGINE,
            "other/model.v1@refs/pr/1",
            Wanted(
                "other/model.v1@refs/pr/1",
                (replace(LARGE, hub="other/model.v1", revision="refs/pr/1"), VOCODER),
            ),
        ),
        (ONLY_URLS, "other/model", Wanted("other/model", (Weights(hub="other/model"),))),
        (ENGINE, "/models/large", Path("/models/large")),
        (ENGINE, "./maker/large", Path.cwd() / "maker" / "large"),
        (ENGINE, "../large", Path.cwd() / ".." / "large"),
        (ENGINE, "~/large", Path.home() / "large"),
        (ENGINE, ".", Path.cwd()),
        (PLAIN, None, None),
        (PLAIN, "anything at all", "anything at all"),
        (PLAIN, "other/model", "other/model"),
    ],
)
def test_what_is_meant(
    declaration: Declaration, given: str | None, meant: Wanted | Path | str | None
) -> None:
    assert resolve(declaration, given) == meant


@pytest.mark.parametrize("given", ["huge", "a/b/c", "owner/", "/".join(["a"] * 2) + "@", "a b/c"])
def test_what_is_none_of_these_is_told(given: str) -> None:
    with pytest.raises(ModelUnavailable, match=r"'e' knows no weights .* large, small"):
        resolve(ENGINE, given)


@pytest.mark.parametrize(
    ("given", "revision", "meant"),
    [
        ("small", "v1", Wanted("small@v1", (replace(SMALL, revision="v1"),))),
        ("small", "main", Wanted("small", (SMALL,))),
        (None, "v2", Wanted("large", (LARGE, VOCODER))),
        (
            "other/model",
            "v1",
            Wanted("other/model@v1", (replace(LARGE, hub="other/model", revision="v1"), VOCODER)),
        ),
        (
            "other/model@v1",
            "v1",
            Wanted("other/model@v1", (replace(LARGE, hub="other/model", revision="v1"), VOCODER)),
        ),
        ("/models/large", "v1", Path("/models/large")),
    ],
)
def test_a_models_revision_is_that_of_its_repository(
    given: str | None, revision: str, meant: Wanted | Path
) -> None:
    assert resolve(ENGINE, given, revision) == meant


def test_a_revision_without_a_repository_is_a_name() -> None:
    assert resolve(ONLY_URLS, None, "v1") == resolve(ONLY_URLS, None)
    assert resolve(PLAIN, "anything", "v1") == "anything"


def test_checksums_are_of_the_revision_that_they_were_declared_for() -> None:
    summed = Declaration("e", weights={"usual": (replace(SMALL, sha256={"a": "b"}),)})
    found = resolve(summed, None, "v1")
    assert isinstance(found, Wanted)
    assert found.parts == (replace(SMALL, revision="v1"),)


@pytest.mark.parametrize(
    ("given", "own"), [(None, "v2"), ("other/model@v1", "v1"), ("other/model@main", "main")]
)
def test_two_revisions_are_one_too_many(given: str | None, own: str) -> None:
    with pytest.raises(TwoRevisions, match=f"of revision {own}, and the model's .* is v3: leave"):
        resolve(ENGINE, given, "v3")


def test_a_declared_name_goes_before_a_hub_id() -> None:
    declared = Declaration("e", weights={"a/b": (SMALL,)})
    assert resolve(declared, "a/b") == Wanted("a/b", (SMALL,))


def test_the_key_is_of_the_files_only() -> None:
    key = Wanted("large", (LARGE, VOCODER)).key
    assert re.fullmatch(r"maker--large-[0-9a-f]{12}", key)
    assert Wanted("another name", (LARGE, VOCODER)).key == key
    assert Wanted("large", (replace(LARGE, licence=""), VOCODER)).key == key
    turned = replace(LARGE, files=LARGE.files[::-1])
    assert Wanted("large", (turned, VOCODER)).key == key
    others = [
        (LARGE,),
        (VOCODER, LARGE),
        (replace(LARGE, revision="main"), VOCODER),
        (replace(LARGE, files=("*.bin",)), VOCODER),
        (LARGE, replace(VOCODER, sha256={})),
        (LARGE, replace(VOCODER, folder="")),
        (LARGE, replace(VOCODER, urls={"v.onnx": "https://host/w.onnx"})),
    ]
    assert len({Wanted("large", parts).key for parts in others} | {key}) == len(others) + 1


@given(
    hub=st.text(min_size=1),
    name=st.text(min_size=1),
)
def test_a_key_is_a_plain_name_of_a_folder(hub: str, name: str) -> None:
    for part in (Weights(hub=hub), Weights(urls={name: "https://host/x"})):
        key = Wanted("x", (part,)).key
        assert re.fullmatch(r"[A-Za-z0-9._-]{1,80}", key)
        assert not key.startswith(".")


@pytest.mark.parametrize("name", ["a", "a/b.bin", "a/./b", "..a/b", "a/b..c"])
def test_names_that_stay_inside(name: str) -> None:
    assert ".." not in inside(name).parts
    assert not inside(name).is_absolute()


@pytest.mark.parametrize(
    "name", ["", ".", "/etc/passwd", "../a", "a/../../b", "a\\..\\b", "C:x", "a\0b"]
)
def test_names_that_do_not(name: str) -> None:
    with pytest.raises(ModelUnavailable, match="is no name"):
        inside(name)


CPML = "Coqui Public Model License, https://coqui.example/cpml"


@pytest.mark.parametrize(
    ("configured", "lacking"),
    [
        ([], [CPML]),
        ([CPML], []),
        (["coqui  public model LICENSE"], []),
        (["Coqui"], [CPML]),
        (["MIT"], [CPML]),
    ],
)
def test_licences_of_the_configuration(
    configured: list[str], lacking: list[str], tmp_path: Path
) -> None:
    licences = Licences(tmp_path / "licences.json", configured=configured)
    assert licences.lacking([CPML]) == lacking


def test_accepted_licences_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "data" / "licences.json"
    Licences(file).accept(["A (https://a.example)"])
    Licences(file).accept(["B: https://b.example"])
    licences = Licences(file)
    assert licences.lacking(["A (https://a.example)", "B: https://b.example", "C"]) == ["C"]
    assert [path.name for path in file.parent.iterdir()] == ["licences.json"]


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"accepted": 3}', "no json", "\udcff"])
def test_a_spoilt_file_accepts_nothing(text: str, tmp_path: Path) -> None:
    file = tmp_path / "licences.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(StentorError, match=r"licences\.json cannot be read"):
        Licences(file).lacking(["A"])
