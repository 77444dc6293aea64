"""Files that would make a decoder open others."""

from __future__ import annotations

import io
import socket
from pathlib import Path

import av
import pytest

from stentor.audio.decode import _OPTIONS, CONTAINERS, decode
from stentor.errors import InvalidAudio

from .sounds import tone, wav


class Named(io.BytesIO):
    name: str


@pytest.fixture
def secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file of the server's, beside which it runs."""
    path = tmp_path / "secret.wav"
    path.write_bytes(wav(tone(16_000).tobytes()))
    monkeypatch.chdir(tmp_path)
    return path


def test_plain_ffmpeg_would_read_the_secret(secret: Path) -> None:
    with av.open(io.BytesIO(b"ffconcat version 1.0\nfile secret.wav\n"), "r") as container:
        assert sum(frame.samples for frame in container.decode(audio=0)) == 16_000


@pytest.mark.parametrize(
    "name", ["upload", "list.m3u8", "list.ffconcat", "s.sdp", "%d.png", "a\0b"]
)
@pytest.mark.parametrize(
    "script",
    [
        "ffconcat version 1.0\nfile secret.wav\n",
        "ffconcat version 1.0\nfile '{path}'\n",
        "ffconcat version 1.0\nfile 'file:{path}'\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nsecret.wav\n#EXT-X-ENDLIST\n",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nfile://{path}\n#EXT-X-ENDLIST\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=-\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 5004 RTP/AVP 0\n",
    ],
)
def test_no_other_file_is_opened(secret: Path, script: str, name: str) -> None:
    upload = Named(script.format(path=secret).encode())
    upload.name = name

    with pytest.raises(InvalidAudio, match="format"):
        decode(upload, max_seconds=10)


def test_no_protocol_is_left_to_a_format_that_slips_through(
    secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(_OPTIONS, "format_whitelist", CONTAINERS + ",concat")

    with pytest.raises(InvalidAudio, match="format"):
        decode(io.BytesIO(b"ffconcat version 1.0\nfile secret.wav\n"), max_seconds=10)


@pytest.mark.parametrize("name", ["list.m3u8", "%d.png", "a\0b", "\ud800", "", "http://h/a.wav"])
def test_a_name_means_nothing(name: str) -> None:
    upload = Named(wav(tone(16_000).tobytes()))
    upload.name = name

    assert sum(map(len, decode(upload, max_seconds=10))) == 16_000


def test_no_address_is_connected_to() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)
        url = f"http://127.0.0.1:{server.getsockname()[1]}/a.ts"
        for script in (
            f"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{url}\n#EXT-X-ENDLIST\n",
            f"ffconcat version 1.0\nfile '{url}'\n",
        ):
            upload = Named(script.encode())
            upload.name = "list.m3u8"
            with pytest.raises(InvalidAudio):
                decode(upload, max_seconds=10)
        with pytest.raises(BlockingIOError):
            server.accept()
