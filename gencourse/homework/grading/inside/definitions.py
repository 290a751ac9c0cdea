"""A function of a notebook got by running those of its lines that the function depends on, as Jupyter would.

`finding.find_cell` finds the cell that defines it, `slices.select` says which lines are run, `running.run` runs them.
What cannot be run here (a training, a shell command, a picture, a file, a loop that takes long) leaves something
Absent, which says so when it is used.
"""

from gencourse.homework.grading.inside.finding import (
    NotDefined,
    NotGraded,
    demand_readable,
    find_cell,
    imports,
    is_stub,
)
from gencourse.homework.grading.inside.names import bound_names
from gencourse.homework.grading.inside.reading import Cell, parse
from gencourse.homework.grading.inside.running import SECONDS, Shell, run
from gencourse.homework.grading.inside.slices import select, trainings

__all__ = ["SECONDS", "Cell", "NotDefined", "NotGraded", "Shell", "bound_names", "demand_readable", "find_cell"]
__all__ += ["imports", "is_stub", "parse", "run", "select", "trainings"]
