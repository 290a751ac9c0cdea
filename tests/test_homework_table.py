"""The lecturer's table goes through spreadsheets and people, and nothing that anybody entered is lost."""

import csv
import io
import unicodedata
from pathlib import Path

import pytest

from gencourse.homework.grading import names, report, table
from gencourse.homework.grading.results import GradedSubmission, Mark
from gencourse.homework.tasks import Chapter, Question, Task

TASKS = (Task("task-a", "A", "easy", 2, 5, "01"), Task("task-b", "B", "easy", 3, 5, "01"))
ASKED = Chapter("01", "01_x", TASKS, (Question("question-q", "Q", 2),))
BY_HAND, SUM, A, B = "question-q (of 2, by hand)", "sum (of 5)", "task-a (of 2)", "task-b (of 3)"
STUDENTS = ("Jürgen Groß", "Łukasz", "Zoë/hw", "anna", "007", "=cmd")


def result(student: str, a: float | None = 2, b: float | None = 1.5, problem: str = "") -> GradedSubmission:
    marks = [Mark("task-a", "A", a, 2), Mark("task-b", "B", b, 3)]
    return GradedSubmission(student, "01", problem, marks, {"question-q": "text"}, {"task-a": "x"})


def write(folder: Path, students=STUDENTS, *, separator: str | None = None, **points) -> table.Table:
    out, record = folder / "grades.csv", folder / "grades" / "kept" / "graded.json"
    made = table.Table(out, record, ASKED, students, table.read_earlier(out, ASKED, record), separator)
    for student in students:
        made.add(points.get(student.replace(" ", "_")) or result(student))
    return made


def rows(folder: Path) -> dict[str, dict[str, str]]:
    data = (folder / "grades.csv").read_bytes()
    assert data.startswith(b"\xef\xbb\xbf"), "so that a spreadsheet knows that it is UTF-8"
    text = data.decode("utf-8-sig")
    separator = max(",;\t", key=text.split("\n")[0].count)
    return {row["student"]: row for row in csv.DictReader(io.StringIO(text), delimiter=separator)}


def through(folder: Path, change, *, separator: str = ",", encoding: str = "utf-8-sig", comma: bool = False) -> None:
    """Open the table in a spreadsheet, change cells, save it as that does."""
    read = list(rows(folder).values())
    for row in read:
        change(row)
    names_ = list(dict.fromkeys(name for row in read for name in row))
    text = io.StringIO()
    writer = csv.DictWriter(text, names_, delimiter=separator, lineterminator="\r\n")
    writer.writeheader()
    for row in read:
        numbers = {n: v.replace(".", ",") for n, v in row.items() if comma and table.as_number(v) is not None}
        writer.writerow(row | numbers)
    (folder / "grades.csv").write_bytes(text.getvalue().encode(encoding, "replace"))


SPREADSHEETS = {
    "English Excel": {},
    "German Excel": {"separator": ";", "encoding": "cp1252", "comma": True},
    "German Excel, UTF-8": {"separator": ";", "comma": True},
    "Excel's Unicode text": {"separator": "\t", "encoding": "utf-16"},
    "LibreOffice": {"encoding": "utf-8"},
    "LibreOffice, tabs": {"separator": "\t", "encoding": "utf-8"},
}


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_a_round_trip_loses_nothing(name, tmp_path):
    """Points by hand, a remark and a column of one's own; then grading again, with other points for one."""
    write(tmp_path, separator=";" if "German" in name else None)

    def change(row):
        row[BY_HAND], row["Bemerkung"], row["note"] = "1,5", f"für {row['student'][-3:]}", "siehe Heft"

    through(tmp_path, change, **SPREADSHEETS[name])
    write(tmp_path, anna=result("anna", a=0))
    found = rows(tmp_path)
    assert list(found) == [table.escape_formula(student) for student in STUDENTS]
    for student, row in found.items():
        assert row[BY_HAND] == "1,5" and row["Bemerkung"].startswith("für ") and row["note"] == "siehe Heft", student
        assert table.as_number(row[SUM]) == (1.5 if student == "anna" else 3.5)
    before = (tmp_path / "grades.csv").read_bytes()
    write(tmp_path, anna=result("anna", a=0))
    assert (tmp_path / "grades.csv").read_bytes() == before, "and again changes nothing"


