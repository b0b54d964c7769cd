"""A file is fetched whole and with its sum, or not at all; what went wrong is one sentence."""

from __future__ import annotations

import errno
import gzip
import os
import re
import stat
import time
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from lembas import downloads
from lembas.downloads import Outcome, Transfer, fetch
from lembas.errors import ChapterError
from lembas.profiles import Download
from lembas.workflow import locked
from tests.http_files import OPENSSL, FileServer, make_certificate, serving, sha256

CONTENT = bytes(range(256)) * 4000
NETWORK_VARIABLES = (
    *("http_proxy", "https_proxy", "all_proxy", "no_proxy", "REQUESTS_CA_BUNDLE"),
    *("CURL_CA_BUNDLE", "SSL_CERT_FILE", "SSL_CERT_DIR"),
)


@pytest.fixture(autouse=True)
def _plain_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """No proxy and no certificate of the machine, no pause between attempts."""
    for name in NETWORK_VARIABLES:
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=lambda _: None))


@pytest.fixture
def server() -> Iterator[FileServer]:
    with serving() as files:
        yield files


def one(url: str, folder: Path, *, known: str | None = sha256(CONTENT), **options) -> Outcome:
    """Fetch one file, raw/a.tsv."""
    (outcome,) = fetch({"raw/a.tsv": Download(url, known)}, folder, **options)
    return outcome


def files_in(folder: Path) -> dict[str, bytes]:
    """Return all that lies below a folder, hidden files too."""
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in found}


# What comes whole


def test_a_file_is_brought_and_not_brought_again(server: FileServer, tmp_path: Path) -> None:
    url = server.put("a.tsv", CONTENT)
    outcome = one(url, tmp_path / "new" / "folder")
    assert outcome == Outcome("raw/a.tsv", True, "downloaded, 1,024,000 bytes")
    assert files_in(tmp_path) == {"new/folder/raw/a.tsv": CONTENT}
    assert one(url, tmp_path / "new" / "folder").words == "is there already"
    assert server.requests == ["/a.tsv"]


def test_a_file_can_be_read_by_those_who_may_read_any_other(
    server: FileServer, tmp_path: Path
) -> None:
    one(server.put("a.tsv", CONTENT), tmp_path)
    (tmp_path / "other").touch()
    modes = {stat.S_IMODE((tmp_path / name).stat().st_mode) for name in ("raw/a.tsv", "other")}
    assert len(modes) == 1


@pytest.mark.parametrize("faults", [["cut"], ["cut", "cut", "cut"], ["corrupt"], ["503", "429"]])
def test_a_transfer_that_fails_is_tried_again(
    server: FileServer, tmp_path: Path, faults: list[str]
) -> None:
    assert one(server.put("a.tsv", CONTENT, *faults), tmp_path).is_there
    assert files_in(tmp_path) == {"raw/a.tsv": CONTENT}
    assert len(server.requests) == len(faults) + 1


def test_bytes_are_kept_as_they_lie_on_the_server(server: FileServer, tmp_path: Path) -> None:
    """Some servers call a .gz file an encoding, and libraries then unpack it on the way."""
    packed = gzip.compress(b"TF\tGene\n" * 100)
    url = server.put("a.tsv.gz", packed, Content_Encoding="gzip")
    assert one(url, tmp_path, known=sha256(packed)).is_there
    assert files_in(tmp_path) == {"raw/a.tsv": packed}


def test_an_empty_file_is_a_file(server: FileServer, tmp_path: Path) -> None:
    assert one(server.put("a.tsv", b""), tmp_path, known=sha256(b"")).is_there


# What does not come whole


@pytest.mark.parametrize(
    ("faults", "message", "n_requests"),
    [
        (["404"], "the server answers 404 (Not Found); check the address", 1),
        (["403"], "the server answers 403 (Forbidden); check the address", 1),
        (["503"] * 9, "the server answers 503 (Service Unavailable)", 4),
        (["cut"] * 9, "the transfer broke off after 512,000 bytes", 4),
        (["corrupt"] * 9, f"the bytes that came have sha256 {sha256(CONTENT[::-1])}, where", 2),
        (["stall"] * 9, "the transfer broke off after 4", 2),
    ],
)
def test_what_fails_leaves_nothing(
    server: FileServer, tmp_path: Path, faults: list[str], message: str, n_requests: int
) -> None:
    url = server.put("a.tsv", CONTENT, *faults)
    how = Transfer(timeout_s=0.3, retries=n_requests - 1 if faults[0] == "stall" else 3)
    outcome = one(url, tmp_path / "data", transfer=how)
    assert not outcome.is_there
    assert outcome.words.startswith(f"{url}: {message}")
    assert outcome.words.endswith("; nothing of it was kept")
    assert outcome.words.count("kept") == 1
    assert "\n" not in outcome.words
    assert len(server.requests) == n_requests
    assert files_in(tmp_path) == {}


