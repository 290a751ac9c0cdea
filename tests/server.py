"""A web server on the loopback interface that misbehaves as told, for the tests of downloads.

with Server(body) as server:
    server.script["/a"] = [dies_halfway, good]      # first request, second and all later ones
    server.url("/a"), server.requests               # [("/a", None), ("/a", "bytes=500-")]
"""

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

Behaviour = Callable[["Handler", bytes], None]


class Server:
    """Serve `body` at every path, each request as the script says; `gate` lets go what waits for it."""

    def __init__(self, body: bytes):
        self.body = body
        self.bodies: dict[str, bytes] = {}
        self.script: dict[str, list[Behaviour]] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.gate = threading.Event()
        self._lock = threading.Lock()
        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self._http.owner = self

    def __enter__(self) -> "Server":
        threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.gate.set()
        self._http.shutdown()
        self._http.server_close()

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self._http.server_address[1]}{path}"

    def next_behaviour(self, path: str, wanted: str | None) -> Behaviour:
        with self._lock:
            earlier = sum(p == path for p, _ in self.requests)
            self.requests.append((path, wanted))
            script = self.script.get(path, [good])
            return script[min(earlier, len(script) - 1)]


class Handler(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        owner = self.server.owner
        behaviour = owner.next_behaviour(self.path, self.headers["Range"])
        with contextlib.suppress(OSError):  # the client went away
            behaviour(self, owner.bodies.get(self.path, owner.body))
        self.close_connection = True

    def start(self) -> int:
        """First byte asked for."""
        return int(self.headers["Range"].removeprefix("bytes=").rstrip("-")) if self.headers["Range"] else 0

    def head(self, status: int, length: int | None = None, **headers: str) -> None:
        self.send_response(status)
        if length is not None:
            self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()

    def answer(self, body: bytes, sent: bytes | None = None) -> None:
        """Answer a request for (the rest of) `body` correctly, but send only `sent` of it."""
        start = self.start()
        if start:
            self.head(206, len(body) - start, Content_Range=f"bytes {start}-{len(body) - 1}/{len(body)}")
        else:
            self.head(200, len(body))
        self.wfile.write(body[start:] if sent is None else sent)
        self.wfile.flush()

    def log_message(self, *arguments: object) -> None:
        pass


def good(handler: Handler, body: bytes) -> None:
    handler.answer(body)


def ignores_range(handler: Handler, body: bytes) -> None:
    handler.head(200, len(body))
    handler.wfile.write(body)


def without_length(handler: Handler, body: bytes) -> None:
    handler.head(200)
    handler.wfile.write(body)


def endless(handler: Handler, body: bytes) -> None:
    handler.head(200)
    while not handler.server.owner.gate.is_set():
        handler.wfile.write(body)


def dies_halfway(handler: Handler, body: bytes) -> None:
    rest = body[handler.start() :]
    handler.answer(body, rest[: len(rest) // 2])


def resets_halfway(handler: Handler, body: bytes) -> None:
    dies_halfway(handler, body)
    handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    handler.connection.close()  # with data unread or unsent this is a reset, not an end


def truncates(handler: Handler, body: bytes) -> None:
    """Half a file, announced as a whole one."""
    handler.head(200, len(body) // 2)
    handler.wfile.write(body[: len(body) // 2])


def truncates_without_length(handler: Handler, body: bytes) -> None:
    handler.head(200)
    handler.wfile.write(body[: len(body) // 2])


def announces_too_much(handler: Handler, body: bytes) -> None:
    handler.head(200, len(body) + 100)
    handler.wfile.write(body)


def corrupts(handler: Handler, body: bytes) -> None:
    handler.answer(body[:-1] + bytes([body[-1] ^ 1]))


def login_page(handler: Handler, body: bytes) -> None:
    handler.head(200, Content_Type="text/html")
    handler.wfile.write(b"<html>please log in to this network</html>")


def wrong_place(handler: Handler, body: bytes) -> None:
    """Answers a request for a range with the whole file, calling it a range."""
    handler.head(206, len(body), Content_Range=f"bytes 0-{len(body) - 1}/{len(body)}")
    handler.wfile.write(body)


def stalls_halfway(handler: Handler, body: bytes) -> None:
    dies_halfway(handler, body)
    handler.server.owner.gate.wait(30)


def silent(handler: Handler, body: bytes) -> None:
    handler.server.owner.gate.wait(30)


def waits(handler: Handler, body: bytes) -> None:
    """Sends the head and then nothing until the gate opens; then all."""
    handler.answer(body, b"")
    handler.server.owner.gate.wait(30)
    handler.wfile.write(body[handler.start() :])


def speaks_nonsense(handler: Handler, body: bytes) -> None:
    handler.wfile.write(b"hello, this is not HTTP\r\n\r\n")


def status(code: int) -> Behaviour:
    return named(f"status {code}", lambda handler, body: handler.head(code, 0))


def redirects(path: str) -> Behaviour:
    return named(f"redirects to {path}", lambda handler, body: handler.head(302, 0, Location=path))


def named(name: str, behaviour: Behaviour) -> Behaviour:
    behaviour.__name__ = name
    return behaviour
