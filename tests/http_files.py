"""A server of files on this machine: whole, cut off, corrupted, busy, or gone; and a proxy."""

from __future__ import annotations

import hashlib
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

OPENSSL = shutil.which("openssl")


@dataclass
class Served:
    """How one path is answered.

    Attributes:
        content: The file.
        faults: What goes wrong with the first requests, one word each: ``cut``, ``corrupt``,
            ``stall`` (half of the file, then nothing), or a status such as ``503``.
        headers: More headers.
    """

    content: bytes
    faults: list[str] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class FileServer:
    """Hold what a server serves and what it was asked for."""

    address: str = ""
    files: dict[str, Served] = field(default_factory=dict)
    requests: list[str] = field(default_factory=list)
    authorizations: list[str | None] = field(default_factory=list)
    stalled: threading.Event = field(default_factory=threading.Event)
    closing: threading.Event = field(default_factory=threading.Event)

    def put(self, name: str, content: bytes, *faults: str, **headers: str) -> str:
        """Serve a file; return its address."""
        named = {key.replace("_", "-"): value for key, value in headers.items()}
        self.files[f"/{name}"] = Served(content, list(faults), named)
        return f"{self.address}/{name}"


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _handler(server: FileServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: object) -> None:
            """Keep the tests' output clean."""

        def do_GET(self) -> None:
            self.close_connection = True
            server.requests.append(self.path)
            server.authorizations.append(self.headers.get("Authorization"))
            # A proxy is asked for whole addresses.
            path = f"/{self.path.split('/', 3)[3]}" if "://" in self.path else self.path
            served = server.files.get(path)
            if served is None:
                self.send_error(404)
                return
            fault = served.faults.pop(0) if served.faults else ""
            if fault.isdigit():
                self.send_error(int(fault))
                return
            self._send(served, fault)

        def _send(self, served: Served, fault: str) -> None:
            content = served.content[::-1] if fault == "corrupt" else served.content
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            for name, value in served.headers.items():
                self.send_header(name, value)
            self.end_headers()
            half = len(content) // 2 if fault in ("cut", "stall") else len(content)
            self.wfile.write(content[:half])
            if fault == "stall":
                self.wfile.flush()
                server.stalled.set()
                server.closing.wait()

        def do_CONNECT(self) -> None:
            self.close_connection = True
            server.requests.append(f"CONNECT {self.path}")
            host, _, port = self.path.partition(":")
            with socket.create_connection((host, int(port))) as upstream:
                self.send_response(200)
                self.end_headers()
                back = threading.Thread(target=_copy, args=(upstream, self.connection))
                back.start()
                _copy(self.connection, upstream)
                back.join()

    return Handler


def _copy(source: socket.socket, target: socket.socket) -> None:
    """Hand on bytes until one side closes."""
    try:
        while data := source.recv(1 << 16):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
    except OSError:
        return


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that leaves half-way is what the tests are about."""


@contextmanager
def serving(certificate: tuple[Path, Path] | None = None) -> Iterator[FileServer]:
    """Serve on a free port of this machine, with https if a certificate and its key are given."""
    files = FileServer()
    http = _Quiet(("127.0.0.1", 0), _handler(files))
    scheme, host = "http", "127.0.0.1"
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        http.socket = context.wrap_socket(http.socket, server_side=True)
        scheme, host = "https", "localhost"
    files.address = f"{scheme}://{host}:{http.server_address[1]}"
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield files
    finally:
        files.closing.set()
        http.shutdown()
        thread.join()
        http.server_close()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Make a certificate that nobody has signed, for this machine's own names."""
    certificate, key = folder / "certificate.pem", folder / "key.pem"
    command = [
        *(str(OPENSSL), "req", "-x509", "-nodes", "-days", "2", "-subj", "/CN=localhost"),
        *("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"),
        *("-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"),
        *("-keyout", str(key), "-out", str(certificate)),
    ]
    subprocess.run(command, check=True, capture_output=True)
    return certificate, key
