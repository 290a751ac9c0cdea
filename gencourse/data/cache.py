"""Where downloaded files lie, and what keeps them whole: hashes, locks between processes, unpacking."""

import contextlib
import errno
import gzip
import hashlib
import os
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

import platformdirs
from filelock import BaseFileLock, FileLock, Timeout
from tqdm.auto import tqdm

from gencourse.data.file import File

CHUNK = 1 << 18
CANNOT_LOCK = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EINVAL)  # says a drive


class DownloadError(RuntimeError):
    """A file could not be fetched, or not be kept. The message says why and what to do."""


def cache_dir() -> Path:
    """Return the folder for downloads: $GENCOURSE_CACHE, else `gencourse` in the platform's cache folder.

    It need not exist yet.

    Raises:
        DownloadError: when there is no home folder to look in.
    """
    try:
        if chosen := os.environ.get("GENCOURSE_CACHE"):
            return Path(chosen).expanduser().absolute()
        folder = platformdirs.user_cache_path("gencourse", appauthor=False, opinion=False)
        if not folder.is_absolute():  # so say older versions of platformdirs that no home is known
            raise RuntimeError(f"{folder} is not absolute")
    except (RuntimeError, ValueError) as error:
        raise DownloadError("no home folder is known here: set GENCOURSE_CACHE to a folder for downloads") from error
    return folder


def is_right(path: Path, sha256: str, size: int | None = None) -> bool:
    """Return whether `path` is a file with this hash, and size if given; what cannot be there is not right."""
    try:
        if size is not None and path.stat().st_size != size:
            return False
        with path.open("rb") as file:
            return _digest(file) == sha256
    except (FileNotFoundError, NotADirectoryError):
        return False


def unpack(file: File, folder: Path) -> Path:
    """Unpack the verified .gz `file` below `folder` beside itself, in one rename, and return the path of its content.

    Raises:
        DownloadError: when the folder cannot be written to, or the content is not what it should be.
    """
    packed = folder / file.name
    path = packed.with_suffix("")
    try:
        if _is_content(path, packed, file.unpacked):  # before any lock: a cache may be read-only
            return path
        with locked(packed.with_name(packed.name + ".lock")):
            if not _is_content(path, packed, file.unpacked):
                part = path.with_name(path.name + ".part")
                with gzip.open(packed) as source, part.open("wb") as target:
                    shutil.copyfileobj(source, target, CHUNK)
                if not _is_content(part, packed, file.unpacked):
                    raise DownloadError(f"{packed} does not hold what it should: delete it and try again")
                os.replace(part, path)
    except (OSError, EOFError, zlib.error) as error:
        raise unwritable(path, error) from error
    return path


def unwritable(path: Path, error: Exception) -> DownloadError:
    """Return the error to raise when `path` cannot be written."""
    return DownloadError(f"cannot write {path}: {error}. Set GENCOURSE_CACHE to a folder you may write to.")


@contextlib.contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file `path`, waiting while another process does; the system frees it when a process dies."""
    lock = FileLock(path)
    try:
        _acquire(lock, path.stem)
        yield
    finally:
        lock.release()


def _acquire(lock: BaseFileLock, name: str) -> None:
    try:
        lock.acquire(timeout=0)
    except Timeout:
        tqdm.write(f"another process is fetching {name}, waiting for it")
        lock.acquire(poll_interval=0.1)
    except NotImplementedError:
        pass  # as below, from older versions of filelock
    except OSError as error:
        if error.errno not in CANNOT_LOCK:
            raise  # some network drives cannot lock: two downloads may then spoil each other, which the hash notices


def _is_content(path: Path, packed: Path, sha256: str) -> bool:
    if sha256 or not path.exists():
        return is_right(path, sha256)
    with gzip.open(packed) as inside:
        return is_right(path, _digest(inside))


def _digest(file: IO[bytes] | gzip.GzipFile) -> str:
    digest = hashlib.sha256()
    while chunk := file.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()
