"""A student's function called and judged: the same in a notebook and in grading."""
