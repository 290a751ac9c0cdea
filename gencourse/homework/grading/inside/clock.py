"""A limit on the time that the lines of a notebook compute for."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

if hasattr(signal, "setitimer"):
    SIGNALS = {signal.SIGPROF: (signal.ITIMER_PROF, 1), signal.SIGALRM: (signal.ITIMER_REAL, 8)}


class TooLong(BaseException):
    """The lines of a notebook take too long; no `except Exception` of theirs catches it."""


class Clock:
    """Raises TooLong in the lines of a notebook after so many seconds of computing, or some times as many passed."""

    def __init__(self, seconds: float):
        self.seconds, self.inside, self.end = seconds, False, time.process_time() + seconds
        for number in SIGNALS if seconds else ():
            signal.signal(number, self.over)
        self.wind(seconds)

    def wind(self, seconds: float) -> None:
        """Set the alarm; 0 stops it. It rings again and again, for who catches the first."""
        if self.seconds:
            for timer, times in SIGNALS.values():
                signal.setitimer(timer, seconds * times, 0.5 * bool(seconds))

    def over(self, *_: Any) -> None:
        if self.inside:
            raise TooLong

    @contextmanager
    def running(self, *, free: bool) -> Iterator[None]:
        """Let the alarm count for a while. Once the time is over, only definitions and imports are run: free."""
        if self.seconds and time.process_time() > self.end and not free:
            raise TooLong
        self.inside = True
        try:
            yield
        except TooLong:
            self.inside, self.end = False, 0.0
            self.wind(1)
            raise
        finally:
            self.inside = False
