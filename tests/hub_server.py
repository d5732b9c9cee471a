"""A model hub on the loopback, enough of one for the hub's real client to download from."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlsplit

COMMIT = "a" * 40


@dataclass
class HubServer:
    """What is served, and what was asked for."""

    url: str
    downloads: list[str] = field(default_factory=list)


class Handler(BaseHTTPRequestHandler):
    """Answers for one root; `serving` makes a subclass that knows it."""

    protocol_version = "HTTP/1.1"
    root: Path
    hub: HubServer

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        parts = urlsplit(self.path).path.strip("/").split("/")
        if parts[:2] == ["api", "models"] and (self.root / parts[2] / parts[3]).is_dir():
            self.describe(self.root / parts[2] / parts[3], whole="tree" not in parts)
        elif "resolve" in parts and (self.root / "/".join(parts[:2] + parts[4:])).is_file():
            self.send_file("/".join(parts[:2] + parts[4:]))
        else:
            self.reply(b"", status=404, headers={"X-Error-Code": "RepoNotFound"})

    def describe(self, repository: Path, *, whole: bool) -> None:
        files = sorted(path for path in repository.rglob("*") if path.is_file())
        names = [str(path.relative_to(repository)) for path in files]
        tree = [
            {"type": "file", "path": name, "size": path.stat().st_size, "oid": digest(path)}
            for name, path in zip(names, files, strict=True)
        ]
        siblings = [{"rfilename": name} for name in names]
        info = {"id": "x/y", "sha": COMMIT, "siblings": siblings, "private": False}
        self.reply(json.dumps(info if whole else tree).encode())

    def send_file(self, name: str) -> None:
        if self.command == "GET":
            self.hub.downloads.append(name)
        headers = {"ETag": f'"{digest(self.root / name)}"', "X-Repo-Commit": COMMIT}
        self.reply((self.root / name).read_bytes(), headers=headers)

    def reply(
        self, body: bytes, *, status: int = 200, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response(status)
        for key, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(key, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


@contextmanager
def serving(root: Path) -> Iterator[HubServer]:
    """Serve the folders `root`/owner/name as repositories."""
    hub = HubServer(url="")
    handler = type("RootHandler", (Handler,), {"root": root, "hub": hub})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    hub.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def digest(path: Path) -> str:
    return hashlib.sha1(path.read_bytes()).hexdigest()  # noqa: S324 - git's own name of a blob
