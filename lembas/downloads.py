"""Fetch the files that a profile declares: each whole and with its declared sum, or not at all."""

import hashlib
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pooch
import requests
import urllib3
from tqdm import tqdm

from lembas.atomic import write_atomically
from lembas.locks import locked
from lembas.profiles import Download
from lembas.provenance import digest

WORKPLACE = ".lembas-fetch"
CHUNK_BYTES = 1 << 16
# The server asks to come again; with any other 4xx it would say the same the next time.
COME_AGAIN = (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS)
# An address, or a proxy's, that no connection can be made to, whenever it is tried.
MALFORMED = (
    requests.exceptions.InvalidURL,
    requests.exceptions.InvalidSchema,
    urllib3.exceptions.LocationParseError,
)


@dataclass(frozen=True)
class Transfer:
    """Say how bytes are brought.

    Attributes:
        certificate: File or folder of the certificates to trust; None: those that the library
            ``requests`` finds.
        retries: How often a file is tried again.
        timeout_s: Seconds without a byte after which a connection counts as broken.
        progress: Whether to draw a bar on standard error.
    """

    certificate: str | None = None
    retries: int = 3
    timeout_s: float = 30.0
    progress: bool = False


@dataclass(frozen=True)
class Outcome:
    """Say what became of one file.

    Attributes:
        name: The file's name in the folder.
        is_there: Whether it lies there, with the declared sum.
        words: What was done or is amiss, and how to mend it.
    """

    name: str
    is_there: bool
    words: str


class FinalError(Exception):
    """A transfer failed and would fail again in the same way."""


def fetch(
    downloads: Mapping[str, Download],
    folder: str | Path,
    *,
    again: bool = False,
    offline: bool = False,
    transfer: Transfer | None = None,
) -> Iterator[Outcome]:
    """Put files into a folder; a file that is there with its sum is left alone.

    Args:
        downloads: Name in the folder to address and sum.
        folder: Where the files shall lie; made when missing.
        again: Whether files with another sum than the declared one are replaced.
        offline: Whether to ask no server, and to say what is missing.
        transfer: How bytes are brought.

    Yields:
        What became of a file, once it is known: first of those that are there.

    Raises:
        OSError: If the disk is full or the folder cannot be written to; no part of a file is left.
        ChapterError: If another process fetches into the same folder.
    """
    folder = Path(folder)
    wanted = []
    for name, item in downloads.items():
        present = _present(name, item, folder / name, again=again and not offline)
        if present is None:
            wanted.append(name)
        else:
            yield present
    if offline:
        yield from (_missing(name, downloads[name], folder / name) for name in wanted)
    elif wanted:
        with _workplace(folder) as place:
            for name in wanted:
                yield _brought(name, downloads[name], folder / name, place=place, how=transfer)


def _present(name: str, item: Download, path: Path, *, again: bool) -> Outcome | None:
    """Say what is there under a file's name; None: nothing, or what shall be replaced."""
    if path.is_dir():
        return Outcome(name, False, f"{path} is a folder; move it away")
    if not path.exists():
        return None
    found = digest(path)
    if found == item.sha256:
        return Outcome(name, True, "is there already")
    if item.sha256 is None:
        return Outcome(
            name, False, f"is there, but the profile names no sum; it has `sha256: {found}`"
        )
    if again:
        return None
    return Outcome(
        name,
        False,
        f"is there with sha256 {found}, where the profile says {item.sha256}; it was left as it "
        "is: delete it or call with --again, or correct the profile",
    )


def _missing(name: str, item: Download, path: Path) -> Outcome:
    known = "unknown" if item.sha256 is None else item.sha256
    return Outcome(name, False, f"is missing; get {item.url} (sha256 {known}) and put it at {path}")


@contextmanager
def _workplace(folder: Path) -> Iterator[Path]:
    """Make a folder for unfinished files beside the finished ones; clear what a kill has left."""
    place = folder / WORKPLACE
    with locked(place):
        try:
            parts = place / "parts"
            shutil.rmtree(parts, ignore_errors=True)
            parts.mkdir()
            yield parts
        finally:
            shutil.rmtree(place, ignore_errors=True)


def _brought(
    name: str, item: Download, target: Path, *, place: Path, how: Transfer | None
) -> Outcome:
    """Bring one file, and move it into place once its sum is right."""
    getter = _Getter(name, item, how or Transfer())
    store = pooch.create(
        path=place,
        base_url="",
        registry={name: item.sha256},
        urls={name: item.url},
        retry_if_failed=getter.how.retries,
    )
    try:
        part = Path(store.fetch(name, downloader=getter))
    except (FinalError, requests.RequestException) as error:
        return Outcome(name, False, f"{item.url}: {_reason(error)}; nothing of it was kept")
    except ValueError:  # pooch's word for another sum
        words = _other_sum(item, getter.sha256)
        return Outcome(name, False, f"{item.url}: {words}; nothing of it was kept")
    if item.sha256 is None:
        part.unlink()
        return Outcome(name, False, _unchecked(item, getter))
    # Temporary files are for their owner's eyes only; data are shared like any other file.
    ordinary = place / "mode"
    ordinary.touch()
    shutil.copymode(ordinary, part)
    write_atomically(target, lambda unfinished: _move(part, unfinished))
    return Outcome(name, True, f"downloaded, {getter.n_bytes:,} bytes")