REMARK = 'erste Zeile\nzweite; mit "Wort", 1,5\tund mehr'


@pytest.mark.parametrize("name", SPREADSHEETS)
def test_columns_moved_and_remarks_of_several_lines(name, tmp_path):
    """Columns in the opposite order, new ones in front and between, lines sorted anew, cells with line breaks."""
    write(tmp_path, separator=";" if "German" in name else None)

    def change(row):
        cells = dict(reversed(row.items()))
        row.clear()
        row.update({"Matrikel": "0042", **cells, BY_HAND: "2", "Bemerkung": REMARK, "": "ohne Namen"})

    through(tmp_path, change, **SPREADSHEETS[name])
    text = (tmp_path / "grades.csv").read_bytes()
    for _ in range(2):
        write(tmp_path)
        found = rows(tmp_path)
        assert list(found) == [table.escape_formula(student) for student in STUDENTS]
        for row in found.values():
            assert (row["Matrikel"], row["Bemerkung"], row[BY_HAND]) == ("0042", REMARK, "2"), row
            assert "ohne Namen" in row.values() and table.as_number(row[SUM]) == 3.5
    assert text != (tmp_path / "grades.csv").read_bytes()


def test_from_one_spreadsheet_into_another(tmp_path):
    """One corrects on a German machine, another on an English one, twice."""
    write(tmp_path)
    steps = ["German Excel, UTF-8", "English Excel", "LibreOffice, tabs", "German Excel, UTF-8"]
    for number, name in enumerate(steps):
        through(
            tmp_path, lambda row, n=number: row.update({f"Runde {n}": f"ü{n}", BY_HAND: "0,5"}), **SPREADSHEETS[name]
        )
        write(tmp_path)
    for row in rows(tmp_path).values():
        assert [row[f"Runde {n}"] for n in range(len(steps))] == [f"ü{n}" for n in range(len(steps))]
        assert row[BY_HAND] in ("0,5", "0.5") and table.as_number(row[SUM]) == 3.5


def test_points_that_a_person_changed_stay_and_count(tmp_path):
    write(tmp_path, ["anna", "ben"], anna=result("anna", a=0))
    through(tmp_path, lambda row: row.update({A: "1,5"}) if row["student"] == "anna" else None)
    for again in (result("anna", a=0), result("anna", a=0), result("anna", a=2)):
        write(tmp_path, ["anna", "ben"], anna=again)
        row = rows(tmp_path)["anna"]
        assert (row[A], row[SUM]) == ("1.5", "3") and "task-a by hand" in row["note"]
    assert rows(tmp_path)["ben"][A] == "2" and rows(tmp_path)["ben"]["note"] == ""


def test_a_number_that_became_a_date_is_nobodys_change(tmp_path):
    write(tmp_path, ["anna"])
    through(tmp_path, lambda row: row.update({B: "01. Mai"}))
    write(tmp_path, ["anna"])
    assert rows(tmp_path)["anna"][B] == "1.5" and rows(tmp_path)["anna"]["note"] == ""


