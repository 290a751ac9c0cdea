"""Minutes to grade a class, chapter by chapter.

    python benchmarks/grading.py --students 30 [--chapters 01 05] [--jobs 2]

Hand-ins are made from the solved notebooks: everybody leaves one task blank, in turn, and every tenth has a function
that never ends in another. `gencourse homework grade` then grades the folder, as a lecturer would.
"""

import argparse
import csv
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from gencourse.chapters import pages
from gencourse.homework.handout import build
from gencourse.homework.tasks import chapter


def hand_in(name: str, student: int, to: Path) -> None:
    """Write one student's notebook."""
    asked = chapter(name)
    notebook = pages.read(build.folder() / f"{asked.name}.ipynb")
    tasks = {task.id: task for task in asked.tasks}
    blank, endless = (asked.tasks[(student + i) % len(tasks)].id for i in (0, 1))
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = []
        if cell.id == blank:
            cell.source = build.without_solution(cell.source, tasks[cell.id])
        if cell.id == endless and student % 10 == 9:
            cell.source = cell.source.replace("### BEGIN SOLUTION", "while True:\n        pass")
    pages.write(notebook, to)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--students", type=int, default=30)
    parser.add_argument("--chapters", nargs="+", default=[path.stem.split("_")[0] for path in build.sources()])
    parser.add_argument("--jobs", type=int, default=2)
    args = parser.parse_args()
    print("| chapter | tasks | minutes | mean |\n|---|---|---|---|")
    for name in args.chapters:
        with tempfile.TemporaryDirectory() as folder:
            class_, table = Path(folder) / "class", Path(folder) / "grades.csv"
            class_.mkdir()
            for student in range(args.students):
                hand_in(name, student, class_ / f"student{student:02}.ipynb")
            command = [sys.executable, "-m", "gencourse.cli", "homework", "grade", class_, "--out", table]
            began = time.monotonic()
            subprocess.run([*command, "--chapter", name, "--jobs", str(args.jobs)], check=True, capture_output=True)
            minutes = (time.monotonic() - began) / 60
            rows = list(csv.DictReader(table.open()))
        column = next(key for key in rows[0] if key.startswith("sum"))
        mean = sum(float(row[column]) for row in rows) / len(rows)
        print(f"| {name} | {len(chapter(name).tasks)} | {minutes:.1f} | {mean:.1f} {column[5:-1]} |", flush=True)


if __name__ == "__main__":
    main()
