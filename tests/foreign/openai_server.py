"""A server of somebody else's that speaks OpenAI's API, and fails as it is told to. A program of
its own: `python openai_server.py PORT`, with FAULT, LOG and MARK in its environment.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from aiohttp import web

RATE = 16_000
PIECE = RATE // 10
FAULT = os.environ.get("FAULT", "")
MARK = Path(os.environ.get("MARK", os.devnull))
LOG = Path(os.environ.get("LOG", os.devnull))


def tell(**what: Any) -> None:
    with LOG.open("a") as log:
        log.write(json.dumps(what) + "\n")


def first_time() -> bool:
    """The mark outlives the process."""
    if MARK.exists():
        return False
    MARK.touch()
    return True


def wav_header(size: int = 0xFFFF_FFFF) -> bytes:
    riff = struct.pack("<4sI4s", b"RIFF", min(size + 36, 0xFFFF_FFFF), b"WAVE")
    form = struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, RATE, 2 * RATE, 2, 16)
    return riff + form + struct.pack("<4sI", b"data", size)


def tone(samples: int) -> bytes:
    values = (round(9_000 * math.sin(2 * math.pi * 440 * at / RATE)) for at in range(samples))
    return b"".join(struct.pack("<h", value) for value in values)


async def speech(request: web.Request) -> web.StreamResponse:
    body = await request.json()
    tell(path=request.path, body=body, authorization=request.headers.get("Authorization"))
    if FAULT in ANSWERS:
        status, kind, text = ANSWERS[FAULT]
        return web.Response(status=status, content_type=kind, text=text)
    if FAULT == "busy once" and first_time():
        return web.Response(status=503, headers={"Retry-After": "0"})
    if FAULT == "complete":
        audio = tone(PIECE)
        return web.Response(body=wav_header(len(audio)) + audio, content_type="audio/wav")
    if FAULT == "short":
        return web.Response(body=wav_header(9_999) + tone(PIECE), content_type="audio/wav")
    if FAULT == "hang":
        await asyncio.sleep(1_000)
    pcm = body["response_format"] == "pcm"
    answer = web.StreamResponse(headers={"Content-Type": "audio/pcm" if pcm else "audio/wav"})
    await answer.prepare(request)
    try:
        if not pcm:
            await answer.write(wav_header())
        await speak(request, answer, body["input"])
        await answer.write_eof()
    except (ConnectionResetError, asyncio.CancelledError):
        tell(hung_up=True)
        raise
    return answer


async def speak(request: web.Request, answer: web.StreamResponse, text: str) -> None:
    """A tenth of a second for each letter."""
    piece = tone(PIECE)
    for number, _ in enumerate(text):
        await answer.write(piece)
        if number == 3 and FAULT == "cut off":
            assert request.transport is not None
            request.transport.abort()
            return
        if number == 3 and FAULT == "die once" and first_time():
            os._exit(1)
        if number == 3 and FAULT == "stall once" and first_time():
            await asyncio.sleep(1_000)
        if "slow" in FAULT:
            await asyncio.sleep(0.05)


ANSWERS = {
    "500": (500, "text/plain", "Traceback: secret"),
    "400": (400, "application/json", '{"error": {"message": "bad voice", "param": "voice"}}'),
    "401": (401, "application/json", '{"detail": "who are you?"}'),
    "json": (200, "application/json", '{"audio": "none"}'),
    "html": (200, "text/html", "<html>RIFF</html>"),
    "empty": (200, "audio/wav", ""),
}


async def transcriptions(request: web.Request) -> web.Response:
    form = await request.post()
    upload = form["file"]
    assert isinstance(upload, web.FileField)
    size = len(upload.file.read())
    fields = {name: value for name, value in form.items() if isinstance(value, str)}
    tell(path=request.path, size=size, **fields)
    text = "hello from elsewhere"
    if fields["response_format"] == "json":
        return web.json_response({"text": text})
    if FAULT == "json only":
        return web.json_response({"error": {"message": "only json"}}, status=400)
    words = [
        {"word": word, "start": 0.1 + 0.2 * at, "end": 0.2 + 0.2 * at}
        for at, word in enumerate(text.split())
    ]
    segment = {"id": 0, "start": 0.1, "end": 0.7, "text": text, "avg_logprob": -0.25}
    told = {"text": text, "language": "english", "segments": [segment]}
    return web.json_response(told | ({"words": words} if "word" in str(form) else {}))


async def voices(request: web.Request) -> web.Response:
    return web.json_response({"voices": ["anna", {"id": "bert", "name": "Bert"}]})


async def health(request: web.Request) -> web.Response:
    tell(health=True)
    if "healthy once" in FAULT and not first_time():
        await asyncio.sleep(1_000)
    return web.Response(status=503 if FAULT == "never ready" else 200)


async def echo(request: web.Request) -> web.StreamResponse:
    """What was asked, byte for byte."""
    body = await request.read()
    tell(path=request.raw_path, method=request.method, headers=dict(request.headers))
    headers = {"X-Own": "yes", "Connection": "X-Hop", "X-Hop": "gone", "X-Path": request.raw_path}
    answer = web.Response(status=207, body=body, headers=headers)
    answer.headers.add("Set-Cookie", "a=1")
    answer.headers.add("Set-Cookie", "b=2")
    return answer


async def count(request: web.Request) -> web.StreamResponse:
    """A line now, the next when the first was answered by another request."""
    answer = web.StreamResponse()
    request.app[STEP].clear()
    await answer.prepare(request)
    try:
        await answer.write(b"one\n")
        await request.app[STEP].wait()
        if FAULT == "cut off":
            assert request.transport is not None
            request.transport.abort()
        await answer.write(b"two\n")
        await answer.write_eof()
    except (ConnectionResetError, asyncio.CancelledError):
        tell(hung_up=True)
        raise
    return answer


async def step(request: web.Request) -> web.Response:
    request.app[STEP].set()
    return web.Response()


async def drip(request: web.Request) -> web.StreamResponse:
    answer = web.StreamResponse()
    await answer.prepare(request)
    for _ in range(3):
        await answer.write(b".")
        await asyncio.sleep(float(request.query["pause"]))
    await answer.write_eof()
    return answer


async def never(request: web.Request) -> web.Response:
    await asyncio.sleep(1_000)
    return web.Response()


async def form(request: web.Request) -> web.Response:
    told = {}
    async for part in await request.multipart():
        told[part.name] = len(await part.read())  # type: ignore[union-attr]
    return web.json_response(told)


async def socket(request: web.Request) -> web.WebSocketResponse:
    answer = web.WebSocketResponse(protocols=("chat", "other"))
    await answer.prepare(request)
    async for message in answer:
        if message.data == "end":
            await answer.close(code=4_001, message=b"as you wish")
        elif isinstance(message.data, bytes):
            await answer.send_bytes(message.data[::-1])
        else:
            await answer.send_str(f"{request.query_string}:{message.data}")
    tell(socket_closed=answer.close_code)
    return answer


STEP: web.AppKey[asyncio.Event] = web.AppKey("step", asyncio.Event)


def application() -> web.Application:
    app = web.Application(client_max_size=2**30)
    app[STEP] = asyncio.Event()
    app.router.add_post("/v1/audio/speech", speech)
    app.router.add_post("/v1/audio/transcriptions", transcriptions)
    app.router.add_get("/v1/audio/voices", voices)
    app.router.add_get("/health", health)
    app.router.add_get("/count", count)
    app.router.add_post("/step", step)
    app.router.add_get("/drip", drip)
    app.router.add_get("/never", never)
    app.router.add_post("/form", form)
    app.router.add_get("/socket", socket)
    app.router.add_route("*", "/echo{rest:.*}", echo)
    return app


if __name__ == "__main__":
    sys.stdout.write("it speaks\n")
    sys.stdout.flush()
    if FAULT == "dies starting":
        sys.exit("no such GPU")
    if FAULT == "leaves children":
        sleep = [sys.executable, "-c", f"import time; time.sleep(1_000)  # {LOG}"]
        pids = [subprocess.Popen(sleep, start_new_session=own).pid for own in (False, True)]
        tell(children=pids, at=time.time())
    web.run_app(
        application(),
        host="127.0.0.1",
        port=int(sys.argv[1]),
        print=None,
        handler_cancellation=True,  # what waits sees its client go
    )
