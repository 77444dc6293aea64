"""Commands with a server that is no Stentor, and with one that goes away."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
import srt

from stentor.audio.encode import encode
from tests.audio import Samples
from tests.e2e.command import player, stentor

Answer = Callable[[BaseHTTPRequestHandler], None]

SILENCE: Samples = np.zeros(24_000, np.int16)
VERBOSE = {
    "task": "transcribe",
    "language": "english",
    "duration": 4.0,
    "text": "Hello there. Good bye.",
    "segments": [
        {"id": 0, "start": 0.0, "end": 1.5, "text": " Hello there."},
        {"id": 1, "start": 2.0, "end": 4.0, "text": " Good bye."},
    ],
    "words": [
        {"word": "Hello", "start": 0.0, "end": 0.5},
        {"word": "there", "start": 0.6, "end": 1.5},
        {"word": "Good", "start": 2.0, "end": 3.0},
        {"word": "bye", "start": 3.0, "end": 4.0},
    ],
}


@contextmanager
def serving(answers: dict[str, Answer]) -> Iterator[str]:
    """The URL of a server that answers at these paths, and 404 at all others."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            known = answers.get(self.path.partition("?")[0])
            if known is None:
                self.send_error(404)
            else:
                known(self)

        do_GET = do_POST = answer  # noqa: N815

        def log_message(self, form: str, *values: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def whole(content_type: str, data: bytes, status: int = 200) -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(status)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)

    return answer


