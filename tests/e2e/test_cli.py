"""The command line, with a server and without one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.audio import decoded, streamed_wav
from tests.e2e.command import TEXT, player, stentor
from tests.servers import Server


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server("") as running:
        yield running


@pytest.fixture(params=["alone", "server"])
def url(request: pytest.FixtureRequest, server: Server) -> dict[str, str]:
    """The environment that makes commands use the server, or none."""
    return {"STENTOR_URL": server.url} if request.param == "server" else {}


@pytest.mark.parametrize("name", ["speech.wav", "speech.mp3", "speech.flac"])
def test_say_writes_a_file(tmp_path: Path, url: dict[str, str], name: str) -> None:
    done = stentor("say", TEXT, "-o", name, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    samples, rate = decoded((tmp_path / name).read_bytes())
    assert rate == 24_000
    assert 2 < len(samples) / rate < 6
    assert [file.name for file in tmp_path.iterdir()] == [name]


def test_say_to_stdout_is_audio_and_nothing_else(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor("say", "-", "-o", "-", cwd=tmp_path, stdin=TEXT.encode(), env=url)
    assert done.returncode == 0, done.stderr
    assert 2 < len(streamed_wav(done.stdout)[0]) / 24_000 < 6


def test_say_plays(tmp_path: Path, url: dict[str, str]) -> None:
    played = tmp_path / "played"
    done = stentor("say", TEXT, cwd=tmp_path, env=url | player(tmp_path, f"cat > {played}"))
    assert done.returncode == 0, done.stderr
    assert 2 < played.stat().st_size / 2 / 24_000 < 6


@pytest.mark.parametrize("script", ["exit 3", "head -c 1000 > /dev/null; exit 3"])
def test_a_player_that_fails_is_told(tmp_path: Path, url: dict[str, str], script: str) -> None:
    done = stentor("say", TEXT * 100, cwd=tmp_path, env=url | player(tmp_path, script))
    assert done.returncode == 1
    assert done.stderr == b"stentor say: paplay ended with status 3\n"


def test_a_player_that_is_closed_early_is_no_failure(tmp_path: Path, url: dict[str, str]) -> None:
    script = "head -c 1000 > /dev/null"
    done = stentor("say", TEXT * 100, cwd=tmp_path, env=url | player(tmp_path, script))
    assert done.returncode == 0, done.stderr


def test_transcribe(tmp_path: Path, url: dict[str, str], sentence: Path) -> None:
    done = stentor("transcribe", str(sentence), cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert b"country" in done.stdout
    piped = stentor("transcribe", "-", cwd=tmp_path, stdin=sentence.read_bytes(), env=url)
    assert piped.stdout == done.stdout


def test_one_bad_file_does_not_stop_the_others(
    tmp_path: Path, url: dict[str, str], sentence: Path
) -> None:
    bad = tmp_path / "bad.wav"
    bad.write_text("no audio")
    good = tmp_path / "good.wav"
    good.symlink_to(sentence)
    done = stentor("transcribe", str(bad), str(good), cwd=tmp_path, env=url)
    assert done.returncode == 1
    assert b"bad.wav" in done.stderr
    assert b"1 done, 0 skipped, 1 failed" in done.stderr
    assert sorted(path.name for path in tmp_path.iterdir()) == ["bad.wav", "good.txt", "good.wav"]
    assert "country" in (tmp_path / "good.txt").read_text()


def test_mistakes_are_told_in_a_line(tmp_path: Path, url: dict[str, str]) -> None:
    for arguments in (
        ["say", TEXT, "-o", "a.wav", "--voice", "nobody"],
        ["say", TEXT, "-o", "a.wav", "--model", "nothing"],
        ["say", "", "-o", "a.wav"],
        ["say", TEXT, "-o", "no/such/folder/a.wav"],
        ["transcribe", "missing.wav"],
    ):
        done = stentor(*arguments, cwd=tmp_path, env=url)
        assert done.returncode == 1, arguments
        assert len(done.stderr.splitlines()) == 1, done.stderr
        assert b"Traceback" not in done.stderr
    assert not list(tmp_path.iterdir())


def test_no_server_where_one_was_named(tmp_path: Path) -> None:
    done = stentor("say", TEXT, "-o", "a.wav", "--server", "http://127.0.0.1:9", cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1


def test_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "stentor.toml").write_text('[models.mine]\nbackends = [{ engine = "nothing" }]\n')
    for command in ("serve", "doctor", "models"):
        done = stentor(command, cwd=tmp_path)
        assert done.returncode == 2
        assert b"nothing" in done.stderr
        assert b"Traceback" not in done.stderr
    missing = stentor("models", cwd=tmp_path, env={"STENTOR_CONFIG": "none.toml"})
    assert missing.returncode == 2
    assert missing.stderr.count(b"\n") == 1
    (tmp_path / "stentor.toml").write_text("[server]\nprot = 1\n")
    done = stentor("serve", cwd=tmp_path)
    assert done.returncode == 2
    assert b"server.prot" in done.stderr


def test_a_port_that_is_taken(tmp_path: Path, server: Server) -> None:
    port = server.url.rpartition(":")[2]
    done = stentor("serve", "--port", port, cwd=tmp_path)
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1
