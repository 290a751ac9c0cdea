"""Homework: students' copies of the notebooks, checks that say what is wrong, and grades.

from gencourse.homework import check
check("gram_matrix", gram_matrix)
"""

from gencourse.homework.checking.check import Wrong
from gencourse.homework.checking.verdict import check

__all__ = ["Wrong", "check"]
