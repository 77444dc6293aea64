from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from stentor.app import Stentor
from stentor.cli.debugger import debugger_address
from stentor.config import (
    Config,
    ConfigurationError,
    ContainerBackendConfig,
    ProcessBackendConfig,
    configured_models,
    parse_duration,
)
from stentor.lifecycle.catalog import OPENAI_MODELS, Offer, offer, openai_aliases
from stentor.live_config import LiveConfig
from stentor.storage.kept_languages import keep_languages, wanted_languages
from stentor.storage.kept_models import KeptModels
from stentor_engine.contract import Task
from stentor_engine.loader import Declaration


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
        '[engines]\nlanguages = ["Elvish of the woods"]',
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


def test_paths_are_relative_to_the_file(toml: Path, tmp_path: Path) -> None:
    toml.write_text(
        "[engines]\npaths = ['engines', '~/mine', '/there']\n"
        "[models.m]\nweights = './w'\nbackends = [{ engine = 'echo' }]\n"
        "[models.n]\nweights = 'owner/name'\nbackends = [{ engine = 'echo' }]\n"
        "[models.o]\n[[models.o.backends]]\n"
        "kind = 'process'\ntask = 'speech'\ncommand = ['x']\ncwd = 'server'\n"
        "[[models.o.backends]]\nkind = 'container'\ntask = 'speech'\nimage = 'tts'\n"
        "volumes = ['./voices:/app/voices', 'cache:/cache', '/there:/here']\n"
    )
    config = Config()
    paths = [toml.parent / "engines", Path.home() / "mine", Path("/there")]
    assert config.engines.paths == paths
    assert config.models["m"].weights == str(toml.parent / "w")
    assert config.models["n"].weights == "owner/name"
    process, container = config.models["o"].backends
    assert isinstance(process, ProcessBackendConfig)
    assert process.cwd == toml.parent / "server"
    assert isinstance(container, ContainerBackendConfig)
    assert container.volumes == [
        f"{toml.parent}/voices:/app/voices",
        "cache:/cache",
        "/there:/here",
    ]


@pytest.mark.parametrize("text", ["engines = 5", "models = 5", "[engines]\npaths = [5]"])
def test_what_is_no_path_is_told(toml: Path, text: str) -> None:
    toml.write_text(text)
    with pytest.raises(ValidationError):
        Config()


def test_the_owners_models_come_first(toml: Path) -> None:
    toml.write_text(
        '[models.second]\naliases = ["tts-1"]\nbackends = [{ engine = "echo" }]\n'
        '[models.first]\nbackends = [{ engine = "echo" }]\n'
    )
    models = configured_models(Config())
    assert list(models) == ["second", "first", "espeak", "pocketsphinx"]
    assert models["second"].aliases == ["tts-1"]


def test_a_name_for_two_models_is_refused(toml: Path) -> None:
    two = '[models.{}]\naliases = ["voice"]\nbackends = [{{ engine = "echo" }}]\n'
    toml.write_text(two.format("one") + two.format("two"))
    with pytest.raises(ConfigurationError, match="voice"):
        Stentor(Config())


def test_why_there_is_no_such_engine(toml: Path, tmp_path: Path) -> None:
    """A file with a mistake is not passed over in silence."""
    (tmp_path / "broken.py").write_text("class Phone(SpeechEngine):\n    name = 'phone'\n  x = 1\n")
    (tmp_path / "computed.py").write_text("class Phone(SpeechEngine):\n    name = 'ph' + 'one'\n")
    toml.write_text(
        f"[engines]\npaths = ['{tmp_path}', '{tmp_path}/nowhere']\n"
        "[models.m]\nbackends = [{ engine = 'phone' }]\n"
    )
    with pytest.raises(ConfigurationError) as refused:
        Stentor(Config())
    told = str(refused.value)
    assert told.startswith("there is no engine 'phone'; broken.py is no Python")
    assert "(line 3)" in told
    assert "computed.py has no engine whose `name` is a plain string" in told
    assert f"no folder {tmp_path}/nowhere" in told


