"""Chapter 99b, an example."""

import torch
from wrong_answers import all_right, all_wrong, right


@right("mix")
def mixed_by_lerp(a, b, weight):
    return torch.lerp(a, b, weight)


all_right("mix", by_the_difference=lambda a, b, weight: a + weight * (b - a))
all_wrong("mix", {"where a tensor is asked for": lambda a, b, weight: [(1 - weight) * a + weight * b]})
