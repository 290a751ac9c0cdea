"""One method a file: the losses, steps and samplers that a lecture derives."""
