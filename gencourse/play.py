"""The name that `gencourse.show.play` had until 0.2, for chapter 06 and copies of it that were handed out."""

from gencourse.show.play import png

__all__ = ["png"]