def _move(part: Path, target: Path) -> None:
    # A folder below the data folder may be a link to another disk.
    shutil.move(part, target)


class _Getter:
    """Bring an address's bytes to a file, as they lie on the server; what pooch calls."""

    def __init__(self, name: str, item: Download, how: Transfer) -> None:
        self.name = name
        self.item = item
        self.how = how
        self.sha256 = ""
        self.n_bytes = 0

    def __call__(self, url: str, output_file: str, _store: Any) -> None:
        before, self.n_bytes = self.sha256, 0
        try:
            with requests.get(
                url,
                stream=True,
                timeout=self.how.timeout_s,
                verify=self.how.certificate or True,
                # A .gz that is unpacked on the way would not have its sum.
                headers={"Accept-Encoding": "identity"},
            ) as response:
                _check_status(response)
                self._write(response, Path(output_file))
        except requests.exceptions.SSLError as error:
            if (words := _about_certificates(error, self.how.certificate)) is not None:
                raise FinalError(words) from error
            raise
        except MALFORMED as error:
            words = " ".join(str(error).split()).rstrip(".")
            raise FinalError(f"{words}; check the address, HTTP_PROXY and HTTPS_PROXY") from error
        except urllib3.exceptions.HTTPError as error:
            raise requests.ConnectionError(
                f"the transfer broke off after {self.n_bytes:,} bytes"
            ) from error
        if before == self.sha256 and self.item.sha256 not in (None, self.sha256):
            raise FinalError(_other_sum(self.item, self.sha256))

    def _write(self, response: requests.Response, path: Path) -> None:
        """Write what comes, and sum it up."""
        total = response.raw.length_remaining or 0
        _check_room(total, path.parent, self.item.url)
        sum_of_bytes = hashlib.sha256()
        bar = tqdm(
            total=total or None,
            desc=self.name,
            unit="B",
            unit_scale=True,
            leave=False,
            disable=not self.how.progress,
        )
        try:
            with bar, path.open("wb") as stream:
                for chunk in response.raw.stream(CHUNK_BYTES, decode_content=False):
                    stream.write(chunk)
                    sum_of_bytes.update(chunk)
                    self.n_bytes += len(chunk)
                    bar.update(len(chunk))
        except OSError as error:
            raise OSError(error.errno, error.strerror, self.name) from error
        self.sha256 = sum_of_bytes.hexdigest()


def _about_certificates(error: Exception, trusted: str | None) -> str | None:
    """Say why no certificate can be trusted; None: the connection failed for another reason."""
    if "CERTIFICATE_VERIFY_FAILED" in str(error):
        return (
            "the server's certificate is not trusted; behind a proxy that shows its own, "
            "name the file of the proxy's certificate in REQUESTS_CA_BUNDLE"
        )
    # OpenSSL's word for a file that it cannot take certificates from.
    if "X509" in str(error):
        return (
            f"no certificate can be read from {trusted or 'the file of trusted certificates'}; "
            "expected a text with `-----BEGIN CERTIFICATE-----`, named in REQUESTS_CA_BUNDLE, "
            "CURL_CA_BUNDLE or SSL_CERT_FILE"
        )
    return None


def _check_status(response: requests.Response) -> None:
    if response.ok:
        return
    words = f"the server answers {response.status_code} ({response.reason})"
    if response.status_code < HTTPStatus.INTERNAL_SERVER_ERROR and (
        response.status_code not in COME_AGAIN
    ):
        raise FinalError(f"{words}; check the address")
    raise requests.HTTPError(words)


def _check_room(n_bytes: int, folder: Path, url: str) -> None:
    free = shutil.disk_usage(folder).free
    if n_bytes > free:
        raise OSError(
            f"{url} has {n_bytes:,} bytes, and {free:,} are free on the disk of the folder; make "
            "room, or name a folder on another disk; nothing of it was kept"
        )


def _unchecked(item: Download, getter: _Getter) -> str:
    return (
        f"{item.url}: the profile names no sha256, so that {getter.n_bytes:,} bytes were read and "
        "not kept; compare this sum with the source's own, then add the line "
        f"`sha256: {getter.sha256}`"
    )


def _other_sum(item: Download, found: str) -> str:
    return (
        f"the bytes that came have sha256 {found}, where the profile says {item.sha256}; the "
        "source has changed or the transfer is at fault: look at the source, and correct the "
        "profile if the new file is the one you want"
    )


def _reason(error: Exception) -> str:
    """Put what went wrong between here and the server into words."""
    if isinstance(error, requests.exceptions.ProxyError):
        return f"the proxy cannot be used ({_innermost(error)}); check HTTP_PROXY and HTTPS_PROXY"
    if isinstance(error, requests.Timeout):
        return "the server does not answer in time; try again later"
    if isinstance(error, requests.ConnectionError) and error.request is not None:
        return f"no connection ({_innermost(error)}); check the address and the network"
    return " ".join(str(error).split())


def _innermost(error: BaseException) -> str:
    """Name the first cause; the libraries wrap it several times."""
    while (cause := error.__cause__ or error.__context__) is not None:
        error = cause
    return getattr(error, "strerror", None) or " ".join(str(error).split())