def test_one_file_that_fails_does_not_keep_others_away(server: FileServer, tmp_path: Path) -> None:
    wanted = {
        "a": Download(f"{server.address}/nowhere", sha256(CONTENT)),
        "b": Download(server.put("b", CONTENT), sha256(CONTENT)),
    }
    assert [outcome.is_there for outcome in fetch(wanted, tmp_path)] == [False, True]
    assert files_in(tmp_path) == {"b": CONTENT}


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1/a", "no connection (Connection refused); check the address"),
        ("http://nowhere.invalid/a", "no connection ("),
    ],
)
def test_no_connection(tmp_path: Path, url: str, message: str) -> None:
    assert one(url, tmp_path).words.startswith(f"{url}: {message}")


@pytest.mark.parametrize(
    ("url", "proxy", "message"),
    [
        ("http://a..b/x", "", "Failed to parse: 'a..b', label empty or too long; check the add"),
        ("http://files.invalid/a", "http://", "malformed and could be missing the host; check"),
        ("http://files.invalid/a", "socks5://127.0.0.1:1", "SOCKS support; check the address, HT"),
    ],
)
def test_an_address_that_cannot_be_is_not_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, url: str, proxy: str, message: str
) -> None:
    if proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy)
    pauses: list[float] = []
    monkeypatch.setattr("pooch.core.time", SimpleNamespace(sleep=pauses.append))
    assert message in one(url, tmp_path).words
    assert pauses == []
    assert files_in(tmp_path) == {}


def test_without_a_known_sum_the_sum_is_said_and_nothing_kept(
    server: FileServer, tmp_path: Path
) -> None:
    outcome = one(server.put("a.tsv", CONTENT), tmp_path, known=None)
    assert not outcome.is_there
    assert "1,024,000 bytes were read and not kept" in outcome.words
    assert f"add the line `sha256: {sha256(CONTENT)}`" in outcome.words
    assert files_in(tmp_path) == {}


# Files that are there


def test_a_file_with_another_sum_is_left_alone_unless_asked(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.put("a.tsv", CONTENT, "404")
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.tsv").write_bytes(b"mine")
    outcome = one(url, tmp_path)
    assert not outcome.is_there
    assert f"is there with sha256 {sha256(b'mine')}, where the profile says" in outcome.words
    assert server.requests == []
    assert not one(url, tmp_path, again=True).is_there
    assert files_in(tmp_path) == {"raw/a.tsv": b"mine"}, "the old one stays until the new is whole"
    assert one(url, tmp_path, again=True).is_there
    assert files_in(tmp_path) == {"raw/a.tsv": CONTENT}


def test_a_file_that_is_there_without_a_known_sum(tmp_path: Path) -> None:
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw/a.tsv").write_bytes(CONTENT)
    outcome = one("http://127.0.0.1:1/a", tmp_path, known=None)
    assert f"names no sum; it has `sha256: {sha256(CONTENT)}`" in outcome.words


def test_a_folder_of_the_files_name(tmp_path: Path) -> None:
    (tmp_path / "raw/a.tsv").mkdir(parents=True)
    assert "is a folder; move it away" in one("http://127.0.0.1:1/a", tmp_path).words


def test_offline_names_what_is_missing_and_asks_no_server(
    server: FileServer, tmp_path: Path
) -> None:
    url = server.put("a.tsv", CONTENT)
    outcome = one(url, tmp_path, offline=True)
    path = tmp_path / "raw/a.tsv"
    assert outcome.words == f"is missing; get {url} (sha256 {sha256(CONTENT)}) and put it at {path}"
    assert list(tmp_path.iterdir()) == []
    path.parent.mkdir()
    path.write_bytes(CONTENT)
    assert one(url, tmp_path, offline=True).is_there
    assert server.requests == []


def test_names_and_passwords_come_from_netrc(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("machine 127.0.0.1 login me password secret\n")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))
    assert one(server.put("a.tsv", CONTENT), tmp_path / "data").is_there
    assert server.authorizations == ["Basic " + b64encode(b"me:secret").decode()]


# Disk and folder


