"""The map of the tasks of image generation, with a chapter lit up."""

from gencourse.show.diagrams.drawing import Diagram

# Task: what goes in.
TASKS = {
    "style transfer": "two pictures",
    "super-resolution": "a small picture",
    "unconditional\ngeneration": "noise",
    "generation\nfrom text": "words",
    "image-to-image\ntranslation": "a picture",
    "inpainting and\noutpainting": "a picture with a hole",
}


def task_map(*lit: str) -> None:
    """Show the tasks of image generation and what goes into each; the named ones are lit up.

    Args:
        lit: Tasks of the chapter, as they are named on the map ("image-to-image translation").

    Raises:
        ValueError: No such task.
    """
    names = {task.replace("\n", " "): task for task in TASKS}
    if unknown := set(lit) - set(names):
        raise ValueError(f"no task {sorted(unknown)[0]!r} on the map; there are {', '.join(names)}")
    card = Diagram(10, 1.3)
    bright = {names[task] for task in lit}
    for i, (task, goes_in) in enumerate(TASKS.items()):
        x = 0.87 + 1.652 * i
        card.text(x, 1.14, goes_in, size=8.5)
        card.arrow((x, 1.04), (x, 0.78))
        card.box(x, 0.44, task, "lit" if task in bright else "data", width=1.48, height=0.65)
    card.show()
