"""`stentor say`: words in time, formats, and every way in which it may end early."""

from __future__ import annotations

import json
import os
import pty
import resource
import signal
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import psutil
import pytest
import srt
import webvtt

from tests.audio import decoded
from tests.e2e.command import TEXT, begun, player, stentor
from tests.servers import ECHO, Server
from tests.wait import until

WORDS = TEXT.split()
KEY = "a key that only this server has"


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(ECHO) as running:
        yield running


@pytest.fixture(params=["alone", "server"])
def url(request: pytest.FixtureRequest, server: Server) -> dict[str, str]:
    """The environment that makes commands use the server, or none; the echo models in either."""
    if request.param == "server":
        return {"STENTOR_URL": server.url}
    return {"STENTOR_CONFIG": str(server.folder / "stentor.toml")}


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_words_are_lines_beside_a_file(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor("say", TEXT, "-o", "a.wav", "--words", cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    samples, rate = decoded((tmp_path / "a.wav").read_bytes())
    lines = [line.split(" ", 2) for line in done.stderr.decode().splitlines()]
    assert [word for _, _, word in lines] == WORDS
    times = [float(time) for start, end, _ in lines for time in (start, end)]
    assert times == sorted(times)
    assert 0 <= times[0] < times[-1] <= len(samples) / rate + 0.01


def test_words_while_it_plays(tmp_path: Path, url: dict[str, str]) -> None:
    env = url | player(tmp_path, "cat > /dev/null")
    done = stentor("say", TEXT, "--words", cwd=tmp_path, env=env)
    assert done.returncode == 0, done.stderr
    assert [line.split()[2] for line in done.stderr.decode().splitlines()] == WORDS


def test_words_run_through_a_terminal(tmp_path: Path, url: dict[str, str]) -> None:
    ours, theirs = pty.openpty()
    env = url | player(tmp_path, "cat > /dev/null") | {"COLUMNS": "20"}
    process = begun("say", TEXT, "--words", cwd=tmp_path, env=env, stderr=theirs)
    os.close(theirs)
    out, _ = process.communicate(timeout=60)
    shown = os.read(ours, 65536).decode()
    os.close(ours)
    assert process.returncode == 0, shown
    assert out == b""
    assert shown.split() == WORDS
    assert len(shown.splitlines()) == 3
    assert all(len(line) <= 20 for line in shown.splitlines())


@pytest.mark.parametrize("kind", ["srt", "vtt", "json"])
def test_words_in_a_file(tmp_path: Path, url: dict[str, str], kind: str) -> None:
    file = tmp_path / f"words.{kind}"
    text = " ".join([TEXT] * 5)
    done = stentor("say", text, "-o", "-", "--words-to", str(file), cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert done.stderr == b""
    if kind == "json":
        told = json.loads(file.read_text())["words"]
        said = [word["word"] for word in told]
        assert all(word["start"] <= word["end"] for word in told)
    elif kind == "srt":
        cues = list(srt.parse(file.read_text(), ignore_errors=False))
        assert len(cues) >= 5
        assert all(one.end <= two.start for one, two in pairwise(cues))
        said = " ".join(cue.content for cue in cues).split()
    else:
        said = " ".join(caption.text for caption in webvtt.read(str(file)).captions).split()
    assert said == text.split()
    assert names(tmp_path) == [file.name]


def test_where_the_text_comes_from(tmp_path: Path, server: Server) -> None:
    env = {"STENTOR_URL": server.url}
    (tmp_path / "text.txt").write_bytes(b"\xef\xbb\xbf" + TEXT.encode())
    echo = ["--model", "echo", "-o", "-"]
    ways = [
        stentor("say", TEXT, *echo, cwd=tmp_path, env=env),
        stentor("say", *echo, cwd=tmp_path, env=env, stdin=TEXT.encode()),
        stentor("say", "--file", "text.txt", *echo, cwd=tmp_path, env=env),
    ]
    assert all(way.returncode == 0 for way in ways)
    assert len({way.stdout for way in ways}) == 1
    assert len(ways[0].stdout) > 10_000


def test_the_format_goes_before_the_suffix(tmp_path: Path, url: dict[str, str]) -> None:
    done = stentor("say", TEXT, "-o", "a.dat", "--format", "flac", cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.dat").read_bytes()[:4] == b"fLaC"


def test_options_reach_the_engine(tmp_path: Path, url: dict[str, str]) -> None:
    options = ["--option", "char_seconds=0.01", "--seed", "3", "--speed", "2", "--model", "echo"]
    done = stentor("say", TEXT, "-o", "a.wav", *options, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    samples, rate = decoded((tmp_path / "a.wav").read_bytes())
    assert len(samples) / rate == pytest.approx(len(TEXT) * 0.01 / 2, abs=0.3)
    wrong = stentor("say", TEXT, "-o", "-", *options, "--option", "x=1", cwd=tmp_path, env=url)
    assert wrong.returncode == 1
    assert b"unknown option 'x'" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["say", TEXT, "-o", "a.xyz"], b".xyz"),
        (["say", TEXT, "-o", "a.wav", "--format", "xyz"], b"xyz"),
        (["say", TEXT, "--format", "mp3"], b"-o"),
        (["say", TEXT, "--file", "text.txt", "-o", "a.wav"], b"--file"),
        (["say", TEXT, "-o", "a.wav", "--words-to", "a.txt"], b".srt"),
        (["say", TEXT, "-o", "a.wav", "--option", "x"], b"key=value"),
        (["say", TEXT, "-o", "a.wav", "--server", "ftp://host"], b"ftp://host"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str], told: bytes) -> None:
    done = stentor(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count(b"\n") == 1
    assert names(tmp_path) == []


@pytest.mark.parametrize("place", ["no/such/folder/a.wav", "file/a.wav", ".", "/dev/full"])
def test_what_cannot_be_written(tmp_path: Path, url: dict[str, str], place: str) -> None:
    (tmp_path / "file").touch()
    done = stentor("say", TEXT, "-o", place, "--format", "wav", cwd=tmp_path, env=url)
    assert done.returncode == 1
    assert done.stderr.startswith(b"stentor say: ")
    assert done.stderr.count(b"\n") == 1
    assert names(tmp_path) == ["file"]


def test_a_full_disk_keeps_the_older_file(tmp_path: Path, url: dict[str, str]) -> None:
    (tmp_path / "a.wav").write_text("older")

    def no_room() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))

    process = begun("say", TEXT, "-o", "a.wav", cwd=tmp_path, env=url, before=no_room)
    _, told = process.communicate(timeout=60)
    assert process.returncode == 1
    assert told.startswith(b"stentor say: a.wav: ")
    assert told.count(b"\n") == 1
    assert names(tmp_path) == ["a.wav"]
    assert (tmp_path / "a.wav").read_text() == "older"


def test_a_reader_that_has_enough(tmp_path: Path, url: dict[str, str]) -> None:
    process = begun("say", TEXT * 50, "-o", "-", cwd=tmp_path, env=url)
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.read(4) == b"RIFF"
    process.stdout.close()
    assert process.wait(60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()


SLOW = ["--model", "echo", "--option", "piece_delay=0.05", "--option", "piece_seconds=0.5"]


@pytest.mark.parametrize(("signum", "status"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_an_interrupt_leaves_no_half_file(
    tmp_path: Path, url: dict[str, str], signum: int, status: int
) -> None:
    words = tmp_path / "a.srt"
    arguments = ["-o", "a.wav", "--words-to", str(words), *SLOW]
    process = begun("say", TEXT * 1000, *arguments, cwd=tmp_path, env=url)
    part = tmp_path / "a.wav.part"
    until(lambda: part.exists() and part.stat().st_size > 0, "audio comes")
    children = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signum)
    out, told = process.communicate(timeout=30)
    assert (process.returncode, out, told) == (status, b"", b"")
    assert names(tmp_path) == []
    assert not any(child.is_running() for child in children)


def test_an_interrupt_ends_the_player(tmp_path: Path, url: dict[str, str]) -> None:
    started = tmp_path / "pid"
    # It takes some audio, and would play for long.
    script = f"head -c 1000 > /dev/null; echo $$ > {started}; exec sleep 1000"
    env = url | player(tmp_path, script)
    process = begun("say", TEXT * 1000, "--words", *SLOW, cwd=tmp_path, env=env)
    pid = int(until(lambda: started.exists() and started.read_text().strip(), "it plays") or 0)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert out == b""
    assert b"Traceback" not in told
    assert not psutil.pid_exists(pid)


def test_a_server_with_a_key(tmp_path: Path) -> None:
    with Server(ECHO, STENTOR_API_KEY=KEY) as locked:
        env = {"STENTOR_URL": f"{locked.url}/v1"}
        stranger = stentor("say", TEXT, "-o", "a.wav", cwd=tmp_path, env=env)
        assert stranger.returncode == 1
        assert b"STENTOR_API_KEY" in stranger.stderr
        assert stranger.stderr.count(b"\n") == 1
        known = stentor(
            "say", TEXT, "-o", "a.wav", cwd=tmp_path, env=env | {"STENTOR_API_KEY": KEY}
        )
        assert known.returncode == 0, known.stderr
        assert names(tmp_path) == ["a.wav"]
