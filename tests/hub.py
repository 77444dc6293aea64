"""A stand-in for the Hugging Face hub, and for any server of files, on loopback.

It speaks what `huggingface_hub` needs to list and fetch a repository: the list of files in pages,
large files as a redirect to another origin, ranges, the codes of refusals. It breaks where and when
it is told to; nobody who asks it knows.
"""

from __future__ import annotations

import gzip
import hashlib
import json
import random
import threading
from dataclasses import dataclass, field
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit

LARGE = 10_000
"""Bytes from which on a file is stored apart, as git-lfs does."""
PAGE = 3
"""Files on a page of the list."""
PIECE = 4096
WAIT = 20.0
"""Seconds after which whatever is held back is let go."""


@dataclass
class Faults:
    """How likely each is, of an answer to a request for a file: 0 to 1."""

    seed: int = 0
    cut: float = 0.0
    """The connection breaks off somewhere in the body."""
    error: float = 0.0
    """503."""
    wrong: float = 0.0
    """A byte of the body is another one."""
    deaf: float = 0.0
    """Ranges are ignored: the whole file is sent."""
    most: int = 2**30
    """So many in all."""


@dataclass
class Repository:
    commit: str
    files: dict[str, bytes]
    gated: bool = False
    sizes: dict[str, int] = field(default_factory=dict)
    """What the list tells of sizes, where that is not true."""


@dataclass(frozen=True)
class Asked:
    method: str
    host: str
    path: str
    range: str | None
    token: str | None


