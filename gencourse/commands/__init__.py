"""What the command line does, one command a file. `gencourse.cli` reads the arguments and calls them."""

from collections.abc import Iterator
from contextlib import contextmanager


class UserError(Exception):
    """Something the person at the keyboard can put right: told in one line, without a traceback."""


@contextmanager
def input_errors() -> Iterator[None]:
    """Turn the errors that wrong input causes in the package into a UserError.

    To be laid around the reading of input, not around the work: there an error is a mistake of ours and keeps its
    traceback.
    """
    from gencourse.cache import DownloadError

    try:
        yield
    except (ValueError, OSError, LookupError, DownloadError) as error:
        raise UserError(" ".join(str(error).split())) from error
