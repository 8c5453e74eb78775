"""A model hub on loopback, as far as huggingface_hub's client asks one: folders served as repositories.

    with serving(root, {"owner/name": commit}) as hub:
        hub.faults["owner/name/config.json"] = Fault(status=503, times=2)

`root` has `models/<owner>/<name>/…` and `datasets/<owner>/<name>/…`. A repository is called `owner/name`, one of data
`datasets/owner/name`; its commit is that named in `commits`, else one derived from its files. Branch `main` leads to
that commit; another revision is 404 RevisionNotFound, as on the real hub.
"""

from __future__ import annotations

import hashlib
import json
import re
import socket
import struct
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from urllib.parse import unquote, urlsplit

from tests.conftest import on_loopback

# what the hub keeps in Git LFS: its ETag is the sha256 of the file, that of others the id of the git blob
LFS_SUFFIXES = {".bin", ".safetensors", ".h5", ".msgpack", ".ot", ".onnx", ".parquet", ".zip"}
INFO = re.compile(r"/api/(models|datasets)/([^/]+/[^/]+)(?:/(revision|tree)/([^/]+))?")
FILE = re.compile(r"/(?:(datasets)/)?([^/]+/[^/]+)/resolve/([^/]+)/(.+)")
BLOCK = 64  # bytes between two pauses of a slow body


@dataclass
class Fault:
    """What goes wrong with requests for a repository or file, by default with each of them."""

    status: int = 0  # answered in place of what was asked for; 0: what was asked for
    headers: Mapping[str, str] = field(default_factory=dict)  # that go with it
    page: bytes | None = None  # a body to answer with status 200, whatever was asked for
    cut: int | None = None  # bytes of the body after which the connection closes, although more were announced
    reset: bool = False  # the connection is reset: at once, or after `cut` bytes
    delay: float = 0.0  # seconds of silence before the answer
    pause: float = 0.0  # seconds before each BLOCK of the body
    etag: str = ""  # what a file's content is called, in place of its checksum
    flip: bool = False  # one byte in the middle of the body is another one; the ETag is that of the right bytes
    files: bool = False  # files alone are hit, not what is asked about the repository
    methods: tuple[str, ...] = ("HEAD", "GET")
    times: int | None = None  # how many requests are hit before all is well; None: each
    token: str = ""  # requests with this token pass


def gated(token: str = "") -> Fault:
    """The files are for those who accepted the terms."""
    message = "Access to this repository is restricted and you are not in the authorized list."
    return Fault(403, {"X-Error-Code": "GatedRepo", "X-Error-Message": message}, files=True, token=token)


def rate_limited(times: int | None = None, seconds: int = 1) -> Fault:
    """Too many requests: come back in so many seconds."""
    return Fault(429, {"Retry-After": str(seconds)}, times=times)


@dataclass(frozen=True)
class Request:
    """One line of the log. `path` is as asked for, query included; `range` the header, or ''."""

    method: str
    path: str
    status: int  # 0 where the connection was reset
    range: str = ""

    @property
    def file(self) -> tuple[str, str, str] | None:
        """(repository, revision, name in it) of a request for a file."""
        match = FILE.fullmatch(unquote(urlsplit(self.path).path))
        return (_name(match[1], match[2]), match[3], match[4]) if match else None


@dataclass
class Hub:
    """A running hub: where it is, what it serves, what it was asked for, and what goes wrong in it."""

    address: str = ""
    commits: dict[str, str] = field(default_factory=dict)  # of `main`, by repository
    folders: dict[tuple[str, str], Path] = field(default_factory=dict)  # by repository and commit: all that is served
    log: list[Request] = field(default_factory=list)
    # by the beginning of what is hit: "" everything, "owner/name" a repository, "owner/name/config.json" a file
    faults: dict[str, Fault] = field(default_factory=dict)
    closing: threading.Event = field(default_factory=threading.Event)

    def add(self, repo: str, folder: Path, commit: str = "") -> str:
        """Serve the folder as that repository's main, now the commit given back; earlier commits stay there."""
        commit = commit or _commit(folder)
        self.commits[repo] = commit
        self.folders[repo, commit] = folder
        return commit

    def fault(self, target: str, method: str, is_file: bool, token: str) -> Fault | None:
        """What goes wrong with this request."""
        for beginning, fault in self.faults.items():
            hit = not beginning or target == beginning or target.startswith(beginning + "/")
            hit = hit and method in fault.methods and (is_file or not fault.files)
            if hit and fault.times != 0 and not (fault.token and token == fault.token):
                fault.times = None if fault.times is None else fault.times - 1
                return fault
        return None


@contextmanager
def serving(root: Path, commits: Mapping[str, str] | None = None) -> Iterator[Hub]:
    """The hub of the repositories below a folder, while the block runs."""
    hub = Hub()
    for kind in ("models", "datasets"):
        for folder in sorted((root / kind).glob("*/*")):
            repo = _name(kind, folder.relative_to(root / kind).as_posix())
            hub.add(repo, folder, (commits or {}).get(repo, ""))
    handler = type("Handler", (_Handler,), {"hub": hub, "lock": threading.Lock()})
    with on_loopback(handler) as hub.address:
        try:
            yield hub
        finally:
            hub.closing.set()


def etag(path: Path) -> str:
    """What the hub calls the file's content: sha256 in LFS, else git's id of the blob."""
    return _etag(path, path.stat().st_mtime_ns)