def test_who_left_and_who_came_twice(tmp_path):
    write(tmp_path, ["anna", "ben", "cem"])
    through(tmp_path, lambda row: row.update({BY_HAND: "1"}) if row["student"] != "cem" else None)
    text = (tmp_path / "grades.csv").read_text(encoding="utf-8-sig")
    (tmp_path / "grades.csv").write_text(text + "anna,01,,,,2,,\r\n", encoding="utf-8-sig")
    earlier = table.read_earlier(tmp_path / "grades.csv", ASKED, tmp_path / "none.json")
    assert table.unmatched(earlier, ["anna", "dora"]) == ["ben"]
    write(tmp_path, ["anna", "dora"])
    found = rows(tmp_path)
    assert list(found) == ["anna", "dora", "ben"] and found["anna"][BY_HAND] == "1 / 2"
    assert found["ben"][BY_HAND] == "1" and table.GONE in found["ben"]["note"] and found["dora"][BY_HAND] == ""


@pytest.mark.parametrize(
    ("row", "student"),
    [
        ("JÃ¼rgen GroÃŸ", "Jürgen Groß"),
        ("?ukasz", "Łukasz"),
        (unicodedata.normalize("NFD", "Zoë/hw"), "Zoë/hw"),
        (" Anna ", "anna"),
        ("7", "007"),
        ("=cmd", "'=cmd"),
        ("12. Mrz", "3-12"),  # by its place alone
        ("somebody else", None),
    ],
)
def test_whose_line_is_whose(row, student):
    students = ["Jürgen Groß", "Łukasz", "Zoë/hw", "anna", "007", "'=cmd", "3-12", "x", "y"]
    if student is None:
        assert names.match([row], students) == {}
        return
    lines = [row if name == student else name for name in students]
    assert names.match(lines, students, students)[lines.index(row)] == student


def test_two_that_one_cannot_tell_apart_are_not_matched():
    assert names.match(["ANNA"], ["anna", "Anna"]) == {}


def test_the_table_is_there_row_by_row(tmp_path):
    """While others wait, with what was entered about them before."""
    write(tmp_path, ["anna", "ben"])
    through(tmp_path, lambda row: row.update({BY_HAND: "2"}))
    out, record = tmp_path / "grades.csv", tmp_path / "grades" / "kept" / "graded.json"
    made = table.Table(out, record, ASKED, ["anna", "ben", "cem"], table.read_earlier(out, ASKED, record))
    made.add(result("anna", a=1))
    found = rows(tmp_path)
    assert [row[A] for row in found.values()] == ["1", "2", ""] and found["cem"]["note"] == table.WAITING
    assert [row[BY_HAND] for row in found.values()] == ["2", "2", ""]


@pytest.mark.parametrize("content", ["a,b\n1,2\n", "", "\x00\x01", "student;chapter\nx;01\n"])
def test_a_file_that_is_no_table_of_ours_is_left_alone(content, tmp_path):
    (tmp_path / "grades.csv").write_text(content, encoding="utf-8")
    with pytest.raises(ValueError, match="give --out another name"):
        table.read_earlier(tmp_path / "grades.csv", ASKED, tmp_path / "none.json")


def test_names_of_ours_never_meet_names_of_theirs(tmp_path):
    students = ["anna", "anna.html/x", "anna.html_/x", "kept/x", "KEPT/y", "seed.txt/z", "Anna", "a.json/b"]
    files = report.page_files(students, tmp_path)
    assert len({str(path).casefold() for path in files.values()}) == len(students)
    for student, path in files.items():
        assert report.write_page(result(student), ASKED, path) == "", student
    assert not (tmp_path / "kept").exists()


def test_a_page_that_cannot_be_written_costs_nobody_else(tmp_path):
    (tmp_path / "anna.html").mkdir()
    assert "could not be written" in report.write_page(result("anna"), ASKED, tmp_path / "anna.html")


def test_what_was_not_graded_has_no_points(tmp_path):
    write(tmp_path, ["anna", "ben"], anna=result("anna", a=None), ben=result("ben", None, None, "not graded: damaged"))
    found = rows(tmp_path)
    assert (found["anna"][A], found["anna"][SUM]) == ("", "1.5") and "task-a" in found["anna"]["note"]
    assert found["ben"][SUM] == "" and found["ben"]["note"] == "not graded: damaged"
