from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import ValidationError

from stentor.app import build
from stentor.config import Config, ConfigurationError, configured_models, parse_duration


@pytest.fixture
def toml(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    file = tmp_path / "stentor.toml"
    file.write_text("")
    monkeypatch.setenv("STENTOR_CONFIG", str(file))
    return file


@pytest.mark.parametrize(
    ("given", "seconds"),
    [("10m", 600.0), ("180s", 180.0), ("500ms", 0.5), ("2h", 7200.0), ("1.5m", 90.0), (5, 5)],
)
def test_durations(given: object, seconds: float) -> None:
    assert parse_duration(given) == seconds


def test_it_works_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("STENTOR_CONFIG", raising=False)
    monkeypatch.chdir(tmp_path)
    config = Config()
    assert (config.server.host, config.server.port) == ("127.0.0.1", 8000)
    assert set(config.models) == {"espeak", "pocketsphinx"}


def test_the_environment_goes_before_the_file(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    toml.write_text('[server]\nport = 1\nhost = "::1"\n[lifecycle]\nstart_timeout = "9s"\n')
    monkeypatch.setenv("STENTOR_PORT", "2")
    monkeypatch.setenv("STENTOR_LIFECYCLE__START_TIMEOUT", "8s")
    config = Config()
    assert (config.server.port, config.server.host) == (2, "::1")
    assert config.lifecycle.start_timeout == 8.0


def test_models_of_the_file_stand_beside_those_of_the_base_install(toml: Path) -> None:
    toml.write_text('[models.mine]\naliases = ["tts"]\nbackends = [{ engine = "echo" }]\n')
    assert set(Config().models) == {"espeak", "pocketsphinx", "mine"}


def test_an_empty_key_is_no_key(toml: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STENTOR_API_KEY", "")
    assert Config().server.api_key is None
    monkeypatch.setenv("STENTOR_API_KEY", "secret")
    assert "secret" not in repr(Config())


@pytest.mark.parametrize(
    "text",
    [
        "[server]\nprot = 1",
        "[server]\nport = 70000",
        "[lifecycle]\nstart_timeout = 0",
        "[models.mine]\nbackends = []",
        '[models.mine]\nbackends = [{ kind = "nothing", engine = "echo" }]',
        "[sever]\nport = 1",
    ],
)
def test_mistakes_are_refused(toml: Path, text: str) -> None:
    toml.write_text(text)
    with pytest.raises(ValidationError):
        Config()


def test_a_named_file_must_exist(toml: Path) -> None:
    toml.unlink()
    with pytest.raises(FileNotFoundError):
        Config()


def test_the_owners_aliases_are_taken_from_the_base_install(toml: Path) -> None:
    toml.write_text('[models.mine]\naliases = ["tts-1"]\nbackends = [{ engine = "echo" }]\n')
    models = configured_models(Config())
    assert list(models) == ["mine", "espeak", "pocketsphinx"]
    assert models["mine"].aliases == ["tts-1"]
    assert models["espeak"].aliases == ["tts-1-hd", "gpt-4o-mini-tts"]


def test_a_name_for_two_models_is_refused(toml: Path) -> None:
    two = '[models.{}]\naliases = ["voice"]\nbackends = [{{ engine = "echo" }}]\n'
    toml.write_text(two.format("one") + two.format("two"))
    with pytest.raises(ConfigurationError, match="voice"):
        build(Config())
