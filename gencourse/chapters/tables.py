"""The parts of the README and of other pages that are generated.

Each stands between two markers with its name::

    <!-- chapters: begin (written by gencourse chapters --write) -->
    ...
    <!-- chapters: end -->
"""

import re
from collections.abc import Iterable, Sequence

from gencourse.chapters.facts import Facts, Picture

FOLDER, HERO = "docs/pictures", "hero.jpg"  # where the README's pictures lie; the first of them


def fill(text: str, part: str, lines: Iterable[str], name: str) -> str:
    """Put lines between the markers of a part.

    Args:
        text: of the page.
        part: what the markers are called: "chapters".
        lines: what shall stand between them.
        name: of the page, for the message.

    Returns:
        The page with the lines in place of what stood there.

    Raises:
        ValueError: the markers are not there, or not once.
    """
    markers = re.compile(rf"(<!-- {part}: begin [^\n]*-->\n).*?(<!-- {part}: end -->)", re.DOTALL)
    if len(markers.findall(text)) != 1 or text.count(f"<!-- {part}: ") != 2:
        raise ValueError(f"{name} needs one pair of markers, <!-- {part}: begin ... --> and <!-- {part}: end -->")
    return markers.sub(lambda found: found[1] + "".join(f"{line}\n" for line in lines) + found[2], text)


def chapter_rows(chapters: Sequence[Facts]) -> list[str]:
    """Return the README's table: a line for each chapter."""
    rows = ["| | chapter | you will | minutes (memory) | |", "|---|---|---|---|---|"]
    for one in chapters:
        shown = image(one.picture, f"{one.number}.jpg") if one.picture else ""
        link = f"[{one.title}](notebooks/{one.path.name})"
        rows.append(f"| {one.number} | {link} | {one.about} | {time_and_memory(one)} | {shown} |")
    return rows


def time_and_memory(chapter: Facts) -> str:
    """Return minutes, the machine's speed and memory of a chapter's kept run: "1.5 at 480 GFLOP/s (1.3 GB)"."""
    if chapter.minutes is None:
        return "not timed"
    speed = f" at {chapter.gflops:g} GFLOP/s" if chapter.gflops else ""
    return f"{chapter.minutes:g}{speed}" + (f" ({chapter.gigabytes:g} GB)" if chapter.gigabytes else "")


def hero(chapters: Sequence[Facts]) -> tuple[Facts, Picture]:
    """Return the chapter whose picture stands at the README's top, and the picture. Raises ValueError if not one."""
    found = [(one, one.hero) for one in chapters if one.hero]
    if len(found) != 1:
        who = ", ".join(one.path.stem for one, _ in found) or "none has"
        raise ValueError(f"one chapter must have a hero in its metadata, the README's first picture: {who}")
    return found[0]


def hero_line(chapters: Sequence[Facts]) -> list[str]:
    """Return the line of the README's first picture."""
    return [image(hero(chapters)[1], HERO)]


def image(picture: Picture, file: str) -> str:
    """Return a picture as markdown."""
    return f"![{picture.alt}]({FOLDER}/{file})"
