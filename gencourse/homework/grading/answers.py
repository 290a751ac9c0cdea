"""Written answers: every cell of a hand-in that can hold one, for a person to read. Nothing is guessed of their worth.

An answer is where its question was handed out, in a copy of that cell, or in a new cell beside it, of whatever type.
What is as it was handed out is no answer.
"""

from collections.abc import Iterable
from functools import cache

from gencourse.chapters import pages
from gencourse.chapters.find import find
from gencourse.homework.grading.submission import Cell, Submission
from gencourse.homework.tasks import ANSWER, Chapter, without_answer

ELSEWHERE = "(nothing beside the question; this stands elsewhere:)"
LONG = 40  # characters of a question that tell it from others


@cache
def handed_out(number: str) -> tuple[tuple[str, str], ...]:
    """Return id and text of each cell of a chapter, questions without their answers, as students get them."""
    cells = pages.read(find(number)).cells
    return tuple((cell.get("id", ""), plain(without_answer(cell.source))) for cell in cells)


def plain(text: str) -> str:
    """Return a text without its spaces and line ends, which editors change."""
    return " ".join(text.split())


def written_answers(submission: Submission, asked: Chapter) -> dict[str, str]:
    """Return all that can be the answer to each question, by its id; empty where there is nothing."""
    given = handed_out(asked.number)
    own = {question.id for question in asked.questions}
    known = ({name for name, _ in given if name}, {text for _, text in given if text} | {ANSWER})
    cells = [cell for cell in submission.cells if not is_ours(cell)]
    strange = [c for c in cells if c.type != "code" and c.id not in known[0] and is_written(c, "", known[1])]
    found = {}
    for question in asked.questions:
        index = next((i for i, (name, _) in enumerate(given) if name == question.id), None)
        prompt = given[index][1] if index is not None else ""
        before = given[index - 1] if index else ("", "")
        near = candidates(cells, question.id, prompt, before, known, own)
        told = [shown(cell) for cell in near if is_written(cell, prompt, known[1])]
        found[question.id] = "\n\n".join(told or ([ELSEWHERE, *map(shown, strange)] if strange else []))
    return found


def candidates(
    cells: list[Cell],
    name: str,
    prompt: str,
    before: tuple[str, str],
    known: tuple[set[str], set[str]],
    own: set[str],
) -> Iterable[Cell]:
    """Return the cells that can hold an answer, in the notebook's order.

    Args:
        cells: of the hand-in.
        name: id of the question.
        prompt: its text as handed out.
        before: id and text of the cell handed out before it.
        known: ids and texts of all cells handed out.
        own: ids of all questions.
    """
    start = plain(prompt.replace(ANSWER, ""))[:200]
    told = [i for i, cell in enumerate(cells) if cell.id == name]
    if len(start) >= LONG:
        told += [i for i, cell in enumerate(cells) if cell.id not in own and start in plain(cell.text)]
    told = told or [i for i, cell in enumerate(cells) if plain(cell.text) == prompt == ANSWER]
    if not told and before != ("", ""):
        told = [i for i, cell in enumerate(cells) if cell.id == before[0] or plain(cell.text) == before[1]][-1:]
    new = [cell.id not in known[0] and plain(cell.text) not in known[1] for cell in cells]
    chosen = set(told)
    for i in told:
        chosen |= set(run_of(new, i + 1, 1))
        chosen |= {j for j in run_of(new, i - 1, -1) if cells[j].type != "code"}
    return [cells[i] for i in sorted(chosen)]


def is_ours(cell: Cell) -> bool:
    """Whether only the students' copy has a cell: what a task makes possible, or how to fill the copy in."""
    return cell.id.startswith("expected-") or cell.text.startswith(
        ("*Expected:* ![", "[![Open in Colab]", "**This is a copy to be filled in")
    )


def run_of(new: list[bool], start: int, step: int) -> Iterable[int]:
    """Yield the places from a start on, forwards or backwards, as long as the cells there are new."""
    while 0 <= start < len(new) and new[start]:
        yield start
        start += step


def is_written(cell: Cell, prompt: str, texts: set[str]) -> bool:
    """Whether somebody wrote into a cell: it is neither empty nor as it was handed out."""
    text = plain(cell.text)
    return bool(cell.pictures) or (bool(text) and text != prompt and text not in texts)


def shown(cell: Cell) -> str:
    """Return a cell's text for a person, and that there are pictures in it."""
    pictures = f"\n[{cell.pictures} attached: open the notebook]" if cell.pictures else ""
    return cell.text.replace(ANSWER, "").strip() + pictures