@cache
def _etag(path: Path, changed: int) -> str:
    content = path.read_bytes()
    return hashlib.sha256(content).hexdigest() if _in_lfs(path) else _blob(content)


def _blob(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _in_lfs(path: Path) -> bool:
    return path.suffix in LFS_SUFFIXES


def _files(folder: Path) -> dict[str, Path]:
    """The files of a repository by name; what begins with a dot is none."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))
    return {path.relative_to(folder).as_posix(): path for path in paths}


def _commit(folder: Path) -> str:
    return _blob("".join(f"{name} {etag(path)}\n" for name, path in _files(folder).items()).encode())


def _name(kind: str | None, repo: str) -> str:
    return f"datasets/{repo}" if kind == "datasets" else repo


class _Handler(BaseHTTPRequestHandler):
    """Answers one connection."""

    protocol_version = "HTTP/1.1"
    hub: Hub
    lock: threading.Lock

    def do_HEAD(self) -> None:
        path = unquote(urlsplit(self.path).path)  # a proxy is asked with the host before the path
        about, file = INFO.fullmatch(path), FILE.fullmatch(path)
        repo = _name(about[1], about[2]) if about else _name(file[1], file[2]) if file else ""
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        with self.lock:
            fault = self.hub.fault(f"{repo}/{file[4]}" if file else repo, self.command, bool(file), token) or Fault()
        if self.hub.closing.wait(fault.delay):
            return
        if fault.reset and fault.cut is None:
            self._reset()
        elif fault.status:
            self._answer(fault.status, fault.headers)
        elif fault.page is not None:
            self._answer(200, fault.headers, fault.page)
        elif path == "/":
            self._answer(200)
        elif not repo or repo not in self.hub.commits:
            self._missing("RepoNotFound", status=401)  # as for one that is private
        else:
            revision = (about[4] if about else file[3] if file else "") or "main"
            commit = self.hub.commits[repo] if revision == "main" else revision
            folder = self.hub.folders.get((repo, commit))
            if folder is None:
                self._missing("RevisionNotFound")
            elif file:
                self._file(_files(folder).get(file[4]), commit, fault)
            elif about:
                self._about(repo, folder, commit, tree=about[3] == "tree")

    do_GET = do_HEAD

    def _about(self, repo: str, folder: Path, commit: str, tree: bool) -> None:
        """What the repository is, or which files it has."""
        files = _files(folder)
        content: object = [self._entry(name, path) for name, path in files.items()]
        if not tree:
            siblings = [{"rfilename": name} for name in files]
            content = {"id": repo.removeprefix("datasets/"), "sha": commit, "siblings": siblings, "tags": []}
            content |= {"private": False, "gated": False, "disabled": False, "downloads": 0, "likes": 0}
        self._answer(200, {"Content-Type": "application/json"}, json.dumps(content).encode())

    @staticmethod
    def _entry(name: str, path: Path) -> dict[str, object]:
        size = path.stat().st_size
        if not _in_lfs(path):
            return {"type": "file", "path": name, "size": size, "oid": etag(path)}
        pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{etag(path)}\nsize {size}\n".encode()
        lfs = {"oid": etag(path), "size": size, "pointerSize": len(pointer)}
        return {"type": "file", "path": name, "size": size, "oid": _blob(pointer), "lfs": lfs}

    def _file(self, path: Path | None, commit: str, fault: Fault) -> None:
        headers = {"X-Repo-Commit": commit}
        if path is None:
            self._missing("EntryNotFound", headers)
            return
        content = path.read_bytes()
        headers |= {"ETag": f'"{etag(path)}"', "Accept-Ranges": "bytes"}
        if _in_lfs(path):
            headers |= {"X-Linked-ETag": f'"{etag(path)}"', "X-Linked-Size": str(len(content))}
        if fault.etag:
            headers = {"X-Repo-Commit": commit, "ETag": fault.etag}
        if fault.flip:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        if asked is None:
            self._answer(200, headers, content, fault)
            return
        start, stop = int(asked[1]), min(int(asked[2] or len(content) - 1) + 1, len(content))
        headers["Content-Range"] = f"bytes {start}-{stop - 1}/{len(content)}"
        if start >= len(content):
            self._answer(416, {"Content-Range": f"bytes */{len(content)}"})
        else:
            self._answer(206, headers, content[start:stop], fault)

    def _missing(self, code: str, headers: Mapping[str, str] | None = None, status: int = 404) -> None:
        self._answer(status, {**(headers or {}), "X-Error-Code": code, "X-Error-Message": code})

    def _answer(
        self, status: int, headers: Mapping[str, str] | None = None, body: bytes = b"", fault: Fault | None = None
    ) -> None:
        fault = fault or Fault()
        self._note(status)
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        whole = fault.cut is None or len(body) <= fault.cut
        rest = memoryview(body)[: fault.cut]
        size = BLOCK if fault.pause else max(len(rest), 1)
        try:
            for start in range(0, len(rest), size):
                if self.hub.closing.wait(fault.pause) and fault.pause:
                    return
                self.wfile.write(rest[start : start + size])
                self.wfile.flush()
        except OSError:  # the client has gone, as one that was killed
            self.close_connection = True
            return
        if not whole:
            self.close_connection = True
            if fault.reset:
                self._reset(noted=True)

    def _reset(self, noted: bool = False) -> None:
        """End the connection with a reset in place of an end."""
        if not noted:
            self._note(0)
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _note(self, status: int) -> None:
        self.hub.log.append(Request(self.command, self.path, status, self.headers.get("Range", "")))
