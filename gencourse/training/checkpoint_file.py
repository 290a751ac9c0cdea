"""The file that a killed training goes on from.

The half of `fit` that touches the disk. It imports nothing else of this package.
"""

import io
import os
import pickle
import warnings
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock, Timeout

FORMAT = 1


class CheckpointFile:
    """The file of one training: two generations of it, so that one good one is always there."""

    def __init__(self, path: str | os.PathLike):
        self.path = Path(path)
        self.previous = self.path.with_name(self.path.name + ".previous")
        self.partial = self.path.with_name(self.path.name + ".partial")
        self.checked = False  # whether what is saved can be read back: looked at once

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Keep other trainings from saving to the file meanwhile, here and in other processes.

        Raises:
            ValueError: Another one is saving to it.
        """
        lock = FileLock(self.path.with_name(self.path.name + ".lock"))
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=0)
        except Timeout:
            raise ValueError(
                f"another training is saving to {self.path} right now: stop it, or give this one another file"
            ) from None
        except (OSError, NotImplementedError):
            pass  # a drive that cannot lock, a folder where nothing can be written: what saving itself then tells
        try:
            yield
        finally:
            if lock.is_locked:
                with suppress(OSError):  # Windows removes no open file
                    os.unlink(lock.lock_file)
                lock.release()

    def read(self) -> dict[str, Any] | None:
        """Read the newest whole save. Never executes pickled code.

        Returns:
            What `write` was given, and its format; None where there is no save. Where the file was deleted there is
            none, whatever its previous generation says.
        """
        if not self.path.exists() and self.partial.exists():
            self._finish()
        for ending in (".damaged", ".previous.damaged"):
            if not self.path.exists():
                return None
            try:
                saved = _load(self.path)
                if saved["format"] == FORMAT:
                    return saved
                problem = f"it has format {saved['format']}, this version reads {FORMAT}"
            except Exception as error:  # a damaged file fails in many ways inside torch's reader
                problem = f"{type(error).__name__}: {str(error).splitlines()[0] if str(error) else ''}"
            aside = self.path.with_name(self.path.name + ending)
            os.replace(self.path, aside)  # else the next save would push it over the last good one
            self._fall_back()
            message = f"{self.path} cannot be used ({problem[:200]}); kept as {aside.name}, looking for an older save"
            warnings.warn(message, stacklevel=3)
        return None

    def _finish(self) -> None:
        """Make what `write` left half done the current save, if it is whole: only the last rename was missing then.

        If it is not, the file was deleted later, by hand, and what is left is of no use.
        """
        try:
            _load(self.partial)
        except Exception:  # as in `read`
            self.partial.unlink()
        else:
            os.replace(self.partial, self.path)

    def _fall_back(self) -> None:
        """Make the previous generation the current one."""
        if self.previous.exists():
            os.replace(self.previous, self.path)

    def write(self, saved: dict[str, Any]) -> bool:
        """Write a save; a crash at any moment leaves a whole file.

        Returns:
            Whether it was written: False, with a warning, when the disk fails.

        Raises:
            ValueError: `saved` holds what `read` would refuse.
        """
        buffer = io.BytesIO()
        torch.save({**saved, "format": FORMAT}, buffer)
        self._check(buffer)
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with open(self.partial, "wb") as file:
                file.write(buffer.getbuffer())
                file.flush()
                os.fsync(file.fileno())
            if self.path.exists():
                os.replace(self.path, self.previous)
            os.replace(self.partial, self.path)
        except OSError as error:
            with suppress(OSError):
                if not self.path.exists():
                    self._fall_back()
                self.partial.unlink(missing_ok=True)
            cause = "something else removed it while it was written, another training perhaps"
            told = cause if isinstance(error, FileNotFoundError) else error
            message = f"could not save to {self.path} ({told}); training goes on, an earlier save stays as it is"
            warnings.warn(message, stacklevel=3)
            return False
        return True

    def _check(self, buffer: io.BytesIO) -> None:
        if self.checked:
            return
        buffer.seek(0)
        try:
            torch.load(buffer, map_location="cpu", weights_only=True)
        except pickle.UnpicklingError as error:
            message = (
                "state holds more than tensors, numbers, strings, lists and dicts, and could not be read back safely"
            )
            raise ValueError(f"{message}: {str(error).splitlines()[-1]}") from error
        self.checked = True


def _load(path: Path) -> dict[str, Any]:
    with zipfile.ZipFile(path) as file:
        if broken := file.testzip():  # torch does not look at the checksums it has written
            raise ValueError(f"{broken} is damaged")
    return torch.load(path, map_location="cpu", weights_only=True)