class Hub:
    """Runs inside its context. `url` goes into HF_ENDPOINT; plain files are below `url`/files/."""

    def __init__(self) -> None:
        self.repositories: dict[str, Repository] = {}
        self.files: dict[str, bytes] = {}
        self.faults = Faults()
        self.token = "hf_right"
        self.compresses = False
        """Whole files, whatever is asked for."""
        self.asked: list[Asked] = []
        self.sent = 0
        """Bytes of files."""
        self._allowed: int | None = None
        self._changed = threading.Condition()
        self._random = random.Random()

    def add(self, name: str, files: dict[str, bytes], *, gated: bool = False) -> Repository:
        """Or puts another commit in its place."""
        told = json.dumps([name, *((path, _sha256(data)) for path, data in files.items())])
        repository = Repository(hashlib.sha1(told.encode()).hexdigest(), files, gated)
        self.repositories[name] = repository
        return repository

    def break_often(self, faults: Faults) -> None:
        self.faults, self._random = faults, random.Random(faults.seed)

    def allow(self, count: int | None) -> None:
        """Sends so many bytes of files from now on, and then holds the rest back; None: all."""
        with self._changed:
            self._allowed = None if count is None else self.sent + count
            self._changed.notify_all()

    def held_back(self) -> bool:
        """All that was allowed was sent, and somebody waits for more."""
        with self._changed:
            return self._allowed is not None and self.sent >= self._allowed

    def take(self, wanted: int) -> int:
        """How many bytes may be sent now; waits until there are some."""
        with self._changed:
            self._changed.wait_for(lambda: self._room() > 0, WAIT)
            taken = min(wanted, self._room() or wanted)
            self.sent += taken
            return taken

    def _room(self) -> int:
        return 2**40 if self._allowed is None else self._allowed - self.sent

    def fault(self, chance: float) -> bool:
        with self._changed:
            if self.faults.most <= 0 or self._random.random() >= chance:
                return False
            self.faults.most -= 1
            return True

    def somewhere(self, length: int) -> int:
        with self._changed:
            return self._random.randrange(length) if length else 0

    def __enter__(self) -> Self:
        self._servers = [_Server(("127.0.0.1", 0), self) for _ in range(2)]
        self._threads = [threading.Thread(target=each.serve_forever) for each in self._servers]
        for thread in self._threads:
            thread.start()
        self.url, self.store = (f"http://127.0.0.1:{s.server_port}" for s in self._servers)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.allow(None)
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.shutdown()
            server.server_close()
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False
    block_on_close = True

    def __init__(self, address: tuple[str, int], hub: Hub) -> None:
        super().__init__(address, _Handler)
        self.hub = hub

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that is killed is no fault of ours."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = WAIT
    server: _Server

    def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002 - as it is there
        pass

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        hub, headers = self.server.hub, self.headers
        token = headers.get("authorization", "").removeprefix("Bearer ") or None
        url = urlsplit(self.path)
        where = headers.get("host", "")
        asked = Asked(self.command, where, url.path, headers.get("range"), token)
        hub.asked.append(asked)
        match unquote(url.path).split("/")[1:]:
            case ["api", "models", owner, name, "revision", revision]:
                if found := self._repository(f"{owner}/{name}", revision, listing=True):
                    told = {"id": f"{owner}/{name}", "sha": found.commit, "siblings": []}
                    self._json(told)
            case ["api", "models", owner, name, "tree", revision]:
                if found := self._repository(f"{owner}/{name}", revision, listing=True):
                    self._tree(found, int(parse_qs(url.query).get("cursor", ["0"])[0]))
            case [owner, name, "resolve", revision, *path]:
                if found := self._repository(f"{owner}/{name}", revision):
                    self._resolve(found, "/".join(path))
            case ["store", *_]:
                self._file(hub.files[url.path.removeprefix("/store/")])
            case ["files", name] if name in hub.files:
                self._file(hub.files[name])
            case _:
                self._refuse(404)

    def _repository(self, name: str, revision: str, *, listing: bool = False) -> Repository | None:
        """None: it was refused."""
        hub = self.server.hub
        found = hub.repositories.get(name)
        token = self.headers.get("authorization", "").removeprefix("Bearer ")
        if token and token != hub.token:
            self._refuse(401, message="Invalid credentials in Authorization header")
        elif found is None:
            self._refuse(404 if token else 401, "RepoNotFound")
        elif revision not in ("main", found.commit):
            self._refuse(404, "RevisionNotFound")
        elif found.gated and not token and not listing:
            self._refuse(401, "GatedRepo")
        else:
            return found
        return None

    def _tree(self, found: Repository, cursor: int) -> None:
        entries = []
        for path, data in [*found.files.items()][cursor : cursor + PAGE]:
            size = found.sizes.get(path, len(data))
            entry: dict[str, Any] = {"type": "file", "path": path, "size": size, "oid": _git(data)}
            if len(data) >= LARGE:
                entry["lfs"] = {"oid": _sha256(data), "size": size, "pointerSize": 134}
            entries.append(entry)
        more = {}
        if cursor + PAGE < len(found.files):
            address = f"{self.server.hub.url}{urlsplit(self.path).path}"
            following = f"{address}?recursive=True&cursor={cursor + PAGE}"
            more["Link"] = f'<{following}>; rel="next"'
        folders = [{"type": "directory", "path": "folder", "oid": _git(b""), "size": 0}]
        self._json([*folders, *entries], **more)

    def _resolve(self, found: Repository, path: str) -> None:
        hub = self.server.hub
        if path not in found.files:
            self._refuse(404, "EntryNotFound")
            return
        data = found.files[path]
        if len(data) < LARGE:
            self._file(data, tag=_git(data), **{"X-Repo-Commit": found.commit})
            return
        digest = _sha256(data)
        hub.files[digest] = data
        self.send_response(302)
        self.send_header("Location", f"{hub.store}/store/{digest}")
        self.send_header("X-Repo-Commit", found.commit)
        self.send_header("X-Linked-Etag", f'"{digest}"')
        self.send_header("X-Linked-Size", str(len(data)))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def _file(self, data: bytes, *, tag: str = "", **more: str) -> None:
        hub, faults = self.server.hub, self.server.hub.faults
        if self.command == "GET" and hub.fault(faults.error):
            self._refuse(503)
            return
        tag = f'"{tag or _sha256(data)}"'
        begin = self._begin(tag)
        if begin > len(data) or (begin == len(data) and begin):
            self.send_response(416)
            self.send_header("Content-Range", f"bytes */{len(data)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if begin else 200)
        if begin:
            self.send_header("Content-Range", f"bytes {begin}-{len(data) - 1}/{len(data)}")
        self.send_header("ETag", tag)
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Last-Modified", formatdate(0, usegmt=True))
        body = data[begin:]
        if hub.compresses and not begin:
            body = gzip.compress(body)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        for name, value in more.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self._send(body)

    def _begin(self, tag: str) -> int:
        given = self.headers.get("range", "").removeprefix("bytes=").removesuffix("-")
        known = self.headers.get("if-range", tag) == tag
        deaf = bool(given) and self.server.hub.fault(self.server.hub.faults.deaf)
        return int(given) if given.isdecimal() and known and not deaf else 0

    def _send(self, data: bytes) -> None:
        hub, faults = self.server.hub, self.server.hub.faults
        body = bytearray(data)
        if body and hub.fault(faults.wrong):
            body[hub.somewhere(len(body))] ^= 0xFF
        end = hub.somewhere(len(body)) if hub.fault(faults.cut) else len(body)
        at = 0
        while at < end:
            count = hub.take(min(PIECE, end - at))
            self.wfile.write(body[at : at + count])
            at += count
        if end < len(body):
            self.close_connection = True

    def _json(self, told: object, **headers: str) -> None:
        body = json.dumps(told).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def _refuse(self, status: int, code: str = "", message: str = "") -> None:
        self.send_response(status)
        if code:
            self.send_header("X-Error-Code", code)
        if message:
            self.send_header("X-Error-Message", message)
        self.send_header("Content-Length", "0")
        self.end_headers()


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _git(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()
