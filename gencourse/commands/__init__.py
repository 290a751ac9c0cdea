"""The commands, one a file: a new file here is a new command, `gencourse.cli` finds it.

A command has `ABOUT`, one line for the help; `EXAMPLES`, lines that can be typed; `arguments(parser)`, which declares
its arguments; and `main(args)`, which does the work and returns the exit code. `ORDER`, a number, is its place in the
help, without one the end. Help must come at once, so what is heavy (torch, numpy, nbformat, ...) is imported by the
functions that need it. A file whose name begins with `_` is no command.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class UserError(Exception):
    """Something the person at the keyboard can put right: told in one line, without a traceback."""


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn the errors that wrong input causes in the package into a UserError.

    To be laid around the reading of input, not around the work: there an error is a mistake of ours and keeps its
    traceback.

    Raises:
        UserError: in place of ValueError, OSError, LookupError and DownloadError.
    """
    from gencourse.data.cache import DownloadError

    try:
        yield
    except BrokenPipeError:  # that is no input
        raise
    except (ValueError, OSError, LookupError, DownloadError) as error:
        raise UserError(" ".join(str(error).split())) from error


def output_file(path: str, *endings: str) -> Path:
    """Return where the result goes, tried before the work rather than after it; its folder is made.

    Args:
        path: as it was typed.
        endings: what may be written beside pictures, such as ".npz".

    Raises:
        ValueError: it is a folder, or its ending names no format that can be written.
        OSError: nothing can be written there.
    """
    from gencourse import images

    out = Path(path).expanduser()
    if out.is_dir() or out.suffix.lower() not in images.writable().union(endings):
        wanted = " or ".join([".png", *endings] if endings else [".png", ".jpg"])
        raise ValueError(f"cannot write to {path!r}: -o needs a file name that ends in {wanted}")
    writable(out.parent)
    return out


def unfinished(out: Path) -> Path:
    """Return where an unfinished result goes: it does not take the place of a finished one."""
    return out.with_stem(f"{out.stem}-stopped") if out.exists() else out


def writable(folder: Path) -> None:
    """Make a folder, and try whether files can be written there.

    Raises:
        OSError: they cannot; the message names the folder.
    """
    import tempfile

    folder.mkdir(parents=True, exist_ok=True)
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise OSError(f"nothing can be written to {folder}: {error.strerror or error}") from error
