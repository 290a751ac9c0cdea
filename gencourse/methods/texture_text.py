"""Text grown letter by letter (Shannon 1948, "A Mathematical Theory of Communication", sec. 3).

It is texture synthesis in one dimension: each letter is drawn among those that follow its context in the sample.
"""

from functools import cache, partial

import torch

from gencourse.expect import at_least


def next_letters(text: str, context: str) -> str:
    """Return the letters that follow `context` in the text, one for each time it occurs, in the text's order.

    Occurrences may overlap; one at the very end is followed by nothing. Every letter follows the empty context.
    """
    found, start = [], text.find(context)
    while 0 <= start < len(text) - len(context):
        found.append(text[start + len(context)])
        start = text.find(context, start + 1)
    return "".join(found)


def grow_text(text: str, length: int, *, context: int, generator: torch.Generator | None = None) -> str:
    """Grow a text that looks like another one.

    Args:
        text: The sample.
        length: Letters of the result.
        context: How many of the last letters decide on the next one. Where what is there occurs nowhere else, one
            letter fewer.
        generator: Draws the beginning and the letters.

    Returns:
        The text; it begins with a piece of the sample as long as the context, at the beginning of a line if there is
        one.

    Raises:
        ValueError: The text is not longer than the context, the context is negative, or the length below 1.

    Source: Shannon 1948, sec. 3.
    """
    at_least(0, context=context)
    at_least(1, length=length)
    if len(text) <= context:
        raise ValueError(f"the text has {len(text)} letters: it must be longer than the context of {context}")
    starts = [0] + [i + 1 for i in range(len(text) - context) if text[i] == "\n" and i + 1 + context <= len(text)]
    start = starts[int(torch.randint(len(starts), (), generator=generator, device="cpu"))]
    grown, following = text[start : start + context], cache(partial(next_letters, text))
    while len(grown) < length:
        seen = grown[len(grown) - min(context, len(grown)) :]
        while not (choices := following(seen)):
            seen = seen[1:]
        grown += choices[int(torch.randint(len(choices), (), generator=generator, device="cpu"))]
    return grown[:length]