def test_a_file_that_is_gone_takes_no_models_away(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("STENTOR_CONFIG", raising=False)
    file = tmp_path / "stentor.toml"
    file.write_text('[models.mine]\nbackends = [{ engine = "echo" }]\n')
    stentor = Stentor(Config())
    live = LiveConfig(stentor, Config, KeptModels(tmp_path))
    file.unlink()
    with pytest.raises(ConfigurationError, match=r"stentor\.toml is not there any more"):
        live.reload()
    assert stentor.models.get("mine") is not None


def test_two_engines_of_one_name_in_a_folder_are_refused(toml: Path, tmp_path: Path) -> None:
    """Which of them runs would depend on the names of the files."""
    for file in ("phone.py", "phone_old.py"):
        (tmp_path / file).write_text("class Phone(SpeechEngine):\n    name = 'phone'\n")
    config = f"[engines]\npaths = ['{tmp_path}']\n"
    toml.write_text(config)
    assert "phone" in Stentor(Config()).engines  # none is used: nothing is wrong
    toml.write_text(config + "[models.m]\nbackends = [{ engine = 'phone' }]\n")
    with pytest.raises(ConfigurationError, match=r"'phone', in phone\.py and phone_old\.py"):
        Stentor(Config())


def test_languages_are_those_of_the_file_or_those_that_are_kept(
    toml: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STENTOR_DATA_DIR", str(tmp_path / "data"))
    assert wanted_languages(Config()) == ()
    keep_languages(tmp_path / "data", ["de", "en"])
    assert wanted_languages(Config()) == ("de", "en")
    toml.write_text('[engines]\nlanguages = ["French", "en-GB", "en"]\n')
    assert wanted_languages(Config()) == ("fr", "en")
    toml.write_text("")
    (tmp_path / "data" / "languages.json").write_text("{")
    with pytest.raises(ConfigurationError, match=r"languages\.json cannot be read"):
        Stentor(Config())


ECHO = Offer("echo", "speech", 0)
SMALL = Offer("small", "speech", 10)
GOOD = Offer("good", "speech", 50)
EQUAL = Offer("equal", "speech", 50)
EARS = Offer("ears", "transcription", 90)
OTHER = Offer("other", "conversion", 100)
UNKNOWN = Offer("unknown", None, 100)


@pytest.mark.parametrize(
    ("offers", "meant"),
    [
        ([ECHO], "echo"),
        ([ECHO, SMALL], "small"),
        ([SMALL, GOOD, EQUAL], "good"),
        ([EQUAL, SMALL, GOOD], "equal"),
        ([EARS, UNKNOWN, OTHER, SMALL], "small"),
    ],
)
def test_openais_names_mean_the_best_model(offers: list[Offer], meant: str) -> None:
    meanings = openai_aliases(offers, taken=())
    assert {meanings[name] for name in OPENAI_MODELS["speech"]} == {meant}
    assert ("whisper-1" in meanings) == (EARS in offers)


def test_names_that_the_owner_gave_mean_what_he_said() -> None:
    meanings = openai_aliases([GOOD, EARS], taken={"tts-1", "whisper-1"})
    assert not {"tts-1", "whisper-1"} & set(meanings)
    assert meanings["tts-1-hd"] == "good"
    assert meanings["gpt-4o-transcribe"] == "ears"
    assert openai_aliases([UNKNOWN, OTHER], taken=()) == {}


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["speech", "transcription", "conversion", None]), st.integers(0, 100)
        )
    )
)
def test_no_model_is_better_than_the_one_that_is_meant(
    made: list[tuple[Task | None, int]],
) -> None:
    offers = [Offer(str(at), task, quality) for at, (task, quality) in enumerate(made)]
    for name, meant in openai_aliases(offers, taken=()).items():
        task = "speech" if name in OPENAI_MODELS["speech"] else "transcription"
        assert offers[int(meant)].task == task
        assert all(o.quality <= offers[int(meant)].quality for o in offers if o.task == task)


def test_the_first_backend_of_which_something_is_known_speaks_for_a_model() -> None:
    foreign, slow = Declaration("foreign"), Declaration("slow", "speech", 20)
    assert offer("mine", [foreign, slow, Declaration("x", "speech", 90)]) == Offer(
        "mine", "speech", 20
    )
    assert offer("mine", [foreign]).task is None


def test_the_base_install_speaks_and_hears_under_openais_names(toml: Path) -> None:
    assert set(Stentor(Config()).aliases.values()) == {"espeak", "pocketsphinx"}
    toml.write_text('[models.echo]\nbackends = [{ engine = "echo" }]\n')
    assert set(Stentor(Config()).aliases.values()) == {"espeak", "pocketsphinx"}


def test_a_better_engine_of_the_owners_takes_the_names(toml: Path, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "import torch_of_another_environment\n"
        "class Mine(SpeechEngine):\n    name = 'mine'\n    quality = 11\n"
    )
    toml.write_text(
        f"[engines]\npaths = ['{tmp_path}']\n"
        '[models.wonder]\naliases = ["tts-1-hd"]\nbackends = [{ engine = "mine" }]\n'
    )
    stentor = Stentor(Config())
    assert stentor.models.find("tts-1").name == "wonder"
    assert stentor.models.find("tts-1-hd").name == "wonder"
    assert stentor.models.find("whisper-1").name == "pocketsphinx"
    assert "tts-1-hd" not in stentor.aliases


def test_weights_of_the_owners_own_that_are_not_there_mean_nothing(
    toml: Path, tmp_path: Path
) -> None:
    toml.write_text(
        f'[models.mine]\nweights = "{tmp_path}/own"\nbackends = [{{ engine = "mine" }}]\n'
        f"[engines]\npaths = ['{tmp_path}']\n"
    )
    (tmp_path / "mine.py").write_text(
        "class Mine(SpeechEngine):\n    name = 'mine'\n"
        "    weights = {'usual': (Weights(hub='maker/model'),)}\n"
    )
    assert Stentor(Config()).aliases["tts-1"] == "espeak"
    (tmp_path / "own").mkdir()
    assert Stentor(Config()).aliases["tts-1"] == "mine"


@pytest.mark.parametrize(
    ("asked", "address"),
    [
        ("5678", ("127.0.0.1", 5678, False)),
        ("wait:5678", ("127.0.0.1", 5678, True)),
        ("0.0.0.0:5678", ("0.0.0.0", 5678, False)),
        ("wait:[::1]:80", ("::1", 80, True)),
    ],
)
def test_where_a_debugger_listens(asked: str, address: tuple[str, int, bool]) -> None:
    assert debugger_address(asked) == address


@pytest.mark.parametrize("asked", ["yes", "host:", "wait:", "0", "65536", "-1", "²"])
def test_where_no_debugger_can(asked: str) -> None:
    with pytest.raises(ConfigurationError, match="STENTOR_DEBUGPY"):
        debugger_address(asked)
