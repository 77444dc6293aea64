"""`stentor config`, as it is typed."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from tests.e2e.command import stentor

MODELS = {"chatterbox-turbo": {"container": "chatterbox-tts", "port": 8006, "type": "tts"}}
PROCESSORS = [{"slug": "m", "processor": "x.LocalProcessor", "worker_url": "http://m:8000"}]


@pytest.fixture
def models(tmp_path: Path) -> Path:
    file = tmp_path / "models.json"
    file.write_text(json.dumps(MODELS))
    return file


def test_import_prints_what_the_server_takes(tmp_path: Path, models: Path) -> None:
    (tmp_path / ".env").write_text("IDLE_TIMEOUT=60\nDATABASE_PASSWORD=hidden\n")
    done = stentor("config", "import", models.name, "--env", "START_TIMEOUT=90", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    tree = tomllib.loads(done.stdout.decode())
    assert tree["lifecycle"] == {"idle_timeout": "60s", "start_timeout": "90s"}
    (backend,) = tree["models"]["chatterbox-turbo"]["backends"]
    assert (backend["kind"], backend["name"]) == ("container", "chatterbox-tts")
    assert done.stderr == b"stentor config import: not known here: DATABASE_PASSWORD\n"
    assert b"hidden" not in done.stdout


def test_import_then_check_then_show(tmp_path: Path) -> None:
    """A whole move, of what runs without Docker."""
    (tmp_path / "vs.env").write_text("ASR_MODEL=base\nASR_PORT=5001\nHOST=127.0.0.1\n")
    written = stentor("config", "import", "vs.env", "-o", "stentor.toml", cwd=tmp_path)
    assert (written.returncode, written.stdout) == (0, b"")
    checked = stentor("config", "check", cwd=tmp_path, env={"STENTOR_PORT": ""})
    assert (checked.returncode, checked.stderr) == (0, b"")
    assert checked.stdout == b"stentor.toml: no mistakes, 3 models\n"
    shown = stentor("config", "show", cwd=tmp_path, env={"STENTOR_PORT": ""})
    tree = tomllib.loads(shown.stdout.decode())
    assert tree["server"]["port"] == 5001
    assert list(tree["models"]) == ["whisper-base", "espeak", "pocketsphinx"]


def test_a_file_is_kept_unless_it_may_be_replaced(tmp_path: Path, models: Path) -> None:
    output = tmp_path / "stentor.toml"
    output.write_text("# mine\n")
    command = ("config", "import", models.name, "--output", output.name)
    kept = stentor(*command, cwd=tmp_path)
    assert kept.returncode == 2
    assert b"--overwrite" in kept.stderr
    assert output.read_text() == "# mine\n"
    replaced = stentor(*command, "--overwrite", cwd=tmp_path)
    assert replaced.returncode == 0
    assert "chatterbox-tts" in output.read_text()
    assert sorted(file.name for file in tmp_path.iterdir()) == ["models.json", "stentor.toml"]


def test_what_lies_about_is_no_part_of_what_is_imported(tmp_path: Path, models: Path) -> None:
    """Neither another stentor.toml nor variables make a file good or bad."""
    (tmp_path / "stentor.toml").write_text("[server]\nprot = 1\n")
    done = stentor("config", "import", models.name, cwd=tmp_path, env={"STENTOR_PORT": "none"})
    assert done.returncode == 0, done.stderr


def test_mistakes_of_import_are_told_in_a_line(tmp_path: Path, models: Path) -> None:
    (tmp_path / "other.json").write_text('{"a": 1}')
    (tmp_path / "latin").write_bytes(b"ASR_MODEL=\xe9")
    (tmp_path / "processors.json").write_text(json.dumps(PROCESSORS))
    for arguments, status in (
        (["other.json"], 2),
        (["latin"], 2),
        (["missing.json"], 1),
        (["models.json", "--from", "yapit"], 2),
        (["models.json", "--env", "IDLE_TIMEOUT"], 2),
        (["models.json", "-o", "no/such/folder.toml"], 1),
    ):
        done = stentor("config", "import", *arguments, cwd=tmp_path)
        assert done.returncode == status, (arguments, done.stderr)
        assert done.stderr.startswith(b"stentor config import: ")
        assert done.stderr.count(b"\n") == 1, done.stderr
        assert done.stdout == b""


def test_check_tells_mistakes(tmp_path: Path) -> None:
    file = tmp_path / "stentor.toml"
    (tmp_path / "mine.py").write_text(
        "# /// script\n# dependancies = []\n# ///\nclass A(SpeechEngine):\n    name = 'mine'\n"
    )
    for text, told in (
        ("[server]\nprot = 1\n", b"server.prot"),
        ("[server\n", b"not TOML"),
        ('[models.mine]\nbackends = [{ engine = "nothing" }]\n', b"nothing"),
        ('[server]\nhost = "0.0.0.0"\n', b"STENTOR_API_KEY"),
        (
            '[engines]\npaths = ["."]\n[models.mine]\nbackends = [{ engine = "mine" }]\n',
            b"models.mine: mine.py does not say what it needs: the script block has dependancies",
        ),
    ):
        file.write_text(text)
        done = stentor("config", "check", cwd=tmp_path)
        assert done.returncode == 2, text
        assert told in done.stderr
        assert b"Traceback" not in done.stderr
        assert done.stdout == b""


def test_check_tells_a_variable_without_effect(tmp_path: Path) -> None:
    for variable, status in (("STENTOR_LIFECYCLE_IDLE_TIMEOUT", 2), ("STENTOR_URL", 0)):
        done = stentor("config", "check", cwd=tmp_path, env={variable: "http://127.0.0.1:9"})
        assert done.returncode == status, done.stderr
        assert (variable.encode() in done.stderr) is bool(status)


def test_show_masks_secrets_and_shows_what_counts(tmp_path: Path) -> None:
    (tmp_path / "stentor.toml").write_text(
        '[lifecycle]\nidle_timeout = "never"\n[server]\nport = 1\n'
        "[models.mine]\n[[models.mine.backends]]\n"
        'kind = "container"\nimage = "https://me:hidden@example.org/tts"\ntask = "speech"\n'
        'env = { HF_TOKEN = "hidden", DEVICE = "cuda" }\n'
    )
    done = stentor("config", "show", cwd=tmp_path, env={"STENTOR_API_KEY": "hidden"})
    assert done.returncode == 0, done.stderr
    assert b"hidden" not in done.stdout
    tree = tomllib.loads(done.stdout.decode())
    assert tree["server"]["port"] == 9  # a variable's
    assert tree["server"]["api_key"] == "**********"
    assert tree["lifecycle"]["idle_timeout"] == "never"
    (backend,) = tree["models"]["mine"]["backends"]
    assert backend["env"] == {"HF_TOKEN": "**********", "DEVICE": "cuda"}
    assert backend["image"] == "https://**********@example.org/tts"
