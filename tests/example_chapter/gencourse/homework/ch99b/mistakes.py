"""Chapter 99b: what goes wrong in its task, and what is said about it."""

from gencourse.homework.checking.check import Mistakes, add_mistakes

MISTAKES: Mistakes = {}

add_mistakes(
    MISTAKES,
    "mix",
    {
        "a and b have changed places: at weight 0 the line is at a": lambda a, b, weight: weight * a + (1 - weight) * b,
        "the weights must add up to one: how much is left for a?": lambda a, b, weight: a + weight * b,
        "the weight does not count: this is the mean of both": lambda a, b, weight: (a + b) / 2,
    },
)