def broken(content_type: str, data: bytes) -> Answer:
    """Half of what was announced; then the server is gone."""

    def answer(handler: BaseHTTPRequestHandler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Type", content_type)
        handler.send_header("Content-Length", str(2 * len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        handler.close_connection = True

    return answer


def told(data: object) -> Answer:
    return whole("application/json", json.dumps(data).encode())


def events(*data: object) -> bytes:
    return b"".join(b"data: %s\n\n" % json.dumps(each).encode() for each in data)


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    folder = tmp_path / "in"
    folder.mkdir()
    file = folder / "recorded.wav"
    file.write_bytes(encode("wav", 24_000, SILENCE))
    return file


def test_a_complete_wav_is_kept_as_it_is(tmp_path: Path) -> None:
    data = encode("wav", 16_000, SILENCE)
    with serving({"/v1/audio/speech": whole("audio/wav", data)}) as url:
        done = stentor("say", "hi", "-o", "a.wav", "--server", url, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "a.wav").read_bytes() == data


@pytest.mark.parametrize("sse", [True, False])
def test_a_server_without_word_times(tmp_path: Path, sse: bool) -> None:
    data = encode("mp3", 24_000, SILENCE)
    delta = {"type": "speech.audio.delta", "audio": base64.b64encode(data).decode()}
    stream = events(delta, {"type": "speech.audio.done"})
    answer = whole("text/event-stream", stream) if sse else whole("audio/mpeg", data)
    arguments = ["-o", "a.mp3", "--words-to", "a.srt"]
    with serving({"/v1/audio/speech": answer}) as url:
        done = stentor("say", "hi", *arguments, "--server", url, cwd=tmp_path)
    assert done.returncode == 1
    assert b"does not tell when words are heard" in done.stderr
    # The audio is good.
    assert [path.name for path in tmp_path.iterdir()] == ["a.mp3"]
    assert (tmp_path / "a.mp3").read_bytes() == data


@pytest.mark.parametrize("plays", [True, False])
@pytest.mark.parametrize(
    "answer",
    [
        broken("audio/pcm", SILENCE.tobytes()),
        whole("text/event-stream", events({"type": "speech.audio.delta", "audio": "AAAA"})),
        whole("text/event-stream", events({"type": "error", "error": {"message": "it died"}})),
        whole("text/event-stream", b"data: {nothing\n\n"),
    ],
    ids=["broken", "short", "error", "no JSON"],
)
def test_a_stream_that_breaks_off(tmp_path: Path, answer: Answer, plays: bool) -> None:
    env = player(tmp_path, "cat > /dev/null")
    (tmp_path / "out").mkdir()
    where = [] if plays else ["-o", "a.wav"]
    with serving({"/v1/audio/speech": answer}) as url:
        done = stentor("say", "hi", *where, "--server", url, cwd=tmp_path / "out", env=env)
    assert done.returncode == 1
    assert done.stderr.startswith(b"stentor say: ")
    assert done.stderr.count(b"\n") == 1
    assert list((tmp_path / "out").iterdir()) == []


def test_verbose_json(tmp_path: Path, recorded: Path) -> None:
    with serving({"/v1/audio/transcriptions": told(VERBOSE)}) as url:
        arguments = ["-f", "srt", "-f", "json", "--words", "-o", "out", "--server", url]
        done = stentor("transcribe", str(recorded), *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    cues = list(srt.parse((tmp_path / "out" / "recorded.srt").read_text()))
    assert [cue.content for cue in cues] == ["Hello there.", "Good bye."]
    heard = json.loads((tmp_path / "out" / "recorded.json").read_text())
    assert heard["language"] == "en"
    assert [len(segment["words"]) for segment in heard["segments"]] == [2, 2]


@pytest.mark.parametrize("kind", ["txt", "srt"])
def test_a_server_that_knows_text_only(tmp_path: Path, recorded: Path, kind: str) -> None:
    with serving({"/v1/audio/transcriptions": told({"text": "Hello there."})}) as url:
        arguments = ["-f", kind, "--server", url]
        done = stentor("transcribe", str(recorded), *arguments, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert b"Hello there." in done.stdout


@pytest.mark.parametrize(
    "answer",
    [
        broken("application/json", b"{"),
        whole("application/json", b"[]"),
        told({"segments": [{"text": "no times"}]}),
        whole("text/html", b"<html>"),
        whole("text/html", b"<html>", 502),
        whole("text/event-stream", events({"type": "transcript.text.delta", "delta": "Hel"})),
    ],
    ids=["broken", "a list", "no times", "a page", "a bad gateway", "a short stream"],
)
def test_answers_that_are_none(tmp_path: Path, recorded: Path, answer: Answer) -> None:
    with serving({"/v1/audio/transcriptions": answer}) as url:
        arguments = ["-o", "a.txt", "--server", url]
        done = stentor("transcribe", str(recorded), *arguments, cwd=tmp_path)
    assert done.returncode == 1
    assert done.stderr.startswith(f"stentor transcribe: {recorded}: ".encode())
    assert done.stderr.count(b"\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == ["in"]


def test_lists(tmp_path: Path) -> None:
    models = {"object": "list", "data": [{"id": "tts-1", "object": "model"}, {"id": "other"}]}
    answers = {"/v1/models": told(models), "/v1/audio/voices": told({"voices": ["one", "two"]})}
    with serving(answers) as url:
        listed = stentor("models", "--server", url, cwd=tmp_path)
        voices = stentor("voices", "--server", url, cwd=tmp_path)
    assert listed.stdout.decode().splitlines() == ["tts-1\t\tyes\t\t\t\t\t", "other\t\t\t\t\t\t\t"]
    assert voices.stdout.decode().splitlines() == ["one\tone\t\t\t", "two\ttwo\t\t\t"]


def test_another_program_on_the_port_is_not_taken_for_a_stentor(tmp_path: Path) -> None:
    asked = []

    def health(handler: BaseHTTPRequestHandler) -> None:
        asked.append(handler.headers.get("Authorization"))
        told({"status": "ok"})(handler)

    with serving({"/health": health}) as url:
        env = {"STENTOR_PORT": url.rpartition(":")[2], "STENTOR_API_KEY": "secret"}
        done = stentor("models", cwd=tmp_path, env=env)
    assert b"espeak" in done.stdout
    assert asked == [None]
