"""`stentor transcribe`: many files, many formats, and every way in which it may go wrong."""

from __future__ import annotations

import json
import os
import pty
import re
import shutil
import signal
import threading
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
import srt
import webvtt

from tests.e2e.command import TEXT, begun, stentor
from tests.servers import Server
from tests.wait import until

LINES = ("Guten Tag zusammen.", "Wie geht es dir?")
SCRIPT = r"\n".join(LINES)
CONFIG = f"""
[models.ears]
[[models.ears.backends]]
engine = "echo-transcribe"
options = {{ script = "{SCRIPT}", language = "de", translates = true }}
[models.slow]
backends = [{{ engine = "echo-transcribe", options = {{ delay = 3600 }} }}]
[models.deaf]
backends = [{{ engine = "echo-transcribe", options = {{ hears_words = false }} }}]
"""
EARS = ["--model", "ears"]


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with Server(CONFIG) as running:
        yield running


@pytest.fixture(params=["alone", "server"])
def url(request: pytest.FixtureRequest, server: Server) -> dict[str, str]:
    if request.param == "server":
        return {"STENTOR_URL": server.url}
    return {"STENTOR_CONFIG": str(server.folder / "stentor.toml")}


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some seconds of speech."""
    folder = tmp_path_factory.mktemp("spoken")
    done = stentor("say", TEXT, "-o", "spoken.wav", cwd=folder)
    assert done.returncode == 0, done.stderr
    return folder / "spoken.wav"


@pytest.fixture
def album(tmp_path: Path, spoken: Path) -> Path:
    """A folder with two files of speech, and others."""
    folder = tmp_path / "album"
    (folder / "deep").mkdir(parents=True)
    shutil.copy(spoken, folder / "one.wav")
    shutil.copy(spoken, folder / "deep" / "two.WAV")
    (folder / "notes.pdf").touch()
    (folder / ".hidden.wav").touch()
    return folder


def below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def test_several_formats_at_once(tmp_path: Path, url: dict[str, str], spoken: Path) -> None:
    formats = ["-f", "txt", "-f", "srt", "-f", "vtt", "-f", "json"]
    arguments = [*formats, "--words", "-o", "out", *EARS]
    done = stentor("transcribe", str(spoken), *arguments, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    out = tmp_path / "out"
    assert below(tmp_path) == {f"out/spoken.{kind}" for kind in ("txt", "srt", "vtt", "json")}
    assert (out / "spoken.txt").read_text().splitlines() == list(LINES)
    cues = list(srt.parse((out / "spoken.srt").read_text(), ignore_errors=False))
    assert [cue.content for cue in cues] == list(LINES)
    assert [c.text for c in webvtt.read(str(out / "spoken.vtt")).captions] == list(LINES)
    told = json.loads((out / "spoken.json").read_text())
    assert told["text"] == " ".join(LINES)
    assert told["language"] == "de"
    assert told["model"] == "ears"
    assert [segment["text"] for segment in told["segments"]] == list(LINES)
    words = [word for segment in told["segments"] for word in segment["words"]]
    assert [word["word"] for word in words] == " ".join(LINES).split()
    assert 0 <= words[0]["start"] < words[-1]["end"] <= told["duration"]
    assert told["duration"] == pytest.approx(told["segments"][-1]["end"], abs=2)


def test_output_is_the_same_with_and_without_a_server(
    tmp_path: Path, server: Server, spoken: Path
) -> None:
    ways = (
        {"STENTOR_URL": server.url},
        {"STENTOR_CONFIG": str(server.folder / "stentor.toml")},
    )
    for more in (["-f", "json", "--words"], ["-f", "srt"], ["-f", "txt"], ["-f", "json"]):
        one, other = (
            stentor("transcribe", str(spoken), *more, *EARS, cwd=tmp_path, env=env) for env in ways
        )
        assert one.returncode == other.returncode == 0
        assert one.stdout == other.stdout
        assert one.stderr == other.stderr == b""


def test_a_folder(tmp_path: Path, url: dict[str, str], album: Path) -> None:
    before = below(album)
    done = stentor("transcribe", str(album), *EARS, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert done.stdout == b""
    assert below(album) - before == {"one.txt", "deep/two.txt"}
    lines = done.stderr.decode().splitlines()
    assert [line.split(" → ")[0] for line in lines[:2]] == ["[1/2] two.WAV", "[2/2] one.wav"]
    assert lines[2] == "2 done, 0 skipped, 0 failed"
    elsewhere = stentor("transcribe", str(album), "-o", "out", *EARS, cwd=tmp_path, env=url)
    assert elsewhere.returncode == 0
    assert below(tmp_path / "out") == {"one.txt", "deep/two.txt"}


def test_what_is_there_is_not_done_again(tmp_path: Path, server: Server, album: Path) -> None:
    env = {"STENTOR_URL": server.url}
    (album / "one.txt").write_text("mine")
    again = ["transcribe", str(album), *EARS]
    assert b"1 done, 1 skipped" in stentor(*again, cwd=tmp_path, env=env).stderr
    assert (album / "one.txt").read_text() == "mine"
    both = stentor(*again, "-f", "txt", "-f", "vtt", cwd=tmp_path, env=env)
    assert b"2 done" in both.stderr  # what is missing
    assert (album / "one.txt").read_text() == "mine"
    assert (album / "one.vtt").exists()
    assert b"2 done" in stentor(*again, "--overwrite", cwd=tmp_path, env=env).stderr
    assert (album / "one.txt").read_text() != "mine"


def test_one_file_to_one_file(tmp_path: Path, url: dict[str, str], spoken: Path) -> None:
    done = stentor("transcribe", str(spoken), "-o", "a.srt", *EARS, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert [cue.content for cue in srt.parse((tmp_path / "a.srt").read_text())] == list(LINES)
    assert below(tmp_path) == {"a.srt"}


def test_translation(tmp_path: Path, url: dict[str, str], spoken: Path) -> None:
    arguments = ["--task", "translate", "-f", "json"]
    done = stentor("transcribe", str(spoken), *arguments, *EARS, cwd=tmp_path, env=url)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["text"] == " ".join(LINES)
    unable = stentor("transcribe", str(spoken), *arguments, cwd=tmp_path, env=url)
    assert unable.returncode == 1
    assert b"does not translate" in unable.stderr


def test_words_that_the_model_does_not_tell(
    tmp_path: Path, url: dict[str, str], spoken: Path
) -> None:
    arguments = ["--words", "-f", "json", "--model", "deaf"]
    done = stentor("transcribe", str(spoken), *arguments, cwd=tmp_path, env=url)
    assert done.returncode == 1
    assert b"does not tell when words are said" in done.stderr


def test_a_pipe(tmp_path: Path, url: dict[str, str], spoken: Path) -> None:
    arguments = ["-", "-f", "txt", "-f", "srt", "-o", "out", *EARS]
    audio = spoken.read_bytes()
    done = stentor("transcribe", *arguments, cwd=tmp_path, env=url, stdin=audio)
    assert done.returncode == 0, done.stderr
    assert below(tmp_path) == {"out/stdin.txt", "out/stdin.srt"}


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["a.wav", "-f", "xyz"], b"xyz"),
        (["a.wav", "-o", "a.xyz"], b".xyz"),
        (["a.wav", "--words"], b"json"),
        (["a.wav", "b.wav", "-o", "-"], b"stdout"),
        (["a.wav", "b.wav", "-o", "file.txt"], b"file.txt"),
        (["-", "-f", "txt", "-f", "srt"], b"-o"),
        (["empty"], b"empty"),
        (["a.wav", "--server", "http://"], b"http://"),
    ],
)
def test_wrong_use(tmp_path: Path, arguments: list[str], told: bytes) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "file.txt").touch()
    done = stentor("transcribe", *arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert told in done.stderr
    assert done.stderr.count(b"\n") == 1


def test_what_cannot_be_written(tmp_path: Path, url: dict[str, str], spoken: Path) -> None:
    (tmp_path / "file").touch()
    for place in ("file/a.txt", "/dev/full"):
        arguments = ["-f", "txt", "-o", place, *EARS]
        done = stentor("transcribe", str(spoken), *arguments, cwd=tmp_path, env=url)
        assert done.returncode == 1
        assert done.stderr.count(b"\n") == 1
        assert done.stderr.startswith(b"stentor transcribe: ")
    assert below(tmp_path) == {"file"}


def test_an_interrupt_leaves_no_half_file(tmp_path: Path, url: dict[str, str], album: Path) -> None:
    before = below(album)
    process = begun("transcribe", str(album), "--model", "slow", cwd=tmp_path, env=url)
    until(lambda: (album / "deep" / "two.txt.part").exists(), "it hears")
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGINT)
    out, told = process.communicate(timeout=30)
    assert (process.returncode, out, told) == (130, b"", b"")
    assert below(album) == before
    assert not any(worker.is_running() for worker in workers)


def test_a_bar_on_a_terminal(tmp_path: Path, url: dict[str, str], album: Path) -> None:
    ours, theirs = pty.openpty()
    env = url | {"TERM": "xterm", "COLUMNS": "120"}
    arguments = ["-f", "srt", *EARS]
    process = begun("transcribe", str(album), *arguments, cwd=tmp_path, env=env, stderr=theirs)
    os.close(theirs)
    shown = bytearray()
    reading = threading.Thread(target=_read_all, args=(ours, shown))
    reading.start()
    out, _ = process.communicate(timeout=60)
    reading.join(10)
    os.close(ours)
    text = shown.decode()
    assert process.returncode == 0, text
    assert out == b""
    assert "[1/2] two.WAV" in text
    assert "× real time" in text
    assert re.search(r"[1-9]\d* %", text)  # how far it is, with a server too
    assert "2 done, 0 skipped, 0 failed" in text
    assert "Traceback" not in text


def _read_all(terminal: int, shown: bytearray) -> None:
    while True:
        try:
            data = os.read(terminal, 65536)
        except OSError:  # on Linux, how a terminal ends that nobody writes to any more
            return
        if not data:
            return
        shown += data