def test_a_file_larger_than_the_disk_is_refused_before_it_comes(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = server.put("a.tsv", CONTENT)
    monkeypatch.setattr(downloads.shutil, "disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(OSError, match=r"has 1,024,000 bytes, and 1,000 are free on the disk"):
        one(url, tmp_path)
    assert files_in(tmp_path) == {}
    assert len(server.requests) == 1


def test_a_disk_that_fills_up_leaves_nothing(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Full:
        def update(self, _: bytes) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

    url = server.put("a.tsv", CONTENT)
    monkeypatch.setattr(downloads.hashlib, "sha256", Full)
    with pytest.raises(OSError, match=re.escape("No space left on device: 'raw/a.tsv'")):
        one(url, tmp_path)
    assert files_in(tmp_path) == {}
    assert len(server.requests) == 1, "another attempt would not help"


def test_a_folder_that_cannot_be_written_to(server: FileServer, tmp_path: Path) -> None:
    url = server.put("a.tsv", CONTENT)
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o500)
    if os.access(folder, os.W_OK):  # the superuser may write anywhere
        folder = tmp_path / "file" / "folder"
        folder.parent.touch()
    with pytest.raises(OSError, match=r"Permission denied|Not a directory"):
        one(url, folder)
    assert server.requests == []


def test_two_at_once_are_refused(tmp_path: Path) -> None:
    with (
        locked(tmp_path / downloads.WORKPLACE),
        pytest.raises(ChapterError, match="another lembas command is at work"),
    ):
        one("http://127.0.0.1:1/a", tmp_path)


def test_what_a_kill_has_left_is_cleared(server: FileServer, tmp_path: Path) -> None:
    left = tmp_path / downloads.WORKPLACE / "parts" / "raw" / "tmpabc"
    left.parent.mkdir(parents=True)
    left.write_bytes(CONTENT[:9])
    assert one(server.put("a.tsv", CONTENT), tmp_path).is_there
    assert files_in(tmp_path) == {"raw/a.tsv": CONTENT}


# Proxies and certificates


def test_a_proxy_named_in_the_environment_is_asked(
    server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.put("a.tsv", CONTENT)
    monkeypatch.setenv("HTTP_PROXY", server.address)
    url = "http://files.invalid/a.tsv"
    assert one(url, tmp_path).is_there
    assert server.requests == [url]


def test_a_proxy_that_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    words = one("http://files.invalid/a.tsv", tmp_path).words
    assert "the proxy cannot be used (Connection refused); check HTTP_PROXY" in words


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    if OPENSSL is None:
        pytest.skip("openssl is not there to make a certificate")
    return make_certificate(tmp_path_factory.mktemp("certificate"))


def test_a_certificate_is_trusted_only_when_named(
    certificate: tuple[Path, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(certificate) as files:
        url = files.put("a.tsv", CONTENT)
        words = one(url, tmp_path).words
        assert "the server's certificate is not trusted" in words
        assert "REQUESTS_CA_BUNDLE" in words
        assert files_in(tmp_path) == {}
        trusting = Transfer(certificate=str(certificate[0]))
        assert one(url, tmp_path / "by_setting", transfer=trusting).is_there
        monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(certificate[0]))
        assert one(url, tmp_path / "by_variable").is_there


def test_a_file_without_a_certificate_is_named(
    certificate: tuple[Path, Path], tmp_path: Path
) -> None:
    path = tmp_path / "proxy.pem"
    path.write_text("no certificate\n")
    with serving(certificate) as files:
        url = files.put("a.tsv", CONTENT)
        words = one(url, tmp_path / "data", transfer=Transfer(certificate=str(path))).words
    assert f"no certificate can be read from {path}; expected a text with" in words
    assert files_in(tmp_path / "data") == {}


def test_https_through_a_proxy(
    server: FileServer,
    certificate: tuple[Path, Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", server.address)
    trusting = Transfer(certificate=str(certificate[0]))
    with serving(certificate) as files:
        assert one(files.put("a.tsv", CONTENT), tmp_path, transfer=trusting).is_there
        host = files.address.partition("://")[2]
    assert server.requests == [f"CONNECT {host}"]


def test_the_pause_of_a_stalled_server_is_bounded(server: FileServer, tmp_path: Path) -> None:
    started = time.monotonic()
    url = server.put("a.tsv", CONTENT, "stall")
    assert one(url, tmp_path, transfer=Transfer(timeout_s=0.2)).is_there
    assert time.monotonic() - started < 5
