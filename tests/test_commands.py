"""The commands are found in their folder, say enough of themselves, and answer for help without loading torch."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest

from gencourse import cli, commands

HEAVY = (
    "torch",
    "torchvision",
    "numpy",
    "PIL",
    "matplotlib",
    "safetensors",
    "nbformat",
    "nbclient",
    "nbconvert",
    "IPython",
    "tqdm",
)
NEW = '''
ABOUT = "count to a number"
EXAMPLES = """
gencourse count 3
"""

def arguments(parser):
    parser.add_argument("most", type=int)

def main(args):
    print(*range(1, args.most + 1))
    return 0
'''


def every_help() -> list[list[str]]:
    """Return the arguments that ask for a help text: of gencourse, of each command, and of each action in it."""
    found, parsers = [], [([], cli.build())]
    for words, parser in parsers:  # grows as it goes
        found.append([*words, "--help"])
        for action in parser._actions:
            if isinstance(action.choices, dict):
                parsers += [([*words, name], child) for name, child in action.choices.items()]
    return found


def test_help_loads_nothing_heavy():
    wanted = [["--version"], *every_help()]
    assert ["homework", "grade", "--help"] in wanted and ["data", "fetch", "--help"] in wanted
    code = f"""
import contextlib, io, sys
from gencourse import cli
for words in {wanted!r}:
    with contextlib.redirect_stdout(io.StringIO()) as said, contextlib.suppress(SystemExit):
        cli.main(words)
    assert said.getvalue().startswith("gencourse " if words == ["--version"] else "usage: gencourse"), words
    print(*words, *(set({HEAVY!r}) & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines() == [" ".join(words) for words in wanted], done.stderr


def test_the_version_loads_no_command():
    code = (
        "import sys; from gencourse import cli; cli.main(['--version']); print('gencourse.commands.run' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert re.fullmatch(r"gencourse \d+\.\d+\.\d+\nFalse\n", done.stdout), done.stderr


@pytest.mark.parametrize("name", cli.discover())
def test_a_command_says_what_it_does_and_its_examples_can_be_typed(name, capsys):
    command = cli.discover()[name]
    assert command.ABOUT and "\n" not in command.ABOUT and command.ABOUT[-1] != "."
    examples = [line for line in command.EXAMPLES.strip().splitlines() if line.startswith("gencourse ")]
    assert examples
    for line in examples:
        typed = re.split(r"\s{2,}", line)[0]  # what follows two spaces is a remark
        args = cli.build().parse_args(shlex.split(typed)[1:])
        assert args.command == name and args.main is command.main
    with pytest.raises(SystemExit) as stopped:
        cli.main([name, "--help"])
    said = capsys.readouterr().out
    assert stopped.value.code == 0 and f"examples:\n  gencourse {name}" in said
    assert command.ABOUT[1:] in " ".join(said.split())


def test_the_help_lists_every_command_in_order(capsys):
    with pytest.raises(SystemExit):
        cli.main(["--help"])
    listed = re.findall(r"^ {4}(\w+)", capsys.readouterr().out, flags=re.MULTILINE)
    assert listed == list(cli.discover())
    placed = [name for name, command in cli.discover().items() if hasattr(command, "ORDER")]
    assert placed[:3] == ["run", "stylize", "translate"] and placed[-1] == "doctor"


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """One more folder in which commands are looked for."""
    monkeypatch.setattr(commands, "__path__", [*commands.__path__, str(tmp_path)])
    yield tmp_path
    for file in tmp_path.glob("*.py"):
        sys.modules.pop(f"gencourse.commands.{file.stem}", None)
        vars(commands).pop(file.stem, None)


def test_a_new_file_is_a_new_command(folder, capsys):
    (folder / "count.py").write_text(NEW)
    (folder / "_shared.py").write_text("raise RuntimeError('no command')")
    assert cli.main(["count", "3"]) == 0
    assert capsys.readouterr().out == "1 2 3\n"
    assert list(cli.discover())[-1] == "count"
    with pytest.raises(SystemExit) as stopped:
        cli.main(["cuont", "3"])
    assert stopped.value.code == 2 and "did you mean 'count'?" in capsys.readouterr().err


def test_the_place_in_the_help_is_the_files_own(folder):
    before = list(cli.discover())
    (folder / "early.py").write_text(f"ORDER = 1\n{NEW}")
    (folder / "zebra.py").write_text(NEW)
    (folder / "ape.py").write_text(NEW)
    assert list(cli.discover()) == ["early", *before, "ape", "zebra"]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")
@pytest.mark.parametrize(
    ("typed", "offered"),
    [
        (["st"], ["stylize"]),
        (["homework", ""], ["build", "grade"]),
        (["homework", "grade", "--no"], ["--no-bubblewrap"]),
        (["stylize", "a", "b", "--start", "n"], ["noise"]),
        (["run", "pic"], ["picture.png"]),
        (["stylize", "a", "pic"], ["picture.png"]),
        (["sample", "dcgan_digits", "-o", "pic"], ["picture.png"]),
    ],
)
def test_the_shell_completes(tmp_path, typed, offered):
    """The script that docs/using.md has students make, in bash itself."""
    shtab = pytest.importorskip("shtab")
    (tmp_path / "picture.png").touch()
    words = ["gencourse", *typed]
    ask = f"COMP_WORDS=({shlex.join(words)}); COMP_CWORD={len(typed)}; _shtab_gencourse; echo ${{COMPREPLY[*]}}"
    script = f"{shtab.complete(cli.build(), shell='bash')}\ncompopt() {{ :; }}\n{ask}\n"
    done = subprocess.run(["bash"], input=script, cwd=tmp_path, capture_output=True, text=True)
    assert done.stdout.split() == offered, done.stderr
