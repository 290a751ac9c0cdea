"""Fetch a file once, verified: resumed when cut off, from the next mirror when one fails, put in place in one rename.

Under its final name a file is always whole and right. What has not arrived in full lies beside it as `NAME.part`.
"""

import contextlib
import http.client
import os
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

from tqdm.auto import tqdm

from gencourse.data.cache import CHUNK, DownloadError, is_right, locked, unpack, unwritable
from gencourse.data.file import File


class MirrorError(Exception):
    """One mirror failed; `again` tells whether asking the same one once more can help."""

    def __init__(self, reason: str, again: bool = True):
        super().__init__(" ".join(reason.split()))
        self.again = again


def fetch_file(
    file: File, folder: Path, *, timeout: float = 30, tries: int = 3, pause: float = 1, hint: str = ""
) -> Path:
    """Return the path of `file` below `folder`, downloading it first when it is missing or wrong. Verified either way.

    Processes may ask for the same file at once: one downloads, the others wait for it. When it fails, nothing new lies
    under the final name, and the part that came is kept for the next call.

    Args:
        file: with its size, sha256 and mirrors.
        folder: of the cache.
        timeout: seconds without a byte after which a mirror counts as silent.
        tries: per mirror.
        pause: seconds between tries.
        hint: what an error about the mirrors says last.

    Raises:
        DownloadError: when no mirror sends the right file, or it cannot be kept.
    """
    path = folder / file.name
    try:
        if is_right(path, file.sha256, file.size):  # before any lock: a cache may be read-only
            return path
        path.parent.mkdir(parents=True, exist_ok=True)
        with locked(path.with_name(path.name + ".lock")):
            if not is_right(path, file.sha256, file.size):
                part = path.with_name(path.name + ".part")
                _from_mirrors(file, path, part, timeout, tries, pause, hint)
                os.replace(part, path)
    except OSError as error:  # those of the network have become MirrorError
        raise unwritable(path, error) from error
    return path


def fetch_unpacked(file: File, folder: Path, *, timeout: float = 30, hint: str = "") -> Path:
    """Like `fetch_file`; of a .gz return the path of its content, unpacked beside it. A .zip is read as it is.

    Where the content already lies there with the right hash, put by hand for instance, nothing is downloaded.

    Args:
        file: with its size, sha256 and mirrors, and where known the sha256 of its content.
        folder: of the cache.
        timeout: seconds without a byte after which a mirror counts as silent.
        hint: what an error about the mirrors says last.

    Raises:
        DownloadError: when no mirror sends the right file, or it cannot be kept.
    """
    if not file.name.endswith(".gz"):
        return fetch_file(file, folder, timeout=timeout, hint=hint)
    content = (folder / file.name).with_suffix("")
    if file.unpacked and is_right(content, file.unpacked):
        return content
    fetch_file(file, folder, timeout=timeout, hint=hint)
    return unpack(file, folder)


def _from_mirrors(file: File, path: Path, part: Path, timeout: float, tries: int, pause: float, hint: str) -> None:
    """Fill `part` with the right bytes from the first mirror that has them, or raise DownloadError."""
    reasons: dict[str, None] = {}  # in order, each once
    for url in file.mirrors:
        for attempt in range(tries):
            try:
                return _from_mirror(file, url, part, timeout)
            except MirrorError as error:
                reasons[f"  {url}: {error}"] = None
                if not error.again:
                    break
            if attempt + 1 < tries:
                time.sleep(pause)
    raise DownloadError(
        f"could not download {file.name} ({file.size:,} bytes):\n"
        + "\n".join(reasons or ["  no mirror is known"])
        + "\n"
        f"Try again later, what has arrived is kept; or put the file by hand at\n  {path}\n"
        f"(sha256 {file.sha256}). {hint}".rstrip()
    )


def _from_mirror(file: File, url: str, part: Path, timeout: float) -> None:
    """Download into `part`, going on from what it holds, and verify it. Raises MirrorError."""
    start = part.stat().st_size if part.exists() else 0
    if start < file.size:
        start = _download(file, url, part, start, timeout)
    if is_right(part, file.sha256, file.size):
        return
    part.unlink()
    if start:  # the earlier piece may have been the bad one: once more from the beginning
        return _from_mirror(file, url, part, timeout)
    raise MirrorError("sent something else (wrong size or sha256)", again=False)


def _download(file: File, url: str, part: Path, start: int, timeout: float) -> int:
    """Append to `part` what is missing; return the byte at which the download began. Raises MirrorError."""
    with _open(url, start, timeout) as response:
        start = _accepted_start(file, response, part, start)
        bar = tqdm(total=file.size, initial=start, unit="B", unit_scale=True, desc=part.stem, leave=False)
        with part.open("ab" if start else "wb") as out, bar:
            for chunk in _chunks(response, timeout):
                out.write(chunk)
                bar.update(len(chunk))
                if out.tell() > file.size:
                    break  # it may never end; the check that follows refuses it
            out.flush()
            os.fsync(out.fileno())
            if out.tell() < file.size:
                raise MirrorError(f"connection ended after {out.tell():,} of {file.size:,} bytes")
    return start


def _accepted_start(file: File, response: http.client.HTTPResponse, part: Path, start: int) -> int:
    """Where in the file the answer begins: `start`, or 0 from a server that ignores ranges. Raises MirrorError."""
    if start and response.status == 206:
        given = response.headers["Content-Range"] or "no range"
        if not given.startswith(f"bytes {start}-"):
            part.unlink()  # so that the next try needs no range
            raise MirrorError(f"went on from the wrong place (asked for byte {start}, got {given})")
    else:
        start = 0
    length = response.headers["Content-Length"]
    if length is not None and length != str(file.size - start):
        raise MirrorError(f"announces {length} bytes instead of {file.size - start}", again=False)
    return start


def _open(url: str, start: int, timeout: float) -> http.client.HTTPResponse:
    headers = {"User-Agent": "gencourse"} | ({"Range": f"bytes={start}-"} if start else {})
    with _network(timeout):
        return urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=timeout)


def _chunks(response: http.client.HTTPResponse, timeout: float) -> Iterator[bytes]:
    while True:
        with _network(timeout):
            chunk = response.read1(CHUNK)
        if not chunk:
            return
        yield chunk


@contextlib.contextmanager
def _network(timeout: float) -> Iterator[None]:
    """Turn what can go wrong with a connection into MirrorError. Errors of the disk must not pass through here."""
    try:
        yield
    except urllib.error.HTTPError as error:
        error.close()
        raise MirrorError(f"HTTP {error.code} {error.reason}", again=error.code >= 500 or error.code == 429) from error
    except (OSError, http.client.HTTPException) as error:
        cause = getattr(error, "reason", error)
        silent = isinstance(cause, TimeoutError)
        raise MirrorError(f"silent for {timeout:g} s" if silent else f"{type(cause).__name__}: {cause}") from error
