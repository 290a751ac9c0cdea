"""A written answer is shown wherever a student put it, and an untouched question is none."""

import copy
import json

import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell

from gencourse.chapters import pages
from gencourse.homework import tasks
from gencourse.homework.grading import answers, submission
from gencourse.homework.handout import build

# Chapters with several questions, some of them long, some with a cell for the answer alone.
ASKED = [(asked, question) for asked in map(tasks.chapter, ("01", "03")) for question in asked.questions]


def lose_ids(nb, i):
    for k, cell in enumerate(nb.cells):
        cell.id, cell.metadata = f"x{k}", {}


def again(nb, i, text, make=new_markdown_cell):
    return make(text, metadata=nb.cells[i].metadata)


WAYS = {
    "in its place": lambda nb, i: nb.cells[i].update(source="first second"),
    "split": lambda nb, i: nb.cells.__setitem__(slice(i, i + 1), [again(nb, i, "first"), again(nb, i, "second")]),
    "split, the first half new": lambda nb, i: nb.cells.__setitem__(
        slice(i, i + 1), [new_markdown_cell("first"), again(nb, i, "second")]
    ),
    "new cells below": lambda nb, i: nb.cells.__setitem__(
        slice(i + 1, i + 1), [new_markdown_cell("first"), new_code_cell("# second")]
    ),
    "an empty copy below": lambda nb, i: nb.cells.__setitem__(
        slice(i, i + 1), [again(nb, i, "first second"), again(nb, i, ""), again(nb, i, nb.cells[i].source)]
    ),
    "as code": lambda nb, i: nb.cells.__setitem__(i, again(nb, i, "first second", new_code_cell)),
    "a new cell in its place": lambda nb, i: nb.cells.__setitem__(i, new_markdown_cell("first second")),
    "ids lost": lambda nb, i: (nb.cells.insert(i + 1, new_markdown_cell("first second")), lose_ids(nb, i)),
    "at the top": lambda nb, i: nb.cells.insert(0, new_markdown_cell("first second")),
    "nothing": lambda nb, i: None,
    "nothing, ids lost": lose_ids,
}


@pytest.mark.parametrize(("asked", "question"), ASKED, ids=lambda x: getattr(x, "id", ""))
@pytest.mark.parametrize("way", WAYS)
def test_where_an_answer_is_found(way, asked, question):
    notebook = copy.deepcopy(pages.read(build.homework() / f"{asked.name}.ipynb"))
    WAYS[way](notebook, [cell.id for cell in notebook.cells].index(question.id))
    found = answers.written_answers(submission.parse(json.dumps(notebook).encode()), asked)[question.id]
    if way.startswith("nothing"):
        assert found == ""
    else:
        assert "first" in found and "second" in found and answers.ANSWER not in found
