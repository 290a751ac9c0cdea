"""Landscapes drawn by ourselves, each in summer and in winter: translation between seasons with the truth at hand.

Example::

    pictures = seasons.render(range(8), "winter", size=128)     # (8, 3, 128, 128) in [0, 1]

What summer and winter share can be read off either picture: the lie of the land, what stands where, walls, the light.
Each hides something that the other shows: snow covers flowers, crops, the colour of crowns and most of a roof's; in
summer nothing tells whether it will snow. A translation can be right about the first and must guess the second.
"""

from gencourse.seasons.scenes import SEASONS, render

__all__ = ["SEASONS", "render"]
